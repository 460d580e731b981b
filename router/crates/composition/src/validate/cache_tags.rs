//! `@cacheTag`: its format names only what is known when a response is cached.

use super::edits;
use super::problem::problem;
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::subgraph::facts::fields_of;
use crate::subgraph::model::{Applied, Directives, Field, Subgraph, TypeDef, is_root};
use crate::subgraph::spec::Known;
use braid_graphql::field_set::{FieldSet, Item};

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
    match variables(applied.str_arg("format").unwrap_or_default()) {
        Err(message) => errors.push(invalid(subgraph, &ty.name, applied, &message)),
        Ok(variables) => {
            for path in variables {
                let known = path.strip_prefix("$key.").is_some_and(|p| resolvable.iter().all(|set| has_path(set, p)));
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
    match variables(applied.str_arg("format").unwrap_or_default()) {
        Err(message) => errors.push(invalid(subgraph, &coordinate, applied, &message)),
        Ok(variables) => {
            for path in variables {
                let argument = path.strip_prefix("$args.").and_then(|p| p.split('.').next());
                if !argument.is_some_and(|a| field.args.contains_key(a)) {
                    errors.push(error(subgraph, Code::CACHE_TAG_INVALID_FORMAT_ARGUMENT_ON_ROOT_FIELD, &coordinate, applied, format!("The @cacheTag of \"{coordinate}\" uses \"{{{path}}}\", which is not an argument of the field: nothing else is known when the response is cached."), "use {$args.id}, for example, if the field has an argument id"));
                }
            }
        }
    }
}

fn invalid(subgraph: &Subgraph, element: &str, applied: &Applied, message: &str) -> Diagnostic {
    error(
        subgraph,
        Code::CACHE_TAG_INVALID_FORMAT,
        element,
        applied,
        format!("The format of @cacheTag on \"{element}\" can't be read: {message}."),
        "write text with variables in braces, for example \"user-{$key.id}\"",
    )
}

/// The variables in braces.
fn variables(format: &str) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut rest = format;
    while let Some(open) = rest.find(['{', '}']) {
        let tail = rest.get(open + 1..).unwrap_or_default();
        if rest.get(open..).is_some_and(|r| r.starts_with('}')) {
            return Err("a closing brace without an opening one".into());
        }
        let Some(close) = tail.find('}') else { return Err("a brace is not closed".into()) };
        let path = tail.get(..close).unwrap_or_default().trim();
        let word = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !path.strip_prefix('$').is_some_and(|p| p.split('.').all(word) && p.contains('.')) {
            return Err(format!("\"{{{path}}}\" is not a variable of the form {{$key.id}} or {{$args.id}}"));
        }
        found.push(path.to_string());
        rest = tail.get(close + 1..).unwrap_or_default();
    }
    Ok(found)
}

fn has_path(set: &FieldSet, path: &str) -> bool {
    let (first, rest) = path.split_once('.').map_or((path, None), |(f, r)| (f, Some(r)));
    set.items.iter().any(|item| match item {
        Item::Field { name, selection, .. } => {
            name == first && rest.map_or(selection.is_empty(), |rest| has_path(selection, rest))
        }
        Item::Fragment { .. } => false,
    })
}
