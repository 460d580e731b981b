//! How long an operation takes that nobody has sent before, stage by stage. Operations are those of the sample shop, and of the folder that
//! `BRAID_BENCH_WORKLOADS` names (`NAME/supergraph.graphql` or `supergraph.graphql`, and `NAME/request.json`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a panic in a bench is its report, and a bench is no API"
)]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use braid_executor::{CompileOptions, CompiledOperation};
use braid_gateway::compile::Compiler;
use braid_gateway::limits::LimitsConfig;
use braid_graphql::normalize::normalize;
use braid_graphql::parse::{choose_operation, parse_operation, parse_typed};
use braid_graphql::syntax;
use braid_graphql::validate::{Verdict, judge};
use braid_graphql::view::ApiView;
use braid_query_planner::{PlannerConfig, plan};
use braid_supergraph::Supergraph;

/// The allocator of the router.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The best time of many, which other load on the machine does not change.
fn best<T>(mut stage: impl FnMut() -> T) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..300 {
        let started = Instant::now();
        black_box(stage());
        best = best.min(started.elapsed());
    }
    best
}

fn report(name: &str, sdl: &str, text: &str) {
    let supergraph = Arc::new(Supergraph::read(sdl).unwrap());
    let compiler = Compiler::new(supergraph.clone(), LimitsConfig { max_tokens: 100_000, ..LimitsConfig::default() });
    let (api, schema) = (&supergraph.api_schema, &supergraph.schema);
    let (limits, config) = (compiler.limits.parse(), PlannerConfig::default());
    let document = parse_operation(api, schema, text, limits).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
    let chosen = choose_operation(&document, None).unwrap();
    let normal = || normalize(&document, chosen, schema, compiler.limits.normalize()).unwrap();
    let operation = normal();
    let planned = plan(&operation, &compiler.graph, &config).unwrap();
    let options = CompileOptions::default();
    let compiled =
        || CompiledOperation::with_options(operation.clone(), planned.clone(), &supergraph, &options).unwrap();
    let stages = [
        ("by the library", best(|| parse_typed(api, text, limits).unwrap())),
        ("read", best(|| syntax::parse(text, &limits).unwrap())),
        ("prove", best(|| assert_eq!(judge(&document, ApiView::all(api), schema), Verdict::Valid))),
        ("normalize", best(normal)),
        ("plan", best(|| plan(&operation, &compiler.graph, &config).unwrap())),
        ("compile", best(compiled)),
        ("all", best(|| compiler.compile(text, None).unwrap())),
    ];
    println!("{name}: {} bytes, {} fetches", text.len(), planned.fetches.len());
    for (stage, time) in stages {
        println!("  {stage:<15} {time:>10.1?}");
    }
}

fn main() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../schema");
    let read = |path: PathBuf| std::fs::read_to_string(&path).ok();
    let shop = read(schema.join("supergraph.graphql")).unwrap();
    let mut files: Vec<_> =
        std::fs::read_dir(schema.join("operations")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.into_iter().filter(|file| file.extension().is_some_and(|ending| ending == "graphql")) {
        let text = read(file.clone()).unwrap();
        report(&file.file_stem().unwrap().to_string_lossy(), &shop, &text);
    }
    let Ok(folder) = std::env::var("BRAID_BENCH_WORKLOADS") else { return };
    for entry in std::fs::read_dir(&folder).unwrap().flatten() {
        let Some(request) = read(entry.path().join("request.json")) else { continue };
        let request: serde_json::Value = serde_json::from_str(&request).unwrap();
        let own = read(entry.path().join("supergraph.graphql"));
        let Some(sdl) = own.or_else(|| read(Path::new(&folder).join("supergraph.graphql"))) else { continue };
        report(&entry.file_name().to_string_lossy(), &sdl, request["query"].as_str().unwrap());
    }
}
