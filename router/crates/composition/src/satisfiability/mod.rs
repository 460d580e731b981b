//! Proves that every query of the API can be answered, whatever path leads to a field.
//!
//! A *state* is an object type in a subgraph, with what the way there provides. From a state one can move to other
//! subgraphs by keys; `reach` holds, for each state, the least set of subgraphs that can be reached. Conditions (keys and
//! `@requires`) are themselves questions about states, so both are computed together as one least fixpoint: what depends on
//! itself is never granted. Then the API is walked breadth first over sets of states, so that a failure shows the
//! shortest query. The cost grows with types × subgraphs, not with the number of paths.
//!
//! # Override labels
//!
//! `@override(label:)` lets the router decide per request which of two subgraphs resolves a field, so a query must be answerable in
//! every combination of labels. There are 2ⁿ of them, and they are not tried one by one. Two facts make a single round enough.
//!
//! *What can be reached does not depend on labels.* Conditions rely only on fields that are resolved in every combination
//! (see `conditions`): a field that is being moved counts for neither of its two sides. So the fixpoint is computed once.
//!
//! *The walk is done for all combinations at once.* Fix one combination `L`. The walk under `L` visits nodes, a type with the set `S` of
//! states in which it is met, and asks two things of them: which states resolve a field, and what is met below. Both are unions over `S`:
//! a state `s` contributes independently of the others, and it contributes if `L` lets its subgraph resolve the field.
//! Here a node maps each state to the *set of combinations* in which it is met. A step takes, for each state, the intersection of
//! that set with the combinations that let the subgraph resolve the field, and the union over states. Intersection and union are taken
//! combination by combination, so by induction over the steps of a path, what is computed here, looked at for `L`, is what the walk
//! under `L` computes. A field fails under `L` if and only if `L` is not in the union over its states: then the set of missing
//! combinations is not empty, and any of its members is an example. A node may be left out when an older one has, in each
//! combination, a subset of its states: what can be fetched from few states can be fetched from more, since contributions are only added.
//!
//! Sets of combinations are decision diagrams (`labels`), whose size depends on how labels are connected and not on how many there are.
//!
//! # Contexts
//!
//! A contextual argument (`@fromContext`) takes its value from an object above. Whether there is one depends on the way to a position and
//! not on its states, so each node also keeps which values the objects above it have (`contexts`), and a state resolves such a field only
//! where they have them all. A node with fewer values covers nodes with more, as with states.
//!
//! It is built on the merged draft and the subgraphs, not on `braid-query-graph`, since it must explain what is *not*
//! possible in terms of the subgraphs' own SDL.

mod conditions;
mod contexts;
mod explain;
mod hub;
mod labels;
mod model;
mod moves;
mod node;
mod provided;
mod reach;
mod runtime_types;
#[cfg(test)]
mod tests;
mod walk;
mod witness;

use self::walk::Proof;
use crate::checks::Context;
use crate::codes::Code;
use crate::diagnostic::Diagnostic;

/// A few seconds of work. Twenty thousand types in two hundred subgraphs take a hundredth of it.
const MOST_WORK: u64 = 1_000_000_000;

/// Tries to prove that every query can be answered, in every combination of override labels.
pub(crate) fn prove(context: &Context<'_>) -> Proof {
    prove_within(context, MOST_WORK)
}

fn prove_within(context: &Context<'_>, limit: u64) -> Proof {
    let model = model::Model::new(context);
    let fields = context.draft.types.values().flat_map(|ty| ty.fields.values());
    let labels = fields.flat_map(|field| &field.joins).filter_map(|join| join.override_label.as_deref());
    let mut reach = reach::Reach::new(&model, labels::Labels::new(labels), reach::Budget::new(limit));
    let mut proof = Proof::default();
    walk::walk(&mut reach, &mut proof);
    #[cfg(test)]
    {
        proof.work = reach.budget.spent;
    }
    if reach.is_exhausted() {
        proof.errors.push(too_much());
    }
    proof
}

fn too_much() -> Diagnostic {
    Diagnostic::new(
        Code::MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED,
        "Checking that every query can be answered takes too much work: the subgraphs' keys, @requires, @provides and override labels depend on each other in too many ways.",
    )
    .help("use fewer keys per type, shorter field sets in @requires and @provides, and fewer override labels at the same time")
}
