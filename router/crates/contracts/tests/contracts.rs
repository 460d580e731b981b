//! Contracts: what of a supergraph is left under a filter.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::sync::Arc;

use braid_contracts::{Contract, ContractError, ContractFilter, Source, contract};
use braid_graphql::compiler::Schema;
use braid_graphql::view::{ApiView, Elements};
use braid_supergraph::api_schema::api_schema;

const HEAD: &str = r#"
    schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/tag/v0.3") { query: Query }
    directive @link(url: String, for: link__Purpose) repeatable on SCHEMA
    enum link__Purpose { SECURITY EXECUTION }
    directive @tag(name: String!) repeatable on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION
"#;

fn filter(include: &[&str], exclude: &[&str]) -> ContractFilter {
    let owned = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect();
    ContractFilter { include: owned(include), exclude: owned(exclude), keep_unreachable: false }
}

/// The API schema on one line, or the code of the error.
fn show(sdl: &str, filter: &ContractFilter) -> String {
    let schema = Schema::parse(format!("{HEAD}{sdl}"), "supergraph.graphql").unwrap();
    let contract = contract(&schema, filter);
    check_view(&schema, filter, &contract);
    match contract {
        Ok(contract) => contract.api_schema.to_string().split_whitespace().collect::<Vec<_>>().join(" "),
        Err(error) => error.code().to_owned(),
    }
}

/// The view of the API schema must show what the contract as a supergraph of its own does.
fn check_view(schema: &Schema, filter: &ContractFilter, contract: &Result<Contract, ContractError>) {
    let api = api_schema(schema).unwrap();
    let view = Source::new(schema).view(filter, &api, &Arc::new(Elements::of(&api)));
    match (contract, view) {
        (Ok(contract), Ok(view)) => {
            let seen = ApiView::new(&api, Some(&view.hidden)).to_schema();
            assert_eq!(seen.to_string(), contract.api_schema.to_string());
            assert_eq!(view.unknown_tags, contract.unknown_tags);
        }
        (Err(contract), Err(view)) => assert_eq!(contract.code(), view.code()),
        (contract, view) => panic!("{contract:?} {view:?}"),
    }
}

fn check(sdl: &str, include: &[&str], exclude: &[&str], expected: &str) {
    let found = show(sdl, &filter(include, exclude));
    assert_eq!(found.replace("schema { query: Query } ", ""), expected, "{sdl}");
}

#[test]
fn excluded_elements_go_and_what_cannot_stay_without_them() {
    check(r#"type Query { a: A b: Int } type A @tag(name: "x") { c: Int }"#, &[], &["x"], "type Query { b: Int }");
    check(r#"type Query { a: Int @tag(name: "x") b: Int }"#, &[], &["x"], "type Query { b: Int }");
    check(r#"type Query { a(p: Int @tag(name: "x"), q: Int): Int }"#, &[], &["x"], "type Query { a(q: Int): Int }");
    check(
        r#"type Query { a(i: I): Int b: Int } input I { p: Int q: J! } input J @tag(name: "x") { r: Int }"#,
        &[],
        &["x"],
        "type Query { a: Int b: Int }",
    );
    check(r#"type Query { a(p: E!): Int b: Int } enum E { V @tag(name: "x") }"#, &[], &["x"], "type Query { b: Int }");
    check(
        r#"type Query { u: U } union U = A | B type A { c: Int } type B @tag(name: "x") { d: Int }"#,
        &[],
        &["x"],
        "type Query { u: U } union U = A type A { c: Int }",
    );
    check(
        r#"type Query { i: I } interface I { a: Int b: Int } type T implements I { a: Int b: Int @tag(name: "x") }"#,
        &[],
        &["x"],
        "type Query { i: I } interface I { a: Int } type T implements I { a: Int }",
    );
}

#[test]
fn included_elements_stay_with_what_they_need() {
    check(
        r#"type Query { a: A @tag(name: "x") b: Int } type A { c: Int @tag(name: "x") d: Int }"#,
        &["x"],
        &[],
        "type Query { a: A } type A { c: Int }",
    );
    check(
        r#"type Query { a: A @tag(name: "x") } type A @tag(name: "x") { c: Int d: E } enum E { V }"#,
        &["x"],
        &[],
        "type Query { a: A } type A { c: Int }",
    );
    check(
        r#"type Query @tag(name: "x") { a: A b: Int @tag(name: "y") } type A @tag(name: "x") { c: Int }"#,
        &["x"],
        &["y"],
        "type Query { a: A } type A { c: Int }",
    );
    check(
        r#"type Query { a(p: Int!, q: Int): Int @tag(name: "x") }"#,
        &["x"],
        &[],
        "type Query { a(p: Int!, q: Int): Int }",
    );
}

#[test]
fn types_that_nothing_reaches_go() {
    let sdl = r#"type Query { a: A @tag(name: "x") b: Int } type A { c: B } type B { d: Int }"#;
    check(sdl, &[], &["x"], "type Query { b: Int }");
    let kept = ContractFilter { keep_unreachable: true, ..filter(&[], &["x"]) };
    assert!(show(sdl, &kept).contains("type B { d: Int }"));
}

#[test]
fn contracts_that_cannot_be() {
    let sdl = "type Query { a: Int }";
    check(sdl, &["x"], &[], "QUERY_ROOT_TYPE_INACCESSIBLE");
    check(sdl, &[], &[], "CONTRACT_WITHOUT_TAGS");
    check(sdl, &["not a tag"], &[], "INVALID_TAG_NAME");
}

#[test]
fn only_federation_s_own_tags_count() {
    // Another specification that is called tag too, with a directive of its own.
    let other = "schema @link(url: \"https://specs.apollo.dev/link/v1.0\") \
        @link(url: \"https://example.com/tag/v1.0\", as: \"ours\") @link(url: \"https://specs.apollo.dev/tag/v0.3\") { query: Query } \
        directive @ours(name: String!) on FIELD_DEFINITION ";
    let head =
        HEAD.replace(HEAD.lines().nth(1).unwrap(), other).replace("url: String, for", "url: String, as: String, for");
    let sdl = format!("{head}type Query {{ a: Int @tag(name: \"x\") b: Int @ours(name: \"x\") }}");
    let schema = Schema::parse(sdl, "supergraph.graphql").unwrap();
    let api = contract(&schema, &filter(&[], &["x"])).unwrap().api_schema.to_string();
    assert!(!api.contains("a: Int") && api.contains("b: Int"), "{api}");
}

#[test]
fn the_supergraph_keeps_what_it_hides_and_links_the_feature() {
    let schema =
        Schema::parse(format!("{HEAD}type Query {{ a: Int @tag(name: \"x\") b: Int }}"), "supergraph.graphql").unwrap();
    let contract = contract(&schema, &filter(&[], &["x", "nobody"])).unwrap();
    let text = contract.supergraph.to_string();
    assert!(text.contains("a: Int @tag(name: \"x\") @inaccessible"), "{text}");
    assert!(text.contains("inaccessible/v0.2\", for: SECURITY"), "{text}");
    assert!(Schema::parse_and_validate(&text, "again.graphql").is_ok(), "{text}");
    assert_eq!(contract.unknown_tags, ["nobody"]);
}
