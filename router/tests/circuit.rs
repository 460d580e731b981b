//! Subgraphs in trouble as clients see them: an open circuit, a reload while it is open, and a router that stops while requests hang. What
//! opens a circuit is tested in the crate `transport`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::time::{Duration, Instant};

use braid::assemble;
use braid::config::Config;
use support::{ME, Subgraph, TestRouter, http, ok, supergraph};

const QUERY: &str = "{ me { name orders { id total } } }";

fn traffic(config: &mut Config, yaml: &str) {
    config.telemetry.access_log.enabled = false;
    config.traffic = braid_settings::from_yaml(yaml).unwrap();
    config.check().unwrap();
}

#[tokio::test]
async fn an_open_circuit_is_an_error_beside_the_data_of_others_and_outlives_a_reload() {
    const BREAKER: &str = "all: { circuit_breaker: { min_requests: 2, open_time: 1m }, retry: { enabled: false } }";
    let users = Subgraph::json(|_| ME.to_owned()).await;
    let orders = Subgraph::raw(|_| async { http("503 Busy", "text/plain", b"busy", "") }).await;
    let sdl = supergraph(&users.url(), &orders.url());
    let router = TestRouter::start(sdl.clone(), |config| traffic(config, BREAKER)).await;
    for _ in 0..2 {
        assert_eq!(router.query(QUERY).await.code(), "SUBREQUEST_HTTP_ERROR");
    }
    let refused = async || {
        let answer = router.query(QUERY).await;
        assert_eq!((answer.status, answer.code().as_str()), (200, "SUBREQUEST_CIRCUIT_OPEN"), "{}", answer.text());
        assert_eq!(answer.json()["data"], serde_json::json!({ "me": { "name": "Ada", "orders": null } }));
        assert_eq!(orders.count(), 2);
    };
    refused().await;
    let states = router.get("/health/ready?subgraphs", "").await.json()["subgraphs"].clone();
    assert_eq!((&states[0]["status"], &states[1]["status"]), (&"UP".into(), &"CIRCUIT_OPEN".into()), "{states}");
    assert_eq!(router.metric("braid_subgraph_circuit_state{subgraph=\"orders\"}").await, 1.0);
    assert_eq!(router.metric("braid_subgraph_circuit_state{subgraph=\"users\"}").await, 0.0);

    let mut config = Config::default();
    traffic(&mut config, BREAKER);
    config.limits.max_errors = 7;
    let version =
        assemble::version(&config, &sdl, None, router.front.metrics(), Some(&router.front.current())).unwrap();
    router.front.swap(version);
    refused().await;
}

#[tokio::test]
async fn a_router_stops_while_hedged_requests_hang() {
    let hanging = async || Subgraph::raw(|_| async { std::future::pending::<Vec<u8>>().await }).await;
    let (one, two) = (hanging().await, hanging().await);
    let yaml = format!(
        "subgraphs: {{ users: {{ urls: [\"{}\", \"{}\"], hedge: {{ delay: 10ms, ratio: 1 }} }} }}",
        one.url(),
        two.url()
    );
    let router = TestRouter::start(supergraph("http://127.0.0.1:1/", "http://127.0.0.1:1/"), |config| {
        traffic(config, &yaml);
        config.server.shutdown_delay = braid_settings::Duration::millis(0);
        config.server.shutdown_grace = braid_settings::Duration::millis(300);
    })
    .await;
    let address = router.address;
    let body = r#"{"query":"{ me { name } }"}"#;
    let client = tokio::spawn(async move {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, &support::post(body, "")).await.unwrap();
        let mut received = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut received).await;
    });
    while one.count() + two.count() < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let began = Instant::now();
    router.stop().await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    client.abort();
}

#[tokio::test]
async fn several_urls_replace_the_one_in_the_supergraph() {
    let (one, two) = (Subgraph::json(|_| ME.to_owned()).await, Subgraph::raw(|_| async { ok(ME) }).await);
    let yaml = format!("subgraphs: {{ users: {{ urls: [\"{}\", \"{}\"] }} }}", one.url(), two.url());
    let router = TestRouter::start(supergraph("http://127.0.0.1:1/", "http://127.0.0.1:1/"), |config| {
        traffic(config, &yaml);
    })
    .await;
    for _ in 0..30 {
        assert_eq!(router.query("{ me { name } }").await.json()["data"]["me"]["name"], "Ada");
    }
    assert_eq!(one.count() + two.count(), 30);
    assert!(one.count() > 3 && two.count() > 3, "{} {}", one.count(), two.count());
}
