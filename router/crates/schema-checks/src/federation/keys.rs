//! Changes of types in subgraphs: where they are defined, their keys, and interfaces seen as objects.

use std::collections::BTreeMap;

use braid_graphql::schema::TypeId;
use braid_supergraph::Supergraph;

use super::field_set;
use crate::change::{Change, ChangeKind, First, Severity};

const BUILT_IN: [&str; 5] = ["Int", "Float", "String", "Boolean", "ID"];

/// The keys and role of a type in a subgraph.
#[derive(Default)]
struct TypeFacts {
    /// Each key in its normal form, and whether it is resolvable.
    keys: BTreeMap<String, bool>,
    interface_object: bool,
}

pub(super) fn compare(old: &Supergraph, new: &Supergraph, changes: &mut Vec<Change>) {
    for (old_id, ty) in old.schema.types() {
        // The built-in scalars are everywhere.
        if BUILT_IN.contains(&ty.name.as_str()) {
            continue;
        }
        let Some(new_id) = new.schema.type_named(&ty.name) else { continue };
        let (before, after) = (facts(old, old_id), facts(new, new_id));
        let name = ty.name.as_str();
        for (subgraph, old_facts) in &before {
            match after.get(subgraph) {
                Some(new_facts) => compare_type(name, subgraph, old_facts, new_facts, changes),
                // That a subgraph left or joined says it of all its types.
                None if new.subgraph_named(subgraph).is_some() => changes.push(type_removed(name, subgraph)),
                None => {}
            }
        }
        let joined = after.keys().filter(|subgraph| !before.contains_key(*subgraph));
        for subgraph in joined.filter(|subgraph| old.subgraph_named(subgraph).is_some()) {
            changes.push(type_added(name, subgraph));
        }
    }
}

fn facts(supergraph: &Supergraph, id: TypeId) -> BTreeMap<&str, TypeFacts> {
    let of = |joined: &braid_supergraph::TypeInSubgraph| TypeFacts {
        keys: joined.keys.iter().map(|key| (field_set::normal(&key.text), key.resolvable)).collect(),
        interface_object: joined.interface_object,
    };
    let joins = supergraph.ty(id).subgraphs.iter();
    joins.map(|joined| (supergraph.subgraph(joined.subgraph).name.as_str(), of(joined))).collect()
}

fn type_added(ty: &str, subgraph: &str) -> Change {
    Change::new(
        ChangeKind::TypeAddedToSubgraph,
        Severity::Safe,
        ty,
        format!("The subgraph \"{subgraph}\" defines \"{ty}\" now too."),
        "Clients see the same type.",
    )
    .in_subgraph(subgraph)
    .rollout(First::Subgraph, true, "The new router may ask it for the type.")
}

fn type_removed(ty: &str, subgraph: &str) -> Change {
    Change::new(
        ChangeKind::TypeRemovedFromSubgraph,
        Severity::Dangerous,
        ty,
        format!("The subgraph \"{subgraph}\" no longer defines \"{ty}\"."),
        "Clients see the same type, but the old router still asks this subgraph for it.",
    )
    .in_subgraph(subgraph)
    .rollout(First::Router, true, "Deployed before the router, its new instances fail the old router's fetches.")
}

fn compare_type(ty: &str, subgraph: &str, old: &TypeFacts, new: &TypeFacts, changes: &mut Vec<Change>) {
    for (key, resolvable) in &old.keys {
        match new.keys.get(key) {
            None => changes.push(key_removed(ty, subgraph, key, *resolvable)),
            Some(now) if now != resolvable => changes.push(resolvable_changed(ty, subgraph, key, *now)),
            Some(_) => {}
        }
    }
    for (key, resolvable) in new.keys.iter().filter(|(key, _)| !old.keys.contains_key(*key)) {
        let note = if *resolvable {
            "The new router may enter the subgraph by this key, which old instances do not know."
        } else {
            "The key only says how to refer to the entity; nothing is asked by it."
        };
        let first = if *resolvable { First::Subgraph } else { First::Either };
        changes.push(
            Change::new(
                ChangeKind::KeyAdded,
                Severity::Safe,
                ty,
                format!("\"{ty}\" has the key \"{key}\" in \"{subgraph}\" now."),
                "Plans can only get shorter.",
            )
            .in_subgraph(subgraph)
            .subject(key)
            .to(key)
            .rollout(first, true, note),
        );
    }
    if old.interface_object != new.interface_object {
        changes.push(interface_object_changed(ty, subgraph, new.interface_object));
    }
}

fn key_removed(ty: &str, subgraph: &str, key: &str, resolvable: bool) -> Change {
    let (severity, first, note) = if resolvable {
        (
            Severity::Dangerous,
            First::Router,
            "The old router may enter the subgraph by this key: deployed before it, new instances answer with errors.",
        )
    } else {
        (Severity::Safe, First::Either, "Nothing was asked by this key.")
    };
    Change::new(
        ChangeKind::KeyRemoved,
        severity,
        ty,
        format!("\"{ty}\" no longer has the key \"{key}\" in \"{subgraph}\"."),
        "All operations can still be planned, since the graph composes; some plans may use other subgraphs.",
    )
    .in_subgraph(subgraph)
    .subject(key)
    .from(key)
    .rollout(first, true, note)
}

fn resolvable_changed(ty: &str, subgraph: &str, key: &str, now: bool) -> Change {
    let (severity, first, message, note) = if now {
        (Severity::Safe, First::Subgraph, "is resolvable now", "The new router may enter the subgraph by it.")
    } else {
        (
            Severity::Dangerous,
            First::Router,
            "is no longer resolvable",
            "The old router may still enter the subgraph by it.",
        )
    };
    Change::new(
        ChangeKind::KeyResolvableChanged,
        severity,
        ty,
        format!("The key \"{key}\" of \"{ty}\" {message} in \"{subgraph}\"."),
        "Clients see no difference; plans may move between subgraphs differently.",
    )
    .in_subgraph(subgraph)
    .subject(key)
    .from(!now)
    .to(now)
    .rollout(first, true, note)
}

fn interface_object_changed(ty: &str, subgraph: &str, now: bool) -> Change {
    let (kind, verb) = if now {
        (ChangeKind::InterfaceObjectAdded, "sees the interface \"{ty}\" as an object now")
    } else {
        (ChangeKind::InterfaceObjectRemoved, "no longer sees the interface \"{ty}\" as an object")
    };
    Change::new(
        kind,
        Severity::Dangerous,
        ty,
        format!("The subgraph \"{subgraph}\" {}.", verb.replace("{ty}", ty)),
        "What is asked of the subgraph, and what it answers as __typename, changes.",
    )
    .in_subgraph(subgraph)
    .rollout(
        First::Either,
        false,
        "Neither router understands the other version's instances: switch all instances and the router together, or bring \
         the change under another subgraph name first.",
    )
}
