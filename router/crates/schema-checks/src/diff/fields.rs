//! Changes of fields of object and interface types and of their arguments: output on the way out, input on the way in.

use braid_graphql::Node;
use braid_graphql::compiler::schema::{FieldDefinition, InputValueDefinition};

use super::context::Context;
use super::pair::pair;
use super::type_change::{difference, input_is_compatible, output_is_compatible};
use super::{applied, default, description};
use crate::change::{Change, ChangeKind, Severity};

pub(super) fn compare<'a>(
    context: &mut Context<'_>,
    ty: &str,
    old: impl Iterator<Item = &'a Node<FieldDefinition>>,
    new: impl Iterator<Item = &'a Node<FieldDefinition>>,
) {
    let fields = pair(old, new, |field| field.name.as_str());
    for field in fields.removed {
        context.push(removed(&format!("{ty}.{}", field.name), field));
    }
    for (old, new) in fields.kept {
        if !old.ptr_eq(new) {
            compare_field(context, &format!("{ty}.{}", old.name), old, new);
        }
    }
    for field in fields.added {
        let coordinate = format!("{ty}.{}", field.name);
        let message = format!("The field \"{coordinate}\" was added.");
        let reason = "Clients get only the fields that they select.";
        context.push(Change::new(ChangeKind::FieldAdded, Severity::Safe, coordinate, message, reason).to(&field.ty));
    }
}

fn removed(coordinate: &str, field: &FieldDefinition) -> Change {
    let (message, reason) = match applied::reason(&field.directives) {
        Some(reason) => (
            format!("The field \"{coordinate}\" was removed; it was deprecated: {reason}"),
            "Operations that still select it no longer validate.",
        ),
        None => (
            format!("The field \"{coordinate}\" was removed without having been deprecated."),
            "Operations that select it no longer validate.",
        ),
    };
    Change::new(ChangeKind::FieldRemoved, Severity::Breaking, coordinate, message, reason).from(&field.ty)
}

fn compare_field(context: &mut Context<'_>, coordinate: &str, old: &FieldDefinition, new: &FieldDefinition) {
    if old.ty != new.ty {
        let (severity, reason) = if output_is_compatible(&old.ty, &new.ty) {
            (Severity::Safe, "Clients get null less often than they are prepared for.".to_owned())
        } else {
            (Severity::Breaking, format!("Clients get {}.", difference(&old.ty, &new.ty)))
        };
        let message = format!("The type of \"{coordinate}\" changed from {} to {}.", old.ty, new.ty);
        context.push(
            Change::new(ChangeKind::FieldTypeChanged, severity, coordinate, message, reason).from(&old.ty).to(&new.ty),
        );
    }
    let kinds = description::Kinds {
        added: ChangeKind::FieldDescriptionAdded,
        removed: ChangeKind::FieldDescriptionRemoved,
        changed: ChangeKind::FieldDescriptionChanged,
    };
    description::compare(context, &kinds, coordinate, old.description.as_ref(), new.description.as_ref());
    let deprecation = applied::Deprecation {
        added: ChangeKind::FieldDeprecationAdded,
        removed: ChangeKind::FieldDeprecationRemoved,
        changed: ChangeKind::FieldDeprecationReasonChanged,
    };
    applied::compare(context, coordinate, Some(&deprecation), &old.directives, &new.directives);
    compare_arguments(context, coordinate, &old.arguments, &new.arguments);
}

fn compare_arguments(
    context: &mut Context<'_>,
    field: &str,
    old: &[Node<InputValueDefinition>],
    new: &[Node<InputValueDefinition>],
) {
    let arguments = pair(old, new, |argument| argument.name.as_str());
    for argument in arguments.removed {
        let coordinate = format!("{field}({}:)", argument.name);
        let message = format!("The argument \"{coordinate}\" was removed.");
        let reason = "Operations that set it no longer validate.";
        context.push(
            Change::new(ChangeKind::FieldArgumentRemoved, Severity::Breaking, coordinate, message, reason)
                .from(&argument.ty),
        );
    }
    for (old, new) in arguments.kept {
        let coordinate = format!("{field}({}:)", old.name);
        compare_argument(context, field, &coordinate, old, new);
    }
    for argument in arguments.added {
        context.push(argument_added(field, argument));
    }
}

fn argument_added(field: &str, argument: &InputValueDefinition) -> Change {
    let coordinate = format!("{field}({}:)", argument.name);
    let (severity, message, reason) = if argument.is_required() {
        (
            Severity::Breaking,
            format!("The required argument \"{coordinate}\" was added."),
            "Operations that select the field without it no longer validate.",
        )
    } else {
        (
            Severity::Dangerous,
            format!("The optional argument \"{coordinate}\" was added."),
            "Operations stay valid, but what the field returns without it may differ from before.",
        )
    };
    Change::new(ChangeKind::FieldArgumentAdded, severity, coordinate, message, reason)
        .to(&argument.ty)
        .touching([field.to_owned()])
}

fn compare_argument(
    context: &mut Context<'_>,
    field: &str,
    coordinate: &str,
    old: &InputValueDefinition,
    new: &InputValueDefinition,
) {
    if old.ty != new.ty {
        let change = input_type_change(ChangeKind::FieldArgumentTypeChanged, coordinate, old, new);
        // An argument that became required breaks those who leave it out.
        let touches = if new.is_required() { field } else { coordinate };
        context.push(change.touching([touches.to_owned()]));
    }
    let change = default::compare(ChangeKind::FieldArgumentDefaultChanged, coordinate, old, new);
    context.changes.extend(change.map(|change| change.touching([field.to_owned()])));
    let kinds = description::Kinds::same(ChangeKind::FieldArgumentDescriptionChanged);
    description::compare(context, &kinds, coordinate, old.description.as_ref(), new.description.as_ref());
    let deprecation = applied::Deprecation {
        added: ChangeKind::FieldArgumentDeprecationAdded,
        removed: ChangeKind::FieldArgumentDeprecationRemoved,
        changed: ChangeKind::FieldArgumentDeprecationReasonChanged,
    };
    applied::compare(context, coordinate, Some(&deprecation), &old.directives, &new.directives);
}

/// The change of the type of an argument or input field.
pub(super) fn input_type_change(
    kind: ChangeKind,
    coordinate: &str,
    old: &InputValueDefinition,
    new: &InputValueDefinition,
) -> Change {
    let (severity, reason) = if input_is_compatible(&old.ty, &new.ty) {
        (Severity::Safe, "It accepts everything that it accepted before.".to_owned())
    } else if new.is_required() && !old.is_required() {
        (Severity::Breaking, "It is required now and can't be null.".to_owned())
    } else {
        (Severity::Breaking, format!("Values and variables for it do not fit {}.", difference(&old.ty, &new.ty)))
    };
    let message = format!("The type of \"{coordinate}\" changed from {} to {}.", old.ty, new.ty);
    Change::new(kind, severity, coordinate, message, reason).from(&old.ty).to(&new.ty)
}
