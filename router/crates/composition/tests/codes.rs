//! Every code, error or hint, is raised by a case.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::collections::BTreeSet;

use braid_composition::{Code, Diagnostic, SubgraphSdl, compose};

/// Codes that no subgraphs can raise, each with the reason.
const NEVER: &[(&str, &str)] = &[(
    "MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED",
    "it takes some seconds of work to raise, so that the unit tests of satisfiability raise it with a smaller budget",
)];

#[derive(serde::Deserialize)]
struct Case {
    subgraphs: Vec<SubgraphSdl>,
}

fn raised(subgraphs: &[SubgraphSdl]) -> Vec<Code> {
    let composition = compose(subgraphs);
    let errors = composition.result.err().unwrap_or_default();
    errors.iter().chain(&composition.hints).map(sound).collect()
}

/// The code of a diagnostic that is well formed: its message is made of whole sentences, or ends in a query.
fn sound(diagnostic: &Diagnostic) -> Code {
    let message = &diagnostic.message;
    assert!(message.ends_with(['.', '?', '}']) && !message.ends_with(".."), "{message}");
    let help = diagnostic.help.as_deref().unwrap_or("none");
    assert!(!help.ends_with('.') && !help.starts_with(char::is_uppercase), "{help}");
    diagnostic.code
}

fn subgraph(name: &str, sdl: &str) -> SubgraphSdl {
    SubgraphSdl { name: name.to_owned(), url: format!("http://{name}"), sdl: sdl.to_owned(), file: None }
}

fn linked(directive: &str, sdl: &str) -> Vec<SubgraphSdl> {
    let link =
        format!("extend schema @link(url: \"https://specs.apollo.dev/federation/v2.12\", import: [\"{directive}\"])");
    vec![subgraph("a", &format!("{link} {sdl}"))]
}

/// Ten subgraphs that require different scopes of one field.
fn many_scopes() -> Vec<SubgraphSdl> {
    let link = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.12\", import: [\"@shareable\", \"@requiresScopes\"])";
    let sdl =
        |i| format!("{link} type Query {{ a: Int @shareable @requiresScopes(scopes: [[\"a{i}\"], [\"b{i}\"]]) }}");
    (0..10).map(|i| subgraph(&format!("s{i}"), &sdl(i))).collect()
}

/// Cases that are in no file: about names and sizes, and about what one of the reference composers does not know.
fn own_cases() -> Vec<Vec<SubgraphSdl>> {
    vec![
        vec![],
        vec![subgraph("_", "type Query { a: Int }")],
        vec![subgraph("a", &"#".repeat(10 << 20))],
        vec![subgraph("a", &format!("type Query {{ a: {}Int{} }}", "[".repeat(500), "]".repeat(500)))],
        vec![subgraph(
            "a",
            "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.99\") type Query { a: Int }",
        )],
        linked("@cacheTag", "type Query { a(id: ID): Int @cacheTag(format: \"a-{$args.id\") }"),
        linked("@cacheTag", "type Query { a: A } type A { b: Int @cacheTag(format: \"b\") }"),
        linked("@tag", "type Query { a: Int @tag(name: \"my tag\") }"),
        many_scopes(),
    ]
}

#[test]
fn every_code_is_raised() {
    let mut seen: BTreeSet<Code> = own_cases().iter().flat_map(|subgraphs| raised(subgraphs)).collect();
    for file in ["own", "guild", "gateway-audit"] {
        let path = format!("{}/tests/cases/{file}.json", env!("CARGO_MANIFEST_DIR"));
        let cases: Vec<Case> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        seen.extend(cases.iter().flat_map(|case| raised(&case.subgraphs)));
    }
    let never: BTreeSet<Code> = NEVER.iter().map(|(code, _)| Code::find(code).unwrap()).collect();
    let lacking: Vec<&Code> = Code::ALL.iter().filter(|code| !seen.contains(code) && !never.contains(code)).collect();
    assert!(lacking.is_empty(), "no case raises {lacking:?}");
    let wrongly: Vec<&Code> = never.intersection(&seen).collect();
    assert!(wrongly.is_empty(), "{wrongly:?} can be raised after all");
}
