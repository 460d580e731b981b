//! The files in `schema/` match the code: the services' schemas, their supergraph, and operations that can be planned.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use braid::config::Config;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use braid_composition::Composer;
use braid_graphql::normalize::{NormalizeLimits, normalize};
use braid_graphql::parse::{ParseLimits, choose_operation, parse_operation};
use braid_query_graph::QueryGraph;
use braid_query_planner::{PlannerConfig, check_plan, plan};
use braid_supergraph::Supergraph;

const REFRESH: &str = "UPDATE_EXPECT=1 cargo test --package local --test schema";

fn schema(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema").join(file)
}

fn check(file: &str, expected: &str) {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        // Renamed, because the other test may be reading the file.
        let new = schema(&format!("{file}.new"));
        std::fs::write(&new, expected).unwrap();
        std::fs::rename(new, schema(file)).unwrap();
    }
    let found = std::fs::read_to_string(schema(file)).unwrap_or_default();
    assert!(found == expected, "schema/{file} is stale; update it with: {REFRESH}");
}

#[tokio::test]
async fn files_are_what_the_code_says() {
    check("users.graphql", &users::sdl());
    check("orders.graphql", &orders::sdl());
    check("inventory.graphql", &inventory::sdl());
    let loaded = braid::source::Source::Subgraphs(schema("supergraph.yaml"))
        .load(&mut Composer::default(), &Config::default().traffic)
        .await
        .unwrap();
    check("supergraph.graphql", &loaded.supergraph_sdl);
}

#[tokio::test]
async fn operations_are_valid_and_have_plans() {
    let loaded = braid::source::Source::Subgraphs(schema("supergraph.yaml"))
        .load(&mut Composer::default(), &Config::default().traffic)
        .await
        .unwrap();
    let supergraph = std::sync::Arc::new(Supergraph::read(&loaded.supergraph_sdl).unwrap());
    let graph = QueryGraph::new(supergraph.clone());
    let mut count = 0;
    for entry in std::fs::read_dir(schema("operations")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let shown = path.display();
        let document = parse_operation(&supergraph.api_schema, &supergraph.schema, &text, ParseLimits::default())
            .unwrap_or_else(|errors| panic!("{shown}: {errors:?}"));
        let operation = choose_operation(&document, None).unwrap();
        let operation = normalize(&document, operation, &supergraph.schema, NormalizeLimits::default()).unwrap();
        let plan =
            plan(&operation, &graph, &PlannerConfig::default()).unwrap_or_else(|error| panic!("{shown}: {error}"));
        check_plan(&plan, &operation, &supergraph, &PlannerConfig::default())
            .unwrap_or_else(|faults| panic!("{shown}: {faults:?}"));
        count += 1;
    }
    assert!(count >= 5, "{count} operations");
}

/// `schema/events.yaml` has the subjects of every service's stream, and no others.
#[test]
fn the_documented_events_are_those_of_the_streams() {
    let text = std::fs::read_to_string(schema("events.yaml")).unwrap();
    let addresses: Vec<&str> = text.lines().filter_map(|line| line.trim().strip_prefix("address: ")).collect();
    let streams = [users::STREAM, orders::STREAM, inventory::STREAM];
    let prefixes: Vec<&str> =
        streams.iter().flat_map(|stream| stream.subjects).map(|s| s.trim_end_matches('>')).collect();
    for address in &addresses {
        assert!(prefixes.iter().any(|prefix| address.starts_with(prefix)), "{address} is in no stream");
    }
    for prefix in &prefixes {
        assert!(addresses.iter().any(|address| address.starts_with(prefix)), "{prefix} is not documented");
    }
    for stream in streams {
        assert!(text.contains(&format!("Stream {}.", stream.name)), "the stream {} is not named", stream.name);
    }
}

/// `node` is a field of inventory, so inventory has to know every type of the other services that has an id of its own.
#[test]
fn node_finds_every_type_with_an_id() {
    let nodes = |sdl: &str| -> BTreeSet<String> {
        let heads = sdl.lines().filter_map(|line| line.strip_prefix("type ")?.split_once(" implements "));
        heads.filter(|(_, rest)| rest.contains("Node")).map(|(name, _)| name.to_owned()).collect()
    };
    let known = nodes(&inventory::sdl());
    for others in [nodes(&users::sdl()), nodes(&orders::sdl())] {
        assert!(!others.is_empty());
        assert!(others.is_subset(&known), "inventory's `node` lacks {:?}", others.difference(&known));
    }
}
