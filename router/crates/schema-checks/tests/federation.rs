//! Changes between subgraphs, each with the order of its rollout. Cases are written as in `corpus/README.md`; both sides
//! are supergraphs that begin with `federation/header.graphql`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::collections::BTreeSet;

use braid_schema_checks::change::{Change, First};
use braid_schema_checks::check::compare_supergraphs;
use braid_schema_checks::location::Side;
use braid_schema_checks::report::Report;
use braid_schema_checks::sources::Sources;
use braid_supergraph::Supergraph;

const HEADER: &str = include_str!("federation/header.graphql");
const GRAPHS: &str = "enum join__Graph { A @join__graph(name: \"a\", url: \"http://a\") B @join__graph(name: \"b\", url: \"http://b\") }";

fn supergraph(sdl: &str) -> Supergraph {
    let graphs = if sdl.contains("enum join__Graph") { "" } else { GRAPHS };
    Supergraph::read(&format!("{HEADER}{graphs}\n{sdl}")).unwrap_or_else(|error| panic!("{error}\n{sdl}"))
}

fn show(change: &Change) -> String {
    let rollout = match &change.rollout {
        Some(rollout) if !rollout.mixed_versions => " not mixed",
        Some(rollout) if rollout.first == First::Subgraph => " subgraph first",
        Some(rollout) if rollout.first == First::Router => " router first",
        _ => "",
    };
    format!("{} {}{rollout}", change.severity.name(), change.id)
}

#[test]
fn changes_between_subgraphs_and_their_rollouts() {
    let sources = |side| Sources::read(side, Vec::new()).0;
    let mut wrong = Vec::new();
    for text in include_str!("federation/cases.txt").split("## ").skip(1) {
        let (mut old, mut new, mut expected) = (String::new(), String::new(), BTreeSet::new());
        for line in text.lines().skip(1).filter(|line| !line.is_empty()) {
            match line.split_at(2) {
                ("= ", sdl) => {
                    old.push_str(&format!("{sdl}\n"));
                    new.push_str(&format!("{sdl}\n"));
                }
                ("- ", sdl) => old.push_str(sdl),
                ("+ ", sdl) => new.push_str(sdl),
                _ => {
                    expected.insert(line.to_owned());
                }
            }
        }
        let (old, new) = (supergraph(&old), supergraph(&new));
        let (before, after) = (sources(Side::Old), sources(Side::New));
        let report = compare_supergraphs(Report::new("new"), (&old, &before), (&new, &after));
        let found: BTreeSet<String> = report.changes.iter().map(show).collect();
        if found != expected {
            wrong.push(format!("{}\n  found    {found:?}\n  expected {expected:?}", text.lines().next().unwrap()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
