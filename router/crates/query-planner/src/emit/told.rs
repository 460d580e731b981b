//! Asks for the runtime types where objects of different types come under one key of an answer. Knows nothing of why they are asked for.
//!
//! In `t { ... on T1 { sub { y } } ... on T2 { sub { y } } }` each `sub` has an object type of its own, so the planner needs no
//! `__typename`; but the reader of the answer sees one key `sub`, and what is known of its objects is what they say themselves.

use std::collections::BTreeMap;

use braid_graphql::Name;
use braid_graphql::type_set::TypeSet;
use braid_query_graph::QueryGraph;
use braid_query_plan::{FetchField, FetchSelection};
use braid_supergraph::SubgraphId;

use super::select::typename;

/// Adds `__typename` below all fields whose key of the answer has objects of more than one field's types.
pub(super) fn ask_mixed_types(graph: &QueryGraph, subgraph: SubgraphId, selections: &mut [FetchSelection]) {
    let mut fields = BTreeMap::new();
    collect(selections, &mut fields);
    ask_below(graph, subgraph, fields);
}

/// The composite fields under each key of one object of the answer.
type Merged<'s> = BTreeMap<Name, Vec<&'s mut FetchField>>;

fn collect<'s>(selections: &'s mut [FetchSelection], fields: &mut Merged<'s>) {
    for selection in selections {
        match selection {
            FetchSelection::Field(field) if field.selections.is_some() => {
                fields.entry(field.wire_key.clone()).or_default().push(field);
            }
            FetchSelection::Field(_) => {}
            FetchSelection::InlineFragment { selections, .. } => collect(selections, fields),
        }
    }
}

/// Recursive as deep as the request.
fn ask_below(graph: &QueryGraph, subgraph: SubgraphId, merged: Merged<'_>) {
    for fields in merged.into_values() {
        let types: Vec<Option<TypeSet>> = fields.iter().map(|field| types_of(graph, subgraph, field)).collect();
        let is_mixed = types.windows(2).any(|pair| pair[0] != pair[1]);
        let mut below = Merged::new();
        for field in fields {
            let Some(selections) = &mut field.selections else { continue };
            if is_mixed && !selections.iter().any(is_typename) {
                selections.insert(0, FetchSelection::Field(typename()));
            }
            collect(selections, &mut below);
        }
        ask_below(graph, subgraph, below);
    }
}

fn types_of(graph: &QueryGraph, subgraph: SubgraphId, field: &FetchField) -> Option<TypeSet> {
    let id = field.definition?;
    let join = graph.supergraph().field_in(id, subgraph)?;
    Some(graph.returned(graph.type_in_subgraph(join, id), subgraph).1)
}

fn is_typename(selection: &FetchSelection) -> bool {
    matches!(selection, FetchSelection::Field(field) if field.name == "__typename" && field.condition.is_always())
}
