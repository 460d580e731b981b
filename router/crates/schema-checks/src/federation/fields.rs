//! Changes of fields in subgraphs: who resolves them, what they require and provide.

use std::collections::BTreeMap;

use braid_graphql::schema::FieldId;
use braid_supergraph::{Supergraph, join_spec};

use super::field_set;
use crate::change::{Change, ChangeKind, First, Severity};

/// A field as a subgraph defines it.
#[derive(Default, PartialEq)]
struct FieldFacts {
    resolves: bool,
    ty: String,
    requires: Option<String>,
    provides: Option<String>,
    override_from: Option<String>,
    label: Option<String>,
    contexts: Vec<String>,
}

type BySubgraph<'a> = BTreeMap<&'a str, FieldFacts>;

pub(super) fn compare(old: &Supergraph, new: &Supergraph, changes: &mut Vec<Change>) {
    for (old_id, field) in old.schema.fields() {
        let parent = old.schema.ty(field.parent);
        let new_parent = new.schema.type_named(&parent.name);
        let Some(new_id) = new_parent.and_then(|parent| new.schema.field_named(parent, &field.name)) else { continue };
        let (before, after) = (facts(old, old_id), facts(new, new_id));
        if before == after {
            continue;
        }
        let coordinate = old.schema.coordinate(old_id);
        resolvers(&coordinate, &before, &after, changes, (old, new));
        for (subgraph, after) in &after {
            let nothing = FieldFacts::default();
            let existed = before.get(subgraph);
            details(&coordinate, subgraph, existed.unwrap_or(&nothing), after, existed.is_some(), changes);
        }
    }
}

fn facts(supergraph: &Supergraph, id: FieldId) -> BySubgraph<'_> {
    let field = supergraph.schema.field(id);
    let parent = &supergraph.schema.ty(field.parent).name;
    let mut facts: BySubgraph<'_> = BTreeMap::new();
    for joined in &supergraph.field(id).subgraphs {
        let entry = facts.entry(supergraph.subgraph(joined.subgraph).name.as_str()).or_default();
        entry.resolves = !joined.external && !joined.used_overridden;
        entry.ty = joined.ty.to_string();
        let context = |argument: &braid_supergraph::ContextArgument| {
            format!("{}: {} {}", argument.name, argument.context, field_set::normal(&argument.selection))
        };
        entry.contexts = joined.context_arguments.iter().map(context).collect();
        entry.contexts.sort();
    }
    let Ok(definition) = supergraph.source.type_field(parent, &field.name) else { return facts };
    for join in join_spec::join_fields(&definition.directives) {
        let subgraph = supergraph.subgraphs.iter().find(|subgraph| Some(subgraph.graph.as_str()) == join.graph);
        let Some(entry) = subgraph.and_then(|subgraph| facts.get_mut(subgraph.name.as_str())) else { continue };
        entry.requires = join.requires.map(field_set::normal);
        entry.provides = join.provides.map(field_set::normal);
        entry.override_from = join.override_from.map(str::to_owned);
        entry.label = join.override_label.map(str::to_owned);
    }
    facts
}

fn resolvers(
    coordinate: &str,
    before: &BySubgraph<'_>,
    after: &BySubgraph<'_>,
    changes: &mut Vec<Change>,
    (old_graph, new_graph): (&Supergraph, &Supergraph),
) {
    let resolving = |facts: &BySubgraph<'_>| -> Vec<String> {
        facts.iter().filter(|(_, facts)| facts.resolves).map(|(name, _)| (*name).to_owned()).collect()
    };
    let (old, new) = (resolving(before), resolving(after));
    if !old.is_empty() && !new.is_empty() && !new.iter().any(|name| old.contains(name)) {
        return changes.push(moved(coordinate, &old, &new));
    }
    // That a subgraph joined or left says it of all its fields.
    let joined = |name: &&String| !old.contains(name) && old_graph.subgraph_named(name).is_some();
    for subgraph in new.iter().filter(joined) {
        changes.push(
            Change::new(
                ChangeKind::FieldAddedToSubgraph,
                Severity::Safe,
                coordinate,
                format!("The subgraph \"{subgraph}\" resolves \"{coordinate}\" now too."),
                "Clients see the same field.",
            )
            .in_subgraph(subgraph)
            .rollout(
                First::Subgraph,
                true,
                "The new router may ask old instances for a field that they do not have.",
            ),
        );
    }
    let left = |name: &&String| !new.contains(name) && new_graph.subgraph_named(name).is_some();
    for subgraph in old.iter().filter(left) {
        changes.push(
            Change::new(
                ChangeKind::FieldRemovedFromSubgraph,
                Severity::Dangerous,
                coordinate,
                format!("The subgraph \"{subgraph}\" no longer resolves \"{coordinate}\"."),
                "Clients see the same field, but the old router still asks this subgraph for it.",
            )
            .in_subgraph(subgraph)
            .rollout(
                First::Router,
                true,
                "Deployed before the router, its new instances fail the old router's fetches.",
            ),
        );
    }
}

fn moved(coordinate: &str, old: &[String], new: &[String]) -> Change {
    let (from, to) = (old.join(", "), new.join(", "));
    let mut change = Change::new(
        ChangeKind::FieldMoved,
        Severity::Dangerous,
        coordinate,
        format!("\"{coordinate}\" moved from {from} to {to}."),
        "Clients see the same field; another service resolves it.",
    )
    .rollout(
        First::Subgraph,
        true,
        format!(
            "Deploy {to} first, then the router; only then may {from} drop the field, which the old router asks for."
        ),
    )
    .from(&from)
    .to(&to);
    change.subgraphs = old.iter().chain(new).cloned().collect();
    change
}

/// Changes of one subgraph's own words about a field. Of a field that is new there, what it needs and gives is part of its
/// being new, except that it takes over.
fn details(
    coordinate: &str,
    subgraph: &str,
    old: &FieldFacts,
    new: &FieldFacts,
    existed: bool,
    changes: &mut Vec<Change>,
) {
    let takes_over = |facts: &FieldFacts| {
        let label = facts.label.as_ref().map(|label| format!(" under the label \"{label}\"")).unwrap_or_default();
        facts.override_from.as_ref().map(|from| format!("{from}{label}"))
    };
    let overriding = Aspect {
        kinds: [ChangeKind::OverrideAdded, ChangeKind::OverrideRemoved, ChangeKind::OverrideChanged],
        what: "takes it over from",
        severities: [Severity::Dangerous, Severity::Dangerous, Severity::Dangerous],
        reason: "Another service resolves the field.",
        rollouts: [
            (
                First::Subgraph,
                true,
                "It must resolve the field before the new router asks it; the other may drop it last.",
            ),
            (First::Router, true, "The subgraph that resolves it now must have it before the new router is deployed."),
            (First::Subgraph, true, "Both must resolve the field until every router is updated."),
        ],
    };
    changes.extend(overriding.compare(coordinate, subgraph, takes_over(old), takes_over(new)));
    if !existed {
        return;
    }
    let requires = Aspect {
        kinds: [ChangeKind::RequiresAdded, ChangeKind::RequiresRemoved, ChangeKind::RequiresChanged],
        what: "requires",
        severities: [Severity::Dangerous, Severity::Safe, Severity::Dangerous],
        reason: "The representations that the router sends it change.",
        rollouts: [
            (First::Router, true, "The old router does not send the fields that new instances need."),
            (First::Subgraph, true, "Old instances need fields that the new router no longer sends."),
            (
                First::Either,
                false,
                "No router sends what both versions need: first let the subgraph require the fields of both, then drop the old.",
            ),
        ],
    };
    changes.extend(requires.compare(coordinate, subgraph, old.requires.clone(), new.requires.clone()));
    let provides = Aspect {
        kinds: [ChangeKind::ProvidesAdded, ChangeKind::ProvidesRemoved, ChangeKind::ProvidesChanged],
        what: "provides",
        severities: [Severity::Safe, Severity::Dangerous, Severity::Dangerous],
        reason: "What the router may ask below the field changes.",
        rollouts: [
            (First::Subgraph, true, "The new router asks for fields that old instances do not provide here."),
            (First::Router, true, "The old router asks for fields that new instances do not provide here."),
            (
                First::Either,
                false,
                "Each router asks for what the other version does not provide: first provide both, then drop the old.",
            ),
        ],
    };
    changes.extend(provides.compare(coordinate, subgraph, old.provides.clone(), new.provides.clone()));
    let context = Aspect {
        kinds: [ChangeKind::ContextArgumentChanged; 3],
        what: "takes from a context",
        severities: [Severity::Dangerous; 3],
        reason: "The argument's value comes from elsewhere.",
        rollouts: [
            (First::Router, true, "The old router does not send the argument."),
            (First::Subgraph, true, "Old instances need an argument that the new router does not send."),
            (First::Either, false, "Old and new instances need different values."),
        ],
    };
    let contexts = |facts: &FieldFacts| (!facts.contexts.is_empty()).then(|| facts.contexts.join(", "));
    changes.extend(context.compare(coordinate, subgraph, contexts(old), contexts(new)));
    if old.ty != new.ty {
        changes.push(
            Change::new(
                ChangeKind::FieldSubgraphTypeChanged,
                Severity::Safe,
                coordinate,
                format!("\"{coordinate}\" is {} instead of {} in \"{subgraph}\".", new.ty, old.ty),
                "What clients see of it is listed among the changes of the API.",
            )
            .in_subgraph(subgraph)
            .from(&old.ty)
            .to(&new.ty),
        );
    }
}

/// A directive on a field in a subgraph that was added, removed or changed.
struct Aspect {
    kinds: [ChangeKind; 3],
    what: &'static str,
    severities: [Severity; 3],
    reason: &'static str,
    rollouts: [(First, bool, &'static str); 3],
}

impl Aspect {
    fn compare(&self, coordinate: &str, subgraph: &str, old: Option<String>, new: Option<String>) -> Option<Change> {
        let what = self.what;
        let (index, message) = match (&old, &new) {
            (None, Some(new)) => (0, format!("\"{coordinate}\" in \"{subgraph}\" now {what} \"{new}\".")),
            (Some(old), None) => (1, format!("\"{coordinate}\" in \"{subgraph}\" no longer {what} \"{old}\".")),
            (Some(old), Some(new)) if old != new => {
                (2, format!("\"{coordinate}\" in \"{subgraph}\" {what} \"{new}\" instead of \"{old}\"."))
            }
            _ => return None,
        };
        let (first, mixed, note) = self.rollouts[index];
        let mut change = Change::new(self.kinds[index], self.severities[index], coordinate, message, self.reason)
            .in_subgraph(subgraph)
            .rollout(first, mixed, note);
        (change.from, change.to) = (old, new);
        Some(change)
    }
}
