//! Scopes and policies of many subgraphs: combined without growing out of bounds, or refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::time::{Duration, Instant};

use braid_composition::{Code, Composition, SubgraphSdl, compose};

fn subgraphs(count: usize, sdl: impl Fn(usize) -> String) -> Composition {
    let link = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.9\", import: [\"@key\", \"@shareable\", \"@external\", \"@requires\", \"@requiresScopes\", \"@policy\"])\n";
    let subgraph =
        |i| SubgraphSdl { name: format!("s{i:03}"), sdl: format!("{link}{}", sdl(i)), ..SubgraphSdl::default() };
    compose(&(0..count).map(subgraph).collect::<Vec<_>>())
}

fn field(scopes: &str) -> String {
    format!("type Query {{ a: Int @shareable @requiresScopes(scopes: {scopes}) }}")
}

#[test]
fn an_alternative_in_common_keeps_the_lists_of_many_subgraphs_short() {
    let composed = subgraphs(60, |i| field(&format!("[[\"admin\"], [\"read:{i}\"]]"))).result.unwrap();
    let sdl = composed.supergraph_sdl;
    assert!(sdl.contains("@requiresScopes(scopes: [[\"admin\"], [\"read:0\", \"read:1\","), "{sdl}");
}

#[test]
fn too_many_alternatives_are_refused_at_once() {
    let started = Instant::now();
    for (directive, argument) in [("requiresScopes", "scopes"), ("policy", "policies")] {
        let errors = subgraphs(60, |i| {
            format!("type Query {{ a: Int @shareable @{directive}({argument}: [[\"a{i}\"], [\"b{i}\"]]) }}")
        });
        let errors = errors.result.unwrap_err();
        assert_eq!(errors.iter().map(|error| error.code).collect::<Vec<_>>(), [Code::AUTH_REQUIREMENTS_TOO_COMPLEX]);
        assert!(errors[0].message.contains("more than 256 alternatives"), "{}", errors[0]);
        assert!(errors[0].help.as_ref().unwrap().contains("fewer alternatives"), "{}", errors[0]);
    }
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}

#[test]
fn a_field_that_requires_many_protected_ones_is_compared_with_each() {
    // Together they have 2⁴⁰ alternatives.
    let scopes = |i| format!("@requiresScopes(scopes: [[\"a{i}\"], [\"b{i}\"]])");
    let names: Vec<String> = (0..40).map(|i| format!("f{i}")).collect();
    let sdl = |own: &str| {
        let protected: String = (0..40).map(|i| format!("f{i}: Int {} ", scopes(i))).collect();
        let external: String = names.iter().map(|name| format!("{name}: Int @external ")).collect();
        let required = names.join(" ");
        [
            format!("type Query {{ t: T }} type T @key(fields: \"id\") {{ id: ID! {protected} }}"),
            format!(
                "type T @key(fields: \"id\") {{ id: ID! {external} sum: Int @requires(fields: \"{required}\") {own} }}"
            ),
        ]
    };
    let all: Vec<String> = (0..40).map(|i| format!("\"a{i}\"")).collect();
    let protected = sdl(&format!("@requiresScopes(scopes: [[{}]])", all.join(", ")));
    subgraphs(2, |i| protected[i].clone()).result.unwrap();
    let open = sdl("");
    let errors = subgraphs(2, |i| open[i].clone()).result.unwrap_err();
    assert_eq!(errors[0].code, Code::MISSING_TRANSITIVE_AUTH_REQUIREMENTS);
}
