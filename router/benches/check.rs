//! How long `braid check` takes, and how much memory: 100 subgraphs, 5,000 types, 1,000 operations, against a version in
//! which every tenth type differs. Writes the graph to a temporary folder and runs the binary as CI does.
//!
//! Fails above 3 s or 300 MB.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const SUBGRAPHS: usize = 100;
const TYPES_EACH: usize = 50;
const OPERATIONS: usize = 1000;
const RUNS: usize = 5;
const MOST_SECONDS: f64 = 3.0;
const MOST_MEGABYTES: u64 = 300;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    write_graph(&folder.path().join("old"), false);
    write_graph(&folder.path().join("new"), true);
    write_operations(&folder.path().join("operations"));
    let mut times = Vec::new();
    let mut memory = 0;
    for _ in 0..RUNS {
        let (time, peak) = run(folder.path());
        times.push(time);
        memory = memory.max(peak);
    }
    times.sort();
    let median = times[RUNS / 2].as_secs_f64();
    let report = format!(
        "check of {SUBGRAPHS} subgraphs, {} types, {OPERATIONS} operations: {median:.2} s median of {RUNS}, {memory} MB at most\n",
        SUBGRAPHS * TYPES_EACH
    );
    std::io::Write::write_all(&mut std::io::stdout(), report.as_bytes()).expect("the report can be written");
    assert!(median < MOST_SECONDS && memory < MOST_MEGABYTES, "slower or larger than it may be");
}

/// The time and the peak of memory of one run.
fn run(folder: &Path) -> (Duration, u64) {
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_braid"))
        .current_dir(folder)
        .args([
            "check",
            "new/supergraph.yaml",
            "--against",
            "old",
            "--operations",
            "operations",
            "--format",
            "json=report.json",
        ])
        .stdout(Stdio::null())
        .spawn()
        .expect("braid can be run");
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let status = loop {
        if let Some(kilobytes) = std::fs::read_to_string(&status_file).ok().and_then(|text| high_water_mark(&text)) {
            peak = peak.max(kilobytes / 1024);
        }
        if let Some(status) = child.try_wait().expect("braid can be waited for") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let time = begun.elapsed();
    // The changes break operations: that is what is measured.
    assert_eq!(status.code(), Some(1), "{}", std::fs::read_to_string(folder.join("report.json")).unwrap_or_default());
    (time, peak)
}

fn high_water_mark(status: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Each subgraph has entities of its own, which refer to those of the next.
fn write_graph(folder: &Path, changed: bool) {
    std::fs::create_dir_all(folder).expect("a folder can be made");
    let mut yaml = "federation_version: =2.9\nsubgraphs:\n".to_owned();
    for subgraph in 0..SUBGRAPHS {
        let _ = writeln!(
            yaml,
            "  s{subgraph}: {{ routing_url: http://s{subgraph}/, schema: {{ file: s{subgraph}.graphql }} }}"
        );
        std::fs::write(folder.join(format!("s{subgraph}.graphql")), sdl(subgraph, changed))
            .expect("a schema can be written");
    }
    std::fs::write(folder.join("supergraph.yaml"), yaml).expect("supergraph.yaml can be written");
}

fn sdl(subgraph: usize, changed: bool) -> String {
    let mut sdl =
        "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.5\", import: [\"@key\", \"@shareable\"])\n"
            .to_owned();
    let next = (subgraph + 1) % SUBGRAPHS;
    // One type in each subgraph refers to the next subgraph's; the others are its own.
    let _ = writeln!(sdl, "type T{next}x0 @key(fields: \"id\", resolvable: false) {{ id: ID! }}");
    sdl.push_str("type Query {\n");
    for number in 0..TYPES_EACH {
        let argument = if changed && number % 10 == 5 { "" } else { ", first: Int = 10" };
        let _ = writeln!(sdl, "  t{subgraph}x{number}(id: ID!{argument}): T{subgraph}x{number}");
    }
    sdl.push_str("}\n");
    for number in 0..TYPES_EACH {
        let differs = changed && number % 10 == 5;
        let _ = writeln!(
            sdl,
            "type T{subgraph}x{number} @key(fields: \"id\") {{\n  id: ID!\n  name: String\n  {}\n  tags: [String!]!\n  peer: T{subgraph}x{}\n  next: T{next}x0\n}}\n",
            if differs { "count: Float" } else { "count: Int" },
            (number + 1) % TYPES_EACH,
        );
    }
    sdl
}

fn write_operations(folder: &Path) {
    std::fs::create_dir_all(folder).expect("a folder can be made");
    let mut text = String::new();
    for number in 0..OPERATIONS {
        let (subgraph, ty) = (number % SUBGRAPHS, (number / SUBGRAPHS) * 5);
        let _ = writeln!(
            text,
            "query Op{number}($id: ID!) {{ t{subgraph}x{ty}(id: $id, first: 3) {{ id name count tags peer {{ id name peer {{ id count }} }} next {{ name next {{ name }} }} }} }}"
        );
    }
    std::fs::write(folder.join("operations.graphql"), text).expect("operations can be written");
}
