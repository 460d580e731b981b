//! Changes of enum types. Whether a new value matters depends on whether clients receive the enum or only send it.

use braid_graphql::compiler::schema::{EnumType, EnumValueDefinition};

use super::context::Context;
use super::pair::pair;
use super::{applied, description};
use crate::change::{Change, ChangeKind, Severity};

pub(super) fn compare(context: &mut Context<'_>, old: &EnumType, new: &EnumType) {
    let ty = old.name.as_str();
    let values = pair(old.values.values(), new.values.values(), |value| value.value.as_str());
    for value in values.removed {
        let change = removed(context, ty, value);
        context.push(change);
    }
    for (old, new) in values.kept {
        compare_value(context, &format!("{ty}.{}", old.value), old, new);
    }
    for value in values.added {
        let change = added(context, ty, value);
        context.push(change);
    }
}

fn removed(context: &Context<'_>, ty: &str, value: &EnumValueDefinition) -> Change {
    let coordinate = format!("{ty}.{}", value.value);
    let position = context.old_positions.get(ty);
    let reason = if position.input {
        "Requests that send it are no longer valid."
    } else {
        "Responses no longer have it; clients that mention it in their code must change when they adopt the new schema."
    };
    let message = format!("The value \"{coordinate}\" was removed.");
    let change = Change::new(ChangeKind::EnumValueRemoved, Severity::Breaking, coordinate.clone(), message, reason);
    // Who only receives the enum notices by its type; who sends it, by the value.
    if position.output { change.touching([coordinate, format!("{ty} received")]) } else { change }
}

fn added(context: &Context<'_>, ty: &str, value: &EnumValueDefinition) -> Change {
    let coordinate = format!("{ty}.{}", value.value);
    let (before, after) = (context.old_positions.get(ty), context.new_positions.get(ty));
    let (severity, reason) = if before.output && after.output {
        (Severity::Dangerous, "Clients can receive a value that they do not know.")
    } else if before.input {
        (Severity::Safe, "Clients only send this enum, and need not send the value.")
    } else {
        (Severity::Safe, "No field returned this enum, so no client relies on its values.")
    };
    let message = format!("The value \"{coordinate}\" was added.");
    Change::new(ChangeKind::EnumValueAdded, severity, coordinate, message, reason).touching([format!("{ty} received")])
}

fn compare_value(context: &mut Context<'_>, coordinate: &str, old: &EnumValueDefinition, new: &EnumValueDefinition) {
    let kinds = description::Kinds::same(ChangeKind::EnumValueDescriptionChanged);
    description::compare(context, &kinds, coordinate, old.description.as_ref(), new.description.as_ref());
    let deprecation = applied::Deprecation {
        added: ChangeKind::EnumValueDeprecationAdded,
        removed: ChangeKind::EnumValueDeprecationRemoved,
        changed: ChangeKind::EnumValueDeprecationReasonChanged,
    };
    applied::compare(context, coordinate, Some(&deprecation), &old.directives, &new.directives);
}
