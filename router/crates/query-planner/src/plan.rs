//! The main street: from an operation to its plan. Each step is a module of its own.

use braid_graphql::OperationType;
use braid_graphql::operation::Operation;
use braid_query_graph::{Labels, QueryGraph, Reach};
use braid_query_plan::QueryPlan;

use crate::build::{self, BuildError};
use crate::config::PlannerConfig;
use crate::error::PlanError;
use crate::solve::{Failure, Solver};
use crate::{ask, emit, schedule};

/// Plans an operation that is valid and in normal form over the graph's supergraph.
pub fn plan(operation: &Operation, graph: &QueryGraph, config: &PlannerConfig) -> Result<QueryPlan, PlanError> {
    plan_with_labels(operation, graph, config, &|label: &str| config.override_labels.contains(label))
}

/// As [`plan`], with the override labels that `labels` says are on. The plan depends on those labels alone that it is asked about.
pub fn plan_with_labels(
    operation: &Operation,
    graph: &QueryGraph,
    config: &PlannerConfig,
    labels: &dyn Labels,
) -> Result<QueryPlan, PlanError> {
    let supergraph = graph.supergraph();
    if supergraph.root(operation.kind) != Some(operation.root) {
        return Err(PlanError::NoRoot(operation.kind.to_string()));
    }
    let exhausted = |_| PlanError::BudgetExhausted { budget: config.budget };
    let ask = ask::read(operation, &supergraph.schema).map_err(exhausted)?;
    if ask.positions[0].entries.is_empty() {
        return Ok(QueryPlan::empty(operation.kind));
    }
    let mut solver = Solver::new(Reach::new(graph, labels, config.budget), &ask);
    let solution = match operation.kind {
        OperationType::Mutation => solver.solve_serial_root(),
        _ => solver.solve_root(),
    };
    let solution = solution.map_err(exhausted)?;
    if let Some(failure) = &solution.failure {
        return Err(explain(graph, failure));
    }
    let mut draft = build::build(&mut solver, &ask, operation.kind, &solution).map_err(|error| match error {
        BuildError::Exhausted => PlanError::BudgetExhausted { budget: config.budget },
        BuildError::Input(failure) => match explain(graph, &failure) {
            PlanError::Unsatisfiable { field, why } => PlanError::Failed { field, why },
            other => other,
        },
    })?;
    let batches = schedule::schedule(&mut draft, operation.kind).map_err(|circle| {
        let visit = &draft.visits[draft.atoms[circle.0].visit];
        let field = visit.asks.iter().find_map(|asked| asked.field);
        let field = field.map(|field| supergraph.schema.coordinate(field)).unwrap_or_default();
        PlanError::Failed { field, why: "its fetches wait for one another".to_owned() }
    })?;
    emit::emit(&solver, &draft, &batches, operation).map_err(|emit::Absent { on, name, subgraph }| {
        let (on, subgraph) = (&supergraph.schema.ty(on).name, &supergraph.subgraph(subgraph).name);
        PlanError::Failed { field: format!("{on}.{name}"), why: format!("\"{subgraph}\" does not have it") }
    })
}

/// Says why a field cannot be had.
fn explain(graph: &QueryGraph, failure: &Failure) -> PlanError {
    let supergraph = graph.supergraph();
    let schema = &supergraph.schema;
    let ty = &schema.ty(failure.ty).name;
    let name = |subgraph| format!("\"{}\"", supergraph.subgraph(subgraph).name);
    let mut from: Vec<String> = failure.from.iter().map(|place| name(place.subgraph)).collect();
    from.dedup();
    let mut reasons = Vec::new();
    for owner in graph.owners(failure.field, failure.ty) {
        let place = &graph.places(failure.ty)[usize::from(owner.place)];
        let Some(join) = graph.join(owner, failure.ty) else { continue };
        let subgraph = name(place.place.subgraph);
        reasons.push(if join.external || join.used_overridden {
            format!("{subgraph} does not resolve it")
        } else if join.label.is_some() {
            format!("{subgraph} has it under an override label")
        } else if place.ways_in.is_empty() {
            format!("{subgraph} has no resolvable @key on \"{ty}\"")
        } else {
            let keys: Vec<String> = place.ways_in.iter().map(|way| format!("\"{}\"", way.text)).collect();
            format!(
                "{subgraph} cannot be entered: its keys {} or what the field requires cannot be had",
                keys.join(", ")
            )
        });
    }
    if reasons.is_empty() {
        reasons.push("no subgraph has it there".to_owned());
    }
    let start = if from.is_empty() { String::new() } else { format!("from {}: ", from.join(", ")) };
    PlanError::Unsatisfiable {
        field: format!("{ty}.{}", schema.field(failure.field).name),
        why: format!("{start}{}", reasons.join("; ")),
    }
}
