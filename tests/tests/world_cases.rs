//! Worlds whose responses were wrong once. Each is a folder of `fixtures/worlds` with `monolith.graphql`, `subgraphs/`,
//! `operation.graphql` and sometimes `variables.json`. `CASE=name` runs one.

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
    let entries = std::fs::read_dir(&root).unwrap_or_else(|error| panic!("{}: {error}", root.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = paths.filter(|path| path.join("operation.graphql").exists()).collect();
    folders.sort();
    folders
}

#[test]
fn worlds_that_were_wrong() {
    let only = std::env::var("CASE").ok();
    let mut run = 0;
    let mut problems = Vec::new();
    for folder in folders() {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        if only.as_ref().is_some_and(|only| *only != name) {
            continue;
        }
        run += 1;
        let (world, operation) = (World::read(&folder), Operation::read(&folder));
        let trial = match Trial::new(&world) {
            Ok(trial) => trial,
            Err(message) => {
                problems.push(format!("{name} does not compose: {message}"));
                continue;
            }
        };
        if let Some(found) = trial.run(&operation) {
            problems.push(format!(
                "{name}: {}: {}\n{}\n{:?}\n{}",
                found.kind, found.detail, operation.text, operation.variables, found.plan
            ));
        }
    }
    assert!(
        run > 0,
        "no case was run{}",
        only.map(|name| format!(": there is no folder {name:?}")).unwrap_or_default()
    );
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
