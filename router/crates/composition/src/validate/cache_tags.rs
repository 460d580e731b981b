//! `@cacheTag`: its format names only what is known when a response is cached.

use super::edits;
use super::problem::problem;
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::subgraph::facts::fields_of;
use crate::subgraph::model::{Applied, Directives, Field, Subgraph, TypeDef, is_root};
use crate::subgraph::spec::Known;
use braid_graphql::compiler::Name;
use braid_graphql::field_set::{FieldSet, Item};
use braid_supergraph::{TagTemplate, TagTemplateError};

pub(super) fn check(subgraph: &Subgraph, errors: &mut Vec<Diagnostic>) {
    for ty in subgraph.schema.types.values() {
        for applied in ty.all(Known::CacheTag) {
            on_type(subgraph, ty, applied, errors);
        }
        for field in ty.fields.values() {
            for applied in field.all(Known::CacheTag) {
                on_field(subgraph, ty, field, applied, errors);
            }
        }
    }
}

fn error(subgraph: &Subgraph, code: Code, element: &str, applied: &Applied, message: String, help: &str) -> Diagnostic {
    problem(subgraph, code, message)
        .on(element)
        .at(subgraph.locate(applied.span))
        .help(help)
        .fix("remove @cacheTag", edits::remove_application(subgraph, applied))
}

fn on_type(subgraph: &Subgraph, ty: &TypeDef, applied: &Applied, errors: &mut Vec<Diagnostic>) {
    let resolvable: Vec<FieldSet> =
        ty.all(Known::Key).filter(|k| k.bool_arg("resolvable") != Some(false)).filter_map(fields_of).collect();
    if resolvable.is_empty() {
        errors.push(error(
            subgraph,
            Code::CACHE_TAG_ENTITY_NOT_RESOLVABLE,
            &ty.name,
            applied,
            format!("@cacheTag on \"{}\" has no effect: only what the router can fetch by a key is cached by itself, and the type has none.", ty.name),
            "give the type a @key, or remove @cacheTag",
        ));
        return;
    }
    match TagTemplate::parse(applied.str_arg("format").unwrap_or_default()) {
        Err(error) => errors.push(invalid(subgraph, &ty.name, applied, &error)),
        Ok(template) => {
            for path in template.variables() {
                let known = path.root == "key" && resolvable.iter().all(|set| has_path(set, &path.path));
                if !known {
                    errors.push(error(subgraph, Code::CACHE_TAG_INVALID_FORMAT_ARGUMENT_ON_ENTITY, &ty.name, applied, format!("The @cacheTag of \"{}\" uses \"{{{path}}}\", whose value is not always known: it must be a field that is part of every resolvable @key.", ty.name), "use {$key.id}, for example, if each key has the field id"));
                }
            }
        }
    }
}

fn on_field(subgraph: &Subgraph, ty: &TypeDef, field: &Field, applied: &Applied, errors: &mut Vec<Diagnostic>) {
    let coordinate = format!("{}.{}", ty.name, field.name);
    if !is_root(&ty.name) {
        errors.push(error(
            subgraph,
            Code::CACHE_TAG_APPLIED_TO_NON_ROOT_FIELD,
            &coordinate,
            applied,
            format!(
                "@cacheTag on \"{coordinate}\" has no effect: what is cached are fields of the query root, and types with a @key."
            ),
            "put @cacheTag on the type, if that has a @key, or on the query that leads here",
        ));
        return;
    }
    match TagTemplate::parse(applied.str_arg("format").unwrap_or_default()) {
        Err(error) => errors.push(invalid(subgraph, &coordinate, applied, &error)),
        Ok(template) => {
            for path in template.variables() {
                let known =
                    path.root == "args" && path.path.first().is_some_and(|a| field.args.contains_key(a.as_str()));
                if !known {
                    errors.push(error(subgraph, Code::CACHE_TAG_INVALID_FORMAT_ARGUMENT_ON_ROOT_FIELD, &coordinate, applied, format!("The @cacheTag of \"{coordinate}\" uses \"{{{path}}}\", which is not an argument of the field: nothing else is known when the response is cached."), "use {$args.id}, for example, if the field has an argument id"));
                }
            }
        }
    }
}

fn invalid(subgraph: &Subgraph, element: &str, applied: &Applied, reason: &TagTemplateError) -> Diagnostic {
    error(
        subgraph,
        Code::CACHE_TAG_INVALID_FORMAT,
        element,
        applied,
        format!("The format of @cacheTag on \"{element}\" can't be read: {reason}."),
        "write text with variables in braces, for example \"user-{$key.id}\"",
    )
}

fn has_path(set: &FieldSet, path: &[Name]) -> bool {
    let Some((first, rest)) = path.split_first() else { return false };
    set.items.iter().any(|item| match item {
        Item::Field { name, selection, .. } => {
            name == first.as_str() && if rest.is_empty() { selection.is_empty() } else { has_path(selection, rest) }
        }
        Item::Fragment { .. } => false,
    })
}
