//! Changes of types as wholes, and the way down into each kind.

use braid_graphql::compiler::schema::ExtendedType;

use super::context::Context;
use super::pair::pair;
use super::{applied, description, enums, fields, inputs, interfaces, scalars, unions};
use crate::change::{Change, ChangeKind, Severity};

pub(super) fn compare(context: &mut Context<'_>) {
    let (old, new) = (context.old, context.new);
    let own = |ty: &&ExtendedType| !ty.is_built_in();
    let types = pair(old.types.values().filter(own), new.types.values().filter(own), |ty| ty.name());
    for ty in types.removed {
        context.push(removed(ty));
    }
    for (old, new) in types.kept {
        compare_type(context, old, new);
    }
    for ty in types.added {
        let (kind, name) = (noun(ty), ty.name());
        let message = format!("The {kind} \"{name}\" was added.");
        context.push(Change::new(
            ChangeKind::TypeAdded,
            Severity::Safe,
            name.as_str(),
            message,
            "Nothing can depend on it yet.",
        ));
    }
}

fn removed(ty: &ExtendedType) -> Change {
    let (kind, name) = (noun(ty), ty.name());
    let reason = match ty {
        ExtendedType::InputObject(_) | ExtendedType::Enum(_) | ExtendedType::Scalar(_) => {
            "Operations that declare variables of it no longer validate."
        }
        _ => "Operations with fragments on it no longer validate.",
    };
    let message = format!("The {kind} \"{name}\" was removed.");
    Change::new(ChangeKind::TypeRemoved, Severity::Breaking, name.as_str(), message, reason)
}

fn compare_type(context: &mut Context<'_>, old: &ExtendedType, new: &ExtendedType) {
    let name = old.name().as_str();
    if noun(old) != noun(new) {
        let (from, to) = (noun(old), noun(new));
        let message = format!("\"{name}\" was {} and is {} now.", with_article(from), with_article(to));
        let reason = "Selections, literals and generated code for the one kind do not fit the other.";
        context.push(
            Change::new(ChangeKind::TypeKindChanged, Severity::Breaking, name, message, reason).from(from).to(to),
        );
        return;
    }
    let kinds = description::Kinds {
        added: ChangeKind::TypeDescriptionAdded,
        removed: ChangeKind::TypeDescriptionRemoved,
        changed: ChangeKind::TypeDescriptionChanged,
    };
    description::compare(context, &kinds, name, old.description(), new.description());
    applied::compare(context, name, None, old.directives(), new.directives());
    match (old, new) {
        (ExtendedType::Object(old), ExtendedType::Object(new)) => {
            interfaces::compare(context, name, &old.implements_interfaces, &new.implements_interfaces);
            fields::compare(context, name, old.fields.values(), new.fields.values());
        }
        (ExtendedType::Interface(old), ExtendedType::Interface(new)) => {
            interfaces::compare(context, name, &old.implements_interfaces, &new.implements_interfaces);
            fields::compare(context, name, old.fields.values(), new.fields.values());
        }
        (ExtendedType::Union(old), ExtendedType::Union(new)) => unions::compare(context, old, new),
        (ExtendedType::Enum(old), ExtendedType::Enum(new)) => enums::compare(context, old, new),
        (ExtendedType::InputObject(old), ExtendedType::InputObject(new)) => inputs::compare(context, old, new),
        (ExtendedType::Scalar(old), ExtendedType::Scalar(new)) => scalars::compare(context, old, new),
        _ => {}
    }
}

fn noun(ty: &ExtendedType) -> &'static str {
    match ty {
        ExtendedType::Scalar(_) => "scalar type",
        ExtendedType::Object(_) => "object type",
        ExtendedType::Interface(_) => "interface type",
        ExtendedType::Union(_) => "union type",
        ExtendedType::Enum(_) => "enum type",
        ExtendedType::InputObject(_) => "input object type",
    }
}

fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
    format!("{article} {noun}")
}
