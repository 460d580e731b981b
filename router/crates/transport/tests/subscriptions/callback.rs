//! Subgraphs that call the router.

use std::time::{Duration, Instant};

use braid_executor::SubgraphErrorKind;
use pretty_assertions::assert_eq;
use serde_json::{Value, json};
use tokio::join;

use crate::peer::Peer;
use crate::world::{World, data};

const OPTIONS: &str = "protocol: callback, callback: { public_url: \"http://router:4000/callback\", heartbeat: 50ms }, \
    ping_interval: 50ms, dead_after: 300ms, reconnect: { attempts: 2, min_delay: 20ms }";

/// A call of the subgraph. Returns the status of the answer.
fn call(world: &World, told: &Value, action: &str, more: Value) -> u16 {
    let url = told["callbackUrl"].as_str().unwrap();
    let path = url.strip_prefix("http://router:4000").unwrap();
    let mut body =
        json!({ "kind": "subscription", "action": action, "id": told["subscriptionId"], "verifier": told["verifier"] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    assert!(world.subgraphs.callbacks().is_path(path));
    world.subgraphs.callbacks().take(path, &body.to_string().into()).status().as_u16()
}

/// Plays a subgraph that takes the subscription. Returns what it is told.
async fn take(world: &World, peer: &Peer) -> Value {
    let mut exchange = peer.exchange().await;
    assert!(exchange.head.contains("accept: application/json;callbackspec=1.0,"), "{}", exchange.head);
    let body: Value = serde_json::from_str(&exchange.body).unwrap();
    assert_eq!(body["query"], "subscription { changed }");
    let told = body["extensions"]["subscription"].clone();
    assert_eq!(told["heartbeatIntervalMs"], 50);
    assert_eq!(call(world, &told, "check", json!({})), 204);
    exchange.answer("200 OK", "application/json", r#"{"data":null}"#).await;
    told
}

fn payload(text: &str) -> Value {
    json!({ "payload": { "data": { "changed": text } } })
}

#[tokio::test]
async fn events_are_called_in_until_the_subscription_is_complete() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, OPTIONS);
    let (mut events, told) = join!(world.subscribe("ada"), take(&world, &peer));
    for text in ["a", "b"] {
        assert_eq!(call(&world, &told, "next", payload(text)), 204);
        assert_eq!(events.next().await, data(text));
    }
    let mut forged = told.clone();
    forged["verifier"] = "0".repeat(32).into();
    assert_eq!(call(&world, &forged, "next", payload("forged")), 401);
    assert_eq!(call(&world, &told, "complete", json!({})), 202);
    assert_eq!(events.next().await, "END");
    assert_eq!(call(&world, &told, "next", payload("late")), 404);
}

#[tokio::test]
async fn errors_at_the_end_are_told() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, OPTIONS);
    let (mut events, told) = join!(world.subscribe("ada"), take(&world, &peer));
    assert_eq!(call(&world, &told, "complete", json!({ "errors": [{ "message": "no" }] })), 202);
    assert_eq!([events.next().await, events.next().await], [r#"{"errors":[{"message":"no"}]}"#, "END"]);
}

#[tokio::test]
async fn who_ends_it_answers_calls_with_404() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, OPTIONS);
    let (events, told) = join!(world.subscribe("ada"), take(&world, &peer));
    drop(events);
    assert_eq!(call(&world, &told, "check", json!({})), 404);
}

#[tokio::test]
async fn heartbeats_keep_it_and_without_them_it_is_made_again() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, OPTIONS);
    let (mut events, told) = join!(world.subscribe("ada"), take(&world, &peer));
    for _ in 0..12 {
        events.nothing_comes(Duration::from_millis(50)).await;
        assert_eq!(call(&world, &told, "check", json!({})), 204);
    }
    let began = Instant::now();
    let (gap, again) = join!(events.next(), take(&world, &peer));
    assert_eq!(gap, "GAP");
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(call(&world, &told, "next", payload("old")), 404, "the old one is forgotten");
    assert_eq!(call(&world, &again, "next", payload("new")), 204);
    assert_eq!(events.next().await, data("new"));
    // A reload leaves it.
    let reloaded = World::with_traffic(&peer.url, "", Some(&world));
    assert_eq!(call(&reloaded, &again, "next", payload("newer")), 204);
    assert_eq!(events.next().await, data("newer"));
}

#[tokio::test]
async fn a_subgraph_that_does_not_call_or_says_no_is_an_error() {
    let peer = Peer::start().await;
    let world = World::new(&peer.url, OPTIONS);
    let answer = |status: &'static str, body: &'static str| async {
        peer.exchange().await.answer(status, "application/json", body).await;
    };
    let (refused, ()) = join!(world.try_subscribe("ada"), answer("200 OK", r#"{"data":null}"#));
    let error = refused.err().unwrap();
    assert!(!error.retryable && error.message.contains("callback protocol"), "{error}");
    let (events, ()) = join!(world.subscribe("ada"), answer("400 Bad Request", r#"{"errors":[{}]}"#));
    let mut events = events;
    assert_eq!([events.next().await, events.next().await], [r#"{"errors":[{}]}"#, "END"]);
    let (refused, ()) = join!(world.try_subscribe("ada"), answer("500 Oh", r#"{"errors":[{}]}"#));
    assert_eq!(refused.err().unwrap().kind, SubgraphErrorKind::Transport);
}
