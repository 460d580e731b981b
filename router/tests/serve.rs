//! `braid serve` as a process: what it logs, and how it ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use support::{Subgraph, exchange, http, post};

/// A folder with a supergraph and a configuration.
fn folder(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let sdl = include_str!("fixtures/supergraph.graphql");
    let sdl = sdl.replace("USERS_URL", "http://127.0.0.1:1/").replace("ORDERS_URL", "http://127.0.0.1:1/");
    std::fs::write(folder.path().join("supergraph.graphql"), sdl).unwrap();
    let config = format!("schema: {{ supergraph: supergraph.graphql }}\n{config}");
    std::fs::write(folder.path().join("router.yaml"), config).unwrap();
    folder
}

fn serve(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_braid"));
    command.args(["serve", "--config", "router.yaml", "--listen", "127.0.0.1:0"]).current_dir(folder);
    command.env_remove("RUST_LOG").env_remove("NO_COLOR").stderr(Stdio::piped());
    command
}

#[test]
fn a_redirected_log_has_no_colours() {
    let folder = folder("");
    let mut child = serve(folder.path()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains("Serving http://"));
    child.kill().unwrap();
    child.wait().unwrap();
    let line = line.expect("it serves");
    assert!(!line.contains('\u{1b}'), "{line:?}");
}

#[test]
fn health_says_whether_a_router_takes_requests() {
    let folder = folder("");
    let mut child = serve(folder.path()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains("Serving http://")).expect("it serves");
    let (_, address) = line.split_once("Serving http://").unwrap();
    let address = address.split(['/', ' ']).next().unwrap().to_owned();
    let health = || {
        let url = format!("http://{address}/health/ready");
        Command::new(env!("CARGO_BIN_EXE_braid")).args(["health", &url]).output().unwrap()
    };
    let up = health();
    child.kill().unwrap();
    child.wait().unwrap();
    let down = health();
    assert!(up.status.success() && up.stdout.is_empty() && up.stderr.is_empty(), "{up:?}");
    let said = String::from_utf8(down.stderr).unwrap();
    assert!(!down.status.success() && said.contains(&address), "{said}");
}

#[test]
fn it_does_not_claim_to_serve_before_its_certificate_is_read() {
    let folder = folder("server: { tls: { certificate: missing.pem, key: missing.pem } }");
    let output = serve(folder.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("missing.pem"), "{said}");
    assert!(!said.contains("Serving"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_variables_send_spans_where_router_yaml_does_not() {
    let collector = || Subgraph::raw(|_| async { http("200 OK", "application/x-protobuf", b"", "") });
    let (of_environment, of_file) = (collector().await, collector().await);
    let in_file = format!("telemetry: {{ trace: {{ otlp: {{ endpoint: \"http://{}/here\" }} }} }}", of_file.address);
    for (config, expected, path) in [("", &of_environment, "/v1/traces"), (&*in_file, &of_file, "/here")] {
        let folder = folder(config);
        let mut child = serve(folder.path())
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", of_environment.address))
            .env("OTEL_EXPORTER_OTLP_HEADERS", "x-token=t0k")
            .env("OTEL_BSP_SCHEDULE_DELAY", "50")
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains("Serving http://")).expect("it serves");
        let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
        exchange(address, &post(r#"{"query":"{ __typename }"}"#, "")).await;
        for _ in 0..200 {
            if expected.count() > 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let seen = std::mem::take(&mut *expected.seen.lock().unwrap());
        let head = &seen.first().expect("spans come in").head;
        assert!(head.starts_with(&format!("POST {path} ")) && head.contains("x-token: t0k"), "{head}");
    }
    assert_eq!(of_environment.count(), 0, "router.yaml comes first");
}
