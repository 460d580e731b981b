//! What an operation costs that nobody has sent before, stage by stage: time (the best of many, which other load on the machine does not
//! change), allocations, and what stays. Operations are those of the sample shop, and of the folder that `BRAID_BENCH_WORKLOADS` names
//! (`NAME/supergraph.graphql` or `supergraph.graphql`, and `NAME/request.json`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    unsafe_code,
    reason = "a panic in a bench is its report, and an allocator that counts can't be written otherwise"
)]

use std::alloc::{GlobalAlloc, Layout};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use braid_executor::{CompileOptions, CompiledOperation};
use braid_gateway::compile::Compiler;
use braid_gateway::limits::LimitsConfig;
use braid_graphql::normalize::normalize;
use braid_graphql::parse::{choose_operation, parse_operation, parse_typed};
use braid_graphql::syntax;
use braid_graphql::validate::{Verdict, judge};
use braid_query_planner::{PlannerConfig, plan};
use braid_supergraph::Supergraph;

/// The allocator of the router, with counters.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicIsize = AtomicIsize::new(0);

// SAFETY: all is done by mimalloc; the counters are beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { mimalloc::MiMalloc.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { mimalloc::MiMalloc.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What one stage costs.
struct Cost {
    time: Duration,
    allocations: usize,
    kept: isize,
}

fn measure<T>(mut stage: impl FnMut() -> T) -> Cost {
    let mut time = Duration::MAX;
    for _ in 0..300 {
        let started = Instant::now();
        black_box(stage());
        time = time.min(started.elapsed());
    }
    let (allocations, bytes) = (ALLOCATIONS.load(Ordering::Relaxed), BYTES.load(Ordering::Relaxed));
    let result = stage();
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - allocations;
    let kept = BYTES.load(Ordering::Relaxed) - bytes;
    drop(result);
    Cost { time, allocations, kept }
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
        ("by the library", measure(|| parse_typed(api, text, limits).unwrap())),
        ("read", measure(|| syntax::parse(text, &limits).unwrap())),
        ("prove", measure(|| assert_eq!(judge(&document, api, schema), Verdict::Valid))),
        ("normalize", measure(normal)),
        ("plan", measure(|| plan(&operation, &compiler.graph, &config).unwrap())),
        ("compile", measure(compiled)),
        ("all", measure(|| compiler.compile(text, None).unwrap())),
    ];
    println!("{name}: {} bytes, {} fetches", text.len(), planned.fetches.len());
    for (stage, cost) in stages {
        println!("  {stage:<15} {:>10.1?} {:>7} allocations {:>8} bytes kept", cost.time, cost.allocations, cost.kept);
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
