//! Subscriptions whose events come in the response.

use braid_executor::SubgraphErrorKind;
use pretty_assertions::assert_eq;
use tokio::join;

use crate::peer::Peer;
use crate::world::{QUERY, World, data};

const SPEC: &str = "multipart/mixed; boundary=\"graphql\"; subscriptionSpec=1.0";

fn sse(text: &str) -> String {
    format!("event: next\ndata: {}\n\n", data(text))
}

#[tokio::test]
async fn server_sent_events_come_however_they_are_cut() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, "protocol: sse");
    let body = format!(":\n\n{}: ping\r\n\r\n{}event: complete\ndata:\n\n", sse("a"), sse("ä"));
    for size in [1, 2, 3, 7, 1_000] {
        let (mut events, mut exchange) = join!(world.subscribe("ada"), async {
            let mut exchange = peer.exchange().await;
            assert!(exchange.head.starts_with("post /graphql http/1.1") && exchange.head.contains("x-user: ada"));
            assert!(exchange.head.contains("accept: text/event-stream,"), "{}", exchange.head);
            assert_eq!(exchange.body, QUERY);
            exchange.begin("text/event-stream; charset=utf-8").await;
            exchange
        });
        let sending = async {
            for cut in body.as_bytes().chunks(size) {
                use tokio::io::AsyncWriteExt;
                let chunk = [format!("{:x}\r\n", cut.len()).as_bytes(), cut, b"\r\n"].concat();
                exchange.stream.write_all(&chunk).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let taking = async { [events.next().await, events.next().await, events.next().await] };
        let ((), taken) = join!(sending, taking);
        assert_eq!(taken, [data("a"), data("ä"), "END".to_owned()]);
    }
}

#[tokio::test]
async fn parts_come_with_a_payload_or_without() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, "protocol: multipart");
    let (mut events, mut exchange) = join!(world.subscribe("ada"), async {
        let mut exchange = peer.exchange().await;
        assert!(exchange.head.contains("multipart/mixed;subscriptionspec=1.0,"), "{}", exchange.head);
        exchange.begin(SPEC).await;
        exchange
    });
    let part = |body: &str| format!("\r\n--graphql\r\ncontent-type: text/json\r\n\r\n{body}");
    exchange.chunk(&part("{}")).await;
    exchange.chunk(&part(&format!(r#"{{"payload":{}}}"#, data("a")))).await;
    // Before the next boundary.
    assert_eq!(events.next().await, data("a"));
    exchange.chunk(&part(r#"{"payload":null,"errors":[{"message":"broken"}]}"#)).await;
    assert_eq!(events.next().await, r#"{"errors":[{"message":"broken"}]}"#);
    assert_eq!(events.next().await, "END");

    let (mut events, mut exchange) = join!(world.subscribe("ada"), async {
        let mut exchange = peer.exchange().await;
        exchange.begin("multipart/mixed; boundary=-").await;
        exchange
    });
    exchange.chunk(&format!("---\r\n\r\n{}\r\n---\r\n\r\n{}\r\n-----\r\n", data("a"), data("b"))).await;
    let taken = [events.next().await, events.next().await, events.next().await];
    assert_eq!(taken, [data("a"), data("b"), "END".to_owned()]);
}

#[tokio::test]
async fn a_refusal_is_told_and_the_subgraph_not_asked_again() {
    let peer = Peer::start().await;
    for protocol in ["sse", "multipart"] {
        let world = World::new(&peer.url, &format!("protocol: {protocol}"));
        let errors = r#"{"errors":[{"message":"who are you?"}]}"#;
        for status in ["200 OK", "400 Bad Request", "401 Unauthorized"] {
            let (mut events, _exchange) = join!(world.subscribe("ada"), async {
                let mut exchange = peer.exchange().await;
                exchange.answer(status, "application/graphql-response+json", errors).await;
                exchange
            });
            assert_eq!([events.next().await, events.next().await], [errors, "END"]);
        }
        assert!(peer.is_left_alone());
    }
}

#[tokio::test]
async fn a_response_that_brings_no_events_is_an_error() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, "protocol: sse");
    use SubgraphErrorKind::{Malformed, Transport};
    for (status, content_type, body, kind, retryable) in [
        ("200 OK", "text/html", "<p>", Malformed, false),
        ("200 OK", "application/json", "{}", Malformed, false),
        ("200 OK", "application/json", "{\"data\"", Malformed, false),
        ("200 OK", "multipart/mixed; boundary=\"\"", "", Malformed, false),
        ("405 Method Not Allowed", "text/plain", "no", Transport, false),
        ("302 Found", "text/plain", "there", Transport, false),
        ("502 Bad Gateway", "text/html", "<p>", Transport, true),
        ("500 Oh", "application/json", r#"{"errors":[{"message":"oh"}]}"#, Transport, true),
    ] {
        let (refused, _exchange) = join!(world.try_subscribe("ada"), async {
            let mut exchange = peer.exchange().await;
            exchange.answer(status, content_type, body).await;
            exchange
        });
        let error = refused.err().unwrap();
        assert_eq!((error.kind, error.retryable), (kind, retryable), "{status} {content_type} {error}");
    }
    let (refused, _exchange) = join!(world.try_subscribe("ada"), async {
        let mut exchange = peer.exchange().await;
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: br\r\n\r\n";
        exchange.write(head).await;
        exchange
    });
    assert_eq!(refused.err().unwrap().kind, Malformed);
}

#[tokio::test]
async fn a_body_that_is_too_large_or_no_such_stream_ends_it() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, "protocol: multipart, max_message_bytes: 100B");
    for (content_type, body, expected) in [
        ("text/event-stream", format!("data: {}", "x".repeat(200)), "FAILED SUBREQUEST_RESPONSE_TOO_LARGE"),
        (SPEC, format!("--graphql\r\n\r\n{{\"a\":\"{}", "x".repeat(200)), "FAILED SUBREQUEST_RESPONSE_TOO_LARGE"),
        (SPEC, "--graphql\r\n\r\n<p>".to_owned(), "FAILED SUBREQUEST_MALFORMED_RESPONSE"),
        (SPEC, format!("--graphql\r\n{}", "x".repeat(9_000)), "FAILED SUBREQUEST_MALFORMED_RESPONSE"),
    ] {
        let (mut events, mut exchange) = join!(world.subscribe("ada"), async {
            let mut exchange = peer.exchange().await;
            exchange.begin(content_type).await;
            exchange.chunk(&body).await;
            exchange
        });
        assert_eq!(events.next().await, expected, "{body}");
        assert!(exchange.is_closed().await);
    }
    assert!(peer.is_left_alone());
}

#[tokio::test]
async fn a_subgraph_that_does_not_begin_is_given_up() {
    let peer = Peer::start().await;
    let traffic = "first_byte_timeout: 100ms, subscriptions: { protocol: sse }";
    let world = World::with_traffic(&peer.url, traffic, None);
    let (refused, _exchange) = join!(world.try_subscribe("ada"), peer.exchange());
    assert_eq!(refused.err().unwrap().kind, SubgraphErrorKind::Timeout);
    let (_held, refused) = {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let url = format!("http://{}/", socket.local_addr().unwrap());
        (socket, World::new(&url, "").try_subscribe("ada").await)
    };
    let error = refused.err().unwrap();
    assert!(error.retryable && error.kind == SubgraphErrorKind::Transport, "{error}");
}

#[tokio::test]
async fn a_flood_is_read_and_dropped() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, "protocol: sse, buffer: 5");
    let (mut events, mut exchange) = join!(world.subscribe("ada"), async {
        let mut exchange = peer.exchange().await;
        exchange.begin("text/event-stream").await;
        exchange
    });
    // More than all buffers between here and there: it is written only if somebody reads.
    for number in 0..20_000 {
        exchange.chunk(&sse(&format!("{number} {}", "x".repeat(300)))).await;
    }
    exchange.chunk(&sse("last")).await;
    crate::world::until("all is read", || world.metric("subscription_events_dropped_total") == 19_996.0).await;
    assert_eq!(events.next().await, "GAP");
    for _ in 0..4 {
        assert!(events.next().await.contains("xxx"));
    }
    assert_eq!(events.next().await, data("last"));
}
