//! What is found out when nothing is configured.

use pretty_assertions::assert_eq;
use serde_json::json;
use tokio::join;

use crate::peer::Peer;
use crate::world::{World, data};

#[tokio::test]
async fn what_comes_over_http_decides() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, "");
    let part = format!("--b\r\n\r\n{{\"payload\":{}}}\r\n--b", data("a"));
    for (content_type, body) in [
        ("text/event-stream", format!("data: {}\n\n", data("a"))),
        ("multipart/mixed; boundary=b; subscriptionSpec=1.0", part),
    ] {
        let (mut events, _exchange) = join!(world.subscribe("ada"), async {
            let mut exchange = peer.exchange().await;
            assert!(exchange.head.contains("accept: text/event-stream, multipart/mixed"), "{}", exchange.head);
            exchange.begin(content_type).await;
            exchange.chunk(&body).await;
            exchange
        });
        assert_eq!(events.next().await, data("a"));
    }
}

#[tokio::test]
async fn a_subgraph_that_brings_no_events_over_http_is_asked_over_a_websocket() {
    for (status, content_type, body) in [
        ("405 Method Not Allowed", "text/plain", "no"),
        ("406 Not Acceptable", "text/plain", "no"),
        ("400 Bad Request", "application/json", r#"{"errors":[{"message":"not over HTTP"}]}"#),
        ("500 Oh", "application/json", r#"{"errors":[{"message":"not over HTTP"}]}"#),
        ("200 OK", "text/html", "<p>"),
    ] {
        let peer = Peer::start().await;
        let world = World::new(&peer.url, "");
        let (mut events, mut socket) = join!(world.subscribe("ada"), async {
            peer.exchange().await.answer(status, content_type, body).await;
            let mut socket = peer.ready().await;
            let id = socket.subscribed().await;
            socket.next(&id, "a").await;
            socket
        });
        assert_eq!(events.next().await, data("a"), "{status}");
        // Which is remembered, over a reload too.
        let traffic = "subscriptions: {}";
        let reloaded = World::with_traffic(&peer.url, traffic, Some(&world));
        for world in [&world, &reloaded] {
            let (_events, _id) = join!(world.subscribe("ada"), socket.subscribed());
        }
        assert!(peer.is_left_alone());
    }
}

#[tokio::test]
async fn a_refusal_over_both_is_the_one_over_http() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, "");
    let errors = json!({ "errors": [{ "message": "no such field" }] }).to_string();
    for _ in 0..2 {
        let (mut events, ()) = join!(world.subscribe("ada"), async {
            peer.exchange().await.answer("200 OK", "application/json", &errors).await;
            peer.exchange().await.answer("426 Upgrade Required", "text/plain", "no").await;
        });
        assert_eq!([events.next().await, events.next().await], [errors.clone(), "END".to_owned()]);
    }
    let (refused, ()) = join!(world.try_subscribe("ada"), async {
        peer.exchange().await.answer("404 Not Found", "text/plain", "no").await;
        peer.exchange().await.answer("404 Not Found", "text/plain", "no").await;
    });
    let error = refused.err().unwrap();
    assert!(error.message.contains("over HTTP: ") && error.message.contains("over a WebSocket: "), "{error}");
}

#[tokio::test]
async fn what_works_no_longer_is_found_out_again() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, "");
    let (_events, _exchange) = join!(world.subscribe("ada"), async {
        let mut exchange = peer.exchange().await;
        exchange.begin("text/event-stream").await;
        exchange
    });
    let (refused, ()) = join!(world.try_subscribe("ada"), async {
        peer.exchange().await.answer("406 Not Acceptable", "text/plain", "no").await;
    });
    assert!(refused.is_err());
    let (_events, _socket) = join!(world.subscribe("ada"), async {
        peer.exchange().await.answer("406 Not Acceptable", "text/plain", "no").await;
        let mut socket = peer.ready().await;
        socket.subscribed().await;
        socket
    });
}
