//! Gives our supergraphs to the published composers, query planner and readers, where they are installed
//! (`npm ci` in `tests/peers`). With `PEERS=required` the test fails when they are not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

#[allow(dead_code, reason = "the join facts are for `conformance`")]
mod facts;
#[path = "../../../../tests/node.rs"]
mod node;

use std::path::PathBuf;

use braid_composition::{SubgraphSdl, compose};
use braid_supergraph::Supergraph;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Case {
    id: String,
    expect: String,
    subgraphs: Vec<SubgraphSdl>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    supergraphs: Vec<Reading>,
    compositions: Vec<Verdict>,
}

/// What each reader has against a supergraph, and the API that it reads from it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reading {
    apollo: Option<String>,
    planner: Option<String>,
    apollo_api: Option<String>,
    guild: Option<String>,
}

/// What each composer has against subgraphs.
#[derive(Deserialize)]
struct Verdict {
    apollo: Option<String>,
    guild: Option<String>,
}

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn ask(question: &serde_json::Value) -> Option<Answer> {
    node::ask(&here().join("tests/peers"), "PEERS", "read.mjs", question)
}

fn services() -> Vec<SubgraphSdl> {
    let schema = here().join("../../../schema");
    ["users", "orders", "inventory"]
        .map(|name| SubgraphSdl {
            name: name.to_owned(),
            url: format!("http://{name}.test/graphql"),
            sdl: std::fs::read_to_string(schema.join(format!("{name}.graphql"))).unwrap(),
            file: None,
        })
        .to_vec()
}

/// The one case whose specification says `for: SECURITY`: whoever does not know it must refuse the supergraph, as these readers do.
const UNKNOWN_PURPOSE: &str = "derived/0254: ";

/// Every case that the reference composer composes.
fn cases() -> Vec<Case> {
    let files = std::fs::read_dir(here().join("tests/cases")).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<PathBuf> = files.filter(|file| file.extension().is_some_and(|e| e == "json")).collect();
    files.sort();
    assert!(!files.is_empty());
    let read = |file: PathBuf| -> Vec<Case> { serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap() };
    files.into_iter().flat_map(read).filter(|case| case.expect == "ok").collect()
}

#[test]
fn the_services_compose_with_the_peers() {
    let supergraph = std::fs::read_to_string(here().join("../../../schema/supergraph.graphql")).unwrap();
    let Some(answer) = ask(&json!({ "supergraphs": [supergraph], "compositions": [parts(&services())] })) else {
        return;
    };
    let composition = &answer.compositions[0];
    assert_eq!(composition.apollo, None);
    assert_eq!(composition.guild, None);
    assert_eq!(problems("schema/supergraph.graphql", &answer.supergraphs[0], None), Vec::<String>::new());
}

#[test]
fn the_peers_read_our_supergraphs() {
    let mut supergraphs = vec![("services".to_owned(), compose(&services()).result.unwrap())];
    for case in cases() {
        supergraphs.extend(compose(&case.subgraphs).result.ok().map(|composed| (case.id, composed)));
    }
    let sdl: Vec<&String> = supergraphs.iter().map(|(_, composed)| &composed.supergraph_sdl).collect();
    let Some(answer) = ask(&json!({ "supergraphs": sdl, "compositions": [] })) else { return };
    assert_eq!(answer.supergraphs.len(), supergraphs.len());
    let problems: Vec<String> = supergraphs
        .iter()
        .zip(&answer.supergraphs)
        .flat_map(|((id, composed), reading)| {
            problems(id, reading, Some(&Supergraph::read(&composed.supergraph_sdl).unwrap().api_schema.to_string()))
        })
        .collect();
    println!("{} supergraphs read by the peers", supergraphs.len());
    let problems: Vec<String> = problems.into_iter().filter(|problem| !problem.starts_with(UNKNOWN_PURPOSE)).collect();
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// Readers that know a composed directive by its import alone would take it for one of the API.
#[test]
fn composed_directives_are_imported_by_name() {
    let text = std::fs::read_to_string(here().join("tests/cases/own.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_str(&text).unwrap();
    let case = cases.into_iter().find(|case| case.id == "own/0008").unwrap();
    let supergraph = compose(&case.subgraphs).result.unwrap().supergraph_sdl;
    assert!(supergraph.contains("@link(url: \"https://example.com/mine/v1.0\", import: [\"@mine\"])"), "{supergraph}");
}

fn parts(subgraphs: &[SubgraphSdl]) -> Vec<serde_json::Value> {
    subgraphs.iter().map(|s| json!({ "name": s.name, "url": s.url, "sdl": s.sdl })).collect()
}

/// What the peers have against a supergraph; with `api`, also where the reader sees another API in it than that.
fn problems(id: &str, reading: &Reading, api: Option<&str>) -> Vec<String> {
    let mut problems = Vec::new();
    for (who, problem) in [("reader", &reading.apollo), ("planner", &reading.planner), ("guild", &reading.guild)] {
        problems.extend(problem.as_ref().map(|problem| format!("{id}: {who}: {problem}")));
    }
    let Some(api) = api else { return problems };
    if let Some(read) = &reading.apollo_api {
        let differences = facts::differences(&facts::api(read), &facts::api(api));
        // A reader that does not know GraphQL's own directive takes it for one of the graph.
        let differences = differences.iter().filter(|line| !line.starts_with("- directive @oneOf"));
        problems.extend(differences.map(|line| format!("{id}: the API as read: {line}")));
    }
    problems
}
