//! A type condition inside `@requires` must be able to apply: one subgraph may not know which types another one's object can have, but
//! all together do. Knows nothing of who resolves what.

use ahash::AHashSet;
use braid_supergraph::join_spec::draft::{Draft, DraftKind, DraftType};

use super::context::Context;
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, excerpt};
use crate::subgraph::facts::fields_of;
use crate::subgraph::model::Directives;
use crate::subgraph::spec::Known;
use crate::validate::edits;
use braid_graphql::field_set::{FieldSet, Item};

pub(super) fn check(context: &Context<'_>, errors: &mut Vec<Diagnostic>) {
    for subgraph in context.subgraphs {
        for ty in subgraph.schema.types.values() {
            for field in ty.fields.values() {
                let Some(requires) = field.get(Known::Requires) else { continue };
                let (Some(set), Some(merged)) = (fields_of(requires), context.draft.types.get(&ty.name)) else {
                    continue;
                };
                let Some((object, condition)) = impossible(context.draft, merged, &set) else { continue };
                let coordinate = format!("{}.{}", ty.name, field.name);
                errors.push(
                    Diagnostic::new(
                        Code::SATISFIABILITY_ERROR,
                        format!(
                            "[{}] \"{coordinate}\" can never get what it requires: @requires(fields: \"{}\") has a type condition that never applies: in no subgraph can a \"{object}\" be a \"{condition}\".",
                            subgraph.name,
                            excerpt(requires.str_arg("fields").unwrap_or_default()),
                        ),
                    )
                    .on(coordinate.as_str())
                    .at(subgraph.locate(requires.span))
                    .help("name a type after `... on` that the object can have, or let the type implement the interface where it is resolved")
                    .fix("remove @requires", edits::remove_application(subgraph, requires)),
                );
            }
        }
    }
}

/// The type of an object, and the type condition that it can never meet.
fn impossible<'d>(draft: &'d Draft, ty: &'d DraftType, set: &FieldSet) -> Option<(&'d str, &'d str)> {
    set.items.iter().find_map(|item| match item {
        Item::Field { name, selection, .. } => {
            let inner = draft.types.get(ty.fields.get(name)?.ty.inner_named_type())?;
            selection.items.iter().find_map(|item| below(draft, inner, item))
        }
        Item::Fragment { condition, selection, .. } => {
            impossible(draft, condition.as_ref().map_or(Some(ty), |c| draft.types.get(c))?, selection)
        }
    })
}

fn below<'d>(draft: &'d Draft, ty: &'d DraftType, item: &Item) -> Option<(&'d str, &'d str)> {
    let Item::Fragment { condition: Some(condition), selection, .. } = item else {
        return impossible(draft, ty, &FieldSet { items: vec![item.clone()] });
    };
    let condition = draft.types.get(condition)?;
    let possible = objects(draft, condition);
    match objects(draft, ty).iter().any(|object| possible.contains(object)) {
        true => selection.items.iter().find_map(|item| below(draft, condition, item)),
        false => Some((&ty.name, &condition.name)),
    }
}

/// The object types that a value of a type can have.
fn objects<'d>(draft: &'d Draft, ty: &'d DraftType) -> AHashSet<&'d str> {
    match ty.kind {
        DraftKind::Union => ty.members.keys().map(|name| name.as_str()).collect(),
        DraftKind::Interface => {
            let implements =
                |object: &&DraftType| object.kind == DraftKind::Object && object.implements.contains_key(&ty.name);
            draft.types.values().filter(implements).map(|object| object.name.as_str()).collect()
        }
        _ => AHashSet::from([ty.name.as_str()]),
    }
}
