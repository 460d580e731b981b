//! WebSockets: both subprotocols, every code that a socket is closed with, limits, and clients that do everything wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::time::Duration;

use braid_plugin::{OperationStage, Plugin, Plugins, Refused, RequestStage, Stage, StatusCode};
use braid_settings::{ByteSize, Duration as Setting};
use futures_util::SinkExt;
use pretty_assertions::assert_eq;
use serde_json::{Value, json};
use support::{CHANGED, Server, Setup, Socket, code, get, next};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};

#[tokio::test]
async fn a_socket_has_many_operations() {
    let server = Server::start(|_| {}).await;
    let mut socket = server.begun().await;
    socket.subscribe("1", CHANGED).await;
    server.changed(0, "Chair").await;
    assert_eq!(socket.next().await, next("1", "Chair"));
    socket.subscribe("2", "subscription { changed(id: 2) { name } }").await;
    server.changed(1, "Table").await;
    assert_eq!(socket.next().await, next("2", "Table"));
    socket.subscribe("q", "{ product { name } }").await;
    let answer = json!({ "type": "next", "id": "q", "payload": { "data": { "product": { "name": "Chair" } } } });
    assert_eq!([socket.next().await, socket.next().await], [answer, json!({ "type": "complete", "id": "q" })]);
    socket.subscribe("m", "mutation { rename }").await;
    let answer = json!({ "type": "next", "id": "m", "payload": { "data": { "rename": "done" } } });
    assert_eq!([socket.next().await, socket.next().await], [answer, json!({ "type": "complete", "id": "m" })]);
    // The client ends one; the other goes on.
    let events = server.events(0).await;
    socket.send(json!({ "type": "complete", "id": "1" })).await;
    events.closed().await;
    server.changed(1, "Lamp").await;
    assert_eq!(socket.next().await, next("2", "Lamp"));
    // The same id may be used again.
    socket.subscribe("1", CHANGED).await;
    server.changed(2, "Bed").await;
    assert_eq!(socket.next().await, next("1", "Bed"));
    server.complete(2).await;
    assert_eq!(socket.next().await, json!({ "type": "complete", "id": "1" }));

    let line = server.lines("\"cause\":\"completed\"", 1).await.remove(0);
    assert_eq!((&line["protocol"], &line["events"]), (&"graphql-transport-ws".into(), &1.into()));
    let line = server.lines("\"kind\":\"mutation\"", 1).await.remove(0);
    assert_eq!((&line["protocol"], &line["status"]), (&"graphql-transport-ws".into(), &200.into()));
    assert_eq!(server.lines("\"status\":101", 1).await.len(), 1);
    assert_eq!(server.metric("websockets ").await, 1.0);
    drop(socket);
    server.metric_is("websockets ", 0.0).await;
    server.metric_is("streams_active{protocol=\"graphql-transport-ws\"}", 0.0).await;
    server.metric_is("http_server_active_requests", 0.0).await;
}

#[tokio::test]
async fn each_operation_has_an_id_that_the_log_has() {
    let server = Server::start(|_| {}).await;
    let mut socket = Socket::open(server.address, "graphql-transport-ws", &[("x-request-id", "theirs")]).await;
    socket.begin(json!({})).await;
    for id in ["1", "2"] {
        socket.subscribe(id, "{ product { name } }").await;
        assert_eq!([socket.next().await["type"].clone(), socket.next().await["type"].clone()], ["next", "complete"]);
    }
    let lines = server.lines("\"kind\":\"query\"", 2).await;
    assert_ne!(lines[0]["requestId"], lines[1]["requestId"]);
    assert_eq!((&lines[0]["clientRequestId"], &lines[1]["clientRequestId"]), (&"theirs".into(), &"theirs".into()));
    let answer =
        get(server.address, "/graphql?query=%7Bproduct%7Bname%7D%7D", "content-type: application/json\r\n").await;
    let lines = server.lines("\"kind\":\"query\"", 3).await;
    let line = lines.iter().find(|line| line["clientRequestId"].is_null()).unwrap();
    let id = line["requestId"].as_str().unwrap();
    assert!(answer.head.contains(&format!("x-request-id: {id}")), "{} {line}", answer.head);
}

#[tokio::test]
async fn the_older_subprotocol_is_spoken() {
    let server = Server::start(|_| {}).await;
    let mut socket = Socket::open(server.address, "graphql-ws", &[]).await;
    socket.send(json!({ "type": "connection_init", "payload": {} })).await;
    assert_eq!(socket.next().await, json!({ "type": "connection_ack" }));
    assert_eq!(socket.next().await, json!({ "type": "ka" }));
    let start = |id: &str, query: &str| json!({ "type": "start", "id": id, "payload": { "query": query } });
    socket.send(start("1", CHANGED)).await;
    server.changed(0, "Chair").await;
    let data =
        |name: &str| json!({ "type": "data", "id": "1", "payload": { "data": { "changed": { "name": name } } } });
    assert_eq!(socket.next().await, data("Chair"));
    // A new one takes the place of the old one.
    let events = server.events(0).await;
    socket.send(start("1", "subscription { changed(id: 2) { name } }")).await;
    events.closed().await;
    server.changed(1, "Table").await;
    assert_eq!(socket.next().await, data("Table"));
    let events = server.events(1).await;
    socket.send(json!({ "type": "stop", "id": "1" })).await;
    events.closed().await;
    socket.send(start("2", "{ nothing }")).await;
    let error = socket.next().await;
    assert_eq!((&error["type"], &error["id"]), (&"error".into(), &"2".into()));
    assert_eq!(error["payload"]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    socket.send(json!({ "type": "connection_terminate" })).await;
    assert_eq!(socket.closed().await.0, 1000);
}

#[tokio::test]
async fn refusals_end_the_operation_alone() {
    let server = Server::start(|_| {}).await;
    let mut socket = server.begun().await;
    for (payload, expected) in [
        (json!({ "query": "{ nothing }" }), "GRAPHQL_VALIDATION_FAILED"),
        (json!({ "query": "{" }), "GRAPHQL_PARSE_FAILED"),
        (json!({}), "INVALID_GRAPHQL_REQUEST"),
        (json!({ "query": 1 }), "INVALID_GRAPHQL_REQUEST"),
        (
            json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": "ab" } } }),
            "PERSISTED_QUERY_NOT_SUPPORTED",
        ),
    ] {
        socket.send(json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
        let error = socket.next().await;
        assert_eq!((error["type"].as_str(), code(&error).as_str()), (Some("error"), expected));
    }
    socket.subscribe("1", "{ product { name } }").await;
    assert_eq!(socket.next().await["type"], "next");
}

#[tokio::test]
async fn pings_are_answered_in_both_ways() {
    let server = Server::start(|setup| {
        setup.server.streams.websocket.ping_interval = Setting(Duration::from_millis(50));
        setup.server.streams.websocket.ping_timeout = Setting(Duration::from_millis(400));
    })
    .await;
    let mut socket = server.begun().await;
    socket.send(json!({ "type": "ping" })).await;
    assert_eq!(socket.next().await, json!({ "type": "pong" }));
    socket.send(json!({ "type": "ping", "payload": { "a": 1 } })).await;
    assert_eq!(socket.next().await, json!({ "type": "pong", "payload": { "a": 1 } }));
    socket.send(json!({ "type": "pong" })).await;
    socket.0.send(Message::Ping("x".into())).await.unwrap();
    assert_eq!(socket.frame().await, Message::Pong("x".into()));
    // One that answers pings stays; the library answers while it is read.
    let waiting = tokio::time::timeout(Duration::from_secs(1), socket.frame()).await;
    assert!(waiting.is_err(), "{waiting:?}");
    assert_eq!(server.metric("websockets ").await, 1.0);
    // One that is silent is gone.
    server.metric_is("websockets ", 0.0).await;
}

/// What a client does, and the code and a part of the reason that the socket is closed with.
async fn closes(change: impl FnOnce(&mut Setup), frames: Vec<Message>, expected: (u16, &str)) {
    let server = Server::start(change).await;
    let mut socket = server.socket().await;
    for frame in frames.clone() {
        let _ = socket.0.send(frame).await;
    }
    let closed = loop {
        match socket.frame().await {
            Message::Close(Some(frame)) => break (u16::from(frame.code), frame.reason.to_string()),
            Message::Close(None) => panic!("{frames:?}: no code"),
            _ => {}
        }
    };
    assert!(closed.0 == expected.0 && closed.1.contains(expected.1), "{frames:?}: {closed:?}");
    assert_eq!(server.metric(&format!("websockets_closed_total{{code=\"{}\"}}", expected.0)).await, 1.0);
    server.metric_is("websockets ", 0.0).await;
}

fn init() -> Message {
    Message::text(r#"{"type":"connection_init"}"#)
}

fn subscribe(id: &str) -> Message {
    Message::text(json!({ "type": "subscribe", "id": id, "payload": { "query": CHANGED } }).to_string())
}

#[tokio::test]
async fn each_fault_closes_the_socket_with_its_code() {
    let none = |_: &mut Setup| {};
    closes(none, vec![init(), Message::text("{\"type\":\"subscribe\"")], (4400, "not a JSON object")).await;
    closes(none, vec![init(), Message::text(r#"{"type":"start","id":"1","payload":{}}"#)], (4400, "type")).await;
    closes(none, vec![init(), Message::text(r#"{"type":"subscribe","payload":{}}"#)], (4400, "\"id\"")).await;
    closes(none, vec![Message::text(r#"{"type":"connection_init","payload":[]}"#)], (4400, "wrong kind")).await;
    closes(none, vec![Message::binary(&br#"{"type":"connection_init"}"#[..])], (4400, "sent as text")).await;
    closes(none, vec![subscribe("1")], (4401, "Unauthorized")).await;
    closes(none, vec![init(), subscribe("1"), subscribe("1")], (4409, "Subscriber for 1 already exists")).await;
    closes(none, vec![init(), init()], (4429, "Too many initialisation requests")).await;
    let quick = |setup: &mut Setup| {
        setup.server.streams.websocket.init_timeout = Setting(Duration::from_millis(50));
    };
    let idle = |setup: &mut Setup| setup.server.streams.idle_timeout = Some(Setting(Duration::from_millis(100)));
    closes(idle, vec![init()], (1000, "SUBSCRIPTION_IDLE")).await;
    let broken = json!({ "type": "subscribe", "id": "1", "payload": { "query": "{ broken }" } });
    closes(none, vec![init(), Message::text(broken.to_string())], (4500, "INTERNAL_SERVER_ERROR")).await;
    closes(quick, vec![], (4408, "initialisation timeout")).await;
    let small = |setup: &mut Setup| setup.server.streams.websocket.max_message_bytes = ByteSize(1_000);
    closes(small, vec![init(), Message::text("x".repeat(1_001))], (1009, "max_message_bytes")).await;
    // In pieces too.
    let piece = |code, is_last| Message::Frame(Frame::message("x".repeat(600), OpCode::Data(code), is_last));
    closes(small, vec![init(), piece(Data::Text, false), piece(Data::Continue, true)], (1009, "max_message_bytes"))
        .await;
    let broken = Message::Frame(Frame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true));
    closes(none, vec![init(), broken], (1007, "UTF-8")).await;
    let reserved = Message::Frame(Frame::message("x", OpCode::Data(Data::Reserved(5)), true));
    closes(none, vec![init(), reserved], (1002, "frame")).await;
}

#[tokio::test]
async fn a_client_without_a_known_subprotocol_is_told_so() {
    let server = Server::start(|_| {}).await;
    for offer in ["", "soap, mqtt"] {
        // The library refuses a response without one that it has offered, as browsers do; the code is for those that look.
        let offer = if offer.is_empty() { String::new() } else { format!("sec-websocket-protocol: {offer}\r\n") };
        let request = format!(
            "GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{offer}\r\n"
        );
        let stream = support::Streaming::send(server.address, &request).await;
        assert_eq!(stream.status(), 101);
        assert!(
            stream.head.to_lowercase().contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
            "{}",
            stream.head
        );
        let mut stream = stream;
        let rest = stream.bytes_to_end().await;
        assert_eq!(rest[..2], [0x88, rest.len() as u8 - 2]);
        assert_eq!(u16::from_be_bytes([rest[2], rest[3]]), 4406);
    }
}

#[tokio::test]
async fn what_is_no_handshake_is_refused() {
    let server = Server::start(|setup| setup.server.cors.origins = vec!["https://shop.example".to_owned()]).await;
    let key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let upgrade = "connection: upgrade\r\nupgrade: websocket\r\n";
    for (headers, status, code) in [
        (format!("{key}{upgrade}sec-websocket-version: 8\r\n"), 426, "WEBSOCKET_HANDSHAKE_INVALID"),
        (format!("{upgrade}sec-websocket-version: 13\r\n"), 426, "WEBSOCKET_HANDSHAKE_INVALID"),
        (format!("{key}sec-websocket-version: 13\r\n"), 426, "WEBSOCKET_HANDSHAKE_INVALID"),
        (
            format!("{key}{upgrade}sec-websocket-version: 13\r\norigin: https://evil.example\r\n"),
            403,
            "ORIGIN_NOT_ALLOWED",
        ),
        (format!("{key}{upgrade}sec-websocket-version: 13\r\norigin: null\r\n"), 403, "ORIGIN_NOT_ALLOWED"),
    ] {
        let refused = get(server.address, "/graphql", &headers).await;
        assert_eq!(refused.status, status, "{headers}");
        assert!(refused.text.contains(code), "{headers}: {}", refused.text);
        assert!(status != 426 || refused.head.contains("sec-websocket-version: 13"), "{}", refused.head);
    }
    let own = format!("http://{}", server.address);
    for origin in ["https://shop.example", &own] {
        Socket::open(server.address, "graphql-transport-ws", &[("origin", origin)]).await.begin(json!({})).await;
    }
    let off = Server::start(|setup| setup.server.streams.websocket.enabled = false).await;
    let refused = Socket::try_open(off.address, "graphql-transport-ws", &[]).await;
    assert_eq!(refused.err().map(|(status, _)| status), Some(400));
}

#[tokio::test]
async fn http2_has_no_sockets() {
    let server = Server::start(|_| {}).await;
    let stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(hyper_util::rt::TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::get(format!("http://{}/graphql", server.address))
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(http_body_util::Empty::<bytes::Bytes>::new())
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), 400);
    let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&body).contains("WEBSOCKET_NEEDS_HTTP1"), "{body:?}");
}

#[tokio::test]
async fn too_many_subscribes_are_refused_one_by_one() {
    let server = Server::start(|setup| setup.server.streams.websocket.max_operations = 10).await;
    let mut socket = server.begun().await;
    const MANY: usize = 100_000;
    let (sink, mut stream) = futures_util::StreamExt::split(socket.0);
    let mut sink = sink;
    let sending = tokio::spawn(async move {
        for number in 0..MANY {
            sink.feed(subscribe(&number.to_string())).await.unwrap();
        }
        sink.flush().await.unwrap();
        sink
    });
    let mut refused = 0;
    while refused < MANY - 10 {
        let message = futures_util::StreamExt::next(&mut stream).await.unwrap().unwrap();
        // On a slow machine there are pings among them.
        let Message::Text(text) = message else { continue };
        assert!(text.contains("SOCKET_OPERATION_LIMIT_REACHED"), "{text}");
        refused += 1;
    }
    let sink = sending.await.unwrap();
    socket = Socket(futures_util::stream::SplitStream::reunite(stream, sink).unwrap());
    server.changed(0, "Chair").await;
    assert_eq!(socket.next().await["type"], "next");
    assert_eq!(server.metric("streams_active{protocol=\"graphql-transport-ws\"}").await, 10.0);
    assert_eq!(server.metric("streams_refused_total{limit=\"Socket\"}").await, (MANY - 10) as f64);
}

#[tokio::test]
async fn limits_of_streams_count_on_sockets_too() {
    let server = Server::start(|setup| {
        setup.server.streams.max_per_client = Some(1);
        setup.server.streams.max_duration = Some(Setting(Duration::from_millis(300)));
    })
    .await;
    let mut socket = server.begun().await;
    socket.subscribe("1", CHANGED).await;
    server.events(0).await;
    socket.subscribe("2", CHANGED).await;
    assert_eq!(code(&socket.next().await), "CLIENT_STREAM_LIMIT_REACHED");
    assert_eq!(code(&socket.next().await), "SUBSCRIPTION_MAX_DURATION");
    // The socket stays.
    socket.subscribe("1", "{ product { name } }").await;
    assert_eq!(socket.next().await["type"], "next");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_gone() {
    let server = Server::start(|setup| setup.server.write_timeout = Setting(Duration::from_millis(500))).await;
    let mut socket = server.begun().await;
    socket.subscribe("1", CHANGED).await;
    let name = "x".repeat(500_000);
    let events = server.events(0).await;
    for _ in 0..300 {
        if events.send(support::changed(&name)).is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let line = server.lines("\"cause\":\"client_left\"", 1).await.remove(0);
    assert!(line["dropped"].as_u64().unwrap() > 0, "{line}");
    server.metric_is("websockets ", 0.0).await;
}

#[tokio::test]
async fn a_large_event_comes_whole() {
    let server = Server::start(|_| {}).await;
    let mut socket = server.begun().await;
    socket.subscribe("1", CHANGED).await;
    let name = "é".repeat(300_001);
    server.changed(0, &name).await;
    assert_eq!(socket.next().await, next("1", &name));
}

#[tokio::test]
async fn a_client_that_closes_is_answered() {
    let server = Server::start(|_| {}).await;
    let mut socket = server.begun().await;
    let (code, reason) = (1000.into(), "done".into());
    socket.0.close(Some(CloseFrame { code, reason })).await.unwrap();
    assert_eq!(socket.closed().await, (1000, "done".to_owned()));
}

#[tokio::test]
async fn half_a_message_and_the_end_of_the_connection_harm_nobody() {
    let server = Server::start(|setup| {
        setup.server.streams.websocket.ping_interval = Setting(Duration::from_millis(50));
        setup.server.streams.websocket.ping_timeout = Setting(Duration::from_millis(300));
    })
    .await;
    let mut socket = server.begun().await;
    socket.subscribe("1", CHANGED).await;
    let events = server.events(0).await;
    // The head of a frame of 100 bytes, and no more.
    socket.0.get_mut().write_all(&[0x81, 0x80 | 100, 0, 0, 0, 0, b'{']).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), events.closed()).await.expect("the client is found to be gone");
    server.metric_is("websockets ", 0.0).await;

    let mut socket = server.begun().await;
    socket.0.get_mut().write_all(&[0x81, 0x80 | 100, 0, 0, 0, 0, b'{']).await.unwrap();
    drop(socket);
    server.metric_is("websockets ", 0.0).await;
    server.metric_is("http_server_connections", 1.0).await;
}

#[tokio::test]
async fn sockets_are_closed_when_the_router_stops() {
    let mut server = Server::start(|_| {}).await;
    let mut sockets = Vec::new();
    for _ in 0..5 {
        let mut socket = server.begun().await;
        socket.subscribe("1", CHANGED).await;
        sockets.push(socket);
    }
    server.events(0).await;
    server.metric_is("streams_active{protocol=\"graphql-transport-ws\"}", 5.0).await;
    server.begin_stop();
    let mut when = Vec::new();
    let began = std::time::Instant::now();
    for socket in &mut sockets {
        assert_eq!(socket.closed().await, (1001, "SUBSCRIPTION_SHUTDOWN".to_owned()));
        when.push(began.elapsed());
    }
    server.stopped().await;
    server.lines("\"cause\":\"shutdown\"", 5).await;
    assert!(when.iter().max().unwrap() < &Duration::from_secs(4), "{when:?}");
}

#[tokio::test]
async fn a_reload_leaves_sockets_alone() {
    let server = Server::start(|_| {}).await;
    let mut socket = server.begun().await;
    socket.subscribe("1", CHANGED).await;
    server.changed(0, "Chair").await;
    assert_eq!(socket.next().await, next("1", "Chair"));
    let old = std::sync::Arc::downgrade(&server.front.current());
    server.swap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.changed(0, "Table").await;
    assert_eq!(socket.next().await, next("1", "Table"));
    socket.subscribe("2", "{ product { name } }").await;
    assert_eq!(socket.next().await["type"], "next");
    assert!(old.upgrade().is_none(), "the old version is kept");
}

const SECRET: &str = "a secret of at least thirty-two bytes";

fn authentication(required: bool) -> Value {
    let provider = json!({
        "name": "shop", "any_issuer": true, "any_audience": true, "keys": { "secret": SECRET },
        "algorithms": ["HS256"], "clock_skew": "0s",
    });
    json!({ "required": required, "jwt": { "providers": [provider] } })
}

fn token(subject: &str, lives: u64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({ "sub": subject, "exp": now + lives });
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

#[tokio::test]
async fn credentials_come_by_header_or_with_the_beginning() {
    let server = Server::start(|setup| setup.authentication = Some(authentication(true))).await;
    let bearer = format!("Bearer {}", token("ada", 100));
    for payload in [json!({ "Authorization": bearer }), json!({ "headers": { "authorization": bearer } })] {
        server.socket().await.begin(payload).await;
    }
    let header = [("authorization", bearer.as_str())];
    Socket::open(server.address, "graphql-transport-ws", &header).await.begin(json!({})).await;

    let refused = [
        (json!({}), "UNAUTHENTICATED"),
        (json!({ "Authorization": "Bearer nothing" }), "JWT_MALFORMED"),
        (json!({ "Authorization": "Basic nothing" }), "CREDENTIALS_SCHEME_UNKNOWN"),
        (json!({ "Authorization": format!("Bearer {}", token("ada", 0)) }), "JWT_EXPIRED"),
    ];
    for (payload, code) in refused {
        let mut socket = server.socket().await;
        socket.send(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.closed().await, (4403, code.to_owned()));
    }
    let mut socket = Socket::open(server.address, "graphql-ws", &[]).await;
    socket.send(json!({ "type": "connection_init", "payload": {} })).await;
    let error = socket.next().await;
    assert_eq!(
        (&error["type"], &error["payload"]["extensions"]["code"]),
        (&"connection_error".into(), &"UNAUTHENTICATED".into())
    );
    assert_eq!(socket.closed().await, (4403, "UNAUTHENTICATED".to_owned()));
    let line = server.lines("\"authenticatedBy\":\"shop\"", 0).await;
    assert!(line.is_empty(), "{line:?}");
}

#[tokio::test]
async fn a_socket_ends_with_its_credentials() {
    let server = Server::start(|setup| setup.authentication = Some(authentication(false))).await;
    let mut socket = server.socket().await;
    socket.begin(json!({ "Authorization": format!("Bearer {}", token("ada", 2)) })).await;
    socket.subscribe("1", CHANGED).await;
    server.changed(0, "Chair").await;
    assert_eq!(socket.next().await, next("1", "Chair"));
    assert_eq!(socket.closed().await, (4403, "SUBSCRIPTION_CREDENTIALS_EXPIRED".to_owned()));
    let line = server.lines("\"cause\":\"credentials_expired\"", 1).await.remove(0);
    assert_eq!((&line["authenticatedBy"], &line["events"]), (&"shop".into(), &1.into()));

    // Over HTTP it is the last event.
    let request = format!(
        "GET /graphql?query=subscription%7Bchanged%7Bname%7D%7D HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\nauthorization: Bearer {}\r\n\r\n",
        token("ada", 2)
    );
    let rest = support::Streaming::send(server.address, &request).await.chunks().await;
    assert!(rest.contains("SUBSCRIPTION_CREDENTIALS_EXPIRED"), "{rest}");
}

#[tokio::test]
async fn headers_come_with_the_beginning_where_it_is_allowed() {
    let user = |name: &str| json!({ "type": "next", "id": "1", "payload": { "data": { "user": name } } });
    let server = Server::start(|setup| setup.server.streams.websocket.init_headers = vec!["x-user".to_owned()]).await;
    let mut socket = Socket::open(server.address, "graphql-transport-ws", &[("x-user", "ada")]).await;
    socket.begin(json!({ "headers": { "X-User": "bob" } })).await;
    socket.subscribe("1", "{ user }").await;
    assert_eq!(socket.next().await, user("bob"));
    let mut socket = server.socket().await;
    socket.send(json!({ "type": "connection_init", "payload": { "x-user": "a\nb" } })).await;
    assert_eq!(socket.closed().await.0, 4400);

    let server = Server::start(|_| {}).await;
    let mut socket = Socket::open(server.address, "graphql-transport-ws", &[("x-user", "ada")]).await;
    socket.begin(json!({ "x-user": "bob" })).await;
    socket.subscribe("1", "{ user }").await;
    assert_eq!(socket.next().await, user("ada"));
}

#[tokio::test]
async fn what_is_to_be_seen_comes_with_the_beginning_too() {
    for plan in [true, false] {
        let server = Server::start(|setup| setup.gateway.exposure.plan = plan).await;
        let mut socket = server.socket().await;
        socket.begin(json!({ "headers": { "braid-expose": "plan, timings" } })).await;
        socket.subscribe("1", CHANGED).await;
        server.changed(0, "Chair").await;
        server.changed(0, "Table").await;
        let events = [socket.next().await, socket.next().await];
        for (number, event) in events.iter().enumerate() {
            let braid = &event["payload"]["extensions"]["braid"];
            assert_eq!(braid["plan"].is_string(), plan && number == 0, "{event}");
            assert_eq!(braid["timings"]["fetches"].is_array(), plan, "{event}");
            assert_eq!(braid["timings"]["made"].is_string(), plan && number == 0, "{event}");
        }
        socket.subscribe("q", "{ product { name } }").await;
        assert_eq!(socket.next().await["payload"]["extensions"]["braid"]["plan"].is_string(), plan);
    }
}

#[tokio::test]
async fn who_looks_on_has_a_subscription_of_its_own() {
    let server = Server::start(|setup| setup.gateway.exposure.plan = true).await;
    let mut plain = server.begun().await;
    plain.subscribe("1", CHANGED).await;
    server.changed(0, "Chair").await;
    assert_eq!(plain.next().await, next("1", "Chair"));
    let mut looking = server.socket().await;
    looking.begin(json!({ "braid-expose": "timings" })).await;
    looking.subscribe("1", CHANGED).await;
    server.changed(1, "Table").await;
    let event = looking.next().await;
    assert!(event["payload"]["extensions"]["braid"]["timings"].is_object(), "{event}");
    server.changed(0, "Lamp").await;
    assert_eq!(plain.next().await, next("1", "Lamp"), "others see nothing of it");
}

#[tokio::test]
async fn pages_of_other_sites_have_no_cookies() {
    let cookie = |setup: &mut Setup, credentials| {
        let mut config = authentication(false);
        config["jwt"]["sources"] = json!([{ "cookie": { "name": "session" } }]);
        setup.authentication = Some(config);
        setup.server.cors.origins = vec!["https://other.example".to_owned()];
        setup.server.cors.credentials = credentials;
    };
    let session = format!("session={}", token("ada", 100));
    let headers = [("origin", "https://other.example"), ("cookie", session.as_str())];
    for (credentials, expected) in [(true, 1.0), (false, 0.0)] {
        let server = Server::start(|setup| cookie(setup, credentials)).await;
        Socket::open(server.address, "graphql-transport-ws", &headers).await.begin(json!({})).await;
        assert_eq!(
            server.metric("authentication_requests_total{credentials=\"jwt\"}").await,
            expected,
            "{credentials}"
        );
    }
}

#[tokio::test]
async fn rate_limits_count_operations_and_refused_credentials() {
    let limits = json!({ "rules": [{ "name": "all", "by": [], "limit": 2, "per": "1h" }] });
    let server = Server::start(|setup| {
        setup.rate_limits = Some(limits.clone());
        setup.authentication = Some(authentication(false));
    })
    .await;
    let mut socket = server.begun().await;
    for _ in 0..2 {
        socket.subscribe("1", "{ product { name } }").await;
        assert_eq!(socket.next().await["type"], "next");
        assert_eq!(socket.next().await["type"], "complete");
    }
    socket.subscribe("1", "{ product { name } }").await;
    assert_eq!(code(&socket.next().await), "RATE_LIMITED");
    let mut socket = server.socket().await;
    socket.send(json!({ "type": "connection_init", "payload": { "Authorization": "Bearer x" } })).await;
    assert_eq!(socket.closed().await, (4403, "RATE_LIMITED".to_owned()));
}

#[tokio::test]
async fn a_client_ends_a_query_that_takes_long() {
    let server = Server::start(|setup| setup.server.max_concurrent_requests = 1).await;
    let mut socket = server.begun().await;
    socket.subscribe("1", "{ slow }").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    socket.subscribe("2", "{ product { name } }").await;
    assert_eq!(code(&socket.next().await), "REQUEST_CONCURRENCY_LIMITED");
    socket.send(json!({ "type": "complete", "id": "1" })).await;
    server.lines("\"status\":499", 1).await;
    socket.subscribe("1", "{ product { name } }").await;
    assert_eq!(socket.next().await["type"], "next");
}

#[tokio::test]
async fn each_operation_has_its_own_deadline() {
    let server = Server::start(|setup| setup.server.request_timeout = Setting(Duration::from_millis(300))).await;
    let mut socket = server.begun().await;
    for _ in 0..2 {
        socket.subscribe("1", "{ slow }").await;
        let answer = socket.next().await;
        assert_eq!(answer["payload"]["errors"][0]["extensions"]["code"], "GATEWAY_TIMEOUT", "{answer}");
        assert_eq!(socket.next().await["type"], "complete");
    }
    assert_eq!(server.lines("\"status\":504", 2).await.len(), 2);
}

/// Lets nobody ask for users, and says so in headers that header rules forward.
struct NoUsers;

impl Plugin for NoUsers {
    fn stages(&self) -> &[Stage] {
        &[Stage::Request, Stage::Operation]
    }

    async fn request(&self, stage: &mut RequestStage<'_>) -> Result<(), Refused> {
        stage.context.headers.insert("x-user", "plugin".parse().unwrap());
        match stage.body.windows(6).any(|text| text == b"rename") {
            true => Err(Refused::new(StatusCode::FORBIDDEN, "NO_MUTATION", "No.")),
            false => Ok(()),
        }
    }

    async fn operation(&self, stage: &mut OperationStage<'_>) -> Result<(), Refused> {
        match stage.operation.query.as_deref() {
            Some("{ secret: user }") => Err(Refused::new(StatusCode::FORBIDDEN, "NO_SECRET", "No.")),
            _ => Ok(()),
        }
    }
}

#[tokio::test]
async fn plugins_are_asked_about_each_operation() {
    let server = Server::start(|setup| setup.gateway.plugins = Plugins::default().with(NoUsers)).await;
    let mut socket = server.begun().await;
    for (id, text, expected) in [
        ("1", "mutation { rename }", "NO_MUTATION"),
        ("2", "{ secret: user }", "NO_SECRET"),
        ("3", "subscription { changed { name } } # rename", "NO_MUTATION"),
    ] {
        socket.subscribe(id, text).await;
        let answer = socket.next().await;
        assert_eq!((&answer["type"], &answer["id"]), (&"error".into(), &id.into()));
        assert_eq!(code(&answer), expected);
    }
    socket.subscribe("4", "{ user }").await;
    assert_eq!(socket.next().await["payload"], json!({ "data": { "user": "plugin" } }));
}
