//! Worlds that once were answered wrong, each a folder of `fixtures/worlds`: `monolith.graphql`, `subgraphs/`, `operation.graphql`,
//! perhaps `variables.json`. `CASE=name` runs one and shows its plan.
//!
//! Those that `known.tsv` lists (name, crate, what is wrong) are wrong still: the test fails when one of them comes right, so that the
//! list only shrinks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::path::{Path, PathBuf};

use braid_tests::trial::Trial;
use braid_tests::world::{Operation, World};

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/worlds");
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut folders: Vec<_> = entries.filter(|path| path.join("operation.graphql").exists()).collect();
    folders.sort();
    folders
}

#[test]
fn worlds_that_were_wrong() {
    let only = std::env::var("CASE").ok();
    let known = include_str!("../fixtures/worlds/known.tsv");
    let known: Vec<&str> = known.lines().filter_map(|line| line.split('\t').next()).collect();
    let mut problems = Vec::new();
    for folder in folders() {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        if only.as_ref().is_some_and(|only| *only != name) {
            continue;
        }
        let (world, operation) = (World::read(&folder), Operation::read(&folder));
        let trial = match Trial::new(&world) {
            Ok(trial) => trial,
            Err(message) => {
                problems.push(format!("{name} does not compose: {message}"));
                continue;
            }
        };
        match (trial.run(&operation), known.contains(&name.as_str())) {
            (Some(found), false) => problems.push(format!("{name}: {}: {}", found.kind, found.detail)),
            (None, true) => problems.push(format!("{name} is right now: strike it from known.tsv")),
            (Some(found), true) if only.is_some() => {
                println!(
                    "{}\n{:?}\n{}: {}\n{}",
                    operation.text, operation.variables, found.kind, found.detail, found.plan
                );
            }
            _ => {}
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
