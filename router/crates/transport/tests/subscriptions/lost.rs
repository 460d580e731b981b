//! Connections that are lost: the subscription is made again, and a gap is told.

use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use serde_json::json;
use tokio::join;

use crate::peer::Peer;
use crate::sockets::subscribed;
use crate::world::{World, data, until};

const QUICK: &str = "reconnect: { attempts: 3, min_delay: 20ms, max_delay: 40ms }";

#[tokio::test]
async fn all_subscriptions_of_a_lost_socket_are_made_again_on_one_socket() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, &format!("protocol: websocket, {QUICK}"));
    let (mut first, mut socket, _) = subscribed(&world, &peer).await;
    let (mut second, _) = join!(world.subscribe("ada"), socket.subscribed());
    // Codes that don't say that it is for good; at last, without a word.
    for code in [Some(1000), Some(1001), None, Some(3000), Some(4999), Some(1012), Some(0)] {
        match code {
            Some(0) => drop(socket),
            code => socket.close(code).await,
        }
        let (gaps, again) = join!(async { [first.next().await, second.next().await] }, async {
            let mut socket = peer.ready().await;
            for _ in 0..2 {
                let id = socket.subscribed().await;
                socket.next(&id, "again").await;
            }
            socket
        });
        assert_eq!(gaps, ["GAP", "GAP"], "{code:?}");
        assert_eq!([first.next().await, second.next().await], [data("again"), data("again")]);
        socket = again;
    }
    assert!(peer.is_left_alone());
    assert_eq!(world.metric("subgraph_resubscriptions_total"), 14.0);
    assert_eq!(world.metric("subgraph_stream_connections_lost_total"), 7.0);
}

#[tokio::test]
async fn after_the_last_attempt_it_fails() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, &format!("protocol: websocket, {QUICK}"));
    let (mut events, socket, _) = subscribed(&world, &peer).await;
    // Nothing listens any more.
    drop((socket, peer));
    assert_eq!(events.next().await, "FAILED SUBREQUEST_HTTP_ERROR");
    assert_eq!(events.next().await, "END");
}

#[tokio::test]
async fn a_subgraph_that_takes_connections_and_loses_them_uses_up_the_attempts() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, &format!("protocol: websocket, {QUICK}"));
    let (mut events, socket, _) = subscribed(&world, &peer).await;
    drop(socket);
    let flapping = async {
        for _ in 0..3 {
            let mut socket = peer.ready().await;
            socket.subscribed().await;
        }
    };
    let (seen, ()) =
        join!(async { [events.next().await, events.next().await, events.next().await, events.next().await] }, flapping);
    assert_eq!(seen, ["GAP", "GAP", "GAP", "FAILED SUBREQUEST_HTTP_ERROR"]);
}

#[tokio::test]
async fn a_frozen_socket_is_found() {
    let peer = Peer::start().await;
    let options = format!("protocol: websocket, ping_interval: 50ms, dead_after: 200ms, {QUICK}");
    let world = World::new(&peer.url, &options);
    // It is held, but nobody reads from it.
    let (mut events, _frozen, _) = subscribed(&world, &peer).await;
    let began = Instant::now();
    let (gap, mut socket) = join!(events.next(), async {
        let mut socket = peer.ready().await;
        let id = socket.subscribed().await;
        socket.next(&id, "a").await;
        socket
    });
    assert_eq!(gap, "GAP");
    assert!(began.elapsed() >= Duration::from_millis(150) && began.elapsed() < Duration::from_secs(2));
    // A new subscription uses the new one.
    let (_more, _) = join!(world.subscribe("ada"), socket.subscribed());
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_found_though_much_is_to_be_written() {
    let peer = Peer::start().await;
    let options = "protocol: websocket, ping_interval: 50ms, dead_after: 300ms, reconnect: { attempts: 0 }";
    let world = World::new(&peer.url, options);
    let (mut events, _frozen, _) = subscribed(&world, &peer).await;
    // More subscriptions than fit into the buffers of the system.
    let many = futures_util::future::join_all((0..200).map(|_| world.try_subscribe("ada")));
    let (_many, last) = join!(many, events.next());
    assert_eq!(last, "FAILED SUBREQUEST_TIMEOUT");
    until("it is closed", || world.metric("subgraph_stream_connections{") == 0.0).await;
}

#[tokio::test]
async fn a_stream_without_heartbeats_stays_and_one_that_stops_to_send_them_is_lost() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, &format!("protocol: sse, ping_interval: 50ms, dead_after: 200ms, {QUICK}"));
    let (mut events, mut exchange) = join!(world.subscribe("ada"), async {
        let mut exchange = peer.exchange().await;
        exchange.begin("text/event-stream").await;
        exchange.chunk(":\n\n").await;
        exchange
    });
    events.nothing_comes(Duration::from_millis(700)).await;
    // From the second heartbeat on, they are expected.
    for text in ["a", "b"] {
        exchange.chunk(&format!("event: next\ndata: {}\n\n:\n\n", data(text))).await;
        assert_eq!(events.next().await, data(text));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let began = Instant::now();
    let (gap, mut again) = join!(events.next(), async {
        let mut exchange = peer.exchange().await;
        exchange.begin("text/event-stream").await;
        exchange
    });
    assert_eq!(gap, "GAP");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert!(exchange.is_closed().await);
    again.chunk(&format!("event: next\ndata: {}\n\n", data("c"))).await;
    assert_eq!(events.next().await, data("c"));
}

#[tokio::test]
async fn streams_that_break_off_are_made_again() {
    let peer = Peer::start().await;
    for (protocol, content_type) in
        [("sse", "text/event-stream"), ("multipart", "multipart/mixed; boundary=b; subscriptionSpec=1.0")]
    {
        let world = World::new(&peer.url, &format!("protocol: {protocol}, {QUICK}"));
        let begin = || async {
            let mut exchange = peer.exchange().await;
            exchange.begin(content_type).await;
            exchange
        };
        let (mut events, mut exchange) = join!(world.subscribe("ada"), begin());
        // A regular end of the body, but not of the subscription.
        exchange.end().await;
        let (gap, exchange) = join!(events.next(), begin());
        assert_eq!(gap, "GAP");
        drop(exchange);
        let (gap, exchange) = join!(events.next(), begin());
        assert_eq!(gap, "GAP");
        drop(exchange);
        // What says no is not asked again.
        let (refusal, _exchange) = join!(events.next(), async {
            let mut exchange = peer.exchange().await;
            exchange.answer("503 Busy", "text/plain", "busy").await;
            drop(exchange);
            // The third attempt was the last.
        });
        assert_eq!(refusal, "FAILED SUBREQUEST_HTTP_ERROR");
    }
}

#[tokio::test]
async fn a_subscription_that_is_refused_when_it_is_made_again_ends() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, &format!("protocol: sse, {QUICK}"));
    let (mut events, exchange) = join!(world.subscribe("ada"), async {
        let mut exchange = peer.exchange().await;
        exchange.begin("text/event-stream").await;
        exchange
    });
    drop(exchange);
    let errors = json!({ "errors": [{ "message": "not any more" }] }).to_string();
    let (gap, _exchange) = join!(events.next(), async {
        let mut exchange = peer.exchange().await;
        exchange.answer("403 Forbidden", "application/json", &errors).await;
        exchange
    });
    assert_eq!([gap, events.next().await, events.next().await], ["GAP".to_owned(), errors, "END".to_owned()]);
}

#[tokio::test]
async fn reconnections_keep_their_pace() {
    let peer = Peer::start().await;
    let reconnect = "reconnect: { attempts: 9, min_delay: 10ms, max_delay: 10ms, max_per_second: 10 }";
    let world = World::new(&peer.url, &format!("protocol: sse, {reconnect}"));
    let begin = || async {
        let mut exchange = peer.exchange().await;
        exchange.begin("text/event-stream").await;
        exchange
    };
    let mut all = Vec::new();
    for _ in 0..6 {
        all.push(join!(world.subscribe("ada"), begin()));
    }
    let (events, exchanges): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    drop(exchanges);
    let began = Instant::now();
    let gaps = futures_util::future::join_all(
        events.into_iter().map(|mut events| async move { (events.next().await, events) }),
    );
    let (gaps, _exchanges) = join!(gaps, async {
        let mut all = Vec::new();
        for _ in 0..6 {
            all.push(begin().await);
        }
        all
    });
    assert!(gaps.iter().all(|(event, _)| event == "GAP"));
    let took = began.elapsed().as_millis();
    assert!((480..3_000).contains(&took), "{took}");
}
