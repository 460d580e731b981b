//! Changes of descriptions, which break no client. Knows nothing of what is described.

use braid_graphql::Node;

use super::context::Context;
use crate::change::{Change, ChangeKind, Severity};

/// The kinds for a description that was added, removed or changed.
pub(super) struct Kinds {
    pub(super) added: ChangeKind,
    pub(super) removed: ChangeKind,
    pub(super) changed: ChangeKind,
}

impl Kinds {
    /// One kind for all three.
    pub(super) fn same(kind: ChangeKind) -> Self {
        Self { added: kind, removed: kind, changed: kind }
    }
}

pub(super) fn compare(
    context: &mut Context<'_>,
    kinds: &Kinds,
    coordinate: &str,
    old: Option<&Node<str>>,
    new: Option<&Node<str>>,
) {
    let text = |node: Option<&Node<str>>| node.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let (kind, verb, from, to) = match (text(old), text(new)) {
        (None, Some(new)) => (kinds.added, "was added", None, Some(new)),
        (Some(old), None) => (kinds.removed, "was removed", Some(old), None),
        (Some(old), Some(new)) if old != new => (kinds.changed, "was changed", Some(old), Some(new)),
        _ => return,
    };
    let message = format!("The description of \"{coordinate}\" {verb}.");
    let mut change = Change::new(kind, Severity::Safe, coordinate, message, "Descriptions do not reach responses.");
    (change.from, change.to) = (from, to);
    context.push(change);
}
