//! Changes of input object types.

use braid_graphql::compiler::schema::{InputObjectType, InputValueDefinition};

use super::context::Context;
use super::fields::input_type_change;
use super::pair::pair;
use super::{applied, default, description};
use crate::change::{Change, ChangeKind, Severity};

pub(super) fn compare(context: &mut Context<'_>, old: &InputObjectType, new: &InputObjectType) {
    let ty = old.name.as_str();
    compare_one_of(context, old, new);
    let fields = pair(old.fields.values(), new.fields.values(), |field| field.name.as_str());
    for field in fields.removed {
        let coordinate = format!("{ty}.{}", field.name);
        let message = format!("The input field \"{coordinate}\" was removed.");
        let reason = "Requests that set it are no longer valid.";
        context.push(
            Change::new(ChangeKind::InputFieldRemoved, Severity::Breaking, coordinate, message, reason).from(&field.ty),
        );
    }
    for (old, new) in fields.kept {
        compare_field(context, ty, &format!("{ty}.{}", old.name), old, new);
    }
    for field in fields.added {
        context.push(field_added(ty, field));
    }
}

fn compare_one_of(context: &mut Context<'_>, old: &InputObjectType, new: &InputObjectType) {
    let ty = old.name.as_str();
    let change = match (old.is_one_of(), new.is_one_of()) {
        (false, true) => Change::new(
            ChangeKind::InputOneOfAdded,
            Severity::Breaking,
            ty,
            format!("Exactly one field of \"{ty}\" must be set now (@oneOf)."),
            "Requests that set none or several are no longer valid.",
        ),
        (true, false) => Change::new(
            ChangeKind::InputOneOfRemoved,
            Severity::Safe,
            ty,
            format!("Any number of fields of \"{ty}\" may be set now (no @oneOf)."),
            "Requests that set exactly one stay valid.",
        ),
        _ => return,
    };
    context.push(change);
}

fn field_added(ty: &str, field: &InputValueDefinition) -> Change {
    let coordinate = format!("{ty}.{}", field.name);
    let (severity, message, reason) = if field.is_required() {
        (
            Severity::Breaking,
            format!("The required input field \"{coordinate}\" was added."),
            "Requests without it are no longer valid.",
        )
    } else if let Some(default) = &field.default_value {
        (
            Severity::Dangerous,
            format!("The input field \"{coordinate}\" was added, with the default {default}."),
            "Requests without it now mean the default.",
        )
    } else {
        (Severity::Safe, format!("The optional input field \"{coordinate}\" was added."), "Requests stay as they are.")
    };
    Change::new(ChangeKind::InputFieldAdded, severity, coordinate, message, reason)
        .to(&field.ty)
        .touching([ty.to_owned()])
}

fn compare_field(
    context: &mut Context<'_>,
    ty: &str,
    coordinate: &str,
    old: &InputValueDefinition,
    new: &InputValueDefinition,
) {
    if old.ty != new.ty {
        let change = input_type_change(ChangeKind::InputFieldTypeChanged, coordinate, old, new);
        let touches = if new.is_required() { ty } else { coordinate };
        context.push(change.touching([touches.to_owned()]));
    }
    let change = default::compare(ChangeKind::InputFieldDefaultValueChanged, coordinate, old, new);
    context.changes.extend(change.map(|change| change.touching([ty.to_owned()])));
    let kinds = description::Kinds {
        added: ChangeKind::InputFieldDescriptionAdded,
        removed: ChangeKind::InputFieldDescriptionRemoved,
        changed: ChangeKind::InputFieldDescriptionChanged,
    };
    description::compare(context, &kinds, coordinate, old.description.as_ref(), new.description.as_ref());
    let deprecation = applied::Deprecation {
        added: ChangeKind::InputFieldDeprecationAdded,
        removed: ChangeKind::InputFieldDeprecationRemoved,
        changed: ChangeKind::InputFieldDeprecationReasonChanged,
    };
    applied::compare(context, coordinate, Some(&deprecation), &old.directives, &new.directives);
}
