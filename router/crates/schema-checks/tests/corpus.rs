//! Holds the diff to the labelled corpus: every change found, none invented, each with its severity and a place.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod cases;

use std::collections::BTreeSet;

use braid_graphql::compiler::Schema;
use braid_schema_checks::change::{Change, ChangeKind, Severity};
use braid_schema_checks::diff::{diff, locate};
use braid_schema_checks::location::Side;
use braid_schema_checks::sources::{SourceFile, Sources};

use cases::Case;

fn changes(case: &Case) -> Vec<Change> {
    let parse = |sdl: &str, side: &str| {
        let parsed = Schema::parse_and_validate(sdl, side);
        parsed.unwrap_or_else(|error| panic!("{}: {}", case.name, error.errors)).into_inner()
    };
    let sources = |sdl: &str, side, file: &str| {
        let file = SourceFile { subgraph: None, file: file.to_owned(), text: sdl.to_owned() };
        let (sources, problems) = Sources::read(side, vec![file]);
        assert!(problems.is_empty(), "{}: {problems:?}", case.name);
        sources
    };
    let mut changes = diff(&parse(&case.old, "old.graphql"), &parse(&case.new, "new.graphql"));
    let (old, new) = (sources(&case.old, Side::Old, "old.graphql"), sources(&case.new, Side::New, "new.graphql"));
    locate(&mut changes, &old, &new);
    changes
}

#[test]
fn every_change_is_found_and_none_invented() {
    let cases = cases::all();
    assert!(cases.len() >= 150, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let found: BTreeSet<String> =
            changes(case).iter().map(|change| format!("{} {}", change.severity.name(), change.id)).collect();
        if found != case.expected {
            wrong.push(format!("{}\n  found    {found:?}\n  expected {:?}", case.name, case.expected));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases are wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn every_change_has_a_place_and_a_reason() {
    for case in cases::all() {
        for change in changes(&case) {
            // The schema itself may be implied by the names of its root types.
            let implied = change.coordinate == "schema" && !case.old.contains("schema") && !case.new.contains("schema");
            assert!(implied || !change.locations.is_empty(), "{}: {} has no place", case.name, change.id);
            assert!(change.reason.ends_with('.') && !change.message.is_empty(), "{}: {}", case.name, change.reason);
        }
    }
}

#[test]
fn turning_a_change_around_keeps_the_number_of_changes() {
    for case in cases::all() {
        let back =
            Case { name: case.name.clone(), old: case.new.clone(), new: case.old.clone(), expected: BTreeSet::new() };
        assert_eq!(changes(&case).len(), changes(&back).len(), "{}", case.name);
    }
}

#[test]
fn every_kind_between_plain_schemas_is_in_the_corpus() {
    let seen: BTreeSet<&str> = cases::all().iter().flat_map(changes).map(|change| change.kind.name()).collect();
    let between_subgraphs = ChangeKind::ALL.iter().position(|(kind, _)| *kind == ChangeKind::SubgraphAdded).unwrap();
    let missing: Vec<&str> = ChangeKind::ALL[..between_subgraphs]
        .iter()
        .map(|(kind, _)| kind.name())
        .filter(|kind| !seen.contains(kind))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn severities_are_ordered() {
    assert!(Severity::Safe < Severity::Dangerous && Severity::Dangerous < Severity::Breaking);
}
