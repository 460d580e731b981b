//! Random worlds compose, and the supergraph is the same as that of a plain merge: two independent ways to a supergraph.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::collections::BTreeSet;

use braid_supergraph::{FieldInSubgraph, Supergraph};
use braid_tests::merge::merge;
use braid_tests::world::World;

/// One line per field and subgraph.
fn facts(supergraph: &Supergraph) -> BTreeSet<String> {
    let line = |coordinate: &str, joined: &FieldInSubgraph| {
        format!(
            "{coordinate} in {}: {}{}{}{}{}{:?}",
            supergraph.subgraph(joined.subgraph).name,
            joined.ty,
            if joined.external { " external" } else { "" },
            if joined.used_overridden { " overridden" } else { "" },
            if joined.requires.is_some() { " requires" } else { "" },
            if joined.provides.is_some() { " provides" } else { "" },
            joined.label,
        )
    };
    let fields = supergraph.schema.fields().map(|(id, _)| id);
    fields
        .flat_map(|id| {
            let coordinate = supergraph.schema.coordinate(id);
            let joins = &supergraph.field(id).subgraphs;
            joins.iter().map(move |joined| line(&coordinate, joined)).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn worlds_compose_as_they_merge() {
    let worlds = std::env::var("WORLDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let mut problems = Vec::new();
    for seed in 1..=worlds {
        let world = World::random(seed);
        let sdl = match world.compose() {
            Ok(sdl) => sdl,
            Err(message) => {
                problems.push(format!("seed {seed} does not compose: {message}"));
                continue;
            }
        };
        let ours = Supergraph::read(&sdl).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{sdl}"));
        let plain = Supergraph::read(&merge(&world.subgraphs)).unwrap();
        let (ours, plain) = (facts(&ours), facts(&plain));
        let differences: Vec<_> = ours.symmetric_difference(&plain).collect();
        if !differences.is_empty() {
            problems.push(format!("seed {seed}: {differences:?}"));
        }
    }
    assert!(problems.is_empty(), "{} of {worlds} worlds\n{}", problems.len(), problems.join("\n"));
}
