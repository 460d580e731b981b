//! Changes of default values, of arguments and input fields alike. Knows nothing of what has the default.

use braid_graphql::compiler::schema::InputValueDefinition;

use super::values;
use crate::change::{Change, ChangeKind, Severity};

pub(super) fn compare(
    kind: ChangeKind,
    coordinate: &str,
    old: &InputValueDefinition,
    new: &InputValueDefinition,
) -> Option<Change> {
    let (from, to) = (old.default_value.as_ref(), new.default_value.as_ref());
    let (severity, message, reason) = match (from, to) {
        (Some(from), Some(to)) if values::print(from) != values::print(to) => (
            Severity::Dangerous,
            format!("The default of \"{coordinate}\" changed from {from} to {to}."),
            "Requests that omit it may get another result.",
        ),
        (Some(from), None) if new.ty.is_non_null() => (
            Severity::Breaking,
            format!("The default of \"{coordinate}\", {from}, was removed, so it is required now."),
            "Operations that omit it, or pass it a nullable variable, no longer validate.",
        ),
        (Some(from), None) => (
            Severity::Dangerous,
            format!("The default of \"{coordinate}\", {from}, was removed."),
            "Requests that omit it may get another result.",
        ),
        // A required one that gains a default becomes optional: all clients give it today.
        (None, Some(to)) if old.ty.is_non_null() => (
            Severity::Safe,
            format!("\"{coordinate}\" has the default {to} now, so it is optional."),
            "It was required before, so every request keeps its meaning.",
        ),
        (None, Some(to)) => (
            Severity::Dangerous,
            format!("\"{coordinate}\" has the default {to} now."),
            "Requests that omit it may get another result.",
        ),
        _ => return None,
    };
    let mut change = Change::new(kind, severity, coordinate, message, reason);
    (change.from, change.to) = (from.map(ToString::to_string), to.map(ToString::to_string));
    Some(change)
}
