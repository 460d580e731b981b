//! When two types of one element can be merged, and into what.

use braid_graphql::compiler::ast::Type;
use braid_supergraph::join_spec::draft::{Draft, DraftKind};

/// Whether every value of `sub` is also one of `sup`, and the types differ.
pub(crate) fn is_strict_subtype(draft: &Draft, sup: &Type, sub: &Type) -> bool {
    sup != sub && is_subtype(draft, sup, sub)
}

fn is_subtype(draft: &Draft, sup: &Type, sub: &Type) -> bool {
    match (sup, sub) {
        (Type::Named(a), Type::Named(b) | Type::NonNullNamed(b)) | (Type::NonNullNamed(a), Type::NonNullNamed(b)) => {
            a == b || is_named_subtype(draft, a, b)
        }
        (Type::List(a), Type::List(b) | Type::NonNullList(b)) | (Type::NonNullList(a), Type::NonNullList(b)) => {
            is_subtype(draft, a, b)
        }
        _ => false,
    }
}

fn is_named_subtype(draft: &Draft, sup: &str, sub: &str) -> bool {
    let Some(ty) = draft.types.get(sup) else { return false };
    match ty.kind {
        DraftKind::Union => ty.members.contains_key(sub),
        DraftKind::Interface => draft.types.get(sub).is_some_and(|t| t.implements.contains_key(sup)),
        _ => false,
    }
}

/// The outcome of merging the types of one element.
pub(crate) enum Common {
    Equal(Type),
    Compatible(Type),
    None,
}

/// The most general type, or for inputs the most specific one.
pub(crate) fn common<'t>(draft: &Draft, types: impl IntoIterator<Item = &'t Type>, input: bool) -> Common {
    let mut types = types.into_iter();
    let Some(mut chosen) = types.next() else { return Common::None };
    let mut differ = false;
    let rest: Vec<&Type> = types.collect();
    let first = chosen;
    for ty in &rest {
        if *ty == chosen {
            continue;
        }
        differ = true;
        if is_strict_subtype(draft, chosen, ty) {
            if input {
                chosen = ty;
            }
        } else if is_strict_subtype(draft, ty, chosen) {
            if !input {
                chosen = ty;
            }
        } else {
            return Common::None;
        }
    }
    // The loop may have met siblings: all must fit the chosen type.
    let fits = |ty: &Type| {
        ty == chosen || if input { is_strict_subtype(draft, ty, chosen) } else { is_strict_subtype(draft, chosen, ty) }
    };
    if !fits(first) || !rest.iter().all(|ty| fits(ty)) {
        return Common::None;
    }
    match differ {
        true => Common::Compatible(chosen.clone()),
        false => Common::Equal(chosen.clone()),
    }
}
