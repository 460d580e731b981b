//! `@external`: not on interfaces, and only where something needs the field.

use super::edits;
use super::problem::problem;
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::subgraph::model::{Directives, Kind, Subgraph};
use crate::subgraph::spec::Known;

pub(super) fn check(subgraph: &Subgraph, errors: &mut Vec<Diagnostic>) {
    for ty in subgraph.schema.types.values() {
        for field in ty.fields.values() {
            let coordinate = format!("{}.{}", ty.name, field.name);
            if let (Kind::Interface, Some(external)) = (ty.kind, field.get(Known::External)) {
                errors.push(
                    problem(subgraph, Code::EXTERNAL_ON_INTERFACE, format_args!("@external leaves a field to another subgraph, but \"{coordinate}\" belongs to an interface, whose fields are resolved by the implementing types anyway."))
                        .on(coordinate.as_str())
                        .at(subgraph.locate(field.span))
                        .help("put @external on the fields of the implementing types instead")
                        .fix("remove @external", edits::remove_application(subgraph, external)),
                );
            }
            if matches!(ty.kind, Kind::Object | Kind::Interface) && field.facts.external && !field.facts.used {
                let edit = match field.get(Known::External) {
                    Some(_) if ty.fields.len() > 1 => edits::remove_field(subgraph, field),
                    Some(external) => edits::remove_application(subgraph, external),
                    None => ty.get(Known::External).and_then(|e| edits::remove_application(subgraph, e)),
                };
                errors.push(
                    problem(subgraph, Code::EXTERNAL_UNUSED, format_args!("\"{coordinate}\" is @external, so another subgraph resolves it, and nothing in this subgraph uses it: no @key, @requires, @provides or interface mentions it."))
                        .on(coordinate.as_str())
                        .at(subgraph.locate(field.span))
                        .help("remove the field, or @external if this subgraph does resolve it")
                        .fix("remove the field or its @external", edit),
                );
            }
        }
    }
}
