//! Changes of the schema definition: root types, description, applied directives.

use braid_graphql::OperationType;

use super::context::Context;
use super::{applied, description};
use crate::change::{Change, ChangeKind, Severity};

pub(super) fn compare(context: &mut Context<'_>) {
    let (old, new) = (context.old, context.new);
    for (operation, kind) in [
        (OperationType::Query, ChangeKind::SchemaQueryTypeChanged),
        (OperationType::Mutation, ChangeKind::SchemaMutationTypeChanged),
        (OperationType::Subscription, ChangeKind::SchemaSubscriptionTypeChanged),
    ] {
        let change = root(operation, kind, old.root_operation(operation), new.root_operation(operation));
        context.changes.extend(change);
    }
    let (old, new) = (&old.schema_definition, &new.schema_definition);
    let kinds = description::Kinds::same(ChangeKind::SchemaDescriptionChanged);
    description::compare(context, &kinds, "schema", old.description.as_ref(), new.description.as_ref());
    applied::compare(context, "schema", None, &old.directives, &new.directives);
}

fn root(
    operation: OperationType,
    kind: ChangeKind,
    old: Option<&braid_graphql::Name>,
    new: Option<&braid_graphql::Name>,
) -> Option<Change> {
    let name = operation.name();
    let (severity, message, reason) = match (old, new) {
        (None, Some(new)) => {
            (Severity::Safe, format!("The schema has a {name} root now, \"{new}\"."), "No client could use one before.")
        }
        (Some(old), None) => (
            Severity::Breaking,
            format!("The {name} root, \"{old}\", was removed."),
            "Operations of its kind can no longer run.",
        ),
        (Some(old), Some(new)) if old != new => (
            Severity::Breaking,
            format!("The {name} root is \"{new}\" instead of \"{old}\"."),
            "Fragments on the old root no longer apply, and fields that only the old root has are gone.",
        ),
        _ => return None,
    };
    let mut change = Change::new(kind, severity, "schema", message, reason)
        .touching([format!("{name}!")].into_iter().chain(old.map(ToString::to_string)));
    change.id = kind.name().to_owned();
    (change.from, change.to) = (old.map(ToString::to_string), new.map(ToString::to_string));
    Some(change)
}
