//! What a check needs of a version of a graph, for the command line and for the page: composed, as sources, and with the plans of known
//! operations. Reads no files.

use std::sync::Arc;

use braid_composition::{Level, SubgraphSdl, compose};
use braid_graphql::compiler::Schema;
use braid_graphql::compiler::validation::Valid;
use braid_graphql::incremental::with_incremental_directives;
use braid_graphql::normalize::{NormalizeLimits, normalize};
use braid_graphql::parse::{ParseLimits, choose_operation, parse_operation};
use braid_net::chain;
use braid_query_graph::QueryGraph;
use braid_query_plan::print::stages;
use braid_query_planner::{PlannerConfig, plan};
use braid_schema_checks::check::Version;
use braid_schema_checks::location::{Location, Side};
use braid_schema_checks::operations::KnownOperation;
use braid_schema_checks::plans::{PlanChange, PlanSummary, compare};
use braid_schema_checks::problem::Problem;
use braid_schema_checks::report::{Composition, Diagnostic};
use braid_schema_checks::sources::SourceFile;
use braid_supergraph::Supergraph;

/// The schema of a subgraph as a file of a version.
pub(crate) fn source_file(subgraph: &SubgraphSdl) -> SourceFile {
    let file = subgraph.file.clone().unwrap_or_else(|| subgraph.name.clone());
    SourceFile { subgraph: Some(subgraph.name.clone()), file, text: subgraph.sdl.clone() }
}

/// What subgraphs compose to. A supergraph that can't be read is a problem.
pub(crate) fn composed(
    subgraphs: &[SubgraphSdl],
    side: Side,
    problems: &mut Vec<Problem>,
) -> (Composition, Option<Arc<Supergraph>>) {
    let outcome = compose(subgraphs);
    let hints = outcome.hints.iter().filter(|hint| hint.level >= Level::Warn);
    let hints = hints.map(|hint| diagnostic(hint, side)).collect();
    match outcome.result {
        Ok(composed) => {
            let read = Supergraph::read(&composed.supergraph_sdl);
            let read = read.map_err(|error| problems.push(Problem::new(error.code(), chain(&error)))).ok();
            (Composition { ok: true, errors: Vec::new(), hints }, read.map(Arc::new))
        }
        Err(errors) => {
            let errors = errors.iter().map(|error| diagnostic(error, side)).collect();
            (Composition { ok: false, errors, hints }, None)
        }
    }
}

fn diagnostic(of: &braid_composition::Diagnostic, side: Side) -> Diagnostic {
    let location = |at: &braid_composition::Location| Location {
        side,
        subgraph: Some(at.subgraph.clone()),
        file: at.file.clone(),
        line: at.line,
        column: at.column,
        end_line: at.end_line,
        end_column: at.end_column,
    };
    Diagnostic {
        code: of.code.to_string(),
        message: of.message.clone(),
        coordinate: of.coordinate.clone(),
        locations: of.locations.iter().map(location).collect(),
        help: of.help.clone(),
    }
}

/// How the plans of the known operations differ. Operations that can't be planned on both sides are skipped.
pub(crate) fn plan_changes(operations: &[KnownOperation], base: Option<&Version>, head: &Version) -> Vec<PlanChange> {
    let supergraphs = (base.and_then(|base| base.supergraph.as_ref()), head.supergraph.as_ref());
    let (Some(old), Some(new)) = supergraphs else { return Vec::new() };
    if operations.is_empty() {
        return Vec::new();
    }
    std::thread::scope(|scope| {
        let before = scope.spawn(|| summaries(operations, old));
        let after = summaries(operations, new);
        let before = before.join().unwrap_or_default();
        let both = operations.iter().zip(before).zip(after);
        both.filter_map(|((operation, before), after)| compare(&operation.id, &before?, &after?)).collect()
    })
}

fn summaries(operations: &[KnownOperation], supergraph: &Arc<Supergraph>) -> Vec<Option<PlanSummary>> {
    let graph = QueryGraph::new(supergraph.clone());
    let api_schema = with_incremental_directives(supergraph.api_schema.clone());
    let summary = |text: &str| summary(text, &api_schema, supergraph, &graph);
    operations.iter().map(|operation| summary(operation.text.as_deref()?)).collect()
}

fn summary(text: &str, api_schema: &Valid<Schema>, supergraph: &Supergraph, graph: &QueryGraph) -> Option<PlanSummary> {
    let limits = ParseLimits { max_tokens: 1_000_000, ..ParseLimits::default() };
    let document = parse_operation(api_schema, &supergraph.schema, text, limits).ok()?;
    let operation = choose_operation(&document, None).ok()?;
    let operation = normalize(&document, operation, &supergraph.schema, NormalizeLimits::default()).ok()?;
    let plan = plan(&operation, graph, &PlannerConfig::default()).ok()?;
    let mut subgraphs: Vec<String> =
        plan.fetches.iter().map(|fetch| supergraph.subgraph(fetch.subgraph).name.clone()).collect();
    subgraphs.sort();
    subgraphs.dedup();
    Some(PlanSummary {
        fetches: plan.fetches.len(),
        stages: stages(&plan).into_iter().max().unwrap_or_default(),
        subgraphs,
    })
}
