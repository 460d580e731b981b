//! The client: `wrk`. Knows no router.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;

/// What the client measured.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Load {
    /// The number of responses.
    pub(super) requests: usize,
    /// The duration.
    pub(super) microseconds: u64,
    /// The median latency, in microseconds.
    pub(super) p50: u64,
    /// The 99th percentile of latency, in microseconds.
    pub(super) p99: u64,
    /// Requests without a response or with an error status.
    pub(super) failed: usize,
}

/// Keeps this process and the client that it starts off the router's core. Exits if a required program is missing.
pub(super) fn stay_on_core_0() {
    let has_wrk = Command::new("wrk").arg("--version").output().is_ok();
    let pinned = Command::new("taskset")
        .args(["--all-tasks", "--cpu-list", "--pid", "0"])
        .arg(std::process::id().to_string())
        .output();
    let pinned = pinned.is_ok_and(|output| output.status.success());
    assert!(has_wrk && pinned, "wrk and taskset are needed: apt-get install wrk util-linux");
}

/// Sends `body` to a router again and again.
pub(super) fn load(port: u16, body: &Path, connections: usize, seconds: u64) -> Load {
    let output = Command::new("wrk")
        .args(["-t1", "--timeout", "30s", "-s"])
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
