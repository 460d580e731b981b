//! Every operation of the public conformance suites is planned, or refused where the suite wants that, with no more requests
//! than the best gateway needs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use braid_graphql::Name;
use braid_graphql::normalize::{NormalizeLimits, normalize};
use braid_graphql::operation::Operation;
use braid_graphql::parse::{ParseLimits, choose_operation, parse_operation};
use braid_query_graph::QueryGraph;
use braid_query_plan::{Fetch, FetchKind, QueryPlan};
use braid_query_planner::{PlannerConfig, check_plan, plan};
use braid_supergraph::Supergraph;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/fixtures/audit")
}

/// The operation in normal form; `None` when it is not valid.
fn operation(supergraph: &Supergraph, text: &str) -> Option<Operation> {
    let document = parse_operation(&supergraph.api_schema, &supergraph.schema, text, ParseLimits::default()).ok()?;
    let operation = choose_operation(&document, None).ok()?;
    Some(normalize(&document, operation, &supergraph.schema, NormalizeLimits::default()).unwrap())
}

/// For each test the requests that the best gateway makes.
fn best_counts() -> BTreeMap<String, usize> {
    let text = std::fs::read_to_string(folder().join("fetch-counts.tsv")).unwrap();
    let line = |line: &str| {
        let mut columns = line.split('\t');
        Some((columns.next()?.to_owned(), columns.next()?.parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

/// The requests that are made when every variable has its default.
fn requests(plan: &QueryPlan, operation: &Operation) -> usize {
    let value_of = |name: &Name| {
        let variable = operation.variables.iter().find(|variable| variable.name == *name);
        variable.and_then(|variable| variable.default_value.as_ref()?.to_bool()).unwrap_or(false)
    };
    let made = |fetch: &&Fetch| {
        fetch.condition.holds(value_of)
            && match &fetch.kind {
                FetchKind::Root { .. } => true,
                FetchKind::Entities(entities) => entities.iter().any(|fetch| fetch.condition.holds(value_of)),
            }
    };
    plan.fetches.iter().filter(made).count()
}

#[test]
fn every_operation_of_the_audit_is_planned() {
    let counts = best_counts();
    let only = std::env::var("SUITE").ok();
    let (mut planned, mut total, mut best_total) = (0, 0, 0);
    let mut wrong = Vec::new();
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    for suite in folders {
        let Ok(sdl) = std::fs::read_to_string(suite.join("supergraph.graphql")) else { continue };
        let name = suite.file_name().unwrap().to_string_lossy().into_owned();
        if only.as_ref().is_some_and(|only| !format!("{name}#").starts_with(only.as_str())) {
            continue;
        }
        let graph = QueryGraph::new(Arc::new(Supergraph::read(&sdl).unwrap()));
        let tests = std::fs::read_to_string(suite.join("tests.json")).unwrap();
        let tests: serde_json::Value = serde_json::from_str(&tests).unwrap();
        for (index, test) in tests.as_array().unwrap().iter().enumerate() {
            let test_name = format!("{name}#{index}");
            let best = counts.get(&test_name).copied().unwrap_or(0);
            let operation = operation(graph.supergraph(), test["query"].as_str().unwrap());
            let result = operation.as_ref().map(|operation| plan(operation, &graph, &PlannerConfig::default()));
            let fetches = match &result {
                Some(Ok(plan)) => requests(plan, operation.as_ref().unwrap()),
                _ => 0,
            };
            if only.is_some() {
                println!("{test_name} {}", test["query"].as_str().unwrap());
                match &result {
                    Some(Ok(plan)) => println!("{}", braid_query_plan::print::print(plan, graph.supergraph())),
                    Some(Err(error)) => println!("{}: {error}", error.code()),
                    None => println!("invalid"),
                }
            }
            if let (Some(Ok(plan)), Some(operation)) = (&result, &operation)
                && let Err(found) = check_plan(plan, operation, graph.supergraph(), &PlannerConfig::default())
            {
                wrong.push(format!("{test_name}: {}", found.join("; ")));
            }
            match &result {
                Some(Err(error)) if best != 0 => wrong.push(format!("{test_name}: {}: {error}", error.code())),
                None if best != 0 => wrong.push(format!("{test_name}: the operation is not valid")),
                _ if fetches > best => wrong.push(format!("{test_name}: {fetches} fetches, best {best}")),
                Some(Ok(_)) if best == 0 => wrong.push(format!("{test_name}: planned, but should be refused")),
                _ => {}
            }
            if fetches < best {
                println!("{test_name}: {fetches} fetches, best {best}");
            }
            planned += 1;
            total += fetches;
            best_total += best;
        }
    }
    println!("{planned} operations, {total} fetches; the best gateway makes {best_total}");
    assert!(wrong.is_empty(), "{} of {planned}:\n{}", wrong.len(), wrong.join("\n"));
}
