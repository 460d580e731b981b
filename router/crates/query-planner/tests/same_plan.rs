//! The same operation has the same plan, run after run, and in whatever order the supergraph names its subgraphs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::path::Path;
use std::sync::Arc;

use braid_graphql::compiler::ast::{Definition, DirectiveList, Document};
use braid_graphql::normalize::{NormalizeLimits, normalize};
use braid_graphql::parse::{ParseLimits, choose_operation, parse_operation};
use braid_query_graph::QueryGraph;
use braid_query_plan::print::print;
use braid_query_planner::{PlannerConfig, plan};
use braid_supergraph::Supergraph;

/// The supergraph with its subgraphs, and what is said of them, named in the opposite order.
fn reversed(sdl: &str) -> String {
    let mut document = Document::parse(sdl, "supergraph.graphql").unwrap();
    let reverse = |directives: &mut DirectiveList| directives.0.reverse();
    for definition in &mut document.definitions {
        match definition {
            Definition::EnumTypeDefinition(graphs) if graphs.name == "join__Graph" => {
                graphs.make_mut().values.reverse();
            }
            Definition::ObjectTypeDefinition(object) => {
                let object = object.make_mut();
                reverse(&mut object.directives);
                object.fields.iter_mut().for_each(|field| reverse(&mut field.make_mut().directives));
            }
            Definition::InterfaceTypeDefinition(interface) => {
                let interface = interface.make_mut();
                reverse(&mut interface.directives);
                interface.fields.iter_mut().for_each(|field| reverse(&mut field.make_mut().directives));
            }
            Definition::UnionTypeDefinition(union) => reverse(&mut union.make_mut().directives),
            _ => {}
        }
    }
    document.to_string()
}

/// The plan as text; `None` where the operation is not valid.
fn shown(graph: &QueryGraph, text: &str) -> Option<String> {
    let supergraph = graph.supergraph();
    let document = parse_operation(&supergraph.api_schema, &supergraph.schema, text, ParseLimits::default()).ok()?;
    let operation = choose_operation(&document, None).ok()?;
    let operation = normalize(&document, operation, &supergraph.schema, NormalizeLimits::default()).unwrap();
    Some(match plan(&operation, graph, &PlannerConfig::default()) {
        Ok(plan) => print(&plan, supergraph),
        Err(error) => error.to_string(),
    })
}

#[test]
fn the_order_of_subgraphs_does_not_show() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/fixtures/audit");
    let (mut compared, mut wrong) = (0, Vec::new());
    for suite in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let Ok(sdl) = std::fs::read_to_string(suite.join("supergraph.graphql")) else { continue };
        let graph = |sdl: &str| QueryGraph::new(Arc::new(Supergraph::read(sdl).unwrap()));
        let graphs = [graph(&sdl), graph(&sdl), graph(&reversed(&sdl))];
        let names = |graph: &QueryGraph| {
            graph.supergraph().subgraphs.iter().map(|subgraph| subgraph.name.clone()).collect::<Vec<_>>()
        };
        let mut backwards = names(&graphs[2]);
        backwards.reverse();
        assert_eq!(names(&graphs[0]), backwards);
        let tests = std::fs::read_to_string(suite.join("tests.json")).unwrap();
        let tests: serde_json::Value = serde_json::from_str(&tests).unwrap();
        for (index, test) in tests.as_array().unwrap().iter().enumerate() {
            let [first, again, other] = graphs.each_ref().map(|graph| shown(graph, test["query"].as_str().unwrap()));
            assert_eq!(first, again, "another run");
            compared += 1;
            if first != other {
                let show = |plan: Option<String>| plan.unwrap_or_default();
                wrong.push(format!("{}#{index}\n{}\n{}", suite.display(), show(first), show(other)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {compared} differ\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 150, "{compared} compared");
}
