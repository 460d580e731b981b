//! `@shareable`: not on interfaces, and once on each part of a type.

use super::edits;
use super::problem::problem;
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::subgraph::model::{Applied, Directives, Kind, Subgraph};
use crate::subgraph::spec::Known;

pub(super) fn check(subgraph: &Subgraph, errors: &mut Vec<Diagnostic>) {
    for ty in subgraph.schema.types.values() {
        let on_type: Vec<&Applied> = ty.all(Known::Shareable).collect();
        once(subgraph, &ty.name, &on_type, errors);
        for field in ty.fields.values() {
            let coordinate = format!("{}.{}", ty.name, field.name);
            let on_field: Vec<&Applied> = field.all(Known::Shareable).collect();
            once(subgraph, &coordinate, &on_field, errors);
            if let (Kind::Interface, Some(shareable)) = (ty.kind, on_field.first()) {
                errors.push(
                    problem(subgraph, Code::INVALID_SHAREABLE_USAGE, format_args!("@shareable on \"{coordinate}\" has no effect: it says who may resolve a field, and a field of an interface is resolved by the implementing types."))
                        .on(coordinate)
                        .at(subgraph.locate(field.span))
                        .help("put @shareable on the fields of the implementing types instead")
                        .fix("remove @shareable", edits::remove_application(subgraph, shareable)),
                );
            }
        }
    }
}

fn once(subgraph: &Subgraph, element: &str, applied: &[&Applied], errors: &mut Vec<Diagnostic>) {
    for (i, second) in applied.iter().enumerate() {
        // What the upgrade adds is not in the SDL.
        if second.span.is_some() && applied.iter().take(i).any(|a| a.part == second.part && a.span.is_some()) {
            errors.push(
                problem(subgraph, Code::INVALID_SHAREABLE_USAGE, format_args!("\"{element}\" has @shareable twice. A type may repeat it in each of its extensions, but not within one of them."))
                    .on(element)
                    .at(subgraph.locate(second.span))
                    .help("remove one of them")
                    .fix("remove the second @shareable", edits::remove_application(subgraph, second)),
            );
        }
    }
}
