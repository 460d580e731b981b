//! Every implementation has each field of its merged interfaces, and implements what they implement.

use braid_supergraph::join_spec::draft::{DraftField, DraftKind, DraftType};

use super::context::Context;
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, subgraph_list};
use crate::merge::typing::is_strict_subtype;
use crate::validate::edits;

pub(super) fn check(context: &Context<'_>, errors: &mut Vec<Diagnostic>) {
    for ty in context.draft.types.values() {
        for interface in ty.implements.keys() {
            let Some(interface) = context.draft.types.get(interface) else { continue };
            if interface.kind != DraftKind::Interface {
                continue;
            }
            let inherited = interface.implements.keys().filter(|name| **name != ty.name);
            for name in inherited.filter(|name| !ty.implements.contains_key(*name)) {
                errors.push(implementation_missing(context, ty, interface, name));
            }
            for field in interface.fields.values() {
                match ty.fields.get(&field.name) {
                    None => errors.push(missing(context, ty, interface, field)),
                    Some(own) => compatible(context, ty, interface, field, own, errors),
                }
            }
        }
    }
}

fn implementation_missing(context: &Context<'_>, ty: &DraftType, interface: &DraftType, name: &str) -> Diagnostic {
    Diagnostic::new(
        Code::INVALID_GRAPHQL,
        format!(
            "Put together, the subgraphs contradict each other: \"{}\" implements \"{}\", which implements \"{name}\", but \"{}\" does not implement \"{name}\" in any subgraph.",
            ty.name, interface.name, ty.name
        ),
    )
    .on(ty.name.as_str())
    .at(context.locations(&ty.name, None, None))
    .help(format!("add \"{name}\" to what \"{}\" implements", ty.name))
}

fn missing(context: &Context<'_>, ty: &DraftType, interface: &DraftType, field: &DraftField) -> Diagnostic {
    let having = context
        .subgraphs
        .iter()
        .filter(|s| s.schema.types.get(&interface.name).is_some_and(|t| t.fields.contains_key(&field.name)));
    let lacking: Vec<_> = context
        .subgraphs
        .iter()
        .filter(|s| s.schema.types.get(&ty.name).is_some_and(|t| t.implements.contains_key(&interface.name)))
        .collect();
    let edit = lacking.first().and_then(|s| {
        let local = s.schema.types.get(&ty.name)?;
        edits::add_field(s, local, &format!("{}: {}", field.name, field.ty))
    });
    Diagnostic::new(
        Code::INTERFACE_FIELD_NO_IMPLEM,
        format!(
            "\"{}\" implements the interface \"{}\" (in {}), so clients may ask it for \"{}\", which the interface has in {}. No subgraph gives \"{}\" that field.",
            ty.name,
            interface.name,
            subgraph_list(lacking.iter().map(|s| &*s.name)),
            field.name,
            subgraph_list(having.map(|s| &*s.name)),
            ty.name
        ),
    )
    .on(format!("{}.{}", ty.name, field.name))
    .at(context.locations(&interface.name, Some(&field.name), None))
    .at(context.locations(&ty.name, None, None))
    .help(format!("add \"{}\" to \"{}\" in the subgraph that can resolve it, or remove it from the interface", field.name, ty.name))
    .fix(format!("add \"{}\" to \"{}\"", field.name, ty.name), edit)
}

fn compatible(
    context: &Context<'_>,
    ty: &DraftType,
    interface: &DraftType,
    field: &DraftField,
    own: &DraftField,
    errors: &mut Vec<Diagnostic>,
) {
    let element = format!("{}.{}", ty.name, own.name);
    let at = || context.locations(&ty.name, Some(&own.name), None);
    if own.ty != field.ty && !is_strict_subtype(context.draft, &field.ty, &own.ty) {
        errors.push(
            Diagnostic::new(
                Code::INVALID_GRAPHQL,
                format!(
                    "Put together, the subgraphs contradict each other: the interface has \"{}.{}: {}\", but the implementation \"{element}: {}\", which is another type.",
                    interface.name, field.name, field.ty, own.ty
                ),
            )
            .on(element.as_str())
            .at(at())
            .help("use the interface's type, or a narrower one, in all subgraphs"),
        );
    }
    for argument in &field.args {
        match own.args.iter().find(|a| a.name == argument.name) {
            None => errors.push(
                Diagnostic::new(
                    Code::INVALID_GRAPHQL,
                    format!(
                        "Put together, the subgraphs contradict each other: the interface takes the argument \"{}.{}({}:)\", but the implementation \"{element}\" does not.",
                        interface.name, field.name, argument.name
                    ),
                )
                .on(element.as_str())
                .at(at())
                .help(format!("add the argument \"{}\" in all subgraphs that have {element}", argument.name)),
            ),
            Some(own) if own.ty != argument.ty => errors.push(
                Diagnostic::new(
                    Code::INVALID_GRAPHQL,
                    format!(
                        "Put together, the subgraphs contradict each other: the interface takes \"{}.{}({}: {})\", but the implementation \"{element}({}: {})\".",
                        interface.name, field.name, argument.name, argument.ty, argument.name, own.ty
                    ),
                )
                .on(element.as_str())
                .at(at())
                .help("use the same type in all subgraphs"),
            ),
            Some(_) => {}
        }
    }
    for argument in &own.args {
        let known = field.args.iter().any(|a| a.name == argument.name);
        if !known && argument.ty.is_non_null() && argument.default.is_none() {
            errors.push(
                Diagnostic::new(
                    Code::INVALID_GRAPHQL,
                    format!(
                        "\"{element}\" requires the argument \"{}\", which clients that ask through the interface can't give: \"{}.{}\" does not have it.",
                        argument.name, interface.name, field.name
                    ),
                )
                .on(element.as_str())
                .at(at())
                .help("make the argument optional, or add it to the interface"),
            );
        }
    }
}
