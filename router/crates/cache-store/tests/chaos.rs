//! A Redis that dies, stops, fills up, or hands over: readers never wait for longer than they are told to, and everything comes back.
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

use braid_cache_store::{Found, Invalidation, NotAcknowledged, Store};
use support::{Server, config, entry, eventually, get, joined, key, put, until};

/// What a reader may take beyond the timeout on a machine that does other things.
const SLACK: Duration = Duration::from_millis(300);

fn invalidation(tag: &str) -> Invalidation {
    Invalidation::Tag { subgraph: None, tag: tag.into() }
}

/// Readers and writers that go on whatever happens. Ends with the longest that anybody waited.
struct Load {
    is_over: Arc<AtomicBool>,
    hits: Arc<AtomicU64>,
    tasks: Vec<tokio::task::JoinHandle<Duration>>,
}

impl Load {
    fn on(store: &Arc<Store>) -> Self {
        let (is_over, hits) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let tasks = (0..4).map(|task| {
            let (store, is_over, hits) = (store.clone(), is_over.clone(), hits.clone());
            tokio::spawn(async move {
                let mut longest = Duration::ZERO;
                let mut turn = task;
                while !is_over.load(Ordering::Relaxed) {
                    turn += 1;
                    let item = format!("{}", turn % 50);
                    let started = Instant::now();
                    let found = get(&store, item.as_bytes(), task % 2 == 0).await;
                    longest = longest.max(started.elapsed());
                    if let Some(Found::Entry(_)) = found {
                        hits.fetch_add(1, Ordering::Relaxed);
                    }
                    let started = Instant::now();
                    store.shared().unwrap().put(vec![(key(&item), entry("1", store.position()))]);
                    longest = longest.max(started.elapsed());
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                longest
            })
        });
        let tasks = tasks.collect();
        Self { is_over, tasks, hits }
    }

    /// Waits until entries are found.
    async fn hits(&self) {
        let before = self.hits.load(Ordering::Relaxed);
        eventually("entries are found", async || self.hits.load(Ordering::Relaxed) > before + 20).await;
    }

    async fn end(self) {
        self.is_over.store(true, Ordering::Relaxed);
        for task in self.tasks {
            let longest = task.await.unwrap();
            println!("the longest wait was {longest:?}");
            assert!(longest < Duration::from_millis(200) + SLACK, "{longest:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_killed_comes_back() {
    let Some(server) = Server::start(&[]) else { return };
    let store = joined(&config(&server.url())).await;
    let load = Load::on(&store);
    load.hits().await;
    let before = store.position();
    let port = server.kill();
    eventually("the lease ends", async || !store.may_serve()).await;
    assert_eq!(store.invalidate(&[invalidation("t")]).await, Err(NotAcknowledged::Redis));
    let Some(_server) = Server::start_at(port, &[]) else { return };
    load.hits().await;
    eventually("the lease is back", async || store.may_serve()).await;
    assert!(store.position() > before, "the log is gone, so everything is invalidated");
    store.invalidate(&[invalidation("t")]).await.unwrap();
    load.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_stops_comes_back() {
    let Some(server) = Server::start(&[]) else { return };
    let store = joined(&config(&server.url())).await;
    let load = Load::on(&store);
    load.hits().await;
    let before = store.position();
    server.signal("-STOP");
    eventually("the lease ends", async || !store.may_serve()).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(store.invalidate(&[invalidation("t")]).await, Err(NotAcknowledged::Redis));
    server.signal("-CONT");
    load.hits().await;
    eventually("the lease is back", async || store.may_serve()).await;
    eventually("the invalidation is in the log", async || store.position() > before).await;
    store.invalidate(&[invalidation("t")]).await.unwrap();
    load.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_redis_is_still_read() {
    let Some(server) = Server::start(&["--maxmemory-policy", "noeviction"]) else { return };
    let store = joined(&config(&server.url())).await;
    let load = Load::on(&store);
    load.hits().await;
    server.cli(&["CONFIG", "SET", "maxmemory", "1000"]);
    load.hits().await;
    // For longer than a lease: kept entries are served, and nothing can be invalidated, which is said.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(store.may_serve());
    assert_eq!(store.invalidate(&[invalidation("t")]).await, Err(NotAcknowledged::Redis));
    let last = store.invalidations.last_of(invalidation("t").tags().unwrap());
    assert!(last > store.position(), "here it is in force");
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    eventually("it is told", async || store.position() >= last).await;
    store.invalidate(&[invalidation("t")]).await.unwrap();
    load.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_is_read_and_is_no_group() {
    let Some(master) = Server::start(&[]) else { return };
    let port = master.port.to_string();
    let Some(replica) = Server::start(&["--replicaof", "127.0.0.1", &port]) else { return };
    let at_master = joined(&config(&master.url())).await;
    put(&at_master, b"x", &entry("1", at_master.position())).await;
    until("it is replicated", || replica.cli(&["DBSIZE"]).trim() == master.cli(&["DBSIZE"]).trim());
    let (at_replica, _) = support::store(&config(&replica.url()));
    eventually("it is read", async || matches!(get(&at_replica, b"x", true).await, Some(Found::Entry(_)))).await;
    assert!(matches!(get(&at_replica, b"y", true).await, Some(Found::Missing)), "nothing can be claimed there");
    assert!(at_replica.invalidate(&[invalidation("t")]).await.is_err());
    assert!(!at_replica.may_serve());
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_say_where_the_master_is() {
    let Some(master) = Server::start(&[]) else { return };
    let port = master.port.to_string();
    let Some(replica) = Server::start(&["--replicaof", "127.0.0.1", &port]) else { return };
    let sentinel = Server::sentinel(&master, "shop");
    until("the sentinel knows the replica", || sentinel.cli(&["SENTINEL", "REPLICAS", "shop"]).contains("slave"));
    let url = format!("redis+sentinel://127.0.0.1:1,127.0.0.1:{}/shop", sentinel.port);
    let store = joined(&config(&url)).await;
    let load = Load::on(&store);
    load.hits().await;
    let position = store.invalidate(&[invalidation("t")]).await.unwrap();
    // Replicas are a moment behind.
    until("it is replicated", || {
        replica.cli(&["XLEN", "braid:cache:{group}:invalidations"])
            == master.cli(&["XLEN", "braid:cache:{group}:invalidations"])
    });
    master.kill();
    eventually("the lease ends", async || !store.may_serve()).await;
    load.hits().await;
    eventually("the lease is back", async || store.may_serve()).await;
    assert!(store.position() >= position);
    assert!(replica.cli(&["ROLE"]).contains("master"));
    store.invalidate(&[invalidation("t")]).await.unwrap();
    load.end().await;
}

struct Cluster {
    masters: Vec<Server>,
    replica: Server,
}

impl Cluster {
    fn start() -> Option<Self> {
        let node = || {
            let bus = support::free_port().to_string();
            let settings = ["--cluster-enabled", "yes", "--cluster-node-timeout", "500", "--cluster-port", &bus];
            Some((Server::start(&settings)?, bus))
        };
        let nodes = [node()?, node()?, node()?, node()?];
        for (node, _) in &nodes[1..] {
            let (first, bus) = &nodes[0];
            node.cli(&["CLUSTER", "MEET", "127.0.0.1", &first.port.to_string(), bus]);
        }
        for (node, slots) in nodes.iter().zip([("0", "5460"), ("5461", "10922"), ("10923", "16383")]) {
            node.0.cli(&["CLUSTER", "ADDSLOTSRANGE", slots.0, slots.1]);
        }
        let mut nodes: Vec<Server> = nodes.into_iter().map(|(node, _)| node).collect();
        until("all nodes know each other", || {
            nodes.iter().all(|node| node.cli(&["CLUSTER", "NODES"]).lines().count() == 4)
        });
        until("the cluster is there", || nodes.iter().all(|node| node.cli(&["CLUSTER", "INFO"]).contains("state:ok")));
        let replica = nodes.pop()?;
        let owner = Self::owner(&nodes, Self::slot(&nodes[0]));
        let id = nodes[owner].cli(&["CLUSTER", "MYID"]);
        until("the replica follows", || replica.cli(&["CLUSTER", "REPLICATE", id.trim()]).contains("OK"));
        until("the replica is in step", || replica.cli(&["INFO", "replication"]).contains("master_link_status:up"));
        Some(Self { masters: nodes, replica })
    }

    /// The slot of the group's keys.
    fn slot(node: &Server) -> u16 {
        node.cli(&["CLUSTER", "KEYSLOT", "{group}"]).trim().parse().unwrap()
    }

    fn owner(nodes: &[Server], slot: u16) -> usize {
        usize::from(slot / 5461).min(nodes.len() - 1)
    }

    fn url(&self) -> String {
        let hosts: Vec<String> = self.masters.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// Moves a slot with its keys while it is used.
    fn migrate(&self, slot: u16, from: usize, to: usize) {
        let (from, to) = (&self.masters[from], &self.masters[to]);
        let (slot, port) = (slot.to_string(), to.port.to_string());
        let (from_id, to_id) = (from.cli(&["CLUSTER", "MYID"]), to.cli(&["CLUSTER", "MYID"]));
        to.cli(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", from_id.trim()]);
        from.cli(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", to_id.trim()]);
        until("all keys are moved", || {
            let keys = from.cli(&["CLUSTER", "GETKEYSINSLOT", &slot, "1000"]);
            let keys: Vec<&str> = keys.lines().filter(|key| !key.is_empty()).collect();
            let mut command = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "REPLACE", "KEYS"];
            command.extend(&keys);
            if !keys.is_empty() {
                from.cli(&command);
            }
            keys.is_empty()
        });
        for node in [to, from].into_iter().chain(&self.masters) {
            node.cli(&["CLUSTER", "SETSLOT", &slot, "NODE", to_id.trim()]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_moves_slots_and_loses_a_master() {
    let Some(cluster) = Cluster::start() else { return };
    let store = joined(&config(&cluster.url())).await;
    let load = Load::on(&store);
    load.hits().await;
    let position = store.invalidate(&[invalidation("t")]).await.unwrap();
    let slot = Cluster::slot(&cluster.masters[0]);
    let owner = Cluster::owner(&cluster.masters, slot);
    cluster.migrate(slot, owner, (owner + 1) % 3);
    load.hits().await;
    eventually("the slot is found", async || store.invalidate(&[invalidation("u")]).await.is_ok()).await;
    eventually("it is followed", async || store.may_serve()).await;
    assert!(store.position() > position);
    cluster.migrate(slot, (owner + 1) % 3, owner);
    eventually("the slot is found", async || store.invalidate(&[invalidation("u")]).await.is_ok()).await;
    eventually("it is followed", async || store.may_serve()).await;
    let position = store.position();
    until("it is replicated", || {
        let (master, replica) = (&cluster.masters[owner], &cluster.replica);
        let offset = |node: &Server| {
            let info = node.cli(&["INFO", "replication"]);
            info.lines().find_map(|line| line.strip_prefix("master_repl_offset:").map(str::to_owned))
        };
        offset(master) == offset(replica)
    });
    let Cluster { mut masters, replica } = cluster;
    masters.remove(owner).kill();
    load.hits().await;
    until("the replica takes over", || replica.cli(&["ROLE"]).contains("master"));
    eventually("it is found", async || store.invalidate(&[invalidation("t")]).await.is_ok()).await;
    eventually("the lease is back", async || store.may_serve()).await;
    assert!(store.position() > position);
    load.hits().await;
    load.end().await;
}
