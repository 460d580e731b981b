//! Whether the objects under one key of an answer tell their types where they can have different ones. Knows nothing of the order of
//! fetches.

use std::collections::BTreeMap;

use braid_graphql::Name;
use braid_graphql::schema::TypeId;
use braid_graphql::type_set::TypeSet;
use braid_query_plan::{Fetch, FetchField, FetchSelection};

use super::paper::Check;

impl Check<'_> {
    /// Checks selections that merge into one object of the answer.
    pub(super) fn check_keys(&mut self, fetch: &Fetch, selections: &[&[FetchSelection]]) {
        let mut merged = BTreeMap::new();
        selections.iter().for_each(|selections| collect(selections, &mut merged));
        for (key, fields) in merged {
            let types: Vec<Option<&TypeSet>> = fields.iter().map(|field| self.types_below(fetch, field)).collect();
            let is_mixed = types.windows(2).any(|pair| pair[0] != pair[1]);
            let below: Vec<&[FetchSelection]> = fields.iter().filter_map(|field| field.selections.as_deref()).collect();
            if is_mixed && !below.iter().all(|selections| selections.iter().any(is_typename)) {
                self.report(fetch, format!("has objects of different types under \"{key}\" and does not ask which"));
            }
            self.check_keys(fetch, &below);
        }
    }

    fn types_below(&self, fetch: &Fetch, field: &FetchField) -> Option<&TypeSet> {
        let join = self.supergraph.field_in(field.definition?, fetch.subgraph)?;
        let inner: TypeId = self.supergraph.schema.type_named(join.ty.inner_named_type())?;
        Some(&self.supergraph.type_in(inner, fetch.subgraph)?.possible)
    }
}

fn collect<'s>(selections: &'s [FetchSelection], merged: &mut BTreeMap<Name, Vec<&'s FetchField>>) {
    for selection in selections {
        match selection {
            FetchSelection::Field(field) if field.selections.is_some() => {
                merged.entry(field.wire_key.clone()).or_default().push(field);
            }
            FetchSelection::Field(_) => {}
            FetchSelection::InlineFragment { selections, .. } => collect(selections, merged),
        }
    }
}

fn is_typename(selection: &FetchSelection) -> bool {
    matches!(selection, FetchSelection::Field(field) if field.name == "__typename")
}
