//! `braid compose` as a user types it: one clear message for each bad input, and the exit code that says whose fault it is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::process::{Command, Output};

use support::Subgraph;

const DOES_NOT_COMPOSE: i32 = 2;
const BAD_USAGE: i32 = 3;
const UNREADABLE: i32 = 4;

fn compose(folder: &std::path::Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_braid")).arg("compose").arg(folder.join("supergraph.yaml")).output().unwrap()
}

/// Composes a supergraph.yaml, with one subgraph's SDL in `a.graphql`.
fn check(yaml: &str, sdl: &[u8], exit: i32, says: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("supergraph.yaml"), yaml).unwrap();
    std::fs::write(folder.path().join("a.graphql"), sdl).unwrap();
    let output = compose(folder.path());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(exit), "{said}");
    for part in says {
        assert!(said.contains(part), "{said}\nlacks {part}");
    }
    assert_eq!(said.contains("refuses"), says.iter().any(|part| part.contains("refuses")), "{said}");
    assert!(!said.contains("panicked") && said.len() < 4_000, "{} bytes: {said}", said.len());
}

const ONE: &str = "subgraphs: { a: { routing_url: http://a, schema: { file: a.graphql } } }\n";

#[test]
fn invalid_schemas() {
    check(ONE, b"hello, no SDL", DOES_NOT_COMPOSE, &["INVALID_GRAPHQL", "a.graphql:1:"]);
    check(ONE, b"", DOES_NOT_COMPOSE, &["INVALID_GRAPHQL", "is empty"]);
    check(ONE, b"<!doctype html><html></html>", DOES_NOT_COMPOSE, &["HTML"]);
    check(ONE, &[b'#'; 10 << 20], DOES_NOT_COMPOSE, &["SUBGRAPH_TOO_LARGE"]);
    let deep = format!("type Query {{ a: {}Int{} }}", "[".repeat(5_000), "]".repeat(5_000));
    check(ONE, deep.as_bytes(), DOES_NOT_COMPOSE, &["NESTING_TOO_DEEP"]);
    let cyclic = "type Query { a: I } interface I implements J { x: Int } interface J implements I { x: Int }";
    check(ONE, cyclic.as_bytes(), DOES_NOT_COMPOSE, &["INVALID_GRAPHQL", "implement each other"]);
    let unknown = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.99\") type Query { a: Int }";
    check(ONE, unknown.as_bytes(), DOES_NOT_COMPOSE, &["UNKNOWN_FEDERATION_LINK_VERSION"]);
}

#[test]
fn invalid_supergraph_yaml() {
    let sdl = b"type Query { a: Int }";
    check("subgraphs: {}", sdl, BAD_USAGE, &["at least one"]);
    check(&format!("federation_version: =9.9\n{ONE}"), sdl, BAD_USAGE, &["=9.9", "not known", "=2.14"]);
    let twice = "subgraphs:\n  a: { routing_url: u, schema: { file: a.graphql } }\n  a: { routing_url: u, schema: { file: a.graphql } }\n";
    check(twice, sdl, BAD_USAGE, &["\"a\" is given twice", "line 3"]);
    let reserved = "subgraphs: { _: { routing_url: http://a, schema: { file: a.graphql } } }\n";
    check(reserved, sdl, DOES_NOT_COMPOSE, &["INVALID_SUBGRAPH_NAME"]);
}

#[test]
fn unreadable_files() {
    check("subgraphs: { a: { routing_url: u, schema: { file: b.graphql } } }", b"", UNREADABLE, &["b.graphql"]);
    check(ONE, b"\xff\xfe\x00", UNREADABLE, &["a.graphql", "can't be read"]);
    let both = "subgraphs:\n  b: { routing_url: u, schema: { file: b.graphql } }\n  c: { routing_url: u, schema: { file: c.graphql } }\n";
    check(both, b"", UNREADABLE, &["b.graphql can't be read: No such file", "c.graphql can't be read: No such file"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_subgraphs_that_do_not_give_their_schema_are_listed() {
    let page = Subgraph::raw(|_| async { support::http("200 OK", "text/html", b"<html></html>", "") }).await;
    let plain = Subgraph::json(|_| r#"{"errors":[{"message":"no _service here"}]}"#.to_owned()).await;
    let yaml = format!(
        "subgraphs:\n  page: {{ schema: {{ subgraph_url: {} }} }}\n  plain: {{ schema: {{ subgraph_url: {} }} }}\n",
        page.url(),
        plain.url()
    );
    let checking = tokio::task::spawn_blocking(move || {
        check(&yaml, b"", UNREADABLE, &["\"page\"", "not JSON of a GraphQL response", "\"plain\"", "no _service here"]);
    });
    checking.await.unwrap();
}

#[test]
fn compose_warns_of_what_serve_refuses() {
    let link = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.9\", import: [\"@composeDirective\"])\n\
        @link(url: \"https://example.com/vault/v1.0\", import: [\"@vault\"], for: SECURITY) @composeDirective(name: \"@vault\")\n\
        directive @vault on FIELD_DEFINITION\n";
    let sdl = format!("{link}type Query {{ a: Int @vault }}");
    check(ONE, sdl.as_bytes(), 0, &["warning: `braid serve` refuses", "https://example.com/vault/v1.0"]);
    check(ONE, sdl.replace(", for: SECURITY", "").as_bytes(), 0, &[]);
}
