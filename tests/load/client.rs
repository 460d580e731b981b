//! The client: `wrk`, on core 0. Knows no router.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;

/// What the client saw.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Load {
    /// Requests that were answered.
    pub(super) requests: usize,
    /// How long that took.
    pub(super) microseconds: u64,
    /// The median latency, in microseconds.
    pub(super) p50: u64,
    /// The latency that one in a hundred passes, in microseconds.
    pub(super) p99: u64,
    /// Requests without an answer, or whose status is an error.
    pub(super) failed: usize,
}

/// Ends the program if the client is missing.
pub(super) fn check() {
    let found =
        Command::new("wrk").arg("--version").output().is_ok() && Command::new("taskset").arg("-V").output().is_ok();
    assert!(found, "wrk and taskset are needed: apt-get install wrk util-linux");
}

/// Sends `body` to a router over and over.
pub(super) fn load(port: u16, body: &Path, connections: usize, seconds: u64) -> Load {
    let output = Command::new("taskset")
        .args(["-c", "0", "wrk", "-t1", "--timeout", "30s", "-s"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/load/post.lua"))
        .args([format!("-c{connections}"), format!("-d{seconds}s"), format!("http://127.0.0.1:{port}/graphql")])
        .env("LOAD_BODY", body)
        .output()
        .expect("wrk runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find(|line| line.starts_with('{'));
    let line = line.unwrap_or_else(|| panic!("wrk failed: {text}{}", String::from_utf8_lossy(&output.stderr)));
    serde_json::from_str(line).expect("the script prints JSON")
}
