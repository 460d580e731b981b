//! The order in which changes of the API are deployed in a federation. Knows kinds of change, not how they are found.

use crate::change::{Change, ChangeKind, First, Rollout, Severity};

/// Adds to each change of the API which side goes first. Changes that a rollout cannot get wrong are left as they are.
pub fn annotate(changes: &mut [Change]) {
    for change in changes.iter_mut().filter(|change| change.rollout.is_none()) {
        change.rollout =
            order(change).map(|(first, mixed_versions, note)| Rollout { first, mixed_versions, note: note.to_owned() });
    }
}

fn order(change: &Change) -> Option<(First, bool, &'static str)> {
    use ChangeKind as Kind;
    let breaking = change.severity == Severity::Breaking;
    Some(match change.kind {
        Kind::FieldAdded | Kind::TypeAdded => {
            (First::Subgraph, true, "The new router offers it to clients, and old instances do not have it.")
        }
        Kind::FieldRemoved | Kind::TypeRemoved | Kind::FieldArgumentRemoved | Kind::InputFieldRemoved => {
            (First::Router, true, "The old router still offers it to clients, and new instances do not have it.")
        }
        Kind::FieldArgumentAdded | Kind::InputFieldAdded if breaking => {
            (First::Either, false, "Old instances refuse it and new ones require it: make it optional first.")
        }
        Kind::FieldArgumentAdded | Kind::InputFieldAdded => {
            (First::Subgraph, true, "The new router passes it on, and old instances refuse it.")
        }
        Kind::EnumValueAdded | Kind::UnionMemberAdded | Kind::ObjectTypeInterfaceAdded => {
            (First::Router, true, "New instances return what the old router does not know and answers with null.")
        }
        Kind::EnumValueRemoved => {
            (First::Router, true, "The old router still lets clients send it, and new instances refuse it.")
        }
        Kind::UnionMemberRemoved | Kind::ObjectTypeInterfaceRemoved => {
            (First::Subgraph, true, "Old instances return what the new router no longer knows.")
        }
        Kind::FieldTypeChanged if breaking && only_nullability(change) => {
            (First::Router, true, "New instances return null where the old router may not.")
        }
        Kind::FieldTypeChanged if !breaking => {
            (First::Subgraph, true, "Old instances return null where the new router may not.")
        }
        Kind::FieldArgumentTypeChanged | Kind::InputFieldTypeChanged if !breaking => {
            (First::Subgraph, true, "The new router passes on what old instances refuse.")
        }
        Kind::FieldArgumentTypeChanged | Kind::InputFieldTypeChanged if only_nullability(change) => {
            (First::Router, true, "The old router passes on what new instances refuse.")
        }
        Kind::FieldTypeChanged
        | Kind::FieldArgumentTypeChanged
        | Kind::InputFieldTypeChanged
        | Kind::TypeKindChanged => (
            First::Either,
            false,
            "Old and new instances do not understand each other's values: add it under a new name.",
        ),
        _ => return None,
    })
}

fn only_nullability(change: &Change) -> bool {
    let bare = |ty: &Option<String>| ty.as_deref().unwrap_or_default().replace('!', "");
    bare(&change.from) == bare(&change.to)
}
