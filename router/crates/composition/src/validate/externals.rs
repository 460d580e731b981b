//! `@external`: never on interfaces, and only where something needs the field.

use super::{edits, problem};
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
                    problem(subgraph, Code::EXTERNAL_ON_INTERFACE, format_args!("Interface type field \"{coordinate}\" is marked @external but @external is not allowed on interface fields (it is nonsensical)."))
                        .on(coordinate.as_str())
                        .at(subgraph.locate(field.span))
                        .help("mark the fields of the implementing types instead")
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
                    problem(subgraph, Code::EXTERNAL_UNUSED, format_args!("Field \"{coordinate}\" is marked @external but is not used in any federation directive (@key, @provides, @requires) or to satisfy an interface; the field declaration has no use and should be removed (or the field should not be @external)."))
                        .on(coordinate.as_str())
                        .at(subgraph.locate(field.span))
                        .help("remove the field, or use it in a @key, @requires or @provides")
                        .fix("remove the field or its @external", edit),
                );
            }
        }
    }
}
