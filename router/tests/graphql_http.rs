//! Runs graphql-http's server audit against a router, if it is installed (`npm ci` in `tests/graphql-http`).
//!
//! Warnings of the audit fail the test too. With `GRAPHQL_HTTP_AUDIT=required`, the test fails if the audit is not installed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

#[path = "../../tests/node.rs"]
mod node;
mod support;

use std::path::PathBuf;

use serde::Deserialize;
use support::router;

/// The result of a check of the audit.
#[derive(Debug, Deserialize)]
struct Audit {
    id: String,
    name: String,
    status: String,
    reason: Option<String>,
}

#[tokio::test]
async fn the_audit_of_graphql_http_finds_nothing() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/graphql-http");
    if !node::is_installed(&folder, "GRAPHQL_HTTP_AUDIT") {
        return;
    }
    let (router, _users, _orders) = router(|_| {}).await;
    let url = format!("http://{}/graphql", router.address);
    let running = tokio::task::spawn_blocking(move || {
        std::process::Command::new("node").arg("audit.mjs").arg(url).current_dir(folder).output()
    });
    let output = running.await.unwrap().expect("node can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let audits: Vec<Audit> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(audits.len() > 50, "only {} checks ran", audits.len());
    let found = audits.iter().filter(|audit| audit.status != "ok");
    let found: Vec<String> = found
        .map(|audit| {
            format!("{} {} \"{}\": {}", audit.id, audit.status, audit.name, audit.reason.as_deref().unwrap_or(""))
        })
        .collect();
    assert!(found.is_empty(), "{} of {} checks:\n{}", found.len(), audits.len(), found.join("\n"));
}
