//! How long a new operation takes: parsing and validation, normal form, plan. Inputs are generated, so that they can grow; other
//! inputs are read from the folder that `BRAID_BENCH_WORKLOADS` names (`NAME/supergraph.graphql`, `NAME/request.json`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod generate;

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use braid_graphql::normalize::{NormalizeLimits, normalize};
use braid_graphql::operation::Operation;
use braid_graphql::parse::{ParseLimits, choose_operation, parse_operation};
use braid_query_graph::QueryGraph;
use braid_query_planner::{PlannerConfig, plan};
use braid_supergraph::Supergraph;
use criterion::{Criterion, criterion_group, criterion_main};

/// The allocator of the router.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Input {
    name: String,
    graph: QueryGraph,
    text: String,
}

impl Input {
    fn new(name: impl Into<String>, sdl: &str, text: String) -> Self {
        let supergraph = Supergraph::read(sdl).unwrap_or_else(|error| panic!("{error}"));
        Self { name: name.into(), graph: QueryGraph::new(Arc::new(supergraph)), text }
    }

    fn operation(&self) -> Operation {
        let supergraph = self.graph.supergraph();
        let limits = ParseLimits { max_tokens: 1_000_000, ..ParseLimits::default() };
        let document = parse_operation(&supergraph.api_schema, &supergraph.schema, &self.text, limits)
            .unwrap_or_else(|errors| panic!("{}: {}", self.name, errors[0].message));
        let operation = choose_operation(&document, None).unwrap_or_else(|error| panic!("{}", error.message));
        normalize(&document, operation, &supergraph.schema, NormalizeLimits::default())
            .unwrap_or_else(|error| panic!("{error}"))
    }

    fn plan(&self, operation: &Operation) -> usize {
        match plan(operation, &self.graph, &PlannerConfig { budget: u64::MAX, ..PlannerConfig::default() }) {
            Ok(plan) => plan.fetches.len(),
            Err(error) => panic!("{}: {error}", self.name),
        }
    }
}

fn operations(criterion: &mut Criterion) {
    let mut inputs = vec![
        Input::new("shop", &generate::shop(), generate::shop_operation()),
        Input::new("types-100", &generate::web(10, 100), generate::web_operation(5)),
    ];
    inputs.extend(workloads());
    for input in inputs {
        let operation = input.operation();
        let fetches = input.plan(&operation);
        // The best of many, which other load on the machine does not change.
        let (planned, _) = best_of(100, || input.plan(&operation));
        let (missed, _) = best_of(100, || input.plan(&input.operation()));
        println!("best: {}: plan {planned:?}, whole miss {missed:?}, {fetches} fetches", input.name);
        criterion.bench_function(&format!("{}/plan", input.name), |b| b.iter(|| input.plan(black_box(&operation))));
        criterion.bench_function(&format!("{}/whole miss", input.name), |b| {
            b.iter(|| input.plan(&black_box(&input).operation()))
        });
    }
}

fn workloads() -> Vec<Input> {
    let Ok(folder) = std::env::var("BRAID_BENCH_WORKLOADS") else { return Vec::new() };
    let folder = Path::new(&folder);
    let mut inputs = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let request = std::fs::read_to_string(entry.path().join("request.json")).unwrap_or_default();
        let Ok(request) = serde_json::from_str::<serde_json::Value>(&request) else { continue };
        let own = std::fs::read_to_string(entry.path().join("supergraph.graphql"));
        let Ok(sdl) = own.or_else(|_| std::fs::read_to_string(folder.join("supergraph.graphql"))) else { continue };
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(text) = request["query"].as_str() else { continue };
        if ["heavy", "plan-many", "plan-s10-t10", "plan-s10-t100", "plan-s50-t1000"].contains(&name.as_str()) {
            let start = Instant::now();
            let input = Input::new(name, &sdl, text.to_owned());
            println!("{}: supergraph read and graph built in {:?}", input.name, start.elapsed());
            inputs.push(input);
        }
    }
    inputs.sort_by(|a, b| a.name.cmp(&b.name));
    inputs
}

/// What should not explode: the time of one planning. (Its memory is a test's concern: `tests/adversarial.rs`.)
fn adversarial(_: &mut Criterion) {
    let inputs = [
        Input::new("70 implementations", &generate::implementations(70, 10), generate::implementations_operation(70)),
        Input::new("50 subgraphs share every field", &generate::shared(50, 10, 1), generate::shared_operation(10, 1)),
        Input::new("10 nested shareable levels", &generate::shared(50, 4, 10), generate::shared_operation(4, 10)),
        Input::new("10 nested shareable levels, split", &generate::split(20, 10), generate::split_operation(20, 10)),
        Input::new("a chain of 30 keys", &generate::chain(30), generate::chain_operation(30)),
    ];
    for input in inputs {
        let operation = input.operation();
        let (took, fetches) = best_of(20, || input.plan(&operation));
        println!("adversarial: {}: {took:?}, {fetches} fetches", input.name);
        assert!(took < Duration::from_millis(50), "{} takes {took:?}", input.name);
    }
}

/// Doubles one measure three times; the power by which the time grows is less than 1.3.
fn growth(_: &mut Criterion) {
    type Make = fn(usize) -> (String, String);
    let measures: [(&str, Make, usize); 5] = [
        ("fields", |n| (generate::shared(4, n, 1), generate::shared_operation(n, 1)), 32),
        ("depth", |n| (generate::web(10, 20), generate::deep_operation(n)), 8),
        ("subgraphs", |n| (generate::shared(n, 8, 2), generate::shared_operation(8, 2)), 8),
        ("implementations", |n| (generate::implementations(n, 4), generate::implementations_operation(n)), 16),
        ("shared owners", |n| (generate::shared(n, 2, 6), generate::shared_operation(2, 6)), 8),
    ];
    for (name, make, start) in measures {
        let mut times = Vec::new();
        for step in 0..4 {
            let (sdl, text) = make(start << step);
            let input = Input::new(name, &sdl, text);
            let operation = input.operation();
            times.push(best_of(15, || input.plan(&operation)).0);
        }
        let exponent = (times[3].as_secs_f64() / times[0].as_secs_f64()).log2() / 3.0;
        println!("growth: {name} ×8 from {start}: {:?} → {:?}, exponent {exponent:.2}", times[0], times[3]);
        assert!(exponent < 1.3, "time grows with the {name} by the power of {exponent:.2}");
    }
}

fn best_of<T>(rounds: usize, mut run: impl FnMut() -> T) -> (Duration, T) {
    let mut best = None;
    for _ in 0..rounds {
        let start = Instant::now();
        let value = run();
        let took = start.elapsed();
        if best.as_ref().is_none_or(|(known, _)| took < *known) {
            best = Some((took, value));
        }
    }
    best.unwrap_or_else(|| unreachable!("rounds is not 0"))
}

criterion_group!(benches, operations, adversarial, growth);
criterion_main!(benches);
