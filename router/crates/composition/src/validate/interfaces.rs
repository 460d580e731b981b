//! Keys of interfaces and `@interfaceObject`, as far as one subgraph can tell.

use super::edits;
use super::problem::problem;
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, excerpt, human_list};
use crate::subgraph::facts::fields_of;
use crate::subgraph::model::{Directives, Kind, Subgraph, TypeDef};
use crate::subgraph::spec::Known;
use braid_graphql::field_set::FieldSet;

pub(super) fn check(subgraph: &Subgraph, errors: &mut Vec<Diagnostic>) {
    for ty in subgraph.schema.types.values().filter(|t| t.kind == Kind::Interface) {
        keys_on_implementations(subgraph, ty, errors);
    }
}

fn keys_on_implementations(subgraph: &Subgraph, ty: &TypeDef, errors: &mut Vec<Diagnostic>) {
    let runtimes = subgraph.schema.runtime_types(ty);
    // The keys of each implementation, in one order of fields, and whether each is resolvable.
    let keys = |ty: &TypeDef| -> Vec<(FieldSet, bool)> {
        ty.facts.keys.iter().map(|key| (key.set.in_order(), key.resolvable)).collect()
    };
    let of_runtimes: Vec<(&TypeDef, Vec<(FieldSet, bool)>)> = runtimes.into_iter().map(|ty| (ty, keys(ty))).collect();
    for key in ty.all(Known::Key) {
        let Some(text) = key.str_arg("fields") else { continue };
        let Some(set) = fields_of(key).map(|set| set.in_order()) else { continue };
        let without = |has: &dyn Fn(&(FieldSet, bool)) -> bool| -> Vec<&TypeDef> {
            of_runtimes.iter().filter(|(_, keys)| !keys.iter().any(has)).map(|(ty, _)| *ty).collect()
        };
        let lacking = without(&|(own, _)| *own == set);
        if !lacking.is_empty() {
            let list = human_list(lacking.iter().map(|t| &t.name));
            let edits: Vec<_> = lacking
                .iter()
                .filter_map(|t| edits::append_to_type(subgraph, t, &format!("@{}(fields: \"{text}\")", key.name)))
                .collect();
            errors.push(
                problem(
                    subgraph,
                    Code::INTERFACE_KEY_NOT_ON_IMPLEMENTATION,
                    format_args!(
                        "By its @{}(fields: \"{}\") the router may ask for any \"{}\", and gets one of the implementations, so each of them must have that key, but it is missing on {list}.",
                        key.name,
                        excerpt(text),
                        ty.name,
                    ),
                )
                .on(ty.name.as_str())
                .at(subgraph.locate(key.span))
                .help(format!("add the key to {list}"))
                .fix(format!("add @{}(fields: \"{text}\") to {list}", key.name), edits),
            );
            continue;
        }
        let resolvable = key.bool_arg("resolvable") != Some(false);
        let unlike = without(&|(own, own_resolvable)| *own == set && *own_resolvable);
        if !unlike.is_empty() && resolvable {
            let list = human_list(unlike.iter().map(|t| &t.name));
            errors.push(
                problem(subgraph, Code::INTERFACE_KEY_NOT_ON_IMPLEMENTATION, format_args!("By its @{}(fields: \"{}\") the router may ask for any \"{}\", and gets one of the implementations, but {list} can't be asked for: the key is `resolvable: false` there.", key.name, excerpt(text), ty.name))
                    .on(ty.name.as_str())
                    .at(subgraph.locate(key.span))
                    .help(format!("remove `resolvable: false` from the key of {list}, or add it to the interface's")),
            );
        }
    }
}

pub(super) fn check_kinds(subgraph: &Subgraph, errors: &mut Vec<Diagnostic>) {
    for ty in subgraph.schema.types.values().filter(|t| t.is_interface_object()) {
        if ty.has(Known::Key) {
            continue;
        }
        let id = ty.fields.contains_key("id");
        let edit = id
            .then(|| edits::append_to_type(subgraph, ty, &format!("{}(fields: \"id\")", subgraph.at_name(Known::Key))))
            .flatten();
        errors.push(
            problem(subgraph, Code::INTERFACE_OBJECT_USAGE_ERROR, format_args!("\"{}\" is an @interfaceObject, to which the router comes from other subgraphs by a key, but it has no @key.", ty.name))
                .on(ty.name.as_str())
                .at(subgraph.locate(ty.span))
                .help(format!("give \"{}\" the @key that the interface has", ty.name))
                .fix("add a @key", edit),
        );
    }
}
