//! `braid serve` as a process: what it logs, and how it ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

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
fn a_log_that_is_redirected_has_no_colours() {
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
fn it_does_not_claim_to_serve_before_its_certificate_was_read() {
    let folder = folder("server: { tls: { certificate: missing.pem, key: missing.pem } }");
    let output = serve(folder.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("missing.pem"), "{said}");
    assert!(!said.contains("Serving"), "{said}");
}
