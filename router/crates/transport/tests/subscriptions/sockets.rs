//! WebSockets to subgraphs that do what they should.

use std::time::Duration;

use braid_executor::SubgraphService as _;
use pretty_assertions::assert_eq;
use serde_json::json;
use tokio::join;

use crate::peer::{Peer, Socket};
use crate::world::{Events, World, data, until};

pub async fn subscribed(world: &World, peer: &Peer) -> (Events, Socket, String) {
    let (events, (socket, id)) = join!(world.subscribe("ada"), async {
        let mut socket = peer.ready().await;
        let id = socket.subscribed().await;
        (socket, id)
    });
    (events, socket, id)
}

#[tokio::test]
async fn events_come_until_the_subscription_is_complete() {
    let peer = Peer::start().await;
    let world =
        World::new(&peer.url, "protocol: websocket, connection_init: { token: t }, forward_headers_in_init: true");
    let (mut events, mut socket) = join!(world.subscribe("ada"), async {
        let mut socket = peer.socket().await;
        assert_eq!(socket.headers["sec-websocket-protocol"], "graphql-transport-ws, graphql-ws");
        assert_eq!(socket.headers["x-user"], "ada");
        let init = json!({ "type": "connection_init", "payload": { "token": "t", "x-user": "ada" } });
        assert_eq!(socket.receive().await, init);
        socket.send(json!({ "type": "connection_ack", "payload": {} })).await;
        let subscribe = socket.receive().await;
        assert_eq!(subscribe["payload"], json!({ "query": "subscription { changed }" }));
        let id = subscribe["id"].as_str().unwrap();
        for text in ["a", "b"] {
            socket.next(id, text).await;
        }
        socket.send(json!({ "type": "complete", "id": id })).await;
        // Neither known nor asked for.
        socket.next(id, "late").await;
        socket.next("77", "unknown").await;
        socket
    });
    for expected in [data("a"), data("b"), "END".to_owned()] {
        assert_eq!(events.next().await, expected);
    }
    // The socket is as good as before.
    let (mut again, id) = join!(world.subscribe("ada"), socket.subscribed());
    socket.next(&id, "c").await;
    assert_eq!(again.next().await, data("c"));
    assert_eq!(world.metric("subgraph_stream_connections_opened_total"), 1.0);
}

#[tokio::test]
async fn the_older_subprotocol_is_spoken_where_it_is_chosen() {
    let peer = Peer::start().await;
    let world =
        World::new(&peer.url, "protocol: websocket_legacy, socket_idle: 100ms, ping_interval: 30ms, dead_after: 5s");
    let (mut events, mut socket) = join!(world.subscribe("ada"), async {
        let mut socket = peer.socket().await;
        assert_eq!(socket.headers["sec-websocket-protocol"], "graphql-ws");
        assert_eq!(socket.receive().await, json!({ "type": "connection_init" }));
        for kind in ["ka", "connection_ack", "ka"] {
            socket.send(json!({ "type": kind })).await;
        }
        let start = socket.receive().await;
        assert_eq!(start["type"], "start");
        let id = &start["id"];
        socket.send(json!({ "type": "data", "id": id, "payload": { "data": { "changed": "a" } } })).await;
        socket.send(json!({ "type": "error", "id": id, "payload": { "message": "no" } })).await;
        socket
    });
    for expected in [data("a"), r#"{"errors":[{"message":"no"}]}"#.to_owned(), "END".to_owned()] {
        assert_eq!(events.next().await, expected);
    }
    // It has no pings.
    assert_eq!(socket.receive().await, json!({ "type": "connection_terminate" }));
    assert_eq!(socket.receive().await, json!({ "closed": 1000 }));
}

#[tokio::test]
async fn subscriptions_of_one_identity_share_a_socket_and_others_do_not() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, "protocol: websocket, socket_idle: 100ms");
    let (mut first, mut second, (mut socket, ids)) = join!(world.subscribe("ada"), world.subscribe("ada"), async {
        let mut socket = peer.ready().await;
        let ids = [socket.subscribed().await, socket.subscribed().await];
        (socket, ids)
    });
    let (mut other, mut another) = join!(world.subscribe("bob"), async {
        let mut socket = peer.ready().await;
        assert_eq!(socket.headers["x-user"], "bob");
        let id = socket.subscribed().await;
        socket.next(&id, "for bob").await;
        socket
    });
    assert_eq!(other.next().await, data("for bob"));
    assert!(peer.is_left_alone());
    assert_eq!(world.metric("subgraph_stream_connections{"), 2.0);
    // Which of the two came first is not known.
    for id in &ids {
        socket.next(id, "for ada").await;
    }
    assert_eq!([first.next().await, second.next().await], [data("for ada"), data("for ada")]);
    // One that ends says so; with the last one, the socket ends after a while.
    drop(first);
    let ended = socket.receive().await;
    assert_eq!(ended["type"], "complete");
    let left = ids.iter().find(|id| ended["id"] != id.as_str()).unwrap();
    socket.next(left, "more").await;
    assert_eq!(second.next().await, data("more"));
    drop(second);
    assert_eq!(socket.receive().await["type"], "complete");
    assert_eq!(socket.receive().await, json!({ "closed": 1000 }));
    drop(other);
    assert_eq!(another.receive().await["type"], "complete");
    until("all sockets are closed", || world.metric("subgraph_stream_connections{") == 0.0).await;
    // And opened anew when it is needed.
    let (_events, _socket, _id) = subscribed(&world, &peer).await;
    assert_eq!(world.metric("subgraph_stream_connections_lost_total"), 0.0);
}

#[tokio::test]
async fn pings_are_sent_and_answered() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, "protocol: websocket, ping_interval: 50ms, dead_after: 200ms");
    let (mut events, mut socket, id) = subscribed(&world, &peer).await;
    socket.send(json!({ "type": "ping", "payload": { "a": 1 } })).await;
    let answering = async {
        // Pings are answered in there, so the socket outlives `dead_after` several times.
        assert_eq!(socket.receive().await, json!({ "type": "pong", "payload": { "a": 1 } }));
        let silence = tokio::time::timeout(Duration::from_millis(600), socket.receive()).await;
        assert!(silence.is_err(), "{silence:?}");
        socket.next(&id, "a").await;
    };
    let ((), event) = join!(answering, events.next());
    assert_eq!(event, data("a"));
    assert_eq!(world.metric("subgraph_stream_connections_opened_total"), 1.0);
}

#[tokio::test]
async fn a_socket_has_an_address_of_its_own() {
    let (peer, elsewhere) = (Peer::start().await, "http://127.0.0.1:9/graphql");
    let ws = peer.url.replace("http:", "ws:").replace("/graphql", "/subscriptions");
    // `auto`, and still nothing is asked over HTTP.
    let world = World::new(elsewhere, &format!("url: \"{ws}\""));
    let (_events, _socket, _id) = subscribed(&world, &peer).await;
    let world = World::new(&peer.url, "protocol: websocket, url: /ws");
    let (_events, _socket, _id) = subscribed(&world, &peer).await;
}

#[tokio::test]
async fn a_reload_keeps_sockets_where_nothing_has_changed() {
    let peer = Peer::start().await;
    let traffic = "subscriptions: { protocol: websocket }";
    let world = World::with_traffic(&peer.url, traffic, None);
    let (mut events, mut socket, id) = subscribed(&world, &peer).await;
    let same = World::with_traffic(&peer.url, traffic, Some(&world));
    let other = World::with_traffic(&peer.url, "subscriptions: { protocol: websocket, buffer: 7 }", Some(&world));
    assert!(same.subgraphs.is_same(same.subgraph, &world.subgraphs, world.subgraph));
    assert!(!other.subgraphs.is_same(other.subgraph, &world.subgraphs, world.subgraph));
    let seen = |user| same.subgraphs.seen_of(same.subgraph, &same.context(user));
    assert!(seen("ada") == seen("ada") && seen("ada") != seen("bob"));
    // The old version is let go, and what it began goes on; the new one uses its socket.
    drop((world, other));
    let (mut more, next) = join!(same.subscribe("ada"), socket.subscribed());
    socket.next(&id, "old").await;
    socket.next(&next, "new").await;
    assert_eq!([events.next().await, more.next().await], [data("old"), data("new")]);
}

#[tokio::test]
async fn a_unix_socket_will_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let world = World::new(&format!("unix://{}?path=/graphql", path.display()), "protocol: websocket, url: /ws");
    let serving = async {
        use futures_util::{SinkExt, StreamExt};
        use tokio_tungstenite::tungstenite::Message;
        use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
        let choose = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
            assert_eq!(request.uri().path(), "/ws");
            response.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
            Ok(response)
        };
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = tokio_tungstenite::accept_hdr_async(stream, choose).await.unwrap();
        socket.next().await;
        socket.send(Message::text(r#"{"type":"connection_ack"}"#)).await.unwrap();
        let text = socket.next().await.unwrap().unwrap();
        let id = serde_json::from_str::<serde_json::Value>(text.to_text().unwrap()).unwrap()["id"].clone();
        let next = json!({ "type": "next", "id": id, "payload": { "data": { "changed": "a" } } });
        socket.send(Message::text(next.to_string())).await.unwrap();
        socket
    };
    let (mut events, _socket) = join!(world.subscribe("ada"), serving);
    assert_eq!(events.next().await, data("a"));
}
