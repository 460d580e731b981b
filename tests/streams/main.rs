//! Opens many subscriptions at a router and says what they cost: memory of each while idle, the time until an event has reached all, and whether
//! clients notice new schemas and subgraphs that go away. The subgraph and the clients are in this process, the router is another. Needs Linux.
//!
//! ```text
//! clients (WebSockets) ──▶ router ──▶ subgraph (WebSocket)
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a panic of a tool is its report, and what it prints is what it is for"
)]

mod clients;
mod router;
mod subgraph;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Parser;

use clients::Clients;
use router::Router;
use subgraph::Subgraph;

/// Opens many subscriptions at a router, and says what they cost
#[derive(Debug, Parser)]
struct Options {
    /// The router's program
    #[arg(long, default_value = "target/release/braid")]
    braid: PathBuf,
    /// How many subscriptions
    #[arg(long, default_value_t = 10_000)]
    streams: usize,
    /// How many of them are equal, so that they share one subscription at the subgraph
    #[arg(long, default_value_t = 10_000)]
    equal: usize,
    /// How often a new schema is given to the router meanwhile
    #[arg(long, default_value_t = 20)]
    reloads: usize,
    /// How often the subgraph goes away and comes back
    #[arg(long, default_value_t = 5)]
    restarts: usize,
}

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let mut subgraph = Subgraph::start().await;
    let router = Router::start(&options.braid, subgraph.address());
    let before = router.memory();
    let mut clients = Clients::open(router.address, options.streams, options.equal.max(1)).await;
    let upstream = options.streams.div_ceil(options.equal.max(1));
    subgraph.until_subscribed(upstream).await;
    router.until_open(options.streams).await;
    let each = router.memory().saturating_sub(before) as f64 / options.streams as f64;
    println!("{} subscriptions, {upstream} at the subgraph", options.streams);
    println!("memory of each while idle: {:.1} KB", each / 1024.0);
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..5 {
        let began = Instant::now();
        subgraph.emit();
        clients.until_told(options.streams).await;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    println!("one event to all: {:?} (median of 5; the slowest {:?})", times[2], times[4]);
    let each = router.memory().saturating_sub(before) as f64 / options.streams as f64;
    println!("memory of each after that: {:.1} KB", each / 1024.0);
    for number in 0..options.reloads {
        router.reload(number).await;
        subgraph.emit();
        clients.until_told(options.streams).await;
    }
    println!("{} new schemas: {} clients were disconnected", options.reloads, clients.disconnected());
    for _ in 0..options.restarts {
        subgraph.restart().await;
        subgraph.until_subscribed(upstream).await;
        subgraph.emit();
        clients.until_told(options.streams).await;
    }
    println!("{} restarts of the subgraph: {} clients were disconnected", options.restarts, clients.disconnected());
    assert_eq!(clients.disconnected(), 0);
}
