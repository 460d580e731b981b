//! What 100 contracts of a graph of 20,000 types take beside one: memory of a version, and the time to build it. Each contract leaves out another part,
//! and has answered an introspection, an operation, and a document that is not valid.
//!
//! Fails above 1.2 times the memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a panic in a benchmark is its report, and it prints what it measured"
)]

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use braid::assemble::{self, Version};
use braid::config::{Config, GraphConfig};
use braid_composition::{SubgraphSdl, compose};
use braid_contracts::ContractFilter;
use braid_gateway::refusal::Refusal;
use braid_gateway::request::GraphQLRequest;
use braid_gateway::{Accepts, ready};
use braid_server::graphs::config::{HeaderMatch, MatchConfig};
use braid_telemetry::metrics::Metrics;
use http::Request;
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const SUBGRAPHS: usize = 20;
const TYPES_EACH: usize = 1000;
const CONTRACTS: usize = 100;
const MOST: f64 = 1.2;

fn main() {
    let sdl = supergraph();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let _guard = runtime.enter();
    // What is made once for the process is made before.
    drop(version(&sdl, 1));
    let measure = |contracts: usize| {
        let before = MEMORY.current_usage();
        let (built, took) = version(&sdl, contracts);
        let empty = MEMORY.current_usage() - before;
        runtime.block_on(use_all(&built, contracts));
        let used = MEMORY.current_usage() - before;
        drop(built);
        (empty, used, took)
    };
    let none = measure(0);
    let one = measure(1);
    let many = measure(CONTRACTS);
    let megabytes = |bytes: usize| bytes as f64 / 1e6;
    println!("20,000 types                built with   used with     built in");
    for (name, (empty, used, took)) in [("no contract", none), ("1 contract", one), ("100 contracts", many)] {
        println!("{name:<24} {:>8.1} MB {:>8.1} MB {:>9.2} s", megabytes(empty), megabytes(used), took.as_secs_f64());
    }
    let ratio = |a: usize, b: usize| a as f64 / b as f64;
    let (empty, used) = (ratio(many.0, one.0), ratio(many.1, one.1));
    println!("100 contracts to 1: {empty:.3} when built, {used:.3} when used");
    assert!(empty < MOST && used < MOST, "above {MOST}");
}

/// Subgraphs of types with eight fields, some of them with arguments. Each type and every other field has one of the tags.
fn supergraph() -> String {
    let subgraph = |number: usize| {
        let mut sdl = String::from(
            "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.5\", import: [\"@key\", \"@tag\"])\n",
        );
        let _ = writeln!(
            sdl,
            "type Query {{ root{number}: T{number}_0 }} enum E{number} {{ A B @tag(name: \"t{number}\") C }}"
        );
        for ty in 0..TYPES_EACH {
            let tag = (number * TYPES_EACH + ty) % CONTRACTS;
            let next = (ty + 1) % TYPES_EACH;
            let _ = write!(sdl, "type T{number}_{ty} @key(fields: \"id\") {{ id: ID! next: T{number}_{next} ");
            for field in 0..6 {
                let tagged = if field % 2 == 0 {
                    format!("@tag(name: \"t{}\")", (tag + field) % CONTRACTS)
                } else {
                    String::new()
                };
                let _ = write!(sdl, "f{field}(first: Int, by: E{number}): String {tagged} ");
            }
            sdl.push_str("}\n");
        }
        SubgraphSdl { name: format!("s{number}"), url: "http://127.0.0.1:1/".to_owned(), sdl, ..SubgraphSdl::default() }
    };
    let subgraphs: Vec<_> = (0..SUBGRAPHS).map(subgraph).collect();
    compose(&subgraphs).result.unwrap().supergraph_sdl
}

fn version(sdl: &str, contracts: usize) -> (Arc<Version>, Duration) {
    let mut config = Config::default();
    for number in 0..contracts {
        let header = HeaderMatch { name: "x-graph".to_owned(), value: Some(number.to_string()) };
        let exclude = vec![format!("t{number}"), format!("t{}", (number + 1) % CONTRACTS)];
        let graph = GraphConfig {
            contract: Some(ContractFilter { exclude, ..ContractFilter::default() }),
            matches: MatchConfig { header: Some(header), ..MatchConfig::default() },
            ..GraphConfig::default()
        };
        config.graphs.insert(format!("g{number}"), graph);
    }
    let started = Instant::now();
    let version = assemble::version(&config, sdl, None, &Arc::new(Metrics::default()), None).unwrap();
    (Arc::new(version), started.elapsed())
}

/// Compiles the same in each graph: something valid, something that is not, and an introspection.
async fn use_all(version: &Arc<Version>, contracts: usize) {
    let graphs: Vec<Option<Arc<str>>> = match contracts {
        0 => vec![None],
        _ => (0..contracts).map(|number| Some(format!("g{number}").into())).collect(),
    };
    for graph in graphs {
        for (query, is_valid) in [
            ("{ root3 { id next { f1 } } }", true),
            ("{ root3 { id nothing } }", false),
            ("{ __schema { types { name } } }", true),
        ] {
            let (head, ()) = Request::post("/graphql").body(()).unwrap().into_parts();
            let mut context = version.gateway.context(head, None, Duration::from_secs(60));
            context.graph.clone_from(&graph);
            let context = Arc::new(context);
            let body = serde_json::json!({ "query": query }).to_string();
            let request = GraphQLRequest::from_json(body.as_bytes()).unwrap();
            let found: Result<_, Refusal> = ready(&version.gateway, &request, &context, Accepts::WHOLE).await;
            assert_eq!(found.is_ok(), is_valid, "{graph:?} {query}");
        }
    }
}
