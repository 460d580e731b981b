//! Applies the edits that errors carry, mechanically, and composes again: the error must be gone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::collections::{BTreeMap, BTreeSet};

use braid_composition::{Diagnostic, Fix, SubgraphSdl, compose};

#[derive(serde::Deserialize)]
struct Case {
    id: String,
    subgraphs: Vec<SubgraphSdl>,
}

fn same(a: &Diagnostic, b: &Diagnostic) -> bool {
    a.code == b.code && a.coordinate == b.coordinate && a.message == b.message
}

fn mended(subgraphs: &[SubgraphSdl], before: &[Diagnostic], error: &Diagnostic, fix: &Fix) -> bool {
    let edited: Vec<SubgraphSdl> =
        subgraphs.iter().map(|s| SubgraphSdl { sdl: fix.apply(&s.name, &s.sdl), ..s.clone() }).collect();
    match compose(&edited).result {
        Ok(_) => true,
        // A fix may bring to light what was hidden behind the error, but not break the SDL.
        Err(after) => {
            let breaks_sdl =
                |e: &Diagnostic| e.message.contains("Syntax error") && !before.iter().any(|known| same(known, e));
            !after.iter().any(|e| same(e, error) || breaks_sdl(e))
        }
    }
}

#[test]
fn edits_mend_what_they_claim_to() {
    let mut by_code: BTreeMap<String, (usize, usize, usize)> = BTreeMap::new();
    let mut broken = Vec::new();
    for file in ["own", "guild"] {
        let path = format!("{}/tests/cases/{file}.json", env!("CARGO_MANIFEST_DIR"));
        let cases: Vec<Case> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for case in cases {
            let Err(errors) = compose(&case.subgraphs).result else { continue };
            for error in &errors {
                let entry = by_code.entry(error.code.to_string()).or_default();
                entry.0 += 1;
                assert!(error.help.is_some(), "{}: {} has no help", case.id, error.code);
                let Some(fix) = &error.fix else { continue };
                entry.1 += 1;
                match mended(&case.subgraphs, &errors, error, fix) {
                    true => entry.2 += 1,
                    false => broken.push(format!("{} {}: {}", case.id, error.code, fix.title)),
                }
            }
        }
    }
    let all = by_code.len();
    let with: BTreeSet<&String> = by_code.iter().filter(|(_, c)| c.2 > 0).map(|(code, _)| code).collect();
    let without: Vec<&String> = by_code.keys().filter(|code| !with.contains(code)).collect();
    println!("{} of {all} codes carry an edit that mends; without: {without:?}", with.len());
    broken.iter().for_each(|line| println!("does not mend: {line}"));
    assert!(broken.is_empty(), "{} edits do not mend", broken.len());
    assert!(with.len() * 100 >= all * 80, "fewer than 80 % of the codes carry an edit");
}
