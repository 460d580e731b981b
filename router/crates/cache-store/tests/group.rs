//! Routers that share a Redis agree on invalidations.
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
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use braid_cache_store::{Found, Invalidation, KeyRef, NotAcknowledged, Position, Store, Tag};
use support::{Proxy, Server, config, entry, eventually, get, joined, key, put, store};

fn by_tag(tag: &str) -> Invalidation {
    Invalidation::Tag { subgraph: None, tag: tag.into() }
}

fn tags(tag: &str) -> Vec<Tag> {
    by_tag(tag).tags().unwrap()
}

/// What a router serves of what it keeps: as the cache above does it.
async fn serves(store: &Store, item: &str, tag: &str) -> Option<(u64, Position)> {
    let key = key(item);
    let found = match store.memory.get(key.as_ref()) {
        Some(entry) => entry,
        None => match get(store, item.as_bytes(), false).await? {
            Found::Entry(entry) => entry,
            _ => return None,
        },
    };
    let is_true = store.invalidations.last_of(tags(tag)) <= found.position;
    let text = std::str::from_utf8(&found.value).unwrap();
    (is_true && store.may_serve()).then(|| (text.parse().unwrap(), found.position))
}

#[tokio::test(flavor = "multi_thread")]
async fn invalidations_reach_the_whole_group() {
    let Some(server) = Server::start(&[]) else { return };
    let config = config(&server.url());
    let (a, b) = (joined(&config).await, joined(&config).await);
    let asked_for = a.position();
    assert!(asked_for > Position(0), "the log has a beginning");
    let kept = entry("1", asked_for);
    b.memory.put(key("x"), kept.clone());
    put(&a, b"x", &kept).await;
    assert!(serves(&a, "x", "t").await.is_some() && serves(&b, "x", "t").await.is_some());
    // When both have been there for a while, nobody needs to wait for a lease.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let started = Instant::now();
    let position = a.invalidate(&[by_tag("t")]).await.unwrap();
    println!("acknowledged after {:?}", started.elapsed());
    assert!(started.elapsed() < Duration::from_millis(900));
    assert!(position > asked_for && b.position() == position && a.position() == position);
    assert!(serves(&a, "x", "t").await.is_none() && serves(&b, "x", "t").await.is_none());
    assert!(serves(&b, "x", "other").await.is_some());
    // One that comes later reads the log first.
    let c = joined(&config).await;
    assert_eq!(c.position(), position);
    assert!(serves(&c, "x", "t").await.is_none() && serves(&c, "x", "other").await.is_some());
}

/// The source of truth is a number. What a router keeps is the number as it was when it asked; a change is followed by an invalidation.
/// After that is acknowledged no router may serve an older number.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_older_is_served_after_an_acknowledgement() {
    let Some(server) = Server::start(&[]) else { return };
    let proxy = Proxy::to(server.port).await;
    let mut config = config(&server.url());
    config.redis.as_mut().unwrap().lease.0 = Duration::from_millis(400);
    let mut frozen = config.clone();
    frozen.redis.as_mut().unwrap().url.0 = proxy.url();
    let stores = [joined(&config).await, joined(&frozen).await];
    let world = Arc::new(World::default());
    let mut tasks = Vec::new();
    for task in 0..4 {
        tasks.push(tokio::spawn(read(world.clone(), stores[task % 2].clone(), task)));
    }
    for which in 0..ITEMS {
        tasks.push(tokio::spawn(write(world.clone(), stores.clone(), which)));
    }
    // The second router loses Redis twice.
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_secs(8)).await;
        proxy.freeze(true);
        tokio::time::sleep(Duration::from_millis(1200)).await;
        proxy.freeze(false);
    }
    world.is_over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let World { rounds, refused, hits, misses, .. } = &*world;
    println!(
        "{} rounds acknowledged, {} not; {} hits, {} misses",
        count(rounds),
        count(refused),
        count(hits),
        count(misses)
    );
    assert!(count(rounds) > 1000 && count(hits) > 1000 && count(misses) > 1000);
}

const ITEMS: usize = 16;

#[derive(Default)]
struct World {
    truth: [AtomicU64; ITEMS],
    acknowledged: [AtomicU64; ITEMS],
    is_over: AtomicBool,
    rounds: AtomicU64,
    refused: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
}

async fn read(world: Arc<World>, store: Arc<Store>, reader: usize) {
    let mut turn = reader;
    while !world.is_over.load(Ordering::Relaxed) {
        turn += 1;
        let which = turn % ITEMS;
        let (item, tag) = (format!("item {which}"), format!("tag {which}"));
        let least = world.acknowledged[which].load(Ordering::SeqCst);
        if let Some((value, _)) = serves(&store, &item, &tag).await {
            assert!(value >= least, "router {} served {value}, {least} was acknowledged", reader % 2);
            world.hits.fetch_add(1, Ordering::Relaxed);
        } else {
            let position = store.position();
            let value = world.truth[which].load(Ordering::SeqCst);
            // The subgraph takes its time.
            tokio::time::sleep(Duration::from_millis(turn as u64 % 3)).await;
            let kept = entry(value.to_string(), position);
            store.memory.put(key(&item), kept.clone());
            store.shared().unwrap().put(vec![(key(&item), kept)]);
            world.misses.fetch_add(1, Ordering::Relaxed);
        }
        if turn.is_multiple_of(7) {
            // As if it had to make room: the next one asks Redis.
            store.memory.remove(key(&item).as_ref());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

async fn write(world: Arc<World>, stores: [Arc<Store>; 2], which: usize) {
    let mut round = which;
    while !world.is_over.load(Ordering::Relaxed) {
        round += 1;
        let value = world.truth[which].fetch_add(1, Ordering::SeqCst) + 1;
        match stores[usize::from(round.is_multiple_of(3))].invalidate(&[by_tag(&format!("tag {which}"))]).await {
            Ok(_) => {
                world.acknowledged[which].fetch_max(value, Ordering::SeqCst);
                world.rounds.fetch_add(1, Ordering::Relaxed);
            }
            Err(NotAcknowledged::Redis) => {
                world.refused.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_without_redis_serves_nothing_after_its_lease() {
    let Some(server) = Server::start(&[]) else { return };
    let proxy = Proxy::to(server.port).await;
    let (near, far) = (joined(&config(&server.url())).await, joined(&config(&proxy.url())).await);
    far.memory.put(key("x"), entry("1", far.position()));
    proxy.freeze(true);
    let started = Instant::now();
    let position = near.invalidate(&[by_tag("t")]).await.unwrap();
    assert!(started.elapsed() < Duration::from_millis(2500), "{:?}", started.elapsed());
    assert!(!far.may_serve() && far.position() < position, "it can't know, so it serves nothing");
    assert!(far.memory.get(key("x").as_ref()).is_some());
    // It can't tell the others, says so, and tells them later.
    assert_eq!(far.invalidate(&[by_tag("u")]).await, Err(NotAcknowledged::Redis));
    let before = near.invalidations.last_of(tags("u"));
    proxy.freeze(false);
    eventually("it catches up", async || far.may_serve()).await;
    assert!(serves(&far, "x", "t").await.is_none());
    assert!(serves(&far, "x", "other").await.is_some(), "what is kept stays");
    eventually("the others are told", async || near.invalidations.last_of(tags("u")) > before).await;
    // What is asked for now can be kept again.
    eventually("it is true again", async || far.position() >= far.invalidations.last_of(tags("u"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_lost_invalidates_everything() {
    let Some(server) = Server::start(&[]) else { return };
    let config = config(&server.url());
    let (a, b) = (joined(&config).await, joined(&config).await);
    a.invalidate(&[by_tag("t")]).await.unwrap();
    let before = a.position();
    a.memory.put(key("x"), entry("1", before));
    b.memory.put(key("x"), entry("1", before));
    server.cli(&["FLUSHALL"]);
    eventually("everything is invalidated", async || a.position() > before && b.position() > before).await;
    eventually("both serve again", async || a.may_serve() && b.may_serve()).await;
    assert!(serves(&a, "x", "any").await.is_none() && serves(&b, "x", "any").await.is_none());
    let position = b.invalidate(&[by_tag("t")]).await.unwrap();
    assert_eq!(a.position(), position);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_writes_to_the_log_invalidates_everything() {
    let Some(server) = Server::start(&[]) else { return };
    let a = joined(&config(&server.url())).await;
    let before = a.position();
    let log = "braid:cache:{group}:invalidations";
    assert!(!server.cli(&["XADD", log, "*", "v", "9", "i", "[]"]).is_empty());
    eventually("it is applied", async || a.invalidations.last_of(tags("any")) > before).await;
    // A value of another kind under the name: the router can't know the log, and serves nothing.
    server.cli(&["SET", log, "x"]);
    eventually("it serves nothing", async || !a.may_serve()).await;
    assert!(a.invalidate(&[by_tag("t")]).await.is_err());
    server.cli(&["DEL", log]);
    eventually("it serves again", async || a.may_serve()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_an_invalidation_is_in_force_at_once() {
    let (store, _) = store(&braid_cache_store::config::StoreConfig::default());
    assert!(store.may_serve() && store.shared().is_none());
    let kept = entry("1", store.position());
    let position = store.invalidate(&[by_tag("t")]).await.unwrap();
    assert!(position == store.position() && store.invalidations.last_of(tags("t")) > kept.position);
    let _ = KeyRef { group: key("x").group, item: b"x" };
}
