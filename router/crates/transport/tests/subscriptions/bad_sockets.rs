//! WebSockets to subgraphs that do what they should not.

use std::time::Duration;

use braid_executor::SubgraphErrorKind;
use pretty_assertions::assert_eq;
use serde_json::json;
use tokio::join;

use crate::peer::Peer;
use crate::sockets::subscribed;
use crate::world::{World, data};

#[tokio::test]
async fn a_subgraph_that_refuses_the_operation_is_not_asked_again() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, "protocol: websocket");
    let (mut events, mut socket, id) = subscribed(&world, &peer).await;
    socket.send(json!({ "type": "error", "id": id, "payload": [{ "message": "no" }] })).await;
    assert_eq!(events.next().await, r#"{"errors":[{"message":"no"}]}"#);
    assert_eq!(events.next().await, "END");
}

#[tokio::test]
async fn a_subgraph_that_refuses_the_connection_is_not_asked_again() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, "protocol: websocket");
    for code in [4400, 4401, 4403, 4406, 4500, 1009] {
        let (refused, ()) = join!(world.try_subscribe("ada"), async {
            let mut socket = peer.socket().await;
            socket.receive().await;
            socket.close(Some(code)).await;
        });
        let error = refused.err().unwrap();
        assert!(!error.retryable && error.message.contains(&code.to_string()), "{error:?}");
    }
    // Later too.
    let (mut events, socket, _) = subscribed(&world, &peer).await;
    socket.close(Some(4403)).await;
    assert_eq!(events.next().await, "FAILED SUBREQUEST_HTTP_ERROR");
    assert_eq!(events.next().await, "END");
    // The older subprotocol has a message for it.
    let world = World::new(&peer.url, "protocol: websocket_legacy");
    let (refused, _) = join!(world.try_subscribe("ada"), async {
        let mut socket = peer.socket().await;
        socket.receive().await;
        socket.send(json!({ "type": "connection_error", "payload": { "message": "bad token" } })).await;
        socket
    });
    assert!(refused.err().unwrap().message.contains("bad token"));
    assert!(peer.is_left_alone());
}

#[tokio::test]
async fn an_upgrade_that_is_refused_is_an_error() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, "protocol: websocket");
    for (status, retryable) in [("401 Unauthorized", false), ("404 Not Found", false), ("503 Busy", true)] {
        let (refused, _) = join!(world.try_subscribe("ada"), async {
            let mut exchange = peer.exchange().await;
            assert!(exchange.head.contains("upgrade: websocket"), "{}", exchange.head);
            exchange.answer(status, "text/plain", "no").await;
            exchange
        });
        let error = refused.err().unwrap();
        assert_eq!((error.kind, error.retryable), (SubgraphErrorKind::Transport, retryable));
        assert!(error.message.contains(&status[..3]), "{error}");
    }
}

#[tokio::test]
async fn a_subgraph_that_never_acknowledges_is_given_up() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, "protocol: websocket, ack_timeout: 100ms");
    let (refused, _socket) = join!(world.try_subscribe("ada"), async {
        let mut socket = peer.socket().await;
        socket.receive().await;
        socket
    });
    assert_eq!(refused.err().unwrap().kind, SubgraphErrorKind::Timeout);
    // Nor accepts.
    let (refused, _exchange) = join!(world.try_subscribe("ada"), peer.exchange());
    assert_eq!(refused.err().unwrap().kind, SubgraphErrorKind::Timeout);
    // Nor speaks TLS.
    let traffic = "connect_timeout: 50ms, subscriptions: { protocol: websocket, ack_timeout: 100ms }";
    let secure = World::with_traffic(&peer.url.replace("http:", "https:"), traffic, None);
    assert_eq!(secure.try_subscribe("ada").await.err().unwrap().kind, SubgraphErrorKind::Timeout);
    peer.forget().await;
    // Nor in the right order.
    let (refused, _socket) = join!(world.try_subscribe("ada"), async {
        let mut socket = peer.socket().await;
        socket.next("1", "early").await;
        socket
    });
    assert_eq!(refused.err().unwrap().kind, SubgraphErrorKind::Malformed);
}

#[tokio::test]
async fn messages_that_can_not_be_read_leave_a_gap_and_too_many_end_the_socket() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, "protocol: websocket");
    let (mut events, mut socket, id) = subscribed(&world, &peer).await;
    for text in [r#"{"type":"next","id":"1","#, "", "[]", r#"{"type":"dance"}"#, r#"{"type":"next","id":7}"#] {
        socket.text(text).await;
    }
    socket.binary(b"\x00\xff").await;
    socket.next(&id, "a").await;
    assert_eq!([events.next().await, events.next().await], ["GAP".to_owned(), data("a")]);
    for _ in 0..16 {
        socket.text("{").await;
    }
    let mut last = events.next().await;
    if last == "GAP" {
        last = events.next().await;
    }
    assert_eq!(last, "FAILED SUBREQUEST_MALFORMED_RESPONSE");
    assert_eq!(socket.receive().await, json!({ "closed": 1002 }));
}

#[tokio::test]
async fn an_event_that_is_too_large_ends_its_subscription_alone() {
    let peer = Peer::start().await;
    let options = "protocol: websocket, max_message_bytes: 1KB, reconnect: { min_delay: 10ms }";
    let world = World::new(&peer.url, options);
    let (mut large, mut socket, id) = subscribed(&world, &peer).await;
    let (mut other, other_id) = join!(world.subscribe("ada"), socket.subscribed());
    socket.next(&id, &"x".repeat(2_000)).await;
    assert_eq!(large.next().await, "FAILED SUBREQUEST_RESPONSE_TOO_LARGE");
    assert_eq!(socket.receive().await, json!({ "type": "complete", "id": id }));
    socket.next(&other_id, "a").await;
    assert_eq!(other.next().await, data("a"));
    // One whose size nobody could want is not even read: the socket ends, and the subscription is made again.
    let (event, ()) = join!(other.next(), async {
        let _ = tokio::time::timeout(Duration::from_secs(1), socket.next(&other_id, &"x".repeat(50_000))).await;
        drop(socket);
        let mut socket = peer.ready().await;
        let id = socket.subscribed().await;
        socket.next(&id, "b").await;
        // Kept until the event is taken.
        tokio::time::sleep(Duration::from_millis(50)).await;
        std::mem::forget(socket);
    });
    assert_eq!(event, "GAP");
    assert_eq!(other.next().await, data("b"));
}

#[tokio::test]
async fn a_flood_on_one_subscription_holds_no_other_up() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, "protocol: websocket, buffer: 10");
    let (mut flooded, mut socket, id) = subscribed(&world, &peer).await;
    let (mut other, other_id) = join!(world.subscribe("ada"), socket.subscribed());
    for round in 0..20 {
        for number in 0..500 {
            socket.next(&id, &format!("{round} {number}")).await;
        }
        socket.next(&other_id, &round.to_string()).await;
        assert_eq!(other.next().await, data(&round.to_string()));
    }
    // Nobody took the others: the last ones are there.
    assert_eq!(flooded.next().await, "GAP");
    for number in 490..500 {
        assert_eq!(flooded.next().await, data(&format!("19 {number}")));
    }
    assert_eq!(world.metric("subscription_events_dropped_total"), 9_990.0);
}
