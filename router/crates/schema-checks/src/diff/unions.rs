//! Changes of union types.

use braid_graphql::compiler::schema::UnionType;

use super::context::Context;
use super::pair::pair;
use crate::change::{Change, ChangeKind, Severity};

pub(super) fn compare(context: &mut Context<'_>, old: &UnionType, new: &UnionType) {
    let ty = old.name.as_str();
    let members = pair(&old.members, &new.members, |name| name.as_str());
    for member in members.removed {
        let message = format!("\"{member}\" was removed from the union \"{ty}\".");
        let reason = "Fragments on it no longer apply where the union is returned.";
        context.push(
            Change::new(ChangeKind::UnionMemberRemoved, Severity::Breaking, ty, message, reason)
                .subject(member)
                .from(member),
        );
    }
    for member in members.added {
        let message = format!("\"{member}\" was added to the union \"{ty}\".");
        let reason = "Clients can receive a type that they do not know.";
        context.push(
            Change::new(ChangeKind::UnionMemberAdded, Severity::Dangerous, ty, message, reason)
                .subject(member)
                .to(member),
        );
    }
}
