//! What a cache has to know of a selection beside its text: what the schema says of it, and which types it may have within it.
//! Knows no cache.

use std::collections::BTreeSet;

use braid_graphql::Name;
use braid_graphql::schema::{FieldId, Schema, TypeId, TypeKind};
use braid_query_plan::request::{RequestText, definition};
use braid_query_plan::{Fetch, FetchField, FetchSelection};

use super::limits::CompileError;
use crate::request::{AskedField, RootField, SelectionFacts};

/// The facts of a selection whose top is of no type of its own: that of a list of entities, which uses these variables of the fetch.
pub(super) fn selection_facts(
    fetch: &Fetch,
    schema: &Schema,
    selections: &[FetchSelection],
    variables: &[usize],
) -> SelectionFacts {
    let mut collector = Collector { schema, fields: BTreeSet::new(), contains: BTreeSet::new() };
    collector.selections(selections);
    collector.facts(variables.iter().filter_map(|at| definition(fetch, *at)))
}

/// The root fields of a request, each as it is asked for.
pub(super) fn asked_fields(
    fetch: &Fetch,
    schema: &Schema,
    text: &RequestText,
    mut fields: Vec<RootField>,
    selections: &[FetchSelection],
) -> Result<Vec<RootField>, CompileError> {
    for ((field, place), selection) in fields.iter_mut().zip(&text.fields).zip(selections) {
        let FetchSelection::Field(asked) = selection else { return Err(CompileError::Inconsistent) };
        let mut collector = Collector { schema, fields: BTreeSet::new(), contains: BTreeSet::new() };
        collector.field(asked);
        let variable = |at: &usize| Some((fetch.variables.get(*at)?.name.clone(), definition(fetch, *at)?.into()));
        let definitions = place.variables.iter().filter_map(|at| definition(fetch, *at));
        field.asked = Some(AskedField {
            text: text.query.get(place.range.clone()).ok_or(CompileError::Inconsistent)?.into(),
            variables: place
                .variables
                .iter()
                .map(|at| variable(at).ok_or(CompileError::Inconsistent))
                .collect::<Result<_, _>>()?,
            field: asked.definition,
            arguments: asked.arguments.clone(),
            facts: collector.facts(definitions),
        });
    }
    Ok(fields)
}

struct Collector<'a> {
    schema: &'a Schema,
    fields: BTreeSet<FieldId>,
    contains: BTreeSet<TypeId>,
}

impl Collector<'_> {
    /// Recursive as deep as plans are.
    fn selections(&mut self, selections: &[FetchSelection]) {
        for selection in selections {
            match selection {
                FetchSelection::Field(field) => self.field(field),
                FetchSelection::InlineFragment { selections, .. } => self.selections(selections),
            }
        }
    }

    fn field(&mut self, field: &FetchField) {
        if let Some(id) = field.definition {
            self.fields.insert(id);
            if field.selections.is_some() {
                let inner = self.schema.field(id).inner;
                self.contains.insert(inner);
                self.contains.extend(self.schema.ty(inner).possible.iter());
            }
        }
        self.selections(field.selections.as_deref().unwrap_or_default());
    }

    fn facts(self, definitions: impl Iterator<Item = String>) -> SelectionFacts {
        let Self { schema, fields, contains } = self;
        // Of a variable without a value, the definition says which it has.
        let mut lines: BTreeSet<String> = definitions.collect();
        for id in fields {
            let field = schema.field(id);
            lines.insert(format!("{}.{}:{}", schema.ty(field.parent).name, field.name, field.ty));
            if let TypeKind::Enum { values } = &schema.ty(field.inner).kind {
                let mut values: Vec<&Name> = values.iter().collect();
                values.sort_unstable();
                let values: Vec<&str> = values.into_iter().map(Name::as_str).collect();
                lines.insert(format!("{}={}", schema.ty(field.inner).name, values.join("|")));
            }
        }
        let signature = lines.into_iter().collect::<Vec<_>>().join("\n").into();
        let contains = contains.into_iter().map(|id| schema.ty(id).name.clone()).collect();
        SelectionFacts { signature, contains, ..SelectionFacts::default() }
    }
}
