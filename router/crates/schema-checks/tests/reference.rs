//! Holds our verdicts to graphql-js and graphql-inspector, where they are installed (`npm ci` in `tests/reference`).
//!
//! `reference/disagreements.json` explains every difference; one that is not explained fails, and so does an explanation
//! for a difference that is none. With `REFERENCE=required`, as in CI, the test fails when they are not installed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod cases;
mod generated;
#[path = "../../../../tests/node.rs"]
mod node;

use std::collections::BTreeMap;
use std::path::PathBuf;

use braid_graphql::compiler::Schema;
use braid_schema_checks::change::Severity;
use braid_schema_checks::diff::diff;
use braid_schema_checks::operations::{Format, OperationFile, judge, read};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verdicts {
    graphql_js: Vec<Vec<Found>>,
    inspector: Vec<Vec<Found>>,
    valid: Vec<(bool, bool)>,
}

#[derive(Deserialize)]
struct Found {
    level: String,
}

/// Why we differ, for the cases that a reference judges differently.
#[derive(Deserialize)]
struct Disagreement {
    why: String,
    /// Name of the case: what the reference says, and what we say.
    cases: BTreeMap<String, String>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference")
}

fn ask(question: &serde_json::Value) -> Option<Verdicts> {
    node::ask(&folder(), "REFERENCE", "compare.mjs", question)
}

fn worst<'a>(levels: impl Iterator<Item = &'a str>) -> &'static str {
    let rank = |level: &str| ["safe", "dangerous", "breaking"].iter().position(|known| *known == level).unwrap();
    ["safe", "dangerous", "breaking"][levels.map(rank).max().unwrap_or(0)]
}

#[test]
fn verdicts_on_pairs_agree_or_are_explained() {
    // What a directive means to federation is no business of plain GraphQL's tools.
    let mut pairs: Vec<(String, String, String)> =
        cases::all().into_iter().map(|case| (case.name, case.old, case.new)).collect();
    let edited = generated::edited().into_iter();
    pairs.extend(edited.map(|(name, sdl)| (format!("edit: {name}"), generated::SCHEMA.to_owned(), sdl)));
    let question = pairs.iter().map(|(name, old, new)| json!({ "name": name, "old": old, "new": new }));
    let question = json!({ "pairs": question.collect::<Vec<_>>(), "operations": [] });
    let Some(verdicts) = ask(&question) else { return };

    let text = std::fs::read_to_string(folder().join("disagreements.json")).unwrap();
    let explained: BTreeMap<String, Vec<Disagreement>> = serde_json::from_str(&text).unwrap();
    for disagreement in explained.values().flatten() {
        assert!(disagreement.why.len() > 20, "\"{}\" explains nothing", disagreement.why);
    }
    let mut wrong = Vec::new();
    for (tool, verdicts) in [("graphql-js", &verdicts.graphql_js), ("graphql-inspector", &verdicts.inspector)] {
        let mut differences = BTreeMap::new();
        for ((name, old, new), theirs) in pairs.iter().zip(verdicts) {
            let parse = |sdl: &str| Schema::parse_and_validate(sdl, "schema.graphql").unwrap();
            let ours = worst(diff(&parse(old), &parse(new)).iter().map(|change| change.severity.name()));
            let theirs = worst(theirs.iter().map(|found| found.level.as_str()));
            if ours != theirs {
                differences.insert(name.clone(), format!("{tool} {theirs}, braid {ours}"));
            }
        }
        let mut known = BTreeMap::new();
        for disagreement in explained.get(tool).into_iter().flatten() {
            known.extend(disagreement.cases.clone());
        }
        for (name, difference) in &differences {
            if known.get(name) != Some(difference) {
                wrong.push(format!("not explained: {name}: {difference}"));
            }
        }
        wrong.extend(
            known.keys().filter(|name| !differences.contains_key(*name)).map(|name| format!("{tool}: {name} agrees")),
        );
        println!("{tool}: {} of {} pairs agree", pairs.len() - differences.len(), pairs.len());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_reference_judges_1500_operations_as_we_do() {
    let (operations, edited) = (generated::operations(1500), generated::edited());
    let edit = |at: usize| &edited[at % edited.len()].1;
    let question: Vec<_> = operations
        .iter()
        .enumerate()
        .map(|(at, text)| json!({ "old": generated::SCHEMA, "new": edit(at), "text": text }))
        .collect();
    let Some(verdicts) = ask(&json!({ "pairs": [], "operations": question })) else { return };
    let old = Schema::parse_and_validate(generated::SCHEMA, "old.graphql").unwrap();
    let new: Vec<_> = edited.iter().map(|(_, sdl)| Schema::parse_and_validate(sdl, "new.graphql").unwrap()).collect();
    let mut broken = 0;
    for (at, (text, (before, after))) in operations.iter().zip(verdicts.valid).enumerate() {
        let file = OperationFile {
            file: "op.graphql".to_owned(),
            text: text.clone(),
            format: Format::Document,
            name: None,
            client: None,
        };
        let judged = judge(read(vec![file]).operations, &old, &new[at % edited.len()]);
        assert_eq!(judged[0].is_broken(), before && !after, "{text}\nagainst\n{}", edit(at));
        broken += usize::from(judged[0].is_broken());
    }
    assert!(broken > 100, "only {broken} of 1500 broke");
    println!("1500 of 1500 operations agree; {broken} broke");
}

#[test]
fn severities_have_the_words_of_the_corpus() {
    assert_eq!(
        [Severity::Safe, Severity::Dangerous, Severity::Breaking].map(Severity::name),
        ["safe", "dangerous", "breaking"]
    );
}
