//! Why a plan is as it is, fetch by fetch. Reads plan and supergraph only: what could have been is what the supergraph allows.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use braid_graphql::schema::FieldId;
use braid_supergraph::{FieldInSubgraph, Supergraph};

use crate::plan::{Fetch, FetchKind, FetchSelection, QueryPlan, RepresentationField};
use crate::print::{Lists, names, stages};

/// For each fetch: why it exists, what it needs, what it costs, and who else could have been asked.
pub fn explain(plan: &QueryPlan, supergraph: &Supergraph) -> String {
    let lists = Lists::of(plan, supergraph);
    let stages = stages(plan);
    let last = stages.iter().copied().max().unwrap_or(0);
    let mut out = format!("{}, {}\n", count(plan.fetches.len(), "fetch"), count(last, "stage"));
    for (fetch, stage) in plan.fetches.iter().zip(stages) {
        let _ = writeln!(out, "\nfetch {} (stage {stage}): {}", fetch.id.0, supergraph.subgraph(fetch.subgraph).name);
        waits(fetch, supergraph, plan, &mut out);
        let taken = taken_by_others(fetch, plan);
        match &fetch.kind {
            FetchKind::Root { selections, .. } => gives(fetch, selections, supergraph, &taken, "", &mut out),
            FetchKind::Entities(entities) => {
                for entity in entities {
                    let path = lists.show(&entity.path, supergraph);
                    let _ = writeln!(out, "  at {path}");
                    for representation in &entity.representations {
                        let types = names(&representation.guard, supergraph);
                        let _ = writeln!(out, "    {types} {}", inputs(&representation.fields));
                    }
                    gives(fetch, &entity.selections, supergraph, &taken, "  ", &mut out);
                }
            }
        }
    }
    out
}

fn count(number: usize, what: &str) -> String {
    let plural = if what.ends_with('h') { "es" } else { "s" };
    format!("{number} {what}{}", if number == 1 { "" } else { plural })
}

fn waits(fetch: &Fetch, supergraph: &Supergraph, plan: &QueryPlan, out: &mut String) {
    if fetch.after.is_empty() {
        out.push_str("  waits for nothing\n");
        return;
    }
    let name = |id: &crate::FetchId| {
        let subgraph = plan.fetches.get(id.0 as usize).map(|fetch| supergraph.subgraph(fetch.subgraph).name.as_str());
        format!("fetch {} ({})", id.0, subgraph.unwrap_or_default())
    };
    let names: Vec<String> = fetch.after.iter().map(name).collect();
    let _ = writeln!(out, "  waits for {}", names.join(", "));
}

/// `is found by id, and given price, weight`
fn inputs(fields: &[RepresentationField]) -> String {
    let of = |is_key| {
        let fields = fields.iter().filter(move |field| field.is_key == is_key).map(|field| field.name.as_str());
        fields.collect::<Vec<_>>().join(", ")
    };
    let (keys, required) = (of(true), of(false));
    if required.is_empty() {
        format!("is found by {keys}")
    } else {
        format!("is found by {keys}, and given {required}")
    }
}

/// The tree keys that later fetches take their inputs from.
fn taken_by_others<'p>(fetch: &Fetch, plan: &'p QueryPlan) -> BTreeSet<&'p str> {
    let waiting = plan.fetches.iter().filter(|other| other.after.contains(&fetch.id));
    let entities = waiting.filter_map(|other| match &other.kind {
        FetchKind::Entities(entities) => Some(entities.iter()),
        FetchKind::Root { .. } => None,
    });
    let fields = entities.flatten().flat_map(|entity| &entity.representations).flat_map(|one| &one.fields);
    fields.map(|field| field.key.as_str()).collect()
}

fn gives(
    fetch: &Fetch,
    selections: &[FetchSelection],
    supergraph: &Supergraph,
    taken: &BTreeSet<&str>,
    indent: &str,
    out: &mut String,
) {
    let mut fields = Vec::new();
    top_fields(selections, &mut fields);
    let mut said = BTreeSet::new();
    for field in fields.into_iter().filter(|field| said.insert(*field)) {
        let coordinate = supergraph.schema.coordinate(field);
        let others: Vec<String> = supergraph
            .field(field)
            .subgraphs
            .iter()
            .filter(|join| join.subgraph != fetch.subgraph)
            .map(|join| format!("{}{}", supergraph.subgraph(join.subgraph).name, drawback(join)))
            .collect();
        let reason =
            if others.is_empty() { "nobody else has it".to_owned() } else { format!("not from {}", others.join(", ")) };
        let input = if taken.contains(supergraph.schema.field(field).name.as_str()) {
            " (an input of a later fetch)"
        } else {
            ""
        };
        let _ = writeln!(out, "  {indent}for {coordinate}{input}: {reason}");
    }
}

/// Why another subgraph that has the field was not asked.
fn drawback(join: &FieldInSubgraph) -> &'static str {
    if join.external {
        " (external there)"
    } else if join.used_overridden {
        " (overridden there)"
    } else if join.label.is_some() {
        " (by an override label)"
    } else if join.requires.is_some() {
        " (requires more there)"
    } else {
        " (no fewer stages or requests)"
    }
}

fn top_fields(selections: &[FetchSelection], into: &mut Vec<FieldId>) {
    for selection in selections {
        match selection {
            FetchSelection::Field(field) => into.extend(field.definition),
            FetchSelection::InlineFragment { selections, .. } => top_fields(selections, into),
        }
    }
}
