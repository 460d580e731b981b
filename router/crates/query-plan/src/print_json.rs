//! Plans as JSON, in the nested form that the field's tools exchange. Knows names from the supergraph only.

use braid_graphql::operation::Condition;
use braid_supergraph::Supergraph;
use serde_json::{Value, json};

use crate::plan::{
    EntityFetch, Fetch, FetchField, FetchKind, FetchSelection, QueryPlan, Representation, RepresentationField,
    TypenameSource,
};
use crate::print::{Lists, names, stages};
use crate::request::{all_parts, request_text};

/// The plan as JSON: `{"kind": "QueryPlan", "node": …}` with Sequence, Parallel, Condition, Flatten and Fetch nodes.
pub fn print_json(plan: &QueryPlan, supergraph: &Supergraph) -> Value {
    let writer = Writer { supergraph, lists: Lists::of(plan, supergraph) };
    let stages = stages(plan);
    let last = stages.iter().copied().max().unwrap_or(0);
    let mut nodes: Vec<Value> = (1..=last)
        .map(|stage| {
            let fetches = plan.fetches.iter().filter(|fetch| stages[fetch.id.0 as usize] == stage);
            several("Parallel", fetches.map(|fetch| writer.fetch(fetch)).collect())
        })
        .collect();
    let node = match nodes.len() {
        0 => Value::Null,
        1 => nodes.swap_remove(0),
        _ => several("Sequence", nodes),
    };
    json!({ "kind": "QueryPlan", "node": node })
}

fn several(kind: &str, mut nodes: Vec<Value>) -> Value {
    if nodes.len() == 1 { nodes.swap_remove(0) } else { json!({ "kind": kind, "nodes": nodes }) }
}

struct Writer<'a> {
    supergraph: &'a Supergraph,
    lists: Lists,
}

impl Writer<'_> {
    fn fetch(&self, fetch: &Fetch) -> Value {
        let after: Vec<u32> = fetch.after.iter().map(|id| id.0).collect();
        let variables: Vec<&str> = fetch.variables.iter().map(|variable| variable.name.as_str()).collect();
        let mut node = json!({
            "kind": "Fetch",
            "id": fetch.id.0,
            "serviceName": self.supergraph.subgraph(fetch.subgraph).name,
            "after": after,
            "operation": request_text(fetch, &self.supergraph.schema, None, &all_parts(fetch)).query,
            "variableUsages": variables,
        });
        match &fetch.kind {
            FetchKind::Root { operation, path, selections } => {
                node["operationKind"] = json!(operation.to_string());
                node["selections"] = self.selections(selections);
                if !path.0.is_empty() {
                    node = json!({ "kind": "Flatten", "path": self.lists.show(path, self.supergraph), "node": node });
                }
            }
            FetchKind::Entities(entities) => {
                node["operationKind"] = json!("query");
                node["entities"] = entities.iter().map(|fetch| self.entities(fetch)).collect();
            }
        }
        under(&fetch.condition, node)
    }

    fn entities(&self, fetch: &EntityFetch) -> Value {
        let contexts: Vec<Value> = fetch
            .contexts
            .iter()
            .map(|context| {
                let sources = context.sources.iter().map(|(types, path)| {
                    let path: Vec<&str> = path.iter().map(|key| key.as_str()).collect();
                    json!({ "types": names(types, self.supergraph), "path": path })
                });
                let sources: Vec<Value> = sources.collect();
                json!({ "variable": context.variable.as_str(), "type": context.ty.to_string(), "depth": context.depth, "sources": sources })
            })
            .collect();
        let representations: Vec<Value> = fetch.representations.iter().map(|one| self.representation(one)).collect();
        let mut node = json!({
            "path": self.lists.show(&fetch.path, self.supergraph),
            "requires": representations,
            "selections": self.selections(&fetch.selections),
        });
        if !contexts.is_empty() {
            node["contexts"] = json!(contexts);
        }
        under(&fetch.condition, node)
    }

    fn representation(&self, representation: &Representation) -> Value {
        let typename = match &representation.typename {
            TypenameSource::Fixed(name) => json!(name.as_str()),
            TypenameSource::Runtime => Value::Null,
        };
        json!({
            "types": names(&representation.guard, self.supergraph),
            "typename": typename,
            "fields": self.representation_fields(&representation.fields),
        })
    }

    fn representation_fields(&self, fields: &[RepresentationField]) -> Value {
        let field = |field: &RepresentationField| {
            let mut value = json!({ "name": field.name.as_str(), "key": field.key.as_str(), "isKey": field.is_key });
            if let Some(guard) = &field.guard {
                value["types"] = json!(names(guard, self.supergraph));
            }
            if let Some(fields) = &field.fields {
                value["fields"] = self.representation_fields(fields);
            }
            value
        };
        fields.iter().map(field).collect()
    }

    fn selections(&self, selections: &[FetchSelection]) -> Value {
        selections.iter().map(|selection| self.selection(selection)).collect()
    }

    fn selection(&self, selection: &FetchSelection) -> Value {
        match selection {
            FetchSelection::Field(field) => self.field(field),
            FetchSelection::InlineFragment { type_condition, condition, selections } => {
                let on = type_condition.map(|ty| self.supergraph.schema.ty(ty).name.as_str());
                let node =
                    json!({ "kind": "InlineFragment", "typeCondition": on, "selections": self.selections(selections) });
                under(condition, node)
            }
        }
    }

    fn field(&self, field: &FetchField) -> Value {
        let mut node = json!({ "kind": "Field", "name": field.name.as_str() });
        if field.wire_key != field.name {
            node["alias"] = json!(field.wire_key.as_str());
        }
        if field.key != field.wire_key {
            node["key"] = json!(field.key.as_str());
        }
        if !field.arguments.is_empty() {
            let arguments = field.arguments.iter();
            let arguments = arguments.map(|a| (a.name.to_string(), json!(a.value.serialize().no_indent().to_string())));
            node["arguments"] = Value::Object(arguments.collect());
        }
        if let Some(selections) = &field.selections {
            node["selections"] = self.selections(selections);
        }
        under(&field.condition, node)
    }
}

/// A Condition node for each variable around `node`.
fn under(condition: &Condition, node: Value) -> Value {
    condition.literals().iter().rev().fold(node, |node, literal| {
        let clause = if literal.value { "ifClause" } else { "elseClause" };
        json!({ "kind": "Condition", "condition": literal.variable.as_str(), clause: node })
    })
}
