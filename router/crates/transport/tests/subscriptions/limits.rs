//! What subscriptions may take, and what they leave to requests.

use braid_executor::SubgraphErrorKind;
use pretty_assertions::assert_eq;
use serde_json::json;
use tokio::join;

use crate::peer::Peer;
use crate::world::{World, until};

#[tokio::test]
async fn streams_take_no_connection_of_requests_and_are_counted_apart() {
    let peer = Peer::start().await;
    let traffic = "max_connections: 1, max_concurrent_requests: 1, timeout: 5s, retry: { enabled: false }, \
                   subscriptions: { protocol: sse, max: 3 }";
    let world = World::with_traffic(&peer.url, traffic, None);
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(join!(world.subscribe("ada"), async {
            let mut exchange = peer.exchange().await;
            exchange.begin("text/event-stream").await;
            exchange
        }));
    }
    let (answer, _) = join!(world.query(), async {
        let mut exchange = peer.exchange().await;
        exchange.answer("200 OK", "application/json", r#"{"data":{}}"#).await;
    });
    assert_eq!(answer.unwrap().status, 200);
    let error = world.try_subscribe("ada").await.err().unwrap();
    assert_eq!(error.kind, SubgraphErrorKind::Overloaded);
    assert!(error.message.contains("subscriptions.max"), "{error}");
    assert_eq!(world.metric("subgraph_stream_connections{"), 3.0);
    // One that is dropped closes its connection and frees its place.
    let (events, mut exchange) = open.pop().unwrap();
    drop(events);
    assert!(exchange.is_closed().await);
    until("it is counted", || world.metric("subgraph_stream_connections{") == 2.0).await;
    let (_events, _exchange) = join!(world.subscribe("ada"), async {
        let mut exchange = peer.exchange().await;
        exchange.begin("text/event-stream").await;
        exchange
    });
}

#[tokio::test]
async fn an_open_circuit_refuses_new_subscriptions_alone() {
    let peer = Peer::start().await;
    let traffic = "retry: { enabled: false }, circuit_breaker: { min_requests: 2 }, subscriptions: { protocol: sse }";
    let world = World::with_traffic(&peer.url, traffic, None);
    let (mut events, mut exchange) = join!(world.subscribe("ada"), async {
        let mut exchange = peer.exchange().await;
        exchange.begin("text/event-stream").await;
        exchange
    });
    for _ in 0..2 {
        let (_, ()) = join!(world.query(), async {
            peer.exchange().await.answer("503 Busy", "text/plain", "busy").await;
        });
    }
    let error = world.try_subscribe("ada").await.err().unwrap();
    assert_eq!(error.kind, SubgraphErrorKind::CircuitOpen);
    exchange.chunk("data: {}\n\n").await;
    assert_eq!(events.next().await, "{}");
}

#[tokio::test]
async fn an_opening_that_is_given_up_leaves_nothing() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, "protocol: sse, max: 1");
    for _ in 0..3 {
        tokio::select! {
            _ = world.try_subscribe("ada") => panic!("nobody has answered"),
            _exchange = peer.exchange() => {}
        }
    }
    let (_events, _exchange) = join!(world.subscribe("ada"), async {
        let mut exchange = peer.exchange().await;
        exchange.begin("text/event-stream").await;
        exchange
    });
    // A WebSocket is opened all the same, but without the subscription.
    let world = World::new(&peer.url, "protocol: websocket, max: 1, socket_idle: 50ms");
    let mut socket = tokio::select! {
        _ = world.try_subscribe("ada") => panic!("nobody has answered"),
        socket = peer.socket() => socket
    };
    assert_eq!(socket.receive().await["type"], "connection_init");
    socket.send(json!({ "type": "connection_ack" })).await;
    assert_eq!(socket.receive().await, json!({ "closed": 1000 }));
}
