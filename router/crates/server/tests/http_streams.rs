//! Subscriptions over HTTP: server-sent events and parts, to clients that read every byte.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::time::Duration;

use braid_executor::{SubgraphError, SubgraphErrorKind, SubgraphEvent};
use braid_settings::Duration as Setting;
use pretty_assertions::assert_eq;
use support::{CHANGED, Server, Streaming, get};

const SSE: &str = "text/event-stream";
const PARTS: &str = "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0, application/json";

fn event(name: &str) -> String {
    format!("event: next\ndata: {{\"data\":{{\"changed\":{{\"name\":\"{name}\"}}}}}}\n\n")
}

const COMPLETE: &str = "event: complete\ndata:\n\n";

fn part(json: &str) -> String {
    format!("\r\ncontent-type: application/json\r\n\r\n{json}\r\n--graphql")
}

#[tokio::test]
async fn events_are_sent_as_they_come() {
    let server = Server::start(|_| {}).await;
    let mut stream = Streaming::post(server.address, CHANGED, SSE).await;
    assert_eq!(stream.status(), 200);
    let head = stream.head.to_lowercase();
    assert!(head.contains("content-type: text/event-stream; charset=utf-8\r\n"), "{head}");
    assert!(head.contains("cache-control: no-store\r\n"), "{head}");
    assert_eq!(stream.chunk().await, ":\n\n");
    for name in ["Chair", "Table"] {
        server.changed(0, name).await;
        assert_eq!(stream.chunk().await, event(name));
    }
    server.complete(0).await;
    assert_eq!(stream.chunks().await, COMPLETE);
    let line = server.lines("\"cause\"", 1).await.remove(0);
    assert_eq!(
        (&line["protocol"], &line["kind"], &line["operation"], &line["events"], &line["cause"], &line["status"]),
        (&"sse".into(), &"subscription".into(), &"Watch".into(), &2.into(), &"completed".into(), &200.into())
    );
    assert_eq!(line["responseBytes"], 2 * r#"{"data":{"changed":{"name":"Chair"}}}"#.len());
    assert_eq!(server.metric("streams_opened_total{protocol=\"sse\"}").await, 1.0);
    assert_eq!(server.metric("streams_active{protocol=\"sse\"}").await, 0.0);
    assert_eq!(server.metric("streams_ended_total{cause=\"completed\"}").await, 1.0);
}

#[tokio::test]
async fn a_page_subscribes_by_get() {
    let server = Server::start(|setup| setup.server.cors.origins = vec!["https://shop.example".to_owned()]).await;
    let target = "/graphql?query=subscription%7Bchanged%7Bname%7D%7D";
    let request = |headers: &str| format!("GET {target} HTTP/1.1\r\nhost: x\r\naccept: {SSE}\r\n{headers}\r\n");
    let site = "origin: https://shop.example\r\nsec-fetch-site: cross-site\r\n";
    let mut stream = Streaming::send(server.address, &request(site)).await;
    assert!(stream.head.contains("access-control-allow-origin: https://shop.example\r\n"), "{}", stream.head);
    assert_eq!(stream.chunk().await, ":\n\n");
    server.changed(0, "Chair").await;
    assert_eq!(stream.chunk().await, event("Chair"));
    let refused = get(server.address, target, &format!("accept: {SSE}\r\nsec-fetch-site: cross-site\r\n")).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("CSRF_PREVENTION_FAILED"), "{}", refused.text);
}

#[tokio::test]
async fn parts_are_sent_as_events_come() {
    let server = Server::start(|setup| setup.server.streams.heartbeat = Setting(Duration::from_millis(300))).await;
    let mut stream = Streaming::post(server.address, CHANGED, PARTS).await;
    let head = stream.head.to_lowercase();
    assert!(head.contains("content-type: multipart/mixed;boundary=\"graphql\";subscriptionspec=1.0\r\n"), "{head}");
    assert_eq!(stream.chunk().await, "--graphql");
    server.changed(0, "Chair").await;
    assert_eq!(stream.chunk().await, part(r#"{"payload":{"data":{"changed":{"name":"Chair"}}}}"#));
    assert_eq!(stream.chunk().await, part("{}"));
    server.complete(0).await;
    let rest = stream.chunks().await;
    assert!(rest.ends_with("--\r\n"), "{rest}");
}

#[tokio::test]
async fn a_failure_is_told_at_the_end() {
    for (accept, expected) in [(SSE, COMPLETE.to_owned()), (PARTS, "\r\n--graphql--\r\n".to_owned())] {
        let server = Server::start(|_| {}).await;
        let mut stream = Streaming::post(server.address, CHANGED, accept).await;
        let (kind, message) = (SubgraphErrorKind::Transport, "it broke".to_owned());
        server.send(0, SubgraphEvent::Failed(SubgraphError { kind, message, retryable: true })).await;
        let rest = stream.chunks().await;
        assert!(rest.contains("SUBREQUEST_HTTP_ERROR"), "{rest}");
        assert!(accept == SSE || rest.contains("{\"payload\":null,\"errors\":["), "{rest}");
        assert!(rest.ends_with(&expected), "{rest}");
        assert_eq!(server.lines("\"cause\":\"subgraph_failed\"", 1).await[0]["errorCodes"], "SUBREQUEST_HTTP_ERROR");
    }
}

#[tokio::test]
async fn clients_get_what_they_accept() {
    let server = Server::start(|_| {}).await;
    for accept in
        ["application/json", "*/*", "application/graphql-response+json", "multipart/mixed;deferSpec=20220824, */*"]
    {
        let refused = Streaming::post(server.address, CHANGED, accept).await;
        assert_eq!(refused.status(), 406, "{accept}");
    }
    // Whole answers for those who take streams alone.
    let body = get(server.address, "/graphql?query=%7Bproduct%7Bname%7D%7D", "accept: text/event-stream\r\n").await;
    assert_eq!(
        body.text,
        format!(":\n\nevent: next\ndata: {{\"data\":{{\"product\":{{\"name\":\"Chair\"}}}}}}\n\n{COMPLETE}")
    );
    let invalid = get(server.address, "/graphql?query=%7Bnothing%7D", "accept: text/event-stream\r\n").await;
    assert_eq!(invalid.status, 200);
    assert!(invalid.text.contains("GRAPHQL_VALIDATION_FAILED") && invalid.text.ends_with(COMPLETE), "{}", invalid.text);
    // Both: a whole answer is not a stream.
    let whole = get(
        server.address,
        "/graphql?query=%7Bproduct%7Bname%7D%7D",
        "accept: application/json, text/event-stream\r\n",
    )
    .await;
    assert_eq!(whole.text, r#"{"data":{"product":{"name":"Chair"}}}"#);
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_stream() {
    let server = Server::start(|setup| setup.server.streams.heartbeat = Setting(Duration::from_millis(50))).await;
    let stream = Streaming::post(server.address, CHANGED, SSE).await;
    let events = server.events(0).await;
    drop(stream);
    assert_eq!(server.lines("\"cause\":\"client_left\"", 1).await[0]["events"], 0);
    tokio::time::timeout(Duration::from_secs(5), events.closed()).await.expect("the subgraph's subscription ends");
    server.metric_is("streams_active{protocol=\"sse\"}", 0.0).await;
}

#[tokio::test]
async fn limits_end_streams_with_their_code() {
    for (change, code) in [
        (
            (|setup: &mut support::Setup| setup.server.streams.max_duration = Some(Setting(Duration::from_millis(200))))
                as fn(&mut support::Setup),
            "SUBSCRIPTION_MAX_DURATION",
        ),
        (|setup| setup.server.streams.idle_timeout = Some(Setting(Duration::from_millis(200))), "SUBSCRIPTION_IDLE"),
    ] {
        let server = Server::start(change).await;
        let mut stream = Streaming::post(server.address, CHANGED, SSE).await;
        let rest = stream.chunks().await;
        assert!(rest.contains(code) && rest.ends_with(COMPLETE), "{rest}");
    }
    // Events keep a stream from being idle.
    let server =
        Server::start(|setup| setup.server.streams.idle_timeout = Some(Setting(Duration::from_millis(400)))).await;
    let mut stream = Streaming::post(server.address, CHANGED, SSE).await;
    assert_eq!(stream.chunk().await, ":\n\n");
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.changed(0, "Chair").await;
        assert_eq!(stream.chunk().await, event("Chair"));
    }
}

#[tokio::test]
async fn streams_are_limited_and_hold_no_place_of_a_request() {
    let server = Server::start(|setup| {
        setup.server.max_concurrent_requests = 1;
        setup.server.streams.max = 3;
        setup.server.streams.max_per_client = Some(2);
    })
    .await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let stream = Streaming::post(server.address, CHANGED, SSE).await;
        assert_eq!(stream.status(), 200);
        open.push(stream);
    }
    assert_eq!(Streaming::post(server.address, CHANGED, SSE).await.status(), 503);
    assert_eq!(server.metric("streams_refused_total{limit=\"Client\"}").await, 1.0);
    // Requests run all the same.
    let target = "/graphql?query=%7Bproduct%7Bname%7D%7D";
    assert_eq!(get(server.address, target, "").await.status, 200);
    drop(open);
    server.metric_is("streams_active{protocol=\"sse\"}", 0.0).await;
    assert_eq!(Streaming::post(server.address, CHANGED, SSE).await.status(), 200);
}

#[tokio::test]
async fn streams_end_when_the_router_stops() {
    let mut server = Server::start(|_| {}).await;
    let mut streams = Vec::new();
    for accept in [SSE, PARTS] {
        streams.push(Streaming::post(server.address, CHANGED, accept).await);
    }
    server.events(0).await;
    server.begin_stop();
    for mut stream in streams {
        let rest = stream.chunks().await;
        assert!(rest.contains("SUBSCRIPTION_SHUTDOWN"), "{rest}");
    }
    server.stopped().await;
    server.lines("\"cause\":\"shutdown\"", 2).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_loses_its_connection() {
    let server = Server::start(|setup| setup.server.write_timeout = Setting(Duration::from_millis(500))).await;
    let _stream = Streaming::post(server.address, CHANGED, SSE).await;
    let name = "x".repeat(500_000);
    let events = server.events(0).await;
    for _ in 0..200 {
        if events.send(support::changed(&name)).is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.lines("\"cause\":\"client_left\"", 1).await;
    server.metric_is("http_server_connections", 1.0).await;
}

#[tokio::test]
async fn streams_over_http2_come_and_end_when_they_are_not_read() {
    let server = Server::start(|setup| {
        setup.server.write_timeout = Setting(Duration::from_millis(500));
        setup.server.header_timeout = Setting(Duration::from_millis(500));
    })
    .await;
    let io = hyper_util::rt::TokioIo::new(tokio::net::TcpStream::connect(server.address).await.unwrap());
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(hyper_util::rt::TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::post(format!("http://{}/graphql", server.address))
        .header("accept", SSE)
        .header("content-type", "application/json")
        .body(http_body_util::Full::<bytes::Bytes>::from(serde_json::json!({ "query": CHANGED }).to_string()))
        .unwrap();
    let mut body = sender.send_request(request).await.unwrap().into_body();
    let mut frame = async || {
        let frame = http_body_util::BodyExt::frame(&mut body).await.unwrap().unwrap();
        String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()
    };
    assert_eq!(frame().await, ":\n\n");
    server.changed(0, "Chair").await;
    assert_eq!(frame().await, event("Chair"));
    // A stream that waits for events is not stuck.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    server.changed(0, "Table").await;
    assert_eq!(frame().await, event("Table"));
    let name = "x".repeat(500_000);
    let events = server.events(0).await;
    for _ in 0..200 {
        if events.send(support::changed(&name)).is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.lines("\"cause\":\"client_left\"", 1).await;
}
