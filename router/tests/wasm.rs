//! WebAssembly hooks in a router: settings, reload, errors that clients see, and the examples in Rust and TypeScript.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

#[path = "../crates/wasm/tests/guest/mod.rs"]
mod guest;
#[path = "../../tests/node.rs"]
mod node;
mod support;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use braid_telemetry::metrics::Metrics;
use serde_json::json;
use support::{Answer, Following, ME, ORDERS, Subgraph, exchange, follow, post, reloads, supergraph};
use tempfile::TempDir;

const QUERY: &str = r#"{"query":"{ me { name orders { id } } }"}"#;

/// Takes requests with a tenant.
const TENANT: &str = r#"
  (if (call $has (str "x-tenant")) (then) (else (call $refuse (str "UNKNOWN_TENANT"))))"#;

/// Tells the subgraph something.
const TELL: &str = r#"(call $put (str "x-told") (str "this"))"#;

/// A router with its files in a folder, which it follows.
struct World {
    folder: TempDir,
    address: SocketAddr,
    metrics: Arc<Metrics>,
    users: Subgraph,
    orders: Subgraph,
}

impl World {
    async fn start(component: &[u8], settings: &str) -> Self {
        let users = Subgraph::json(|_| ME.to_owned()).await;
        let orders = Subgraph::json(|_| ORDERS.to_owned()).await;
        Self::over(users, orders, component, settings).await
    }

    async fn over(users: Subgraph, orders: Subgraph, component: &[u8], settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sdl = supergraph(&users.url(), &orders.url());
        std::fs::write(folder.path().join("s.graphql"), sdl).unwrap();
        std::fs::write(folder.path().join("hook.wasm"), component).unwrap();
        let config = format!(
            "schema: {{ supergraph: s.graphql }}\nexposure: {{ subgraph_errors: true }}\ntelemetry: {{ access_log: {{ enabled: false }} }}\nwasm: {{ hooks: [{{ file: hook.wasm, {settings} }}] }}"
        );
        let file = folder.path().join("router.yaml");
        std::fs::write(&file, config).unwrap();
        let Following { address, metrics, .. } = follow(file).await.unwrap();
        Self { folder, address, metrics, users, orders }
    }

    async fn ask(&self, headers: &str) -> Answer {
        exchange(self.address, &post(QUERY, headers)).await
    }

    fn write(&self, component: &[u8]) {
        // As deployments do it: nobody sees half a file.
        let (new, file) = (self.folder.path().join("new"), self.folder.path().join("hook.wasm"));
        std::fs::write(&new, component).unwrap();
        std::fs::rename(new, file).unwrap();
    }

    fn failed_reloads(&self) -> usize {
        reloads(&self.metrics, "Failed")
    }
}

/// Components are compiled by a compiler without optimisations here.
async fn until(what: &str, holds: impl AsyncFnMut() -> bool) {
    support::until_seen(1000, what, holds).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_refuses_clients_and_tells_subgraphs() {
    let component = guest::hook(&[(guest::REQUEST, TENANT), (guest::SUBGRAPH_REQUEST, TELL)]);
    let world = World::start(&component, "").await;
    let refused = world.ask("").await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "UNKNOWN_TENANT"));
    let answer = world.ask("x-tenant: acme\r\n").await;
    assert_eq!((answer.status, &answer.json()["data"]["me"]["name"]), (200, &json!("Ada")));
    for subgraph in [&world.users, &world.orders] {
        let seen = subgraph.seen.lock().unwrap();
        assert_eq!(seen.len(), 1);
        assert!(seen[0].head.contains("x-told: this"), "{}", seen[0].head);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_a_subgraph_fails_alone() {
    let component = guest::hook(&[(guest::SUBGRAPH_REQUEST, "(unreachable)")]);
    let answer = World::start(&component, "").await.ask("").await;
    assert_eq!((answer.status, answer.code().as_str()), (200, "WASM_HOOK_FAILED"));
    let answer = World::start(&component, "on_error: continue").await.ask("").await;
    assert_eq!(answer.json()["errors"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_component_is_taken_up_and_a_broken_one_is_not() {
    let strict = guest::hook(&[(guest::REQUEST, TENANT)]);
    let world = World::start(&strict, "").await;
    assert_eq!(world.ask("").await.status, 403);
    tokio::time::sleep(Duration::from_millis(300)).await;

    world.write(&guest::hook(&[(guest::SUBGRAPH_REQUEST, TELL)]));
    until("the new component is used", async || world.ask("").await.status == 200).await;

    let failures = world.failed_reloads();
    world.write(b"\0asm\x0d\0\x01\0 broken");
    until("the failure is counted", async || world.failed_reloads() > failures).await;
    assert_eq!(world.ask("").await.status, 200, "the last good one stays");

    world.write(&strict);
    until("the next one is used", async || world.ask("").await.status == 403).await;
}

#[test]
fn validating_a_configuration_tries_its_hooks() {
    let folder = tempfile::tempdir().unwrap();
    let check = |config: &str, component: &[u8], expected: &str| {
        std::fs::write(folder.path().join("router.yaml"), config).unwrap();
        std::fs::write(folder.path().join("hook.wasm"), component).unwrap();
        let mut braid = Command::new(env!("CARGO_BIN_EXE_braid"));
        let out = braid.current_dir(folder.path()).args(["config", "validate", "router.yaml"]).output().unwrap();
        let said = String::from_utf8(out.stderr).unwrap();
        assert!(said.contains(expected), "{said}");
    };
    let good = guest::hook(&[(guest::REQUEST, TENANT)]);
    check("wasm: { hooks: [{ file: hook.wasm }] }", &good, "router.yaml is valid.");
    check(
        "wasm: { hooks: [{ file: hook.wasm }] }",
        b"\0asm\x01\0\0\0",
        "hook.wasm can't be used: it is a WebAssembly module",
    );
    check(
        "wasm: { hooks: [{ file: hook.wasm, config: not today }] }",
        &good,
        "hook.wasm can't be used: it does not start: \"not today\"",
    );
    check("wasm: { hooks: [{ file: missing.wasm }] }", &good, "missing.wasm can't be used: it can't be read");
    check("wasm: { hooks: [{ file: hook.wasm, fuel: 1 }] }", &good, "unknown field `fuel`");
}

/// What both examples do.
async fn check_example(component: &Path) {
    let component = std::fs::read(component).unwrap();
    let failing = r#"{"data":{"_entities":[{"orders":null}]},"errors":[{"message":"no route to 10.0.0.7","path":["_entities",0,"orders"]},{"message":"Out of stock.","path":["_entities",0,"orders"],"extensions":{"code":"OUT_OF_STOCK"}}]}"#;
    let users = Subgraph::json(|_| ME.to_owned()).await;
    let orders = Subgraph::json(move |_| failing.to_owned()).await;
    let settings = "config: { tenants: [acme, globex] }, max_memory: 128MiB, timeout: 1s";
    let world = World::over(users, orders, &component, settings).await;
    let refused = world.ask("x-tenant: other\r\n").await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "UNKNOWN_TENANT"));
    let answer = world.ask("x-tenant: acme\r\n").await;
    let errors = answer.json()["errors"].clone();
    let shown: Vec<_> = errors.as_array().unwrap().iter().map(|error| error["message"].as_str().unwrap()).collect();
    assert_eq!(shown, ["Something went wrong.", "Out of stock."], "{errors}");
    assert_eq!(errors[0]["path"], json!(["me", "orders"]), "{errors}");
    let seen = world.users.seen.lock().unwrap();
    assert!(seen[0].head.contains("x-org: acme"), "{}", seen[0].head);
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_in_typescript_runs() {
    let folder = example("wasm-hook-typescript");
    if !node::is_installed(&folder, "WASM_TYPESCRIPT") {
        eprintln!("skipped: run `npm ci` in {}", folder.display());
        return;
    }
    let built = Command::new("npm").args(["run", "--silent", "build"]).current_dir(&folder).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    check_example(&folder.join("tenant.wasm")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_in_rust_runs() {
    let folder = example("wasm-hook-rust");
    let rustc = Command::new("rustc").args(["--print", "target-libdir", "--target", "wasm32-wasip2"]).output().unwrap();
    if !Path::new(String::from_utf8(rustc.stdout).unwrap().trim()).is_dir() {
        assert!(std::env::var("WASM_RUST").as_deref() != Ok("required"), "run `rustup target add wasm32-wasip2`");
        eprintln!("skipped: run `rustup target add wasm32-wasip2`");
        return;
    }
    let target = folder.join("target");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "--locked", "--target", "wasm32-wasip2", "--target-dir"]).arg(&target);
    let built = cargo.current_dir(&folder).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    check_example(&target.join("wasm32-wasip2/release/wasm_hook_rust.wasm")).await;
}
