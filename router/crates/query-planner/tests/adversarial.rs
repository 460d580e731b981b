//! What makes planners explode takes little memory here, and what is too much ends with a code.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    dead_code,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API; benches use more of the generators"
)]

#[path = "../benches/generate/mod.rs"]
mod generate;

use std::sync::Arc;
use std::time::{Duration, Instant};

use braid_graphql::normalize::{NormalizeLimits, normalize};
use braid_graphql::operation::Operation;
use braid_graphql::parse::{ParseLimits, choose_operation, parse_operation};
use braid_query_graph::QueryGraph;
use braid_query_planner::{PlannerConfig, plan};
use braid_supergraph::Supergraph;
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

fn read(sdl: &str, text: &str) -> (QueryGraph, Operation) {
    let supergraph = Supergraph::read(sdl).unwrap();
    let limits = ParseLimits { max_tokens: 1_000_000, ..ParseLimits::default() };
    let document = parse_operation(&supergraph.api_schema, &supergraph.schema, text, limits).unwrap();
    let chosen = choose_operation(&document, None).unwrap();
    let operation = normalize(&document, chosen, &supergraph.schema, NormalizeLimits::default()).unwrap();
    (QueryGraph::new(Arc::new(supergraph)), operation)
}

/// One test, so that nothing else allocates beside it.
#[test]
fn the_worst_is_bounded() {
    let inputs = [
        ("70 implementations", generate::implementations(70, 10), generate::implementations_operation(70)),
        ("50 subgraphs share every field", generate::shared(50, 10, 1), generate::shared_operation(10, 1)),
        ("10 nested shareable levels", generate::shared(50, 4, 10), generate::shared_operation(4, 10)),
        ("10 nested shareable levels, split", generate::split(20, 10), generate::split_operation(20, 10)),
        ("a chain of 30 keys", generate::chain(30), generate::chain_operation(30)),
    ];
    for (name, sdl, text) in inputs {
        let (graph, operation) = read(&sdl, &text);
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        let made = plan(&operation, &graph, &PlannerConfig::default());
        let peak = ALLOCATOR.peak_usage() - before;
        println!("{name}: {} KiB", peak >> 10);
        assert!(peak < 50 << 20, "{name} takes {peak} bytes");
        assert!(made.is_ok(), "{name} is not planned");
    }

    // As many as the router's limit of tokens lets through.
    let aliases: String = (0..4_000).map(|number| format!(" a{number}: f{}", number % 4)).collect();
    let guards: String = (0..400).map(|ty| format!(" ... on N{ty} {{ own{ty} id }}")).collect();
    let inputs = [
        ("4,000 aliases of shared fields", generate::shared(8, 4, 1), format!("{{ start {{ {aliases} own }} }}")),
        ("400 types, each by itself", generate::implementations(400, 10), format!("{{ nodes {{ common {guards} }} }}")),
        ("100 levels", generate::web(10, 20), generate::deep_operation(100)),
        ("100 subgraphs share 6 levels", generate::shared(100, 8, 6), generate::shared_operation(8, 6)),
    ];
    for (name, sdl, text) in inputs {
        let (graph, operation) = read(&sdl, &text);
        let start = Instant::now();
        let made = plan(&operation, &graph, &PlannerConfig::default());
        let took = start.elapsed();
        println!("{name}: {took:?} {:?}", made.as_ref().map(|plan| plan.fetches.len()));
        let is_refused = made.as_ref().is_err_and(|error| error.code() == "QUERY_PLANNING_TOO_COMPLEX");
        assert!(made.is_ok() || is_refused, "{name}: {made:?}");
        // Half a minute is far from what it takes, even without optimization on a busy machine.
        assert!(took < Duration::from_secs(30), "{name} takes {took:?}");
    }

    let (graph, operation) = read(&generate::shared(50, 4, 10), &generate::shared_operation(4, 10));
    let little = PlannerConfig { budget: 100, ..PlannerConfig::default() };
    assert_eq!(plan(&operation, &graph, &little).unwrap_err().code(), "QUERY_PLANNING_TOO_COMPLEX");

    // One field under each pair of 200 variables: nearly as many fields as normalization lets through, all of one key.
    let variables: String = (0..200).map(|at| format!("$v{at}: Boolean! ")).collect();
    let skipped: String = (0..200).map(|at| format!("f0 @skip(if: $v{at}) ")).collect();
    let included: String = (0..200).map(|at| format!("... @include(if: $v{at}) {{ ...F }} ")).collect();
    let one_key = format!("query({variables}) {{ start {{ {included} own }} }} fragment F on L0 {{ {skipped} }}");
    // Merging them is on the budget: all pairs of them would take minutes.
    let (graph, operation) = read(&generate::shared(8, 4, 1), &one_key);
    let start = Instant::now();
    let little = PlannerConfig { budget: 200_000, ..PlannerConfig::default() };
    assert_eq!(plan(&operation, &graph, &little).unwrap_err().code(), "QUERY_PLANNING_TOO_COMPLEX");
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}
