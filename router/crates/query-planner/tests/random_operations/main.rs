//! Random operations over the public supergraphs: every plan passes the checker, and what has no plan is said to have none.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod generate;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;
use std::sync::Arc;

use braid_graphql::normalize::{NormalizeLimits, normalize};
use braid_graphql::parse::{ParseLimits, choose_operation, parse_operation};
use braid_query_graph::QueryGraph;
use braid_query_planner::{PlanError, PlannerConfig, check_plan, plan};
use braid_supergraph::Supergraph;
use generate::random_operation;
use support::Random;

#[test]
fn random_operations_are_planned_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/fixtures/audit");
    let rounds: u64 = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(40);
    let mut folders: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let (mut planned, mut unsatisfiable) = (0, 0);
    let mut wrong = Vec::new();
    for suite in folders {
        let Ok(sdl) = std::fs::read_to_string(suite.join("supergraph.graphql")) else { continue };
        let name = suite.file_name().unwrap().to_string_lossy().into_owned();
        let graph = QueryGraph::new(Arc::new(Supergraph::read(&sdl).unwrap()));
        let supergraph = graph.supergraph();
        for round in 0..rounds {
            let mut random = Random(round);
            let mutation = supergraph.schema.mutation.is_some() && random.chance(30);
            let text = random_operation(&supergraph.api_schema, &mut random, mutation);
            // Fields that do not merge make some of them invalid.
            let Ok(document) =
                parse_operation(&supergraph.api_schema, &supergraph.schema, &text, ParseLimits::default())
            else {
                continue;
            };
            let operation = choose_operation(&document, None).unwrap();
            let operation = normalize(&document, operation, &supergraph.schema, NormalizeLimits::default()).unwrap();
            match plan(&operation, &graph, &PlannerConfig::default()) {
                Ok(plan) => {
                    planned += 1;
                    if let Err(found) = check_plan(&plan, &operation, supergraph, &PlannerConfig::default()) {
                        let shown = braid_query_plan::print::print(&plan, supergraph);
                        wrong.push(format!("{name} {round}: {}\n{text}\n{shown}", found.join("; ")));
                    }
                }
                Err(error @ PlanError::Unsatisfiable { .. }) => {
                    unsatisfiable += 1;
                    // These two supergraphs are not satisfiable, on purpose.
                    if !["corrupted-supergraph-node-id", "non-resolvable-interface-object"].contains(&name.as_str()) {
                        wrong.push(format!("{name} {round}: {error}\n{text}"));
                    }
                }
                Err(error) => wrong.push(format!("{name} {round}: {}: {error}\n{text}", error.code())),
            }
        }
    }
    println!("{planned} planned, {unsatisfiable} without a plan, {} wrong", wrong.len());
    wrong.sort_by_key(String::len);
    wrong.truncate(8);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(planned > 100);
}
