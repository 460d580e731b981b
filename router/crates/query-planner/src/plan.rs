//! The main path: from an operation to its plan. Each step is a module of its own.

use braid_graphql::OperationType;
use braid_graphql::operation::Operation;
use braid_query_graph::{Labels, QueryGraph, Reach};
use braid_query_plan::QueryPlan;

use crate::ask;
use crate::build::{BuildError, Stuck, Why, build};
use crate::choose::{Failure, Solver};
use crate::config::PlannerConfig;
use crate::draft::{AtomId, Draft};
use crate::emit::{Absent, EmitError, emit};
use crate::error::PlanError;
use crate::schedule::{ScheduleError, schedule};
use crate::streams::split_streams;

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
    let mut reach = Reach::new(graph, labels, config.budget);
    let ask = ask::read(operation, &supergraph.schema, &mut |units| reach.spend(units)).map_err(exhausted)?;
    if ask.positions[ask.root].entries.is_empty() {
        return Ok(QueryPlan::empty(operation.kind));
    }
    let mut solver = Solver::new(reach, &ask).map_err(exhausted)?;
    let solution = match operation.kind {
        OperationType::Mutation => solver.solve_serial_root(),
        _ => solver.solve_root(),
    };
    let solution = solution.map_err(exhausted)?;
    if let Some(failure) = &solution.failure {
        return Err(explain(graph, failure));
    }
    let mut draft = build(&mut solver, &ask, operation.kind, &solution).map_err(|error| match error {
        BuildError::Exhausted => PlanError::BudgetExhausted { budget: config.budget },
        BuildError::Stuck(stuck) => explain_stuck(graph, &stuck),
    })?;
    let mut spend = |units| solver.reach.spend(units);
    let batches = schedule(&mut draft, operation.kind, &mut spend).map_err(|error| match error {
        ScheduleError::Exhausted => PlanError::BudgetExhausted { budget: config.budget },
        ScheduleError::Circle(atom) => {
            unsatisfiable(first_field(graph, &draft, atom), "it and what it requires wait for one another".to_owned())
        }
    })?;
    let plan = emit(&mut solver, &draft, &batches, operation).map_err(|error| match error {
        EmitError::Exhausted => PlanError::BudgetExhausted { budget: config.budget },
        EmitError::Absent(Absent { on, name, subgraph }) => {
            let (on, subgraph) = (&supergraph.schema.ty(on).name, &supergraph.subgraph(subgraph).name);
            unsatisfiable(format!("{on}.{name}"), format!("\"{subgraph}\" does not have it"))
        }
    })?;
    Ok(split_streams(plan, operation))
}

fn unsatisfiable(field: String, why: String) -> PlanError {
    PlanError::Unsatisfiable { field, why }
}

/// A field that an atom asks, for messages.
fn first_field(graph: &QueryGraph, draft: &Draft<'_>, atom: AtomId) -> String {
    let visit = &draft.visits[draft.atoms[atom].visit];
    let schema = &graph.supergraph().schema;
    match visit.asks.iter().find_map(|asked| asked.field) {
        Some(field) => schema.coordinate(field),
        None => format!("{}.__typename", schema.ty(draft.objects[visit.objects].ty).name),
    }
}

/// Explains why a field cannot be asked where it was chosen.
fn explain_stuck(graph: &QueryGraph, stuck: &Stuck) -> PlanError {
    let why = match &stuck.why {
        Why::Input => return explain(graph, &stuck.failure),
        Why::Context(context) => format!("no object above it sets the context \"{context}\""),
        Why::Ambiguous(place) => {
            let subgraph = &graph.supergraph().subgraph(place.subgraph).name;
            format!("\"{subgraph}\" does not know the types for which its key stands for different fields")
        }
    };
    unsatisfiable(coordinate(graph, &stuck.failure), why)
}

fn coordinate(graph: &QueryGraph, failure: &Failure) -> String {
    let schema = &graph.supergraph().schema;
    let field = failure.field.map_or("__typename", |field| schema.field(field).name.as_str());
    format!("{}.{field}", schema.ty(failure.ty).name)
}

/// Explains why a field cannot be fetched.
fn explain(graph: &QueryGraph, failure: &Failure) -> PlanError {
    let supergraph = graph.supergraph();
    let schema = &supergraph.schema;
    let ty = &schema.ty(failure.ty).name;
    let name = |subgraph| format!("\"{}\"", supergraph.subgraph(subgraph).name);
    let mut from: Vec<String> = failure.from.iter().map(|place| name(place.subgraph)).collect();
    from.dedup();
    let mut reasons = Vec::new();
    let owners = failure.field.map(|field| graph.owners(field, failure.ty)).unwrap_or_default();
    for owner in owners {
        let node = &graph.nodes(failure.ty)[owner.node.index()];
        let join = graph.join(owner);
        let subgraph = name(join.subgraph);
        reasons.push(if join.external || join.used_overridden {
            format!("{subgraph} does not resolve it")
        } else if join.label.is_some() {
            format!("{subgraph} has it under an override label")
        } else if node.jumps.is_empty() {
            format!("{subgraph} has no resolvable @key on \"{ty}\"")
        } else {
            let keys: Vec<String> = node.jumps.iter().map(|jump| format!("\"{}\"", jump.text)).collect();
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
    unsatisfiable(coordinate(graph, failure), format!("{start}{}", reasons.join("; ")))
}
