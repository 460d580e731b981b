//! What composition and loading take, in CPU time and memory: one line for each shape, each in a process of its own, so that
//! the peak of its memory is its own.
//!
//! `cargo bench -p braid-composition --bench figures` prints all, with a word behind `--` those that have it in their name.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::hint::black_box;
use std::io::Write;
use std::process::Command;
use std::sync::Arc;

use braid_composition::{Composition, SubgraphSdl, compose};
use braid_query_graph::QueryGraph;
use braid_supergraph::Supergraph;

#[allow(dead_code, reason = "each bench uses some of them")]
mod shapes;

use shapes::{
    chain, entities, fixture, interface, interfaces, many, provided, requirements, roots, shared, union, unions,
};

/// The allocator of the router.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Shape = (&'static str, fn() -> Vec<SubgraphSdl>);

const SHAPES: [Shape; 15] = [
    ("10 subgraphs, 1,000 types", || many(10, 100)),
    ("100 subgraphs, 1,000 types", || many(100, 10)),
    ("200 subgraphs, 20,000 types", || many(200, 100)),
    ("191-subgraph fixture", fixture),
    ("200 subgraphs, one set of 100 types", || shared(200, 100)),
    ("union of 5,000 members", || union(5_000)),
    ("interface of 5,000 types", || interface(5_000)),
    ("5,000 entities in 3 unions of 3 subgraphs", || entities(5_000)),
    ("100 unions of 5,000 members", || unions(5_000, 100)),
    ("union of 5,000 members, each with @provides", || provided(5_000)),
    ("200 interfaces, 200 implementations", || interfaces(200)),
    ("chain of 50 keys", || chain(50)),
    ("chain of 200 keys", || chain(200)),
    ("5,000 required fields", || requirements(5_000)),
    ("20,000 root fields", || roots(2_000)),
];

/// The variable that names the shape of a process.
const VARIABLE: &str = "BRAID_SHAPE";

/// How often each stage is repeated: the fastest run counts.
const RUNS: usize = 5;

fn main() {
    if let Some(name) = std::env::var_os(VARIABLE) {
        let (name, shape) = SHAPES.iter().find(|(shape, _)| name == *shape).expect("the shape has a name");
        return print(&line(name, &shape()));
    }
    let word = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    print("compose   peak    load    peak   SDL, supergraph");
    for (name, _) in SHAPES.iter().filter(|(name, _)| name.contains(&word)) {
        let status = Command::new(std::env::current_exe().unwrap()).env(VARIABLE, name).status().unwrap();
        assert!(status.success(), "{name}: {status}");
    }
}

/// Times in milliseconds, memory in MiB above what the process had before, sizes of texts in KiB.
fn line(name: &str, subgraphs: &[SubgraphSdl]) -> String {
    let before = memory("VmRSS:");
    let mut composing = Vec::new();
    let mut loading = Vec::new();
    let sdl = timed(&mut composing, || composed(compose(black_box(subgraphs)), name));
    let composed_peak = memory("VmHWM:") - before;
    timed(&mut loading, || load(&sdl, name));
    let loaded_peak = memory("VmHWM:") - before;
    for _ in 1..RUNS {
        timed(&mut composing, || compose(black_box(subgraphs)));
        timed(&mut loading, || load(black_box(&sdl), name));
    }
    let fastest = |times: Vec<f64>| times.into_iter().fold(f64::INFINITY, f64::min);
    let size = subgraphs.iter().map(|subgraph| subgraph.sdl.len()).sum::<usize>() / 1024;
    format!(
        "{:7.1}{composed_peak:7}{:8.1}{loaded_peak:8}{size:6},{:6}  {name}",
        fastest(composing),
        fastest(loading),
        sdl.len() / 1024
    )
}

fn composed(composition: Composition, name: &str) -> String {
    match composition.result {
        Ok(composed) => composed.supergraph_sdl,
        Err(errors) => panic!("{name}: {:?}", errors.first()),
    }
}

/// What every version of the graph takes before it can plan.
fn load(sdl: &str, name: &str) -> QueryGraph {
    let supergraph = Supergraph::read(sdl).unwrap_or_else(|error| panic!("{name}: {error}"));
    QueryGraph::new(Arc::new(supergraph))
}

/// Adds the CPU time that a piece of work takes, in milliseconds, without that of dropping its result.
fn timed<T>(times: &mut Vec<f64>, work: impl FnOnce() -> T) -> T {
    let begun = cpu();
    let done = black_box(work());
    times.push(cpu() - begun);
    done
}

/// The CPU time of this thread so far, in milliseconds.
fn cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// A line of the process's status, in MiB.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux says so");
    let line = status.lines().find(|found| found.starts_with(line)).expect("Linux says so");
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn print(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
