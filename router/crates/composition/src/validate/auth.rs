//! Authorization directives: interfaces get theirs from their implementations.

use super::{edits, problem};
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::subgraph::model::{Applied, Directives, Kind, Subgraph};
use crate::subgraph::spec::Known;

pub(crate) const AUTH: [Known; 3] = [Known::Authenticated, Known::RequiresScopes, Known::Policy];

pub(super) fn check(subgraph: &Subgraph, errors: &mut Vec<Diagnostic>) {
    for ty in subgraph.schema.types.values() {
        let kind = match ty.kind {
            Kind::Interface => "interface",
            Kind::Object if ty.is_interface_object() => "interface object",
            _ => continue,
        };
        for applied in auth(ty.applied()) {
            errors.push(error(subgraph, &ty.name, kind, applied));
        }
        for field in ty.fields.values() {
            for applied in auth(field.applied()) {
                let coordinate = format!("{}.{}", ty.name, field.name);
                // An interface object's own fields may be protected.
                if ty.kind == Kind::Interface {
                    errors.push(error(subgraph, &coordinate, "interface field", applied));
                }
            }
        }
    }
}

fn auth(applied: &[Applied]) -> impl Iterator<Item = &Applied> {
    applied.iter().filter(|a| a.known.is_some_and(|k| AUTH.contains(&k)))
}

fn error(subgraph: &Subgraph, element: &str, kind: &str, applied: &Applied) -> Diagnostic {
    problem(subgraph, Code::AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE, format_args!("Invalid use of @{} on {kind} \"{element}\": @{} cannot be applied on interfaces, interface fields and interface objects", applied.name, applied.name))
        .on(element)
        .at(subgraph.locate(applied.span))
        .help("put it on the implementing types: the interface gets it from there")
        .fix(format!("remove @{}", applied.name), edits::remove_application(subgraph, applied))
}
