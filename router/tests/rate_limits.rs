//! Rate limits as clients see them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::time::Duration;

use braid::assemble;
use braid::config::Config;
use support::tls::{self, Authority};
use support::{Answer, TestRouter, post, router};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const QUERY: &str = r#"{"query":"query Me { me { name } }"}"#;

fn limits(config: &mut Config, yaml: &str) {
    config.rate_limits = braid_settings::from_yaml(yaml).unwrap();
}

async fn limited(yaml: &str) -> (TestRouter, [support::Subgraph; 2]) {
    let (router, users, orders) = router(|config| limits(config, yaml)).await;
    (router, [users, orders])
}

async fn ask(router: &TestRouter, headers: &str) -> Answer {
    router.send(&post(QUERY, headers)).await
}

#[tokio::test]
async fn a_client_that_asks_too_much_is_told_when_to_come_again() {
    let (router, subgraphs) = limited("rules: [{ name: client, by: [client_ip], limit: 2, per: 1m }]").await;
    for left in [1, 0] {
        let answer = ask(&router, "").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit-policy").as_deref(), Some("\"client\";q=2;w=60"));
        assert!(answer.header("ratelimit").unwrap().starts_with(&format!("\"client\";r={left};t=")));
        assert_eq!(answer.header("retry-after"), None);
    }
    let answer = ask(&router, "").await;
    assert_eq!((answer.status, answer.code().as_str()), (429, "RATE_LIMITED"));
    assert_eq!(answer.json().get("data"), None);
    let after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((29..=30).contains(&after), "{after}");
    assert_eq!(subgraphs[0].count(), 2);
    assert_eq!(router.metric("braid_rate_limit_requests_total{rule=\"client\",outcome=\"Passed\"}").await, 2.0);
    assert_eq!(router.metric("braid_rate_limit_requests_total{rule=\"client\",outcome=\"Refused\"}").await, 1.0);
    assert_eq!(router.metric("braid_limits_hit_total{code=\"RATE_LIMITED\"}").await, 1.0);
    assert_eq!(router.get("/health", "").await.status, 200);
}

#[tokio::test]
async fn it_is_refused_before_its_body_is_read() {
    let (router, _subgraphs) = limited("rules: [{ name: all, limit: 1, per: 1h }]").await;
    assert_eq!(ask(&router, "").await.status, 200);
    let mut stream = TcpStream::connect(router.address).await.unwrap();
    let head = "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut received = [0; 12];
    let read = tokio::time::timeout(Duration::from_secs(5), stream.read_exact(&mut received)).await;
    read.expect("an answer to the head alone").unwrap();
    assert_eq!(&received, b"HTTP/1.1 429");
}

#[tokio::test]
async fn clients_behind_a_trusted_proxy_are_told_apart() {
    let yaml = "rules: [{ name: client, by: [client_ip], limit: 1, per: 1h }]";
    let trusting = |config: &mut Config| {
        limits(config, yaml);
        config.server.client_ip.trusted_proxies = vec!["127.0.0.1".to_owned()];
    };
    let (router, _users, _orders) = router(trusting).await;
    let from = async |list: &str| ask(&router, &format!("x-forwarded-for: {list}\r\n")).await.status;
    assert_eq!(from("192.0.2.1").await, 200);
    assert_eq!(from("192.0.2.1").await, 429);
    assert_eq!(from("198.51.100.7, 192.0.2.1").await, 429, "what the client writes counts for nothing");
    assert_eq!(from("192.0.2.2").await, 200);
    let (router, _subgraphs) = limited(yaml).await;
    assert_eq!(ask(&router, "x-forwarded-for: 192.0.2.1\r\n").await.status, 200);
    assert_eq!(ask(&router, "x-forwarded-for: 192.0.2.2\r\n").await.status, 429, "nobody is trusted");
}

#[tokio::test]
async fn operations_are_counted_by_name() {
    let (router, subgraphs) = limited("rules: [{ name: op, by: [operation.name], limit: 1, per: 1h }]").await;
    assert_eq!(ask(&router, "").await.status, 200);
    let answer = ask(&router, "").await;
    assert_eq!((answer.status, answer.code().as_str()), (429, "RATE_LIMITED"));
    assert!(answer.header("retry-after").is_some() && answer.header("ratelimit").is_some());
    assert_eq!(router.post(r#"{"query":"query Other { me { name } }"}"#).await.status, 200);
    assert_eq!(subgraphs[0].count(), 2);
}

#[tokio::test]
async fn operations_are_counted_by_cost() {
    let (router, users, _orders) = router(|config| {
        limits(config, "rules: [{ name: cost, by: [client_ip], weight: cost, limit: 5, per: 1h }]");
        config.demand_control = braid_settings::from_yaml("{ mode: measure, headers: { estimated: x-cost } }").unwrap();
    })
    .await;
    let answer = ask(&router, "").await;
    assert_eq!(answer.header("x-cost").as_deref(), Some("1"));
    assert!(answer.header("ratelimit").unwrap().starts_with("\"cost\";r=4;"));
    // Five users at once cost more than what is left.
    let five = (0..5).map(|number| format!("u{number}: me(x: {number}) {{ name }}")).collect::<String>();
    let answer = router.query(&format!("{{ {five} }}")).await;
    assert_eq!((answer.status, answer.code().as_str()), (429, "RATE_LIMITED"));
    assert_eq!(users.count(), 1);
    assert_eq!(ask(&router, "").await.status, 200);
}

#[tokio::test]
async fn a_reload_forgets_nothing() {
    let yaml = "rules: [{ name: client, by: [client_ip], limit: 2, per: 1h }]";
    let (router, subgraphs) = limited(yaml).await;
    assert_eq!([ask(&router, "").await.status, ask(&router, "").await.status], [200, 200]);
    let mut config = Config::default();
    limits(&mut config, yaml);
    config.limits.max_errors = 7;
    let sdl = support::supergraph(&subgraphs[0].url(), &subgraphs[1].url());
    let front = &router.front;
    front.swap(assemble::version(&config, &sdl, None, front.metrics(), Some(&front.current())).unwrap());
    assert_eq!(ask(&router, "").await.status, 429);
}

#[tokio::test]
async fn a_batch_counts_as_many_requests() {
    let (router, users, _orders) = router(|config| {
        limits(config, "rules: [{ name: client, by: [client_ip], limit: 3, per: 1h }]");
        config.server.batching.enabled = true;
    })
    .await;
    let batch = |size: usize| format!("[{}]", vec![QUERY; size].join(","));
    assert_eq!(router.post(&batch(4)).await.status, 429);
    assert_eq!(users.count(), 0);
    assert_eq!(router.post(&batch(2)).await.status, 200);
    assert_eq!(router.post(QUERY).await.status, 429);
}

#[tokio::test]
async fn guesses_of_credentials_count_too() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys.yaml");
    std::fs::write(&keys, format!("- name: robot\n  sha256: {}\n", "0".repeat(64))).unwrap();
    let (router, _users, _orders) = router(|config| {
        limits(config, "rules: [{ name: client, by: [client_ip], limit: 2, per: 1h }]");
        config.authentication.api_keys.file = Some(keys.to_str().unwrap().to_owned());
        config.authentication.api_keys.header = "x-api-key".to_owned();
    })
    .await;
    let guess = async |key: &str| ask(&router, &format!("x-api-key: {key}\r\n")).await.status;
    assert_eq!([guess("a").await, guess("b").await, guess("c").await], [401, 401, 429]);
}

#[tokio::test]
async fn routers_count_together_in_redis_over_tls() {
    let Ok(url) = std::env::var("REDIS_URL") else {
        assert!(std::env::var_os("CI").is_none(), "REDIS_URL is not set: in CI the tests on Redis must run");
        eprintln!("skipped: REDIS_URL is not set");
        return;
    };
    let server = url.trim_start_matches("redis://").split('/').next().unwrap().parse().unwrap();
    let authority = Authority::new();
    let address = tls::before(server, authority.server(true)).await;
    let (certificate, key) = authority.sign("router");
    let yaml = format!(
        "redis: {{ url: \"rediss://localhost:{}\", prefix: \"braid-test:{:016x}:\", timeout: 5s,
    tls: {{ authorities: {}, certificate: {certificate}, key: {key} }} }}
rules: [{{ name: all, limit: 3, per: 1h }}]",
        address.port(),
        braid_telemetry::trace::random(),
        authority.file("ca.pem"),
    );
    let routers = [limited(&yaml).await, limited(&yaml).await];
    let mut passed = 0;
    for (router, _) in [&routers[0], &routers[1], &routers[0], &routers[1], &routers[1]] {
        passed += usize::from(ask(router, "").await.status == 200);
        assert_eq!(router.metric("braid_redis_up{purpose=\"rate_limits\"}").await, 1.0);
    }
    assert_eq!(passed, 3);
}

#[tokio::test]
async fn a_dry_run_refuses_nothing() {
    let (router, _subgraphs) = limited("dry_run: true\nrules: [{ name: all, limit: 1, per: 1h }]").await;
    for _ in 0..3 {
        let answer = ask(&router, "").await;
        assert_eq!((answer.status, answer.header("ratelimit")), (200, None));
    }
    assert_eq!(router.metric("braid_rate_limit_requests_total{rule=\"all\",outcome=\"WouldBeRefused\"}").await, 2.0);
}
