//! What to advise where subgraphs define one type with different fields and without a common key. Finds no error itself.

use braid_graphql::compiler::Name;

use super::merger::{Merger, Sources, by_name};
use crate::diagnostic::Edit;
use crate::subgraph::facts::fields_of;
use crate::subgraph::model::{Directives, Field, Kind, TypeDef, is_root};
use crate::subgraph::spec::Known;
use crate::validate::edits::{append_to_field, append_to_type};
use braid_graphql::field_set::Item;

impl<'a> Merger<'a> {
    /// Where a subgraph lacks a field of another one, `@shareable` does not help: without a key the router could not fetch that
    /// field for an object that comes from the first. A key that all subgraphs have does help, together with `@shareable` on the other
    /// common fields. `None` where the type is complete everywhere, has its keys, or has no field that could be a key.
    pub(super) fn entity_advice(&self, name: &Name) -> Option<(String, Vec<Edit>)> {
        let sources: Sources<'a, TypeDef> =
            (0..self.subgraphs.len()).filter_map(|index| Some((index, self.type_in(index, name)?))).collect();
        let is_object = |ty: &TypeDef| ty.kind == Kind::Object && !ty.is_interface_object();
        if is_root(name) || sources.len() < 2 || !sources.iter().all(|(_, ty)| is_object(ty)) {
            return None;
        }
        let keyless: Vec<_> = sources.iter().filter(|(_, ty)| !ty.has(Known::Key)).collect();
        let fields = by_name(sources.iter().map(|(index, ty)| (*index, &ty.fields)));
        let lacks = |having: &Sources<'_, Field>| {
            having.len() < sources.len() && having.iter().any(|(_, field)| !field.facts.external)
        };
        if keyless.is_empty() || !fields.iter().any(|(_, having)| lacks(having)) {
            return None;
        }
        let key = existing_key(&sources).or_else(|| new_key(&sources))?;
        let text = key.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" ");
        let mut edits = Vec::new();
        for (index, ty) in &keyless {
            let subgraph = &self.subgraphs[*index];
            edits.extend(append_to_type(
                subgraph,
                ty,
                &format!("{}(fields: \"{text}\")", subgraph.at_name(Known::Key)),
            ));
        }
        let mut also = Vec::new();
        for (name, having) in &fields {
            let undecided = undecided(having);
            if undecided.is_empty() || key.contains(*name) {
                continue;
            }
            also.push(name.as_str());
            let marks = undecided
                .iter()
                .filter_map(|(index, field)| append_to_field(&self.subgraphs[*index], field, Known::Shareable));
            edits.extend(marks);
        }
        let mut help = format!(
            "give \"{name}\" a @key(fields: \"{text}\") in {}: then the router can fetch its fields from any of the subgraphs",
            self.names(keyless.iter().map(|(index, _)| *index))
        );
        if !also.is_empty() {
            help.push_str(&format!(", and mark {} @shareable", crate::diagnostic::human_list(also)));
        }
        Some((help, edits))
    }
}

/// A key of one subgraph whose fields all subgraphs have.
fn existing_key(sources: &Sources<'_, TypeDef>) -> Option<Vec<Name>> {
    let keys = sources.iter().flat_map(|(_, ty)| ty.all(Known::Key));
    keys.filter_map(fields_of).find_map(|set| {
        let names: Option<Vec<Name>> = set
            .items
            .iter()
            .map(|item| match item {
                Item::Field { name, selection, .. } if selection.is_empty() => Some(name.clone()),
                _ => None,
            })
            .collect();
        names.filter(|names| names.iter().all(|name| can_identify(sources, name)))
    })
}

/// `id`, or else the first ID field that all subgraphs have.
fn new_key(sources: &Sources<'_, TypeDef>) -> Option<Vec<Name>> {
    let (_, first) = sources.first()?;
    let is_id = |field: &&Field| field.ty.is_non_null() && field.ty.inner_named_type() == "ID";
    let mut candidates: Vec<&Field> = first.fields.values().filter(|f| f.name == "id").collect();
    candidates.extend(first.fields.values().filter(is_id));
    let field = candidates.into_iter().find(|field| can_identify(sources, &field.name))?;
    Some(vec![field.name.clone()])
}

fn can_identify(sources: &Sources<'_, TypeDef>, name: &Name) -> bool {
    sources.iter().all(|(_, ty)| {
        ty.fields.get(name).is_some_and(|field| {
            let named = field.ty.inner_named_type();
            let is_leaf = matches!(named.as_str(), "ID" | "String" | "Int");
            is_leaf && !field.ty.is_list() && field.args.is_empty() && !field.facts.external
        })
    })
}

/// The definitions of a field that lack `@shareable`, if several subgraphs resolve it.
fn undecided<'s>(having: &Sources<'s, Field>) -> Vec<(usize, &'s Field)> {
    let resolving = || having.iter().filter(|(_, field)| !field.facts.external);
    if resolving().count() < 2 || having.iter().any(|(_, field)| field.has(Known::Override)) {
        return Vec::new();
    }
    resolving().filter(|(_, field)| !field.facts.shareable).copied().collect()
}
