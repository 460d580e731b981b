//! Why a plan is as it is, as a value: for each fetch what it waits for, what it needs and gives, and who else could have been asked. Reads
//! plan and supergraph only: what could have been is what the supergraph allows.

use std::collections::BTreeSet;

use braid_graphql::schema::FieldId;
use braid_supergraph::{FieldInSubgraph, Supergraph};
use serde::Serialize;

use crate::plan::{
    EntityFetch, Fetch, FetchKind, FetchSelection, Path, QueryPlan, Representation, RepresentationField,
};
use crate::print::{Lists, is_deferred, keys, names, stages};
use crate::request::{all_parts, request_text};

/// A plan, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// How many fetches wait for one another at most.
    pub stages: usize,
    /// The fetches, in the order of the plan.
    pub fetches: Vec<ExplainedFetch>,
}

/// One request to one subgraph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedFetch {
    /// Its place in the plan.
    pub id: u32,
    /// Who is asked.
    pub subgraph: String,
    /// The number of the subgraph in the supergraph, by which pages choose its colour.
    #[serde(rename = "subgraphNumber")]
    pub subgraph_number: usize,
    /// Its stage, from 1: one more than the last of those that it waits for.
    pub stage: usize,
    /// The fetches that it waits for.
    pub after: Vec<u32>,
    /// Query, mutation or subscription.
    pub operation: String,
    /// Whether entities are looked up, and not fields of a root type.
    #[serde(rename = "isLookup")]
    pub is_lookup: bool,
    /// Whether all that it gives is delivered later (`@defer`).
    #[serde(rename = "isDeferred")]
    pub is_deferred: bool,
    /// The text of its request.
    pub request: String,
    /// The client's variables that it uses.
    pub variables: Vec<String>,
    /// The places of the answer that it writes to.
    pub places: Vec<Place>,
}

/// A place of the answer, and what a fetch gives there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// `orders.@.lines`, with an `@` for each list; empty for the root.
    pub path: String,
    /// The keys of the path.
    pub keys: Vec<String>,
    /// How the entities are found.
    pub inputs: Vec<Input>,
    /// The fields that it gives.
    pub gives: Vec<Given>,
}

/// How entities of some types are found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Input {
    /// The types, with `|` between them.
    pub types: String,
    /// The fields of the key.
    #[serde(rename = "by")]
    pub keys: Vec<String>,
    /// The fields that it needs beside the key.
    pub required: Vec<String>,
}

/// A field that a fetch gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Given {
    /// `Product.name`.
    pub field: String,
    /// Its key in the answer.
    pub key: String,
    /// Whether a later fetch takes it as an input.
    #[serde(rename = "isInput")]
    pub is_input: bool,
    /// The other subgraphs that have it.
    pub others: Vec<Other>,
}

/// A subgraph that was not asked for a field that it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Other {
    /// Its name.
    pub subgraph: String,
    /// Why it was not asked.
    pub drawback: &'static str,
}

/// Explains each fetch of a plan.
pub fn explanation(plan: &QueryPlan, supergraph: &Supergraph) -> Explanation {
    let stages = stages(plan);
    let explainer = Explainer { plan, supergraph, lists: Lists::of(plan, supergraph) };
    let fetches = plan.fetches.iter().zip(&stages).map(|(fetch, stage)| explainer.fetch(fetch, *stage)).collect();
    Explanation { stages: stages.into_iter().max().unwrap_or(0), fetches }
}

struct Explainer<'a> {
    plan: &'a QueryPlan,
    supergraph: &'a Supergraph,
    lists: Lists,
}

impl Explainer<'_> {
    fn fetch(&self, fetch: &Fetch, stage: usize) -> ExplainedFetch {
        let taken = taken_by_others(fetch, self.plan);
        let (operation, places) = match &fetch.kind {
            FetchKind::Root { operation, path, selections } => {
                (operation.to_string(), vec![self.place(path, Vec::new(), self.gives(fetch, selections, &taken))])
            }
            FetchKind::Entities(entities) => {
                let place = |entity: &EntityFetch| {
                    let inputs = entity.representations.iter().map(|one| self.input(one)).collect();
                    self.place(&entity.path, inputs, self.gives(fetch, &entity.selections, &taken))
                };
                ("query".to_owned(), entities.iter().map(place).collect())
            }
        };
        ExplainedFetch {
            id: fetch.id.0,
            subgraph: self.supergraph.subgraph(fetch.subgraph).name.clone(),
            subgraph_number: fetch.subgraph.index(),
            stage,
            after: fetch.after.iter().map(|id| id.0).collect(),
            operation,
            is_lookup: matches!(fetch.kind, FetchKind::Entities(_)),
            is_deferred: is_deferred(fetch),
            request: request_text(fetch, &self.supergraph.schema, None, &all_parts(fetch)).query,
            variables: fetch.variables.iter().map(|variable| variable.name.to_string()).collect(),
            places,
        }
    }

    fn place(&self, path: &Path, inputs: Vec<Input>, gives: Vec<Given>) -> Place {
        let keys = keys(path).iter().map(ToString::to_string).collect();
        Place { path: self.lists.show(path, self.supergraph), keys, inputs, gives }
    }

    fn input(&self, representation: &Representation) -> Input {
        let fields = |is_key| {
            let fields = representation.fields.iter().filter(move |field| field.is_key == is_key);
            fields.map(|field: &RepresentationField| field.name.to_string()).collect()
        };
        Input { types: names(&representation.guard, self.supergraph), keys: fields(true), required: fields(false) }
    }

    fn gives(&self, fetch: &Fetch, selections: &[FetchSelection], taken: &BTreeSet<&str>) -> Vec<Given> {
        let mut fields = Vec::new();
        top_fields(selections, &mut fields);
        let mut said = BTreeSet::new();
        let fields = fields.into_iter().filter(|(field, key)| said.insert((*field, *key)));
        fields.map(|(field, key)| self.given(fetch, field, key, taken)).collect()
    }

    fn given(&self, fetch: &Fetch, field: FieldId, key: &str, taken: &BTreeSet<&str>) -> Given {
        let joins = self.supergraph.field(field).subgraphs.iter().filter(|join| join.subgraph != fetch.subgraph);
        let other = |join: &FieldInSubgraph| Other {
            subgraph: self.supergraph.subgraph(join.subgraph).name.clone(),
            drawback: drawback(join),
        };
        Given {
            field: self.supergraph.schema.coordinate(field).to_string(),
            key: key.to_owned(),
            is_input: taken.contains(self.supergraph.schema.field(field).name.as_str()),
            others: joins.map(other).collect(),
        }
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

/// Why another subgraph that has the field was not asked.
fn drawback(join: &FieldInSubgraph) -> &'static str {
    if join.external {
        "external there"
    } else if join.used_overridden {
        "overridden there"
    } else if join.label.is_some() {
        "by an override label"
    } else if join.requires.is_some() {
        "requires more there"
    } else {
        "no fewer stages or requests"
    }
}

fn top_fields<'s>(selections: &'s [FetchSelection], into: &mut Vec<(FieldId, &'s str)>) {
    for selection in selections {
        match selection {
            FetchSelection::Field(field) => into.extend(field.definition.map(|id| (id, field.key.as_str()))),
            FetchSelection::InlineFragment { selections, .. } => top_fields(selections, into),
        }
    }
}
