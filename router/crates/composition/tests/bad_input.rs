//! Input that is no subgraph, or nearly none: one clear, coded error each, whatever it is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use braid_composition::{SubgraphSdl, compose};

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
        "nests deeper",
    );
    check(
        "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.99\") type Query { a: Int }",
        "UNKNOWN_FEDERATION_LINK_VERSION",
        "v2.99",
    );
    check(
        "type Query { a: I } interface I implements J { x: Int } interface J implements I { x: Int }",
        "INVALID_GRAPHQL",
        "circular",
    );
}
