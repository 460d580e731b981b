//! Applies the edits that errors carry, mechanically, and composes again: the error must be gone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::collections::{BTreeMap, BTreeSet};

use braid_composition::{Diagnostic, Fix, SubgraphSdl, compose};

#[derive(serde::Deserialize)]
struct Case {
    id: String,
    subgraphs: Vec<SubgraphSdl>,
}

fn same(a: &Diagnostic, b: &Diagnostic) -> bool {
    a.code == b.code && a.coordinate == b.coordinate && a.message == b.message
}

fn fixed(subgraphs: &[SubgraphSdl], before: &[Diagnostic], error: &Diagnostic, fix: &Fix) -> bool {
    let edited: Vec<SubgraphSdl> =
        subgraphs.iter().map(|s| SubgraphSdl { sdl: fix.apply(&s.name, &s.sdl), ..s.clone() }).collect();
    match compose(&edited).result {
        Ok(_) => true,
        // A fix may bring to light what was hidden behind the error, but not break the SDL.
        Err(after) => {
            let breaks_sdl =
                |e: &Diagnostic| e.message.contains("Syntax error") && !before.iter().any(|known| same(known, e));
            !after.iter().any(|e| same(e, error) || breaks_sdl(e))
        }
    }
}

#[test]
fn edits_fix_what_they_claim_to() {
    let mut by_code: BTreeMap<String, (usize, usize, usize)> = BTreeMap::new();
    let mut broken = Vec::new();
    for file in ["own", "guild"] {
        let path = format!("{}/tests/cases/{file}.json", env!("CARGO_MANIFEST_DIR"));
        let cases: Vec<Case> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for case in cases {
            let Err(errors) = compose(&case.subgraphs).result else { continue };
            for error in &errors {
                let entry = by_code.entry(error.code.to_string()).or_default();
                entry.0 += 1;
                assert!(error.help.is_some(), "{}: {} has no help", case.id, error.code);
                let Some(fix) = &error.fix else { continue };
                entry.1 += 1;
                match fixed(&case.subgraphs, &errors, error, fix) {
                    true => entry.2 += 1,
                    false => broken.push(format!("{} {}: {}", case.id, error.code, fix.title)),
                }
            }
        }
    }
    let all = by_code.len();
    let with: BTreeSet<&String> = by_code.iter().filter(|(_, c)| c.2 > 0).map(|(code, _)| code).collect();
    let without: Vec<&String> = by_code.keys().filter(|code| !with.contains(code)).collect();
    println!("{} of {all} codes carry an edit that fixes the error; without: {without:?}", with.len());
    broken.iter().for_each(|line| println!("does not fix: {line}"));
    assert!(broken.is_empty(), "{} edits do not fix their error", broken.len());
    assert!(with.len() * 100 >= all * 80, "fewer than 80 % of the codes carry an edit");
}

fn alone(sdl: &str) -> SubgraphSdl {
    SubgraphSdl { name: "a".to_owned(), url: "http://a".to_owned(), sdl: sdl.to_owned(), file: None }
}

#[test]
fn the_link_that_is_offered_makes_a_schema_compose() {
    let sdl = "type Query { users: [User] @shareable }\n\
        type User @key(fields: \"id\") @tag(name: \"x\") { id: ID! name: String @inaccessible team: Team @cost(weight: 3) }\n\
        type Team @key(fields: \"id\", resolvable: false) { id: ID! }";
    let errors = compose(&[alone(sdl)]).result.unwrap_err();
    let line = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.9\", \
        import: [\"@cost\", \"@inaccessible\", \"@key\", \"@shareable\", \"@tag\"])";
    for error in &errors {
        assert_eq!(error.help.as_deref(), Some(format!("add this line: {line}").as_str()), "{error}");
        let linked = alone(&error.fix.as_ref().unwrap().apply("a", sdl));
        assert!(linked.sdl.starts_with(&format!("{line}\n")), "{}", linked.sdl);
        compose(&[linked]).result.unwrap();
    }
}

#[test]
fn a_newer_version_of_federation_is_linked_where_a_directive_needs_it() {
    let sdl = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.0\", import: [\"@key\"])\n\
        type Query { a: Int @policy(policies: [[\"x\"]]) }";
    let errors = compose(&[alone(sdl)]).result.unwrap_err();
    assert!(errors[0].message.contains("came with federation v2.6"), "{}", errors[0]);
    let linked = errors[0].fix.as_ref().unwrap().apply("a", sdl);
    compose(&[alone(&linked)]).result.unwrap();
}

#[test]
fn a_mistyped_directive_of_federation_is_recognised() {
    for link in ["", "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.3\", import: [\"@key\"]) "] {
        let errors = compose(&[alone(&format!("{link}type Query {{ a: Int @sharable }}"))]).result.unwrap_err();
        assert!(errors[0].message.ends_with("Did you mean \"shareable\"?"), "{}", errors[0]);
    }
}

/// Subgraphs `a` and `b`, both with the import of `@key` and `@shareable`.
fn two(a: &str, b: &str) -> Vec<SubgraphSdl> {
    const LINK: &str =
        "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.3\", import: [\"@key\", \"@shareable\"])\n";
    [("a", a), ("b", b)]
        .map(|(name, sdl)| SubgraphSdl { name: name.to_owned(), ..alone(&format!("{LINK}{sdl}")) })
        .into()
}

#[test]
fn what_is_advised_for_a_shared_type_makes_it_compose() {
    for (a, b, helps) in [
        // Without any key.
        (
            "type Query { user: User } type User { id: ID! name: String }",
            "type Query { best: User } type User { id: ID! name: String, age: Int }",
            "give \"User\" a @key(fields: \"id\") in subgraphs \"a\" and \"b\": then the router can fetch its fields from any of the subgraphs, and mark \"name\" @shareable",
        ),
        // With a key in one of them.
        (
            "type Query { user: User } type User @key(fields: \"name\") { id: Int name: String! email: String }",
            "type Query { best: User } type User { id: Int name: String! age: Int }",
            "give \"User\" a @key(fields: \"name\") in subgraph \"b\": then the router can fetch its fields from any of the subgraphs, and mark \"id\" @shareable",
        ),
        // Nothing lacks anywhere.
        (
            "type Query { price: Money } type Money { amount: Int currency: String @shareable }",
            "type Query { total: Money } type Money { amount: Int @shareable currency: String @shareable }",
            "if all of them return the same value, mark \"Money.amount\" @shareable in subgraph \"a\";",
        ),
    ] {
        let subgraphs = two(a, b);
        let errors = compose(&subgraphs).result.unwrap_err();
        for error in &errors {
            assert_eq!(error.code.as_str(), "INVALID_FIELD_SHARING");
            assert!(error.help.as_ref().is_some_and(|help| help.starts_with(helps)), "{error}");
        }
        // The first error of a type has the edit for the whole type.
        let fix = errors[0].fix.as_ref().unwrap();
        let fixed: Vec<SubgraphSdl> =
            subgraphs.iter().map(|s| SubgraphSdl { sdl: fix.apply(&s.name, &s.sdl), ..s.clone() }).collect();
        compose(&fixed).result.unwrap();
    }
}
