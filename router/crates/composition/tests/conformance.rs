//! Holds composition to the published composers' verdicts: outcome, codes, hints, API schema and join facts.
//!
//! `BRAID_CASES=<path>` runs another folder of cases, `BRAID_CASE=<id>` one case with all its differences.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod facts;

use std::collections::{BTreeMap, BTreeSet};

use braid_composition::{SubgraphSdl, compose};
use braid_supergraph::Supergraph;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    id: String,
    name: String,
    tier: u8,
    expect: String,
    #[serde(default)]
    codes: Vec<String>,
    #[serde(default)]
    hints: Vec<String>,
    subgraphs: Vec<SubgraphSdl>,
    #[serde(default)]
    supergraph: Option<String>,
    #[serde(default)]
    api: Option<String>,
}

/// What differs in one case, by aspect.
#[derive(Default)]
struct Verdict {
    outcome: Option<String>,
    codes: Option<String>,
    api: Vec<String>,
    join: Vec<String>,
    hints: Option<String>,
}

impl Verdict {
    fn matches(&self) -> bool {
        self.outcome.is_none()
            && self.codes.is_none()
            && self.api.is_empty()
            && self.join.is_empty()
            && self.hints.is_none()
    }

    fn summary(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.outcome.clone());
        parts.extend(self.codes.clone());
        parts.extend(self.hints.clone());
        for (what, lines) in [("api", &self.api), ("join", &self.join)] {
            if !lines.is_empty() {
                let shown: Vec<&str> = lines.iter().take(4).map(String::as_str).collect();
                parts.push(format!("{what} ({}): {}", lines.len(), shown.join(" | ")));
            }
        }
        parts.join("; ")
    }
}

fn judge(case: &Case) -> Verdict {
    let mut verdict = Verdict::default();
    let composition = compose(&case.subgraphs);
    match (&composition.result, case.expect.as_str()) {
        (Ok(composed), "ok") => {
            let api = match Supergraph::read(&composed.supergraph_sdl) {
                Ok(supergraph) => supergraph.api_schema.to_string(),
                Err(error) => {
                    verdict.outcome = Some(format!("our supergraph is not read: {error:.500}"));
                    return verdict;
                }
            };
            if let Some(expected) = &case.api {
                verdict.api = facts::differences(&facts::api(expected), &facts::api(&api));
            }
            if let Some(expected) = &case.supergraph {
                // Supergraphs are interchangeable: theirs run on our router.
                match Supergraph::read(expected) {
                    Ok(theirs) => {
                        let theirs = facts::api(&theirs.api_schema.to_string());
                        verdict.api.extend(facts::differences(&theirs, &facts::api(&api)));
                    }
                    Err(error) => {
                        verdict.outcome = Some(format!("the reference's supergraph is not read: {error:.500}"))
                    }
                }
                verdict.join = facts::differences(&facts::joins(expected), &facts::joins(&composed.supergraph_sdl));
            }
            let got: BTreeSet<String> = composition.hints.iter().map(|h| h.code.to_string()).collect();
            let wanted: BTreeSet<String> = case.hints.iter().cloned().collect();
            if got != wanted {
                verdict.hints = Some(format!("hints {got:?}, not {wanted:?}"));
            }
        }
        (Err(errors), "error") => {
            let got: BTreeSet<String> = errors.iter().map(|e| e.code.to_string()).collect();
            let wanted: BTreeSet<String> = case.codes.iter().cloned().collect();
            if got != wanted {
                let first = errors.first().map(|e| e.message.clone()).unwrap_or_default();
                verdict.codes = Some(format!("codes {got:?}, not {wanted:?} [{first}]"));
            }
        }
        (Ok(_), _) => verdict.outcome = Some(format!("composes, but should fail with {:?}", case.codes)),
        (Err(errors), _) => {
            let first = errors.first().map(|e| format!("{} {}", e.code, e.message)).unwrap_or_default();
            verdict.outcome = Some(format!("fails, but should compose: {first}"));
        }
    }
    verdict
}

/// The cases of every source. A source that is missing or empty proves nothing.
fn cases() -> Vec<Case> {
    const SOURCES: [&str; 6] = ["own", "derived", "guild", "guild-fixtures", "hive-supergraphs", "gateway-audit"];
    let other = std::env::var("BRAID_CASES").ok();
    let folder = other.clone().unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases").to_string());
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    if other.is_none() {
        let mut found: Vec<&str> = files.iter().map(|file| file.file_stem().unwrap().to_str().unwrap()).collect();
        found.sort_by_key(|name| SOURCES.iter().position(|source| source == name));
        assert_eq!(found, SOURCES, "the case files in {folder}");
    }
    let read = |file: &std::path::PathBuf| {
        let cases: Vec<Case> = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        assert!(!cases.is_empty(), "{} has no cases", file.display());
        cases
    };
    files.iter().flat_map(read).collect()
}

/// Cases where we knowingly differ, each with its reason.
fn deviations() -> BTreeMap<String, String> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/deviations.json");
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

#[test]
fn agrees_with_the_published_composers() {
    let only = std::env::var("BRAID_CASE").ok();
    let deviations = deviations();
    let mut score: BTreeMap<u8, (usize, usize)> = BTreeMap::new();
    let mut problems = Vec::new();
    for case in cases() {
        if only.as_ref().is_some_and(|id| *id != case.id) {
            continue;
        }
        let verdict = judge(&case);
        let (good, all) = score.entry(case.tier).or_default();
        *all += 1;
        *good += usize::from(verdict.matches());
        if only.is_some() {
            show(&case, &verdict);
        }
        match (verdict.matches(), deviations.contains_key(&case.id)) {
            (false, false) => {
                problems.push(format!("tier {} {} ({}): {}", case.tier, case.id, case.name, verdict.summary()))
            }
            (true, true) => problems.push(format!("{} no longer differs, but is listed as a deviation", case.id)),
            _ => {}
        }
    }
    for (tier, (good, all)) in &score {
        println!("tier {tier}: {good}/{all} match");
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

fn show(case: &Case, verdict: &Verdict) {
    for line in verdict.api.iter().chain(&verdict.join).chain(&verdict.hints) {
        println!("{line}");
    }
    match compose(&case.subgraphs).result {
        Ok(composed) => println!("{}", composed.supergraph_sdl),
        Err(errors) => errors.iter().for_each(|e| println!("{e}")),
    }
}
