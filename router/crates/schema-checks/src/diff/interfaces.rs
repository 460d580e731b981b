//! Changes of the interfaces that a type implements.

use braid_graphql::compiler::collections::IndexSet;
use braid_graphql::{Name, Node};

use super::context::Context;
use super::pair::pair;
use crate::change::{Change, ChangeKind, Severity};

pub(super) fn compare(context: &mut Context<'_>, ty: &str, old: &IndexSet<Node<Name>>, new: &IndexSet<Node<Name>>) {
    let interfaces = pair(old, new, |name| name.as_str());
    for interface in interfaces.removed {
        let message = format!("\"{ty}\" no longer implements \"{interface}\".");
        let reason = "Fragments from the one to the other no longer apply, and the interface no longer returns it.";
        context.push(
            Change::new(ChangeKind::ObjectTypeInterfaceRemoved, Severity::Breaking, ty, message, reason)
                .subject(interface)
                .from(interface)
                .touching([interface.to_string()]),
        );
    }
    for interface in interfaces.added {
        let message = format!("\"{ty}\" implements \"{interface}\" now.");
        // A type that nothing returned yet through a new interface cannot surprise anyone.
        let known = context.old.types.contains_key(interface.as_str());
        let (severity, reason) = if known {
            (Severity::Dangerous, "Where the interface is returned, clients can meet a type that they do not know.")
        } else {
            (Severity::Safe, "The interface is new: no client asks for it yet.")
        };
        context.push(
            Change::new(ChangeKind::ObjectTypeInterfaceAdded, severity, ty, message, reason)
                .subject(interface)
                .to(interface)
                .touching([interface.to_string()]),
        );
    }
}
