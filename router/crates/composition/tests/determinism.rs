//! The same subgraphs in any order make the same bytes, and what was written reads back as it was.
//! `BRAID_SHUFFLES=<count>` sets how often subgraphs are shuffled: 1,000 times in an optimised build, less in others.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use braid_composition::{SubgraphSdl, compose};
use braid_supergraph::Supergraph;

#[derive(serde::Deserialize)]
struct Case {
    id: String,
    subgraphs: Vec<SubgraphSdl>,
}

fn cases(file: &str) -> Vec<Case> {
    let path = format!("{}/tests/cases/{file}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn shuffles() -> usize {
    let default = if cfg!(debug_assertions) { 100 } else { 1_000 };
    std::env::var("BRAID_SHUFFLES").ok().and_then(|count| count.parse().ok()).unwrap_or(default)
}

/// Fisher–Yates with a small generator, the same in every run.
fn shuffle(subgraphs: &mut [SubgraphSdl], seed: &mut u64) {
    for last in (1..subgraphs.len()).rev() {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        subgraphs.swap(last, (*seed >> 33) as usize % (last + 1));
    }
}

fn said(subgraphs: &[SubgraphSdl]) -> String {
    let composition = compose(subgraphs);
    let result = match &composition.result {
        Ok(composed) => composed.supergraph_sdl.clone(),
        Err(errors) => format!("{errors:#?}"),
    };
    format!("{result}\n{:#?}", composition.hints)
}

#[test]
fn any_order_makes_the_same_bytes() {
    let mut seed = 1;
    // The one with the most subgraphs, once, and the larger of the others.
    let mut groups: Vec<(String, Vec<SubgraphSdl>, usize)> = Vec::new();
    for file in ["gateway-audit", "hive-supergraphs", "own", "guild"] {
        let large = cases(file).into_iter().filter(|case| case.subgraphs.len() >= 5);
        groups.extend(large.map(|case| (case.id, case.subgraphs, shuffles())));
    }
    assert!(groups.len() > 5, "{} groups", groups.len());
    groups.extend(cases("guild-fixtures").into_iter().map(|case| (case.id, case.subgraphs, 1)));
    let each = groups.len();
    for (id, mut subgraphs, count) in groups {
        let expected = said(&subgraphs);
        for round in 0..count.div_ceil(each).max(1) {
            shuffle(&mut subgraphs, &mut seed);
            assert_eq!(said(&subgraphs), expected, "{id}, round {round}");
        }
    }
}

#[test]
fn what_is_written_reads_back() {
    let mut read = 0;
    for file in ["gateway-audit", "hive-supergraphs", "own", "guild"] {
        for case in cases(file) {
            let Ok(composed) = compose(&case.subgraphs).result else { continue };
            let once =
                Supergraph::read(&composed.supergraph_sdl).unwrap_or_else(|error| panic!("{}: {error}", case.id));
            let written = once.write();
            let twice = Supergraph::read(&written).unwrap_or_else(|error| panic!("{}: {error}", case.id));
            assert_eq!(twice.write(), written, "{}", case.id);
            assert_eq!(format!("{:?}", twice.subgraphs), format!("{:?}", once.subgraphs), "{}", case.id);
            read += 1;
        }
    }
    assert!(read > 400, "{read} supergraphs were read");
}
