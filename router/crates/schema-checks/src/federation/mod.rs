//! What changed between the subgraphs of two supergraphs, and in which order it must be rolled out.
//!
//! While a change is deployed, an old router talks to new instances of a subgraph, or a new router to old ones, and during a
//! rolling deployment to both. Each change says which of the two works. The rule behind all of them: what is asked of a
//! subgraph must be there before the router asks for it, and may go only after the router has ceased to ask.

mod field_set;
mod fields;
mod keys;
mod rollout;

use braid_supergraph::Supergraph;

use crate::change::{Change, ChangeKind, First, Severity};
use crate::diff::diff;

pub use self::rollout::annotate;

/// Compares what the subgraphs contribute. What clients see is compared by [`diff`] on the API schemas.
pub fn diff_supergraphs(old: &Supergraph, new: &Supergraph) -> Vec<Change> {
    let mut changes = Vec::new();
    subgraphs(old, new, &mut changes);
    keys::compare(old, new, &mut changes);
    fields::compare(old, new, &mut changes);
    // A change between subgraphs affects a rollout, not operations: what clients notice is among the changes of the API.
    changes.iter_mut().for_each(|change| change.touches.clear());
    changes.extend(directives(old, new));
    changes
}

fn subgraphs(old: &Supergraph, new: &Supergraph, changes: &mut Vec<Change>) {
    for subgraph in &old.subgraphs {
        let name = subgraph.name.as_str();
        match new.subgraph_named(name).map(|id| new.subgraph(id)) {
            None => changes.push(
                Change::new(
                    ChangeKind::SubgraphRemoved,
                    Severity::Safe,
                    name,
                    format!("The subgraph \"{name}\" was removed."),
                    "What clients lose is listed among the changes of the API.",
                )
                .in_subgraph(name)
                .rollout(
                    First::Router,
                    true,
                    "The old router still asks it: keep it until every router is updated.",
                ),
            ),
            Some(now) if now.url != subgraph.url => changes.push(
                Change::new(
                    ChangeKind::SubgraphUrlChanged,
                    Severity::Dangerous,
                    name,
                    format!("The subgraph \"{name}\" is reached at {} instead of {}.", now.url, subgraph.url),
                    "The router sends requests to the new address once it has the new supergraph.",
                )
                .in_subgraph(name)
                .from(&subgraph.url)
                .to(&now.url)
                .rollout(
                    First::Subgraph,
                    true,
                    "It must answer at both addresses until every router is updated.",
                ),
            ),
            Some(_) => {}
        }
    }
    for subgraph in new.subgraphs.iter().filter(|subgraph| old.subgraph_named(&subgraph.name).is_none()) {
        let name = subgraph.name.as_str();
        changes.push(
            Change::new(
                ChangeKind::SubgraphAdded,
                Severity::Safe,
                name,
                format!("The subgraph \"{name}\" was added."),
                "The old router does not know it.",
            )
            .in_subgraph(name)
            .to(&subgraph.url)
            .rollout(First::Subgraph, true, "It must answer before the new router asks it."),
        );
    }
}

/// Changes of directives that composition carries into the supergraph and the API schema does not show.
fn directives(old: &Supergraph, new: &Supergraph) -> Vec<Change> {
    let mut changes = diff(&old.source, &new.source);
    changes.retain(|change| {
        use ChangeKind as Kind;
        let shown = matches!(
            change.kind,
            Kind::TagAdded
                | Kind::TagRemoved
                | Kind::InaccessibleAdded
                | Kind::InaccessibleRemoved
                | Kind::AuthorizationAdded
                | Kind::AuthorizationRemoved
                | Kind::AuthorizationChanged
                | Kind::CostChanged
                | Kind::DirectiveUsageAdded
                | Kind::DirectiveUsageRemoved
                | Kind::DirectiveUsageChanged
        );
        shown && !change.coordinate.starts_with("join__") && !change.coordinate.starts_with("link__")
    });
    for change in changes.iter_mut().filter(|change| change.kind == ChangeKind::InaccessibleAdded) {
        change.severity = Severity::Safe;
        change.reason = "What clients lose is listed among the changes of the API.".to_owned();
    }
    changes
}
