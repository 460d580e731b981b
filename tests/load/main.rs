//! Puts load on the router over loopback: CPU per request, memory, latency and throughput, compared with any other router that
//! serves a supergraph. The subgraphs are our own and respond from memory; `wrk` is the client. Needs Linux.
//!
//! ```text
//! wrk ──▶ router (core 1) ──▶ canned subgraphs (core 0, with wrk)
//! ```
//!
//! CPU per request is what matters: on a small machine it hardly changes when the machine is busy. Before the load starts, all
//! responses are compared with those of the unsplit graph. Routers are measured in turn. The first is a server that only returns the
//! response: if its throughput falls with more connections, that is not the fault of a router.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a panic of a tool is its report"
)]

mod bare;
mod canned;
mod client;
mod graph;
mod report;
mod router;

use std::path::PathBuf;

use clap::Parser;

use canned::Canned;
use report::Turn;
use router::{NOTHING_SHARED, Running, Setup};

/// Puts load on routers in turn, and prints the cost of a request for each
#[derive(Debug, Parser)]
struct Options {
    /// The router's program
    #[arg(long, default_value = "target/release/braid")]
    braid: PathBuf,
    /// Another router, as NAME=COMMAND; {supergraph} and {port} are replaced, and set as $SUPERGRAPH and $PORT
    #[arg(long = "beside", value_name = "NAME=COMMAND", value_parser = named)]
    beside: Vec<(String, String)>,
    /// Also measures our router with the response cache: with all it needs in it, and with nothing of it; and with $REDIS_URL,
    /// with all it needs in Redis alone
    #[arg(long)]
    cached: bool,
    /// The operations to send (files of tests/load/graph); all by default
    #[arg(long = "operation", value_name = "NAME", value_parser = graph::OPERATIONS)]
    operations: Vec<String>,
    /// Numbers of connections, each of which sends one request after the other; each number is measured separately
    #[arg(long, value_delimiter = ',', default_value = "50")]
    connections: Vec<usize>,
    /// How long each router is measured in each round, in seconds
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How often each router is measured; the report has the medians
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Run as the server that only returns the content of this file
    #[arg(long, hide = true, requires = "port")]
    answer: Option<PathBuf>,
    /// Where it listens
    #[arg(long, hide = true)]
    port: Option<u16>,
}

fn named(text: &str) -> Result<(String, String), String> {
    let (name, command) = text.split_once('=').ok_or("give NAME=COMMAND")?;
    Ok((name.to_owned(), command.to_owned()))
}

fn main() {
    let options = Options::parse();
    if let (Some(answer), Some(port)) = (&options.answer, options.port) {
        return bare::serve(answer, port);
    }
    client::stay_on_core_0();
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let subgraphs = canned::serve(graph::subgraphs());
    let supergraph = graph::write_supergraph(folder.path(), subgraphs.port);
    let answer = folder.path().join("answer.json");
    let mut setups = vec![
        Setup::bare("bare server", &answer),
        Setup::braid("braid", &options.braid, &supergraph, folder.path(), ""),
        Setup::braid("braid, nothing shared", &options.braid, &supergraph, folder.path(), ""),
    ];
    if options.cached {
        for (name, config) in cached() {
            setups.push(Setup::braid(&name, &options.braid, &supergraph, folder.path(), &config));
        }
    }
    setups.extend(options.beside.iter().map(|(name, command)| Setup::other(name, command, &supergraph)));
    let operations = match options.operations.is_empty() {
        true => graph::OPERATIONS.map(str::to_owned).to_vec(),
        false => options.operations.clone(),
    };
    report::head();
    for operation in &operations {
        let request =
            Request { body: graph::write_request(folder.path(), operation), expected: graph::expected(operation) };
        std::fs::write(&answer, request.expected.to_string()).unwrap();
        for connections in &options.connections {
            for (router, turns) in take_turns(&setups, &request, &subgraphs, *connections, &options) {
                report::row(operation, *connections, &router, &turns);
            }
        }
    }
}

/// The cache in its states. Nothing is shared among requests, so that what differs is the cache alone.
fn cached() -> Vec<(String, String)> {
    let cache = |of: &str, more: &str| {
        (format!("cache {of}, {NOTHING_SHARED}"), format!("cache: {{ enabled: true, {more} }}\n"))
    };
    // With a header in the keys that is new in each request, nothing is ever there.
    let (name, config) = cache("cold", "all: { max_age: 1h }, vary: [x-new]");
    let forwarded = format!("{config}headers: {{ all: {{ request: [{{ propagate: {{ name: x-new }} }}] }} }}\n");
    let mut all = vec![cache("warm", "all: { max_age: 1h }"), (name, forwarded)];
    match std::env::var("REDIS_URL") {
        Ok(url) => all.push(cache(
            "in Redis",
            &format!("all: {{ max_age: 1h }}, store: {{ memory: 0, redis: {{ url: {url:?} }} }}"),
        )),
        Err(_) => eprintln!("REDIS_URL is not set: the cache in Redis is not measured"),
    }
    all
}

struct Request {
    body: PathBuf,
    expected: serde_json::Value,
}

/// Measures each router once per round, starting with a different one in each.
fn take_turns(
    setups: &[Setup],
    request: &Request,
    subgraphs: &Canned,
    connections: usize,
    options: &Options,
) -> Vec<(String, Vec<Turn>)> {
    let mut routers: Vec<(Running, Vec<Turn>)> = setups.iter().map(|setup| (setup.start(), Vec::new())).collect();
    for (router, _) in &routers {
        router.verify(&request.body, &request.expected);
        client::load(router.port, &request.body, connections, 1);
    }
    for _ in 0..options.rounds {
        for (router, turns) in &mut routers {
            let (cpu, requests) = (router.cpu(), subgraphs.requests());
            let load = client::load(router.port, &request.body, connections, options.seconds);
            turns.push(Turn {
                load,
                cpu: router.cpu() - cpu,
                memory: router.peak_memory(),
                subgraph_requests: subgraphs.requests() - requests,
            });
            router.verify(&request.body, &request.expected);
        }
        routers.rotate_left(1);
    }
    routers.rotate_right(options.rounds % setups.len());
    routers.into_iter().map(|(router, turns)| (router.name.clone(), turns)).collect()
}
