//! What routers keep together in Redis.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    dead_code,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use braid_cache_store::{Found, Group, KeyRef, Lifetime, Position, Store, now};
use braid_telemetry::metrics::Metrics;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};

use support::{Server, config, entry, eventually, get, key, put, store, until};

fn metric(metrics: &Metrics, name: &str) -> f64 {
    let text = metrics.encode();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_found_by_another_router_whatever_its_key() {
    let Some(server) = Server::start(&[]) else { return };
    let ((a, metrics), (b, _)) = (store(&config(&server.url())), store(&config(&server.url())));
    let items: [&[u8]; 5] =
        [b"", b"{\"__typename\":\"Product\",\"id\":\"1\"}", b"\0\r\n$3\r\n", &[0xff, 0xfe], "ü *{}?".as_bytes()];
    for (number, item) in items.iter().enumerate() {
        let small = entry(format!("{number}"), Position(number as u64));
        put(&a, item, &small).await;
        let large = entry("{\"name\":\"lamp\"},".repeat(1000 + number), Position(7));
        put(&b, &[item, b"large" as &[u8]].concat(), &large).await;
    }
    let keys: Vec<Vec<u8>> =
        items.iter().flat_map(|item| [item.to_vec(), [item, b"large" as &[u8]].concat()]).collect();
    let keys: Vec<KeyRef<'_>> = keys.iter().map(|item| KeyRef { group: Group([7; 16]), item }).collect();
    let found = a.shared().unwrap().get(&keys, false).await.unwrap();
    assert!(found.iter().all(|found| matches!(found, Found::Entry(_))), "{found:?}");
    let other = KeyRef { group: Group([8; 16]), item: b"" };
    assert!(matches!(a.shared().unwrap().get(&[other], false).await.unwrap()[..], [Found::Missing]));
    assert!(metric(&metrics, "braid_cache_redis_hits_total") >= 10.0);
    assert!(metric(&metrics, "braid_cache_redis_duration_seconds_count") >= 2.0);
    // Redis forgets it when it is of no use any more.
    let now = now();
    let ttl: i64 = server
        .cli(&["PTTL", server.cli(&["--scan", "--pattern", "braid:cache:e:*"]).lines().next().unwrap()])
        .trim()
        .parse()
        .unwrap();
    assert!((1..=60_000).contains(&ttl), "{ttl}");
    let mut short = Arc::into_inner(entry("x", Position(0))).unwrap();
    let end = now + 300;
    short.lifetime = Lifetime { since: now, fresh_until: end, revalidate_until: end, on_error_until: end };
    put(&a, b"short", &Arc::new(short)).await;
    eventually("it is over", async || matches!(get(&a, b"short", false).await, Some(Found::Missing))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_router_fetches_what_none_has() {
    let Some(server) = Server::start(&[]) else { return };
    let mut config = config(&server.url());
    config.redis.as_mut().unwrap().claim_time.0 = Duration::from_millis(400);
    let ((a, _), (b, _)) = (store(&config), store(&config));
    assert!(matches!(get(&a, b"x", true).await, Some(Found::Claimed)));
    eventually("it is seen", async || matches!(get(&b, b"x", true).await, Some(Found::Elsewhere))).await;
    assert!(matches!(get(&b, b"x", false).await, Some(Found::Elsewhere)));
    put(&a, b"x", &entry("1", Position(0))).await;
    assert!(matches!(get(&b, b"x", true).await, Some(Found::Entry(_))));
    // What came may not be kept.
    assert!(matches!(get(&a, b"y", true).await, Some(Found::Claimed)));
    a.shared().unwrap().release(vec![key("y")]);
    eventually("the other one takes it", async || matches!(get(&b, b"y", true).await, Some(Found::Claimed))).await;
    // A claim that is not this router's stays.
    a.shared().unwrap().release(vec![key("y")]);
    put(&a, b"other", &entry("1", Position(0))).await;
    assert!(matches!(get(&a, b"y", true).await, Some(Found::Elsewhere)));
    // Whoever took it does not come back.
    eventually("a claim ends", async || matches!(get(&a, b"y", true).await, Some(Found::Claimed))).await;
    // All that ask at once: one of them fetches.
    let mut tasks = Vec::new();
    for task in 0..50 {
        let store: Arc<Store> = if task % 2 == 0 { a.clone() } else { b.clone() };
        tasks.push(tokio::spawn(async move { matches!(get(&store, b"z", true).await, Some(Found::Claimed)) }));
    }
    let mut claimed = 0;
    for task in tasks {
        claimed += usize::from(task.await.unwrap());
    }
    assert_eq!(claimed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_cannot_be_read_are_missing() {
    let Some(server) = Server::start(&[]) else { return };
    let (a, metrics) = store(&config(&server.url()));
    put(&a, b"x", &entry("1", Position(0))).await;
    let name = server.cli(&["--scan", "--pattern", "braid:cache:e:*"]).trim().to_owned();
    for value in ["", "x", "BrE1", "BrE2aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "BrC1"] {
        server.cli(&["SET", &name, value]);
        assert!(matches!(get(&a, b"x", true).await, Some(Found::Missing)), "{value}");
    }
    assert_eq!(metric(&metrics, "braid_cache_redis_unreadable_total"), 5.0);
    // A value of another kind.
    server.cli(&["DEL", &name]);
    server.cli(&["LPUSH", &name, "x"]);
    assert!(matches!(get(&a, b"x", true).await, Some(Found::Missing)));
    server.cli(&["DEL", &name]);
    eventually("claims are tried again", async || matches!(get(&a, b"x", true).await, Some(Found::Claimed))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reloads_leak_no_connection() {
    let Some(server) = Server::start(&[]) else { return };
    let config = config(&server.url());
    let metrics = Arc::new(Metrics::default());
    let mut current = Store::new(&config, &metrics, None).unwrap();
    eventually("it joins", async || current.may_serve()).await;
    put(&current, b"x", &entry("1", current.position())).await;
    current.invalidate(&[]).await.unwrap();
    let before = server.clients();
    assert_eq!(before, 4, "for reading, writing, invalidating and following");
    for _ in 0..1000 {
        let next = Store::new(&config, &metrics, Some(&current)).unwrap();
        assert!(Arc::ptr_eq(&next, &current));
        current = next;
    }
    assert_eq!(server.clients(), before);
    for reload in 0..1000u64 {
        let mut config = config.clone();
        config.redis.as_mut().unwrap().claim_time.0 = Duration::from_millis(1000 + reload);
        current = Store::new(&config, &metrics, Some(&current)).unwrap();
        let _ = get(&current, b"x", true).await;
        if reload % 100 == 0 {
            put(&current, b"y", &entry("1", Position(0))).await;
        }
    }
    put(&current, b"x", &entry("1", current.position())).await;
    eventually("it joins", async || current.may_serve()).await;
    current.invalidate(&[]).await.unwrap();
    until("connections are closed", || server.clients() <= before);
    drop(current);
    until("all are closed", || server.clients() == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_to_be_written_is_bounded() {
    let Some(server) = Server::start(&[]) else { return };
    let mut config = config(&server.url());
    config.redis.as_mut().unwrap().write_queue.0 = 100_000;
    let (a, metrics) = store(&config);
    put(&a, b"x", &entry("1", Position(0))).await;
    server.signal("-STOP");
    let large = entry(vec![b'a'; 10_000], Position(0));
    let started = std::time::Instant::now();
    for number in 0..1000 {
        a.shared().unwrap().put(vec![(key(format!("{number}")), large.clone())]);
    }
    assert!(started.elapsed() < Duration::from_secs(1), "nobody waits");
    server.signal("-CONT");
    assert!(metric(&metrics, "braid_cache_redis_dropped_total") > 900.0);
    put(&a, b"y", &entry("1", Position(0))).await;
}

/// Answers as a server of version 6 does, or as one that is loading what it had.
async fn other_server(is_loading: Arc<AtomicBool>) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let is_loading = is_loading.clone();
            tokio::spawn(async move {
                let mut stream = tokio::io::BufReader::new(stream);
                loop {
                    let mut line = String::new();
                    if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                        return;
                    }
                    let mut words = Vec::new();
                    for _ in 0..line.trim()[1..].parse().unwrap() {
                        let mut length = String::new();
                        stream.read_line(&mut length).await.unwrap();
                        let mut word = vec![0; length.trim()[1..].parse::<usize>().unwrap() + 2];
                        stream.read_exact(&mut word).await.unwrap();
                        words.push(String::from_utf8_lossy(&word).trim().to_owned());
                    }
                    let answer = match words[0].as_str() {
                        _ if is_loading.load(Ordering::Relaxed) => {
                            "-LOADING Redis is loading the dataset in memory\r\n"
                        }
                        "SET" if words.iter().any(|word| word == "GET") => "-ERR syntax error\r\n",
                        "GET" => "$-1\r\n",
                        _ => "+OK\r\n",
                    };
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_redis_is_used_without_claims_and_one_that_loads_is_away() {
    let is_loading = Arc::new(AtomicBool::new(false));
    let port = other_server(is_loading.clone()).await;
    let (store, metrics) = store(&config(&format!("redis://127.0.0.1:{port}")));
    eventually("it is asked", async || matches!(get(&store, b"x", true).await, Some(Found::Missing))).await;
    assert_eq!(metric(&metrics, "braid_redis_up{purpose=\"cache\"}"), 1.0);
    is_loading.store(true, Ordering::Relaxed);
    eventually("it is away", async || get(&store, b"x", true).await.is_none()).await;
    assert_eq!(metric(&metrics, "braid_redis_up{purpose=\"cache\"}"), 0.0);
    is_loading.store(false, Ordering::Relaxed);
    eventually("it is back", async || get(&store, b"x", true).await.is_some()).await;
}
