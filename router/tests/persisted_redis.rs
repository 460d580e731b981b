//! Routers that share registered operations by Redis. The server is that of `REDIS_URL`; without it, what needs it is skipped, unless `CI`
//! is set.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use braid_persisted_operations::QueryHash;
use braid_persisted_operations::config::{PersistedOperationsConfig, RedisConfig};
use serde_json::{Value, json};
use support::{Subgraph, TestRouter, router};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ME: &str = "query Me { me { name } }";

fn redis_url() -> Option<String> {
    let url = std::env::var("REDIS_URL").ok();
    assert!(url.is_some() || std::env::var_os("CI").is_none(), "set REDIS_URL to the address of a Redis server");
    if url.is_none() {
        eprintln!("skipped: REDIS_URL is not set");
    }
    url
}

/// A router whose keys no other test has.
async fn sharing(url: &str, prefix: &str) -> (TestRouter, Subgraph, Subgraph) {
    let redis: RedisConfig =
        serde_json::from_value(json!({ "url": url, "prefix": prefix, "timeout": "150ms" })).unwrap();
    router(|config| config.persisted_operations.automatic.redis = Some(redis)).await
}

fn prefix(test: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    format!("braid-test:{test}:{}:", now.as_nanos())
}

fn by_hash(text: &str) -> Value {
    json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": QueryHash::of(text).hex() } } })
}

fn with_text(text: &str) -> Value {
    let mut body = by_hash(text);
    body["query"] = text.into();
    body
}

async fn ask(router: &TestRouter, body: &Value) -> String {
    let answer = router.post(&body.to_string()).await;
    match answer.json()["data"]["me"]["name"].as_str() {
        Some(name) => name.to_owned(),
        None => answer.code(),
    }
}

async fn failures(router: &TestRouter) -> f64 {
    router.metric("braid_redis_failures_total{purpose=\"persisted_operations\"}").await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_router_registers_another_one_knows() {
    let Some(url) = redis_url() else { return };
    let prefix = prefix("two");
    let (one, _users_of_one, _orders_of_one) = sharing(&url, &prefix).await;
    let (other, _users_of_other, _orders_of_other) = sharing(&url, &prefix).await;
    assert_eq!(ask(&other, &by_hash(ME)).await, "PERSISTED_QUERY_NOT_FOUND");
    assert_eq!(ask(&one, &with_text(ME)).await, "Ada");
    let mut known = String::new();
    for _ in 0..100 {
        known = ask(&other, &by_hash(ME)).await;
        if known == "Ada" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(known, "Ada");
    assert_eq!(ask(&other, &by_hash(ME)).await, "Ada");
    let counted = |outcome: &str| format!("braid_persisted_operations_requests_total{{outcome=\"{outcome}\"}}");
    assert_eq!(other.metric(&counted("AutomaticShared")).await, 1.0);
    assert_eq!(other.metric(&counted("Automatic")).await, 1.0);
    assert_eq!((failures(&one).await, failures(&other).await), (0.0, 0.0));

    // Keys expire, and what others put under a hash is not used.
    let mut redis = redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
    let key = |text: &str| format!("{prefix}{}", QueryHash::of(text).hex());
    let ttl: i64 = redis::cmd("TTL").arg(key(ME)).query_async(&mut redis).await.unwrap();
    assert!(ttl > 80_000 && ttl <= 86_400, "{ttl}");
    let secret = "query Secret { me { id } }";
    let () = redis::cmd("SET").arg(key(secret)).arg(ME).arg("EX").arg(60).query_async(&mut redis).await.unwrap();
    assert_eq!(ask(&one, &by_hash(secret)).await, "PERSISTED_QUERY_NOT_FOUND");
    for text in [ME, secret] {
        let () = redis::cmd("DEL").arg(key(text)).query_async(&mut redis).await.unwrap();
    }
}

/// A server between routers and Redis that can stop to pass anything on, and can hang up.
async fn between(url: &str) -> (String, Arc<AtomicBool>) {
    let target = url.split("://").nth(1).unwrap().split('/').next().unwrap().rsplit('@').next().unwrap().to_owned();
    let (listener, hangs) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), Arc::new(AtomicBool::new(false)));
    let (address, is_hung) = (listener.local_addr().unwrap(), hangs.clone());
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (is_hung, target) = (is_hung.clone(), target.clone());
            tokio::spawn(async move {
                let server = TcpStream::connect(target).await.unwrap();
                let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
                let pass = |mut from: tokio::net::tcp::OwnedReadHalf, mut to: tokio::net::tcp::OwnedWriteHalf| {
                    let is_hung = is_hung.clone();
                    async move {
                        let mut bytes = [0; 4096];
                        while let Ok(count @ 1..) = from.read(&mut bytes).await {
                            while is_hung.load(Ordering::Relaxed) {
                                tokio::time::sleep(Duration::from_millis(10)).await;
                            }
                            if to.write_all(&bytes[..count]).await.is_err() {
                                return;
                            }
                        }
                    }
                };
                tokio::join!(pass(from_client, to_server), pass(from_server, to_client));
            });
        }
    });
    (format!("redis://{address}/"), hangs)
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_that_hangs_delays_few_requests_a_little() {
    let Some(url) = redis_url() else { return };
    let (url, hangs) = between(&url).await;
    let (router, _users, _orders) = sharing(&url, &prefix("hang")).await;
    assert_eq!(ask(&router, &by_hash(ME)).await, "PERSISTED_QUERY_NOT_FOUND");
    assert_eq!(failures(&router).await, 0.0);
    hangs.store(true, Ordering::Relaxed);
    let began = Instant::now();
    for number in 0..50 {
        assert_eq!(ask(&router, &by_hash(&format!("{{ a{number} }}"))).await, "PERSISTED_QUERY_NOT_FOUND");
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(3), "{took:?}");
    let failed = failures(&router).await;
    assert_eq!(failed, 1.0);
    // What is in memory needs no Redis; registering waits for nothing.
    assert_eq!(ask(&router, &with_text(ME)).await, "Ada");
    assert_eq!(ask(&router, &by_hash(ME)).await, "Ada");
    hangs.store(false, Ordering::Relaxed);
    let mut is_up = 0.0;
    for _ in 0..400 {
        is_up = router.metric("braid_redis_up{purpose=\"persisted_operations\"}").await;
        if is_up == 1.0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(is_up, 1.0, "it is used again");
    let before = failures(&router).await;
    assert_eq!(ask(&router, &by_hash("{ b }")).await, "PERSISTED_QUERY_NOT_FOUND");
    assert_eq!(failures(&router).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn routers_do_without_redis_that_is_away() {
    let (router, _users, _orders) = sharing("redis://127.0.0.1:1/", "braid-test:away:").await;
    assert_eq!(ask(&router, &by_hash(ME)).await, "PERSISTED_QUERY_NOT_FOUND");
    assert_eq!(ask(&router, &with_text(ME)).await, "Ada");
    assert_eq!(ask(&router, &by_hash(ME)).await, "Ada");
    assert!(failures(&router).await >= 1.0);
}

#[test]
fn an_address_that_is_none_is_refused() {
    let mut config = PersistedOperationsConfig::default();
    let mut check = |redis: Value| {
        config.automatic.redis = Some(serde_json::from_value(redis).unwrap());
        config.check().unwrap_err()
    };
    let error = check(json!({ "url": "http://user:secret@redis/" }));
    assert!(error.starts_with("automatic.redis.url can't be used") && !error.contains("secret"), "{error}");
    assert!(check(json!({ "url": "redis://redis/", "timeout": "0s" })).contains("at least 1ms"));
}
