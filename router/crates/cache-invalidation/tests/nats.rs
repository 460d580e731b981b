//! Invalidations that come from NATS, over a real server (`NATS_URL`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    unreachable_pub,
    reason = "a panic in a test is its report, and what is skipped is said"
)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream;
use braid_cache_invalidation::config::InvalidationConfig;
use braid_cache_invalidation::{Target, Ways};
use braid_cache_store::{Invalidation, Position};
use braid_events::config::EventsConfig;
use braid_telemetry::metrics::Metrics;
use pretty_assertions::assert_eq;
use serde_json::json;

use support::{Fixed, entity, last_of, target};

/// None where there is no server; in CI there must be one.
fn nats_url() -> Option<String> {
    let url = std::env::var("NATS_URL").ok();
    assert!(url.is_some() || std::env::var_os("CI").is_none(), "CI must set NATS_URL");
    if url.is_none() {
        eprintln!("skipped: NATS_URL is not set");
    }
    url
}

/// Part of all subjects of a test.
fn prefix(name: &str) -> String {
    format!("test-{name}-{}", std::process::id())
}

fn brokers(url: &str, stream: Option<&str>) -> EventsConfig {
    serde_json::from_value(json!({ "brokers": { "shop": { "nats": { "urls": [url], "stream": stream } } } })).unwrap()
}

fn config(prefix: &str) -> InvalidationConfig {
    serde_json::from_value(json!({
        "nats": {
            "subjects": [format!("{prefix}.invalidate")],
            "events": [{
                "subject": format!("{prefix}.products.{{id}}.changed"),
                "invalidates": [{ "kind": "entity", "type": "Product", "key": { "id": "{id}" } }],
            }],
        }
    }))
    .unwrap()
}

struct Router {
    ways: Ways,
    target: Target,
    metrics: Arc<Metrics>,
}

impl Router {
    async fn start(config: &InvalidationConfig, brokers: &EventsConfig, group: Option<&str>) -> Self {
        let (target, metrics) = (target(), Arc::new(Metrics::default()));
        let ways = Ways::new(Arc::new(Fixed(target.clone())), metrics.clone());
        ways.follow(Some(config), brokers, group).await.unwrap();
        Self { ways, target, metrics }
    }

    fn knows(&self, invalidation: &Invalidation) -> bool {
        // Everything is untrue from the first connection on.
        let nothing = Invalidation::Tag { subgraph: None, tag: "nothing".to_owned() };
        // Its first tag is the one that is about nothing else.
        let own = self.target.store.invalidations.last_of([invalidation.tags().unwrap()[0]]);
        own > last_of(&self.target, &nothing)
    }

    async fn waits_for(&self, invalidation: &Invalidation) {
        eventually(|| self.knows(invalidation)).await;
    }

    fn counts(&self, outcome: &str) -> u64 {
        let text = self.metrics.encode();
        let line = format!("braid_cache_invalidation_messages_total{{way=\"Nats\",outcome=\"{outcome}\"}} ");
        text.lines().find_map(|found| found.strip_prefix(&line)?.parse().ok()).unwrap_or_default()
    }
}

async fn eventually(mut is_so: impl FnMut() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    // Longer than JetStream waits for an acknowledgement: what a router took in its last moment comes again after that.
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("it does not come");
}

async fn publish(nats: &Client, subject: String, body: &str) {
    nats.publish(subject, body.to_owned().into()).await.unwrap();
    nats.flush().await.unwrap();
}

/// Publishes until a router takes messages, which it does from some time after its start.
async fn until_ready(router: &Router, nats: &Client, prefix: &str) {
    let tag = Invalidation::Tag { subgraph: None, tag: "ready".to_owned() };
    let publishing = async {
        loop {
            publish(nats, format!("{prefix}.invalidate"), r#"{"kind":"cache_tag","cache_tag":"ready"}"#).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        () = router.waits_for(&tag) => {}
        () = publishing => {}
    }
}

fn product(id: &str) -> Invalidation {
    entity(None, "Product", json!({ "id": id }))
}

#[tokio::test]
async fn messages_and_events_of_services_invalidate() {
    let Some(url) = nats_url() else { return };
    let (prefix, nats) = (prefix("plain"), async_nats::connect(&url).await.unwrap());
    let router = Router::start(&config(&prefix), &brokers(&url, None), None).await;
    until_ready(&router, &nats, &prefix).await;
    publish(&nats, format!("{prefix}.products.7.changed"), "").await;
    router.waits_for(&product("7")).await;
    assert!(!router.knows(&product("8")));
    // An event of a type that this router does not know may concern another one.
    let list = r#"[{"kind":"type","type":"Unknown"},{"kind":"subgraph","subgraph":"b"}]"#;
    publish(&nats, format!("{prefix}.invalidate"), list).await;
    router.waits_for(&Invalidation::Subgraph("b".to_owned())).await;
}

#[tokio::test]
async fn what_makes_no_sense_is_dropped_and_counted() {
    let Some(url) = nats_url() else { return };
    let (prefix, nats) = (prefix("nonsense"), async_nats::connect(&url).await.unwrap());
    let router = Router::start(&config(&prefix), &brokers(&url, None), None).await;
    until_ready(&router, &nats, &prefix).await;
    for nonsense in ["", "7", "[]", "{\"kind\":\"none\"}", "\u{0}"] {
        publish(&nats, format!("{prefix}.invalidate"), nonsense).await;
    }
    publish(&nats, format!("{prefix}.products.9.changed"), "[1,").await;
    router.waits_for(&product("9")).await;
    eventually(|| router.counts("Refused") == 5).await;
}

#[tokio::test]
async fn nothing_of_a_stream_is_lost_while_a_router_of_the_group_is_down() {
    let Some(url) = nats_url() else { return };
    let (prefix, nats) = (prefix("kept"), async_nats::connect(&url).await.unwrap());
    let stream = format!("{prefix}-stream");
    let context = jetstream::new(nats.clone());
    let settings = jetstream::stream::Config {
        name: stream.clone(),
        subjects: vec![format!("{prefix}.>")],
        ..jetstream::stream::Config::default()
    };
    context.create_stream(settings).await.unwrap();
    let (config, brokers) = (config(&prefix), brokers(&url, Some(&stream)));
    let first = Router::start(&config, &brokers, Some("shop:cache:")).await;
    until_ready(&first, &nats, &prefix).await;
    first.ways.shut_down().await;
    publish(&nats, format!("{prefix}.products.down.changed"), "").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!first.knows(&product("down")));

    let (second, third) = (
        Router::start(&config, &brokers, Some("shop:cache:")).await,
        Router::start(&config, &brokers, Some("shop:cache:")).await,
    );
    eventually(|| second.knows(&product("down")) || third.knows(&product("down"))).await;
    // One of them takes it, and tells the others by what they share.
    for id in 0..20 {
        publish(&nats, format!("{prefix}.products.{id}.changed"), "").await;
    }
    let taken = |router: &Router| (0..20).filter(|id| router.knows(&product(&id.to_string()))).count();
    eventually(|| taken(&second) + taken(&third) == 20).await;
    // Both were acknowledged: the stream's consumer has nothing left.
    let consumer: jetstream::consumer::PullConsumer =
        context.get_stream(&stream).await.unwrap().get_consumer("braid-shop-cache").await.unwrap();
    let mut consumer = consumer;
    let wait = async {
        while consumer.info().await.unwrap().num_ack_pending > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.unwrap();
    assert_eq!(consumer.info().await.unwrap().num_pending, 0);
    context.delete_stream(&stream).await.unwrap();
}

#[tokio::test]
async fn each_router_that_is_no_group_takes_every_message_of_a_stream() {
    let Some(url) = nats_url() else { return };
    let (prefix, nats) = (prefix("each"), async_nats::connect(&url).await.unwrap());
    let stream = format!("{prefix}-stream");
    let context = jetstream::new(nats.clone());
    let settings = jetstream::stream::Config {
        name: stream.clone(),
        subjects: vec![format!("{prefix}.>")],
        ..jetstream::stream::Config::default()
    };
    context.create_stream(settings).await.unwrap();
    let (config, brokers) = (config(&prefix), brokers(&url, Some(&stream)));
    let (one, other) = (Router::start(&config, &brokers, None).await, Router::start(&config, &brokers, None).await);
    until_ready(&one, &nats, &prefix).await;
    until_ready(&other, &nats, &prefix).await;
    publish(&nats, format!("{prefix}.products.5.changed"), "").await;
    one.waits_for(&product("5")).await;
    other.waits_for(&product("5")).await;
    context.delete_stream(&stream).await.unwrap();
}

#[tokio::test]
async fn a_broker_that_is_not_there_stops_nothing() {
    let config = config("x");
    let router = Router::start(&config, &brokers("nats://127.0.0.1:1", None), None).await;
    let changed = InvalidationConfig { listen: Some("127.0.0.1:0".parse().unwrap()), ..config.clone() };
    router.ways.follow(Some(&changed), &brokers("nats://127.0.0.1:1", None), None).await.unwrap();
    router.ways.shut_down().await;
    assert_eq!(router.target.store.invalidations.last(), Position::default());

    let error = router.ways.follow(Some(&config), &EventsConfig::default(), None).await.unwrap_err();
    assert!(error.to_string().contains("there is no broker"), "{error}");
}
