//! Proves that every query of the API can be answered, whatever path leads to a field.
//!
//! A *state* is an object type in a subgraph, with what the way there provides. From a state one can move to other
//! subgraphs by keys; `reach` holds, for each state, the least set of subgraphs that can be had. Conditions (keys and
//! `@requires`) are themselves questions about states, so both are computed together as one least fixpoint: what needs
//! itself is never granted. Then the API is walked breadth first over sets of states, so that a failure shows the
//! shortest query. The cost grows with types × subgraphs, not with the number of paths.
//!
//! It is built on the merged draft and the subgraphs, not on `braid-query-graph`, since it must explain what is *not*
//! possible in terms of the subgraphs' own SDL.

mod explain;
mod model;
mod reach;
mod walk;

use std::collections::BTreeSet;

use crate::checks::Context;
use crate::diagnostic::Diagnostic;

/// What was found.
#[derive(Default)]
pub(crate) struct Proof {
    pub(crate) errors: Vec<Diagnostic>,
    pub(crate) hints: Vec<Diagnostic>,
}

/// Up to this many override labels, all combinations are tried.
const ALL_COMBINATIONS: usize = 3;

/// Tries to prove that every query can be answered, with override labels both on and off.
pub(crate) fn prove(context: &Context<'_>) -> Proof {
    let model = model::Model::new(context);
    let mut proof = Proof::default();
    for labels in label_settings(context) {
        let mut reach = reach::Reach::new(&model, &labels);
        walk::walk(&mut reach, &mut proof);
        if !proof.errors.is_empty() {
            break;
        }
    }
    proof
}

/// Which labels are on, for each round. A label matters only to the fields that bear it, so that beyond a few labels
/// each is tried alone rather than in all combinations.
fn label_settings(context: &Context<'_>) -> Vec<BTreeSet<String>> {
    let labels: BTreeSet<&String> = context
        .draft
        .types
        .values()
        .flat_map(|t| t.fields.values())
        .flat_map(|f| &f.joins)
        .filter_map(|j| j.override_label.as_ref())
        .collect();
    let labels: Vec<&String> = labels.into_iter().collect();
    let all: BTreeSet<String> = labels.iter().map(|l| (*l).clone()).collect();
    if labels.is_empty() {
        return vec![BTreeSet::new()];
    }
    if labels.len() <= ALL_COMBINATIONS {
        return (0..1usize << labels.len())
            .map(|bits| {
                let on = labels.iter().enumerate().filter(|(i, _)| bits >> i & 1 == 1);
                on.map(|(_, l)| (*l).clone()).collect()
            })
            .collect();
    }
    let mut settings = vec![BTreeSet::new(), all.clone()];
    for label in labels {
        settings.push(BTreeSet::from([label.clone()]));
        settings.push(all.iter().filter(|l| *l != label).cloned().collect());
    }
    settings
}
