//! Changes of directive definitions.

use braid_graphql::compiler::schema::{DirectiveDefinition, InputValueDefinition};

use super::context::Context;
use super::fields::input_type_change;
use super::pair::pair;
use super::{default, description};
use crate::change::{Change, ChangeKind, Severity};

pub(super) fn compare(context: &mut Context<'_>) {
    let (old, new) = (context.old, context.new);
    let directives = pair(
        old.directive_definitions.values().filter(|directive| !directive.is_built_in()),
        new.directive_definitions.values().filter(|directive| !directive.is_built_in()),
        |directive| directive.name.as_str(),
    );
    for directive in directives.removed {
        let coordinate = format!("@{}", directive.name);
        let message = format!("The directive \"{coordinate}\" was removed.");
        let reason = "Documents that apply it no longer validate.";
        context.push(Change::new(ChangeKind::DirectiveRemoved, Severity::Breaking, coordinate, message, reason));
    }
    for (old, new) in directives.kept {
        compare_directive(context, old, new);
    }
    for directive in directives.added {
        let coordinate = format!("@{}", directive.name);
        let message = format!("The directive \"{coordinate}\" was added.");
        let reason = "Nothing can depend on it yet.";
        context.push(Change::new(ChangeKind::DirectiveAdded, Severity::Safe, coordinate, message, reason));
    }
}

fn compare_directive(context: &mut Context<'_>, old: &DirectiveDefinition, new: &DirectiveDefinition) {
    let coordinate = format!("@{}", old.name);
    let kinds = description::Kinds::same(ChangeKind::DirectiveDescriptionChanged);
    description::compare(context, &kinds, &coordinate, old.description.as_ref(), new.description.as_ref());
    compare_locations(context, &coordinate, old, new);
    if old.repeatable && !new.repeatable {
        let message = format!("\"{coordinate}\" may no longer be repeated.");
        let reason = "Documents that repeat it on one element no longer validate.";
        context.push(Change::new(
            ChangeKind::DirectiveRepeatableRemoved,
            Severity::Breaking,
            coordinate.as_str(),
            message,
            reason,
        ));
    }
    if !old.repeatable && new.repeatable {
        let message = format!("\"{coordinate}\" may be repeated now.");
        let reason = "Documents that apply it once stay valid.";
        context.push(Change::new(
            ChangeKind::DirectiveRepeatableAdded,
            Severity::Safe,
            coordinate.as_str(),
            message,
            reason,
        ));
    }
    compare_arguments(context, &coordinate, old, new);
}

fn compare_locations(
    context: &mut Context<'_>,
    coordinate: &str,
    old: &DirectiveDefinition,
    new: &DirectiveDefinition,
) {
    for location in old.locations.iter().filter(|location| !new.locations.contains(*location)) {
        let message = format!("\"{coordinate}\" is no longer allowed on {location}.");
        let reason = "Documents that apply it there no longer validate.";
        context.push(
            Change::new(ChangeKind::DirectiveLocationRemoved, Severity::Breaking, coordinate, message, reason)
                .subject(location)
                .from(location),
        );
    }
    for location in new.locations.iter().filter(|location| !old.locations.contains(*location)) {
        let message = format!("\"{coordinate}\" is now allowed on {location}.");
        let reason = "Documents that apply it elsewhere stay valid.";
        context.push(
            Change::new(ChangeKind::DirectiveLocationAdded, Severity::Safe, coordinate, message, reason)
                .subject(location)
                .to(location),
        );
    }
}

fn compare_arguments(context: &mut Context<'_>, directive: &str, old: &DirectiveDefinition, new: &DirectiveDefinition) {
    let arguments = pair(&old.arguments, &new.arguments, |argument| argument.name.as_str());
    for argument in arguments.removed {
        let coordinate = format!("{directive}({}:)", argument.name);
        let message = format!("The argument \"{coordinate}\" was removed.");
        let reason = "Documents that set it no longer validate.";
        context.push(
            Change::new(ChangeKind::DirectiveArgumentRemoved, Severity::Breaking, coordinate, message, reason)
                .from(&argument.ty),
        );
    }
    for (old, new) in arguments.kept {
        compare_argument(context, directive, old, new);
    }
    for argument in arguments.added {
        let coordinate = format!("{directive}({}:)", argument.name);
        let (severity, adjective, reason) = if argument.is_required() {
            (Severity::Breaking, "required", "Documents that apply it without the argument no longer validate.")
        } else {
            (Severity::Safe, "optional", "Documents that apply it without the argument stay valid.")
        };
        let message = format!("The {adjective} argument \"{coordinate}\" was added.");
        context.push(
            Change::new(ChangeKind::DirectiveArgumentAdded, severity, coordinate, message, reason)
                .to(&argument.ty)
                .touching([directive.to_owned()]),
        );
    }
}

fn compare_argument(
    context: &mut Context<'_>,
    directive: &str,
    old: &InputValueDefinition,
    new: &InputValueDefinition,
) {
    let coordinate = format!("{directive}({}:)", old.name);
    if old.ty != new.ty {
        let change = input_type_change(ChangeKind::DirectiveArgumentTypeChanged, &coordinate, old, new);
        let touches = if new.is_required() { directive } else { coordinate.as_str() };
        context.push(change.touching([touches.to_owned()]));
    }
    let change = default::compare(ChangeKind::DirectiveArgumentDefaultValueChanged, &coordinate, old, new);
    context.changes.extend(change.map(|change| change.touching([directive.to_owned()])));
    let kinds = description::Kinds::same(ChangeKind::DirectiveArgumentDescriptionChanged);
    description::compare(context, &kinds, &coordinate, old.description.as_ref(), new.description.as_ref());
}
