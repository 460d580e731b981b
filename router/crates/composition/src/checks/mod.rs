//! What must be true of the merged schema when it is complete.

mod auth;
mod conditions;
mod context;
mod inaccessible;
mod interfaces;
mod requires;

pub(crate) use context::Context;

use crate::diagnostic::Diagnostic;

/// All errors of the merged schema.
pub(crate) fn check(context: &Context<'_>) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    interfaces::check(context, &mut errors);
    requires::check(context, &mut errors);
    auth::check(context, &mut errors);
    // Hidden elements can be judged only in a schema that is valid otherwise.
    if errors.is_empty() {
        inaccessible::check(context, &mut errors);
    }
    if errors.is_empty() {
        conditions::check(context, &mut errors);
    }
    errors
}
