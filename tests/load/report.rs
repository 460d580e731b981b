//! The results as a table, with the medians of all rounds. Measures nothing.

use std::io::Write as _;
use std::time::Duration;

use crate::client::Load;

/// The results of one router in one round.
pub(super) struct Turn {
    /// What the client measured.
    pub(super) load: Load,
    /// The router's CPU time.
    pub(super) cpu: Duration,
    /// The peak of its memory since it started, in MiB.
    pub(super) memory: u64,
    /// The number of its requests to subgraphs.
    pub(super) subgraph_requests: usize,
}

/// Prints the head of the table.
pub(super) fn head() {
    print(&format!(
        "{:<12} {:>5} {:<28} {:>8} {:>9} {:>8} {:>8} {:>7} {:>8} {:>7}",
        "operation", "conns", "router", "CPU µs", "req/s", "p50 ms", "p99 ms", "MiB", "sub/req", "failed"
    ));
}

/// Prints the row of a router.
pub(super) fn row(operation: &str, connections: usize, router: &str, turns: &[Turn]) {
    let per_request = |turn: &Turn, value: f64| value / turn.load.requests.max(1) as f64;
    let of = |value: &dyn Fn(&Turn) -> f64| median(turns.iter().map(value).collect());
    print(&format!(
        "{operation:<12} {connections:>5} {router:<28} {:>8.1} {:>9.0} {:>8.2} {:>8.2} {:>7} {:>8.2} {:>7}",
        of(&|turn| per_request(turn, turn.cpu.as_secs_f64() * 1e6)),
        of(&|turn| turn.load.requests as f64 / (turn.load.microseconds as f64 / 1e6)),
        of(&|turn| turn.load.p50 as f64 / 1e3),
        of(&|turn| turn.load.p99 as f64 / 1e3),
        turns.iter().map(|turn| turn.memory).max().unwrap_or(0),
        of(&|turn| per_request(turn, turn.subgraph_requests as f64)),
        turns.iter().map(|turn| turn.load.failed).sum::<usize>(),
    ));
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn print(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("the report can be written");
}
