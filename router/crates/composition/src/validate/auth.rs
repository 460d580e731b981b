//! Authorization directives: interfaces get theirs from their implementations.

use super::edits;
use super::problem::problem;
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::subgraph::model::{Applied, Directives, Kind, Subgraph};
use crate::subgraph::spec::Known;

pub(crate) const AUTH: [Known; 3] = [Known::Authenticated, Known::RequiresScopes, Known::Policy];

pub(super) fn check(subgraph: &Subgraph, errors: &mut Vec<Diagnostic>) {
    for ty in subgraph.schema.types.values() {
        let kind = match ty.kind {
            Kind::Interface => "an interface",
            Kind::Object if ty.is_interface_object() => "an interface object",
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
                    errors.push(error(subgraph, &coordinate, "a field of an interface", applied));
                }
            }
        }
    }
}

fn auth(applied: &[Applied]) -> impl Iterator<Item = &Applied> {
    applied.iter().filter(|a| a.known.is_some_and(|k| AUTH.contains(&k)))
}

fn error(subgraph: &Subgraph, element: &str, kind: &str, applied: &Applied) -> Diagnostic {
    problem(subgraph, Code::AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE, format_args!("@{} protects nothing on \"{element}\", which is {kind}: what a client may read through it depends on the types behind it.", applied.name))
        .on(element)
        .at(subgraph.locate(applied.span))
        .help("put it on the implementing types; the interface then requires what any of them requires")
        .fix(format!("remove @{}", applied.name), edits::remove_application(subgraph, applied))
}
