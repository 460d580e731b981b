//! Plans as people read them. A case is a folder of `cases`: `supergraph.graphql`, `operation.graphql` (its first line says what
//! it shows, `# labels:` which override labels are on), and `plan.txt`. `UPDATE_EXPECT=1` rewrites the plans.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use braid_graphql::incremental::{is_incremental, with_incremental_directives};
use braid_graphql::normalize::{NormalizeLimits, normalize, normalize_in_parts};
use braid_graphql::parse::{ParseLimits, choose_operation, parse_operation};
use braid_query_graph::QueryGraph;
use braid_query_plan::print::print;
use braid_query_plan::print_explain::explain;
use braid_query_plan::print_graph::print_mermaid;
use braid_query_plan::print_json::print_json;
use braid_query_planner::{PlannerConfig, check_plan, plan};
use braid_supergraph::Supergraph;

fn check(folder: &Path) -> Result<(), String> {
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    let mut supergraph = Supergraph::read(&read("supergraph.graphql")).map_err(|error| error.to_string())?;
    supergraph.api_schema = with_incremental_directives(supergraph.api_schema);
    let text = read("operation.graphql");
    let mut config = PlannerConfig::default();
    let labels = text.lines().filter_map(|line| line.strip_prefix("# labels: "));
    config.override_labels.extend(labels.flat_map(|labels| labels.split(", ")).map(str::to_owned));
    let document = parse_operation(&supergraph.api_schema, &supergraph.schema, &text, ParseLimits::default())
        .map_err(|errors| errors[0].message.clone())?;
    let operation = choose_operation(&document, None).map_err(|error| error.message)?;
    let limits = NormalizeLimits::default();
    let operation = match is_incremental(&document, operation) {
        true => normalize_in_parts(&document, operation, &supergraph.schema, limits, &|_| true),
        false => normalize(&document, operation, &supergraph.schema, limits),
    };
    let operation = operation.unwrap();
    let graph = QueryGraph::new(Arc::new(supergraph));
    let shown = match plan(&operation, &graph, &config) {
        Ok(plan) => {
            check_plan(&plan, &operation, graph.supergraph(), &config).map_err(|found| found.join("; "))?;
            // The other forms say the same: here they only have to hold every fetch.
            let json = print_json(&plan, graph.supergraph()).to_string();
            let drawn = print_mermaid(&plan, graph.supergraph());
            for number in 0..plan.fetches.len() {
                assert!(json.contains(&format!("\"id\":{number},")) && drawn.contains(&format!("f{number}[")));
            }
            format!("{}\n{}", print(&plan, graph.supergraph()), explain(&plan, graph.supergraph()))
        }
        Err(error) => format!("{}: {error}\n", error.code()),
    };
    let expected = folder.join("plan.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&expected, &shown).unwrap();
    }
    let known = std::fs::read_to_string(&expected).unwrap_or_default();
    if known == shown { Ok(()) } else { Err(format!("expected\n{known}\nfound\n{shown}")) }
}

#[test]
fn cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let wrong: Vec<String> =
        folders.iter().filter_map(|folder| Some(format!("{}: {}", folder.display(), check(folder).err()?))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
