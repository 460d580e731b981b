//! Conventions on null and lists.

use braid_graphql::Type;

use super::super::config::RuleConfig;
use super::super::view::{Kind, View};
use super::{Raw, each};

pub(in super::super) fn items(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    each(view, |element| {
        let ty = element.ty?;
        has_nullable_items(ty).then(|| {
            let message = format!("Items of \"{}\" can be null: {ty}.", element.coordinate);
            (message, "Write [Type!], and leave out items that can't be returned.".to_owned())
        })
    })
}

pub(in super::super) fn lists(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    each(view, |element| {
        let ty = element.ty.filter(|ty| element.kind == Kind::Field && ty.is_list() && !ty.is_non_null())?;
        let message = format!("The list \"{}\" can be null: {ty}.", element.coordinate);
        Some((message, format!("Return an empty list instead: {ty}!.")))
    })
}

pub(in super::super) fn roots(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    each(view, |element| {
        let parent = view.elements.get(element.parent?)?;
        let ty = element.ty.filter(|ty| element.kind == Kind::Field && ty.is_non_null())?;
        view.is_root(parent.name).then(|| {
            let message = format!("\"{}\" is {ty}: when it fails, the whole response is null.", element.coordinate);
            (message, "Make it nullable.".to_owned())
        })
    })
}

pub(in super::super) fn ids(view: &View<'_>, _: &RuleConfig) -> Vec<Raw> {
    each(view, |element| {
        let ty = element.ty.filter(|_| element.kind == Kind::Field && element.name == "id")?.to_string();
        (ty != "ID!").then(|| {
            let message = format!("\"{}\" is {ty}.", element.coordinate);
            (message, "Make it ID!.".to_owned())
        })
    })
}

fn has_nullable_items(ty: &Type) -> bool {
    match ty {
        Type::List(item) | Type::NonNullList(item) => !item.is_non_null() || has_nullable_items(item),
        _ => false,
    }
}
