//! Changes of custom scalar types.

use braid_graphql::compiler::schema::{DirectiveList, ScalarType};

use super::context::Context;
use crate::change::{Change, ChangeKind, Severity};

pub(super) fn compare(context: &mut Context<'_>, old: &ScalarType, new: &ScalarType) {
    let ty = old.name.as_str();
    let (from, to) = (specification(&old.directives), specification(&new.directives));
    let (kind, severity, message, reason) = match (from, to) {
        (None, Some(to)) => (
            ChangeKind::ScalarSpecifiedByAdded,
            Severity::Safe,
            format!("\"{ty}\" is specified by {to} now."),
            "The values need not differ.",
        ),
        (Some(from), None) => (
            ChangeKind::ScalarSpecifiedByRemoved,
            Severity::Safe,
            format!("\"{ty}\" is no longer specified by {from}."),
            "The values need not differ.",
        ),
        (Some(from), Some(to)) if from != to => (
            ChangeKind::ScalarSpecifiedByChanged,
            Severity::Dangerous,
            format!("\"{ty}\" is specified by {to} instead of {from}."),
            "Clients that read or write it by the old specification may misunderstand it.",
        ),
        _ => return,
    };
    let mut change = Change::new(kind, severity, ty, message, reason);
    (change.from, change.to) = (from.map(str::to_owned), to.map(str::to_owned));
    context.push(change);
}

fn specification(directives: &DirectiveList) -> Option<&str> {
    directives.get("specifiedBy")?.specified_argument_by_name("url")?.as_str()
}
