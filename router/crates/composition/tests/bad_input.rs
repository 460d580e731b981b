//! Input that is no subgraph, or nearly none: one clear, coded error each, whatever it is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use braid_composition::{SubgraphSdl, compose};

const LINK: &str =
    "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.3\", import: [\"@key\", \"@shareable\"])";

fn check(sdl: &str, code: &str, says: &str) {
    let subgraph = SubgraphSdl { name: "a".to_owned(), url: "http://a".to_owned(), sdl: sdl.to_owned(), file: None };
    let errors = compose(&[subgraph]).result.unwrap_err();
    let error = &errors[0];
    assert_eq!(error.code.to_string(), code, "{error}");
    assert!(error.message.contains(says), "{error}");
    assert!(error.help.is_some(), "{error}");
}

#[test]
fn each_has_its_error() {
    check("hello, { no SDL }", "INVALID_GRAPHQL", "Syntax error");
    check(" \n", "INVALID_GRAPHQL", "is empty");
    check("<!doctype html><html></html>", "INVALID_GRAPHQL", "HTML");
    check(&"#".repeat(10 << 20), "SUBGRAPH_TOO_LARGE", "limit");
    check(
        &format!("type Query {{ a: {}Int{} }}", "[".repeat(5000), "]".repeat(5000)),
        "NESTING_TOO_DEEP",
        "nest deeper",
    );
    check(
        "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.99\") type Query { a: Int }",
        "UNKNOWN_FEDERATION_LINK_VERSION",
        "v2.99",
    );
    check(
        "type Query { a: I } interface I implements J { x: Int } interface J implements I { x: Int }",
        "INVALID_GRAPHQL",
        "implement each other",
    );
    let long = "x".repeat(100_000);
    check(
        &format!("{LINK} type Query {{ t: T }} type T @key(fields: \"{long}\") {{ id: ID }}"),
        "KEY_INVALID_FIELDS",
        "…",
    );
}

#[test]
fn a_huge_key_is_not_quoted_in_full() {
    let sdl = format!("{LINK} type Query {{ t: T }} type T @key(fields: \"{}\") {{ t: T }}", "t { ".repeat(5_000));
    let subgraph = SubgraphSdl { name: "a".to_owned(), sdl, ..SubgraphSdl::default() };
    let errors = compose(&[subgraph]).result.unwrap_err();
    assert!(errors[0].message.len() < 1_000, "{} bytes", errors[0].message.len());
}

#[test]
fn names_are_escaped_for_the_graph_enum_and_kept_apart() {
    let sdl = format!("{LINK} type Query {{ a: Int @shareable }}");
    let names = ["my-service", "my_service", "1st", "Ünïcode", "a b", "x\"y"];
    let subgraphs = names.map(|name| SubgraphSdl {
        name: name.to_owned(),
        url: "http://a".to_owned(),
        sdl: sdl.clone(),
        file: None,
    });
    let supergraph = compose(&subgraphs).result.unwrap().supergraph_sdl;
    for line in ["MY_SERVICE_1 @", "MY_SERVICE_2 @", "_1ST @", "A_B @", "name: \"x\\\"y\"", "name: \"Ünïcode\""] {
        assert!(supergraph.contains(line), "{line} is not in\n{supergraph}");
    }
    braid_supergraph::Supergraph::read(&supergraph).unwrap();
}
