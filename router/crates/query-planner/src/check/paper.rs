//! The objects on paper: their runtime types, and what was written into them by whom. Knows nothing of what is right.

use std::collections::BTreeMap;

use braid_graphql::compiler::ast::Argument;
use braid_graphql::operation::{Condition, SelectionSet};
use braid_graphql::schema::TypeId;
use braid_graphql::{Name, Node};
use braid_query_plan::{EntityFetch, Fetch, FetchId, Path, QueryPlan, Representation};
use braid_supergraph::{SubgraphId, Supergraph};

use crate::config::PlannerConfig;

/// The objects under one path of keys, distinguished by their runtime types.
#[derive(Debug, Default, Clone)]
pub(super) struct Objects {
    pub(super) types: BTreeMap<TypeId, Written>,
    /// The subgraphs that gave their runtime types.
    pub(super) from: Vec<SubgraphId>,
    /// Whether a subgraph gives them as interface objects, without their runtime types.
    pub(super) untold: bool,
    /// The conditions under which they were asked for; where none holds there are no objects.
    pub(super) asked: Vec<Condition>,
}

/// What was written into objects of one runtime type.
#[derive(Debug, Default, Clone)]
pub(super) struct Written {
    pub(super) fields: BTreeMap<Name, Vec<Write>>,
    pub(super) below: BTreeMap<Name, Objects>,
}

#[derive(Debug, Clone)]
pub(super) struct Write {
    pub(super) name: Name,
    pub(super) arguments: Vec<Node<Argument>>,
    pub(super) condition: Condition,
    pub(super) fetch: FetchId,
}

/// A condition, and those of which one holds where there are objects.
pub(super) type When<'w> = (&'w Condition, &'w [Condition]);

pub(super) struct Check<'a> {
    pub(super) plan: &'a QueryPlan,
    pub(super) supergraph: &'a Supergraph,
    pub(super) config: &'a PlannerConfig,
    pub(super) variables: Vec<Name>,
    pub(super) found: Vec<String>,
}

/// Where selections are applied.
pub(super) struct Scope<'s> {
    pub(super) fetch: &'s Fetch,
    /// The type of the selection set in the subgraph; `None` for `_entities`.
    pub(super) on: Option<TypeId>,
    pub(super) condition: Condition,
    pub(super) provided: Vec<&'s SelectionSet>,
    /// What the representation carries, at the top of an entity fetch.
    pub(super) representation: Option<(&'s Representation, &'s EntityFetch)>,
    /// When the objects that are looked up are there.
    pub(super) asked: Vec<Condition>,
}

impl<'a> Check<'a> {
    pub(super) fn report(&mut self, fetch: &Fetch, what: String) {
        let name = &self.supergraph.subgraph(fetch.subgraph).name;
        self.found.push(format!("fetch {} ({name}): {what}", fetch.id.0));
    }

    /// Whether one fetch is done before another starts.
    pub(super) fn is_before(&self, before: FetchId, fetch: FetchId) -> bool {
        let mut open = vec![fetch];
        while let Some(at) = open.pop() {
            for other in self.plan.fetches.get(at.0 as usize).map(|fetch| fetch.after.as_slice()).unwrap_or_default() {
                if *other == before {
                    return true;
                }
                if other.0 > before.0 {
                    open.push(*other);
                }
            }
        }
        false
    }

    /// Whether, whenever the condition holds and there are objects, one of the others holds.
    pub(super) fn is_there<'c>(&self, when: &When<'_>, others: impl Iterator<Item = &'c Condition> + Clone) -> bool {
        let both = |asked: &Condition| {
            when.0.and_all(asked).is_none_or(|condition| self.is_covered(&condition, others.clone()))
        };
        if when.1.is_empty() { self.is_covered(when.0, others) } else { when.1.iter().all(both) }
    }

    /// Whether, whenever `condition` holds, one of the others does.
    pub(super) fn is_covered<'c>(
        &self,
        condition: &Condition,
        others: impl Iterator<Item = &'c Condition> + Clone,
    ) -> bool {
        if others.clone().any(|other| other.is_implied_by(condition)) {
            return true;
        }
        if self.variables.len() > 10 {
            return true;
        }
        (0..1u32 << self.variables.len()).all(|assignment| {
            let value_of = |name: &Name| {
                self.variables
                    .iter()
                    .position(|variable| variable == name)
                    .is_some_and(|at| assignment & (1 << at) != 0)
            };
            !condition.holds(value_of) || others.clone().any(|other| other.holds(value_of))
        })
    }
}

pub(super) fn keys(path: &Path) -> Vec<&str> {
    path.0.iter().map(|segment| segment.key.as_str()).collect()
}

pub(super) fn collect<'t>(objects: &'t mut Objects, path: &Path, at: usize, into: &mut Vec<&'t mut Objects>) {
    let Some(segment) = path.0.get(at) else {
        into.push(objects);
        return;
    };
    // The guard of the segment before says which of these objects are followed.
    let guard = at.checked_sub(1).and_then(|before| path.0[before].guard.as_ref());
    for (ty, written) in &mut objects.types {
        if guard.is_some_and(|guard| !guard.contains(*ty)) {
            continue;
        }
        if let Some(below) = written.below.get_mut(&segment.key) {
            collect(below, path, at + 1, into);
        }
    }
}
