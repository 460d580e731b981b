//! Walks the API breadth first over sets of states, and collects what can't be answered. Knows no message.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use ahash::AHashMap;
use indexmap::IndexSet;
use smallvec::{SmallVec, smallvec};

use super::contexts::Values;
use super::explain::Failure;
use super::labels::When;
use super::model::{ObjectField, Returned, Target, source_in};
use super::node::{AllAsked, Asked, Met, Node};
use super::provided::ProvidedId;
use super::reach::{Reach, State};
use super::runtime_types::{Comparisons, Mismatch};
use super::{explain, runtime_types};
use crate::diagnostic::Diagnostic;
use braid_graphql::field_set::FieldSet;

/// What was found.
#[derive(Default)]
pub(crate) struct Proof {
    pub(crate) errors: Vec<Diagnostic>,
    pub(crate) hints: Vec<Diagnostic>,
    /// How much work it took.
    #[cfg(test)]
    pub(super) work: u64,
}

/// A node that was met, with a summary of the states in which it is met in all combinations of labels.
#[derive(Clone, Copy)]
struct Seen {
    index: usize,
    needed: u64,
}

impl Seen {
    fn new(index: usize, node: &Node) -> Self {
        Seen { index, needed: mask(node.met.iter().filter(|(_, when)| *when == When::ALWAYS)) }
    }
}

/// A summary of states: one that is among others has no bit that they lack.
fn mask<'s>(states: impl Iterator<Item = &'s (State, When)>) -> u64 {
    let bit = |(state, _): &(State, When)| 1 << ((state.subgraph + state.provided.number()) % 64);
    states.fold(0, |mask, state| mask | bit(state))
}

/// The most errors that are explained: each takes time.
const MOST_ERRORS: usize = 100;

pub(super) fn walk(reach: &mut Reach<'_, '_>, proof: &mut Proof) {
    let mut walk = Walk {
        // Most types are met once.
        nodes: Vec::with_capacity(reach.model.types.len()),
        seen: vec![SmallVec::new(); reach.model.types.len()],
        met_whole: vec![false; reach.model.types.len()],
        reach,
        proof,
        queue: VecDeque::new(),
        asked: IndexSet::default(),
        failed: BTreeSet::new(),
        mismatched: IndexSet::default(),
        differing: Vec::new(),
        compared: Comparisons::default(),
        trial: None,
        failed_trials: AHashMap::new(),
    };
    for (operation, root) in [("query", "Query"), ("mutation", "Mutation"), ("subscription", "Subscription")] {
        walk.start(operation, root);
    }
    while let Some(node) = walk.queue.pop_front() {
        if walk.reach.is_exhausted() || walk.proof.errors.len() >= MOST_ERRORS {
            return;
        }
        walk.visit(node);
    }
    walk.hint();
}

struct Walk<'w, 'm, 'a> {
    reach: &'w mut Reach<'m, 'a>,
    proof: &'w mut Proof,
    nodes: Vec<Node>,
    queue: VecDeque<usize>,
    /// The nodes of each type that are or will be visited.
    seen: Vec<SmallVec<[Seen; 1]>>,
    /// The types of which there is a node outside of trials in all views, in all combinations of labels, with no value above: it covers
    /// every other node where all views can be reached.
    met_whole: Vec<bool>,
    /// What was asked where many types can be met: it need not be followed twice.
    asked: IndexSet<(AllAsked, Values), ahash::RandomState>,
    /// What was reported: the type, the field if it is about one, and the subgraphs from which it can't be fetched.
    failed: BTreeSet<(usize, Option<usize>, Vec<usize>)>,
    /// Fields whose subgraphs return no type in common.
    mismatched: IndexSet<(usize, usize), ahash::RandomState>,
    /// Nodes at which the subgraphs of a field return different types, some in common.
    differing: Vec<(usize, usize, Rc<Mismatch>)>,
    compared: Comparisons,
    /// During a trial: the combinations of labels in which it failed.
    trial: Option<When>,
    failed_trials: AHashMap<(Asked, Values), When>,
}

impl<'m, 'a> Walk<'_, 'm, 'a> {
    fn start(&mut self, operation: &'static str, root: &str) {
        let Some(ty) = self.reach.model.object(root) else { return };
        let views = &self.reach.model.types[ty].views;
        let met = views.iter().map(|view| (State::new(ty, view.subgraph), When::ALWAYS)).collect();
        let (above, below) = (Values::NONE, Values::NONE);
        self.push(Node { ty, met, when: When::ALWAYS, above, below, parent: None, operation });
    }

    /// Queues a node, unless its type was met in fewer states: what can be fetched there can be fetched here.
    fn push(&mut self, mut node: Node) {
        if self.is_seen(&node, None) {
            return;
        }
        node.below = self.values_below(&node);
        let index = self.nodes.len();
        if self.trial.is_none() && self.is_met_whole(&node) {
            self.met_whole[node.ty] = true;
        }
        self.seen[node.ty].push(Seen::new(index, &node));
        self.queue.push_back(index);
        self.nodes.push(node);
    }

    /// Whether an older node covers a node, or any but the one of this number.
    fn is_seen(&mut self, node: &Node, except: Option<usize>) -> bool {
        let mask = mask(node.met.iter());
        let mut at = 0;
        while let Some(old) = self.seen[node.ty].get(at).copied() {
            if old.needed & !mask == 0 && Some(old.index) != except && self.is_covered(node, old.index) {
                return true;
            }
            at += 1;
        }
        // Most of the others are told apart by their masks alone.
        self.reach.budget.spend(at / 16);
        false
    }

    /// Whether a node covers all others of its type that come from everywhere and have nothing provided.
    fn is_met_whole(&mut self, node: &Node) -> bool {
        let is_everywhere =
            |(state, when): &(State, When)| *when == When::ALWAYS && state.provided == ProvidedId::NOTHING;
        node.when == When::ALWAYS
            && node.above == Values::NONE
            && node.met.iter().all(is_everywhere)
            && node.met.len() == self.reach.model.types[node.ty].views.len()
            && self.reach.is_whole(node.ty)
    }

    /// Whether an object type behind a field was met before in a way that covers this one.
    fn is_known(&mut self, ty: usize, asked: &AllAsked, is_provided: bool) -> bool {
        let Reach { model, provided, budget, .. } = &mut *self.reach;
        budget.spend(1);
        let mut nothing = asked.iter().map(|asked| provided.on(model, asked.provided, ty) == ProvidedId::NOTHING);
        self.met_whole[ty] && (!is_provided || nothing.all(|nothing| nothing))
    }

    /// The values for contextual arguments that the objects below a node have above them.
    fn values_below(&mut self, node: &Node) -> Values {
        let model = self.reach.model;
        let mut values = node.above;
        for value in model.contexts.set_by(node.ty) {
            // The nearest object that sets the context counts, even if its value can't be fetched.
            let is_given = self.is_given(node, model.contexts.selection(*value));
            values = self.reach.values.with(values, *value, is_given);
        }
        values
    }

    /// Whether a field set can be fetched for the objects of a node, in every combination of labels that leads to it.
    fn is_given(&mut self, node: &Node, set: &'m FieldSet) -> bool {
        let mut always: SmallVec<[State; 4]> = SmallVec::new();
        let mut given = When::NEVER;
        for (state, when) in &node.met {
            if self.reach.labels.is_within(node.when, *when) {
                always.push(*state);
            }
            if self.reach.is_given(&[*state], set) {
                given = self.reach.labels.or(given, *when);
            }
        }
        self.reach.labels.is_within(node.when, given) || !always.is_empty() && self.reach.is_given(&always, set)
    }

    /// Whether in each combination of labels that leads to a node, an older one is met, in no other states and with no more values above.
    fn is_covered(&mut self, node: &Node, old: usize) -> bool {
        let old = &self.nodes[old];
        self.reach.budget.spend(1 + old.met.len() / 16);
        let labels = &mut self.reach.labels;
        if !self.reach.values.is_within(old.above, node.above) || !labels.is_within(node.when, old.when) {
            return false;
        }
        let mut states = node.met.iter();
        old.met.iter().all(|(state, old_when)| {
            let when = states.find(|(other, _)| other >= state).filter(|(other, _)| other == state);
            let needed = labels.and(*old_when, node.when);
            match when {
                Some((_, when)) => labels.is_within(needed, *when),
                None => !needed.is_possible(),
            }
        })
    }

    fn visit(&mut self, index: usize) {
        let model = self.reach.model;
        let ty = self.nodes[index].ty;
        let met = self.nodes[index].met.clone();
        for (at, field) in model.types[ty].fields.iter().enumerate().filter(|(_, field)| !field.hidden) {
            self.field(index, at, field, &met);
        }
    }

    /// `met` are all states of the node, `at` is the field's number in its type.
    fn field(&mut self, index: usize, at: usize, field: &'m ObjectField<'a>, met: &Met) {
        let Node { when, above, .. } = self.nodes[index];
        let from = self.resolvers(at, field, met, above);
        let missing = from.iter().fold(when, |rest, (_, when)| self.reach.labels.without(rest, *when));
        if missing.is_possible() {
            self.fail(index, at, missing);
        }
        if matches!(field.target, Target::Nothing) || from.is_empty() {
            return;
        }
        let asked = self.ask(at, field, &from);
        if matches!(field.target, Target::Abstract) {
            self.runtime_types(index, at, &asked);
        }
        // The fields at the root of a mutation are run one after the other, each in one subgraph.
        let node = &self.nodes[index];
        if node.parent.is_none() && node.operation != "query" && asked.len() > 1 {
            self.one_alone(index, at, &asked);
        } else {
            self.descend(index, at, asked);
        }
    }

    /// The states in which a field is resolved.
    fn resolvers(&mut self, at: usize, field: &'m ObjectField<'a>, met: &Met, above: Values) -> Met {
        let mut found = Met::new();
        let mut rest = met.as_slice();
        for source in &field.sources {
            if self.reach.unfilled(source, above).is_some() {
                continue;
            }
            rest = &rest[rest.partition_point(|(state, _)| state.subgraph < source.subgraph)..];
            let here = rest.partition_point(|(state, _)| state.subgraph == source.subgraph);
            for (state, met_when) in &rest[..here] {
                let Ok(when) = self.reach.resolves(*state, at, source) else { continue };
                let when = self.reach.labels.and(*met_when, when);
                if when.is_possible() {
                    found.push((*state, when));
                }
            }
        }
        found
    }

    fn ask(&mut self, at: usize, field: &'m ObjectField<'a>, from: &Met) -> AllAsked {
        let model = self.reach.model;
        let mut asked = AllAsked::new();
        for (state, when) in from {
            let Some(source) = source_in(&field.sources, state.subgraph) else { continue };
            let name = &model.types[state.ty].fields[at].merged.name;
            let provided = self.reach.provided.below(model, state.provided, state.ty, name, source.provides);
            asked.push(Asked { subgraph: state.subgraph, returned: model.returned(source), provided, when: *when });
        }
        asked
    }

    /// There must be one subgraph from which everything below can be fetched, in each combination of labels.
    fn one_alone(&mut self, index: usize, at: usize, asked: &AllAsked) {
        let mut rest = self.nodes[index].when;
        for one in asked {
            let when = self.reach.labels.and(rest, one.when);
            if when.is_possible() {
                let failed = self.attempt(index, at, Asked { when, ..*one });
                let served = self.reach.labels.without(when, failed);
                rest = self.reach.labels.without(rest, served);
            }
        }
        // What none of them can serve is reported for the first.
        for one in asked {
            let when = self.reach.labels.and(rest, one.when);
            if when.is_possible() {
                self.descend(index, at, smallvec![Asked { when, ..*one }]);
                rest = self.reach.labels.without(rest, when);
            }
        }
    }

    /// Walks on below one subgraph, without reports. Returns the combinations of labels in which that fails.
    fn attempt(&mut self, index: usize, at: usize, asked: Asked) -> When {
        let trial = (asked, self.nodes[index].below);
        if let Some(failed) = self.failed_trials.get(&trial) {
            return *failed;
        }
        let outer = self.trial.replace(When::NEVER);
        let queue = std::mem::take(&mut self.queue);
        let before = [self.nodes.len(), self.asked.len(), self.mismatched.len(), self.differing.len()];
        self.descend(index, at, smallvec![asked]);
        let mut failed = When::NEVER;
        loop {
            failed = self.trial.unwrap_or(failed);
            let is_decided = self.reach.labels.is_within(asked.when, failed) || self.reach.is_exhausted();
            let Some(node) = self.queue.pop_front().filter(|_| !is_decided) else { break };
            self.visit(node);
        }
        self.queue = queue;
        self.trial = outer;
        if failed.is_possible() {
            self.forget(before);
            self.failed_trials.insert(trial, failed);
        }
        failed
    }

    /// What was met on the way is proven only if everything is.
    fn forget(&mut self, [nodes, asked, mismatched, differing]: [usize; 4]) {
        for node in self.nodes.drain(nodes..) {
            self.seen[node.ty].retain(|seen| seen.index < nodes);
        }
        self.asked.truncate(asked);
        self.mismatched.truncate(mismatched);
        self.differing.truncate(differing);
    }

    fn descend(&mut self, index: usize, at: usize, asked: AllAsked) {
        let model = self.reach.model;
        let is_provided = asked.iter().any(|asked| asked.provided != ProvidedId::NOTHING);
        if let [Asked { returned: Returned::One(ty), .. }, rest @ ..] = asked.as_slice()
            && rest.iter().all(|asked| asked.returned == Returned::One(*ty))
        {
            if !self.is_known(*ty, &asked, is_provided) {
                self.arrive(index, at, *ty, &asked);
            }
            return;
        }
        let asked = (asked, self.nodes[index].below);
        if self.asked.contains(&asked) {
            return;
        }
        let (all, _) = &asked;
        // Mostly all subgraphs can return the same types.
        if let [first, rest @ ..] = all.as_slice()
            && rest.iter().all(|other| other.returned == first.returned)
        {
            for ty in model.types_of(&first.returned) {
                if !self.is_known(*ty, all, is_provided) {
                    self.arrive(index, at, *ty, all);
                }
            }
        } else {
            let mut by_type: BTreeMap<usize, AllAsked> = BTreeMap::new();
            for one in all {
                for ty in model.types_of(&one.returned) {
                    if !self.is_known(*ty, all, is_provided) {
                        by_type.entry(*ty).or_default().push(*one);
                    }
                }
            }
            for (ty, asked) in by_type {
                self.arrive(index, at, ty, &asked);
            }
        }
        self.asked.insert(asked);
    }

    /// Arrives at an object type behind a field.
    fn arrive(&mut self, index: usize, at: usize, ty: usize, asked: &AllAsked) {
        self.reach.budget.spend(asked.len());
        let model = self.reach.model;
        if model.types[ty].hidden {
            return;
        }
        let met = self.spread(ty, asked);
        let labels = &mut self.reach.labels;
        let when = asked.iter().fold(When::NEVER, |all, asked| labels.or(all, asked.when));
        let is_real = |state: &State| model.view(ty, state.subgraph).is_some_and(|view| view.real);
        let real = met.iter().filter(|(state, _)| is_real(state)).map(|(_, when)| *when);
        // Behind an interface object is an object whose type some subgraph must know.
        let unknown = real.fold(when, |rest, when| labels.without(rest, when));
        let when = labels.without(when, unknown);
        let above = self.nodes[index].below;
        let node = Node { ty, met, when, above, below: above, parent: Some((index, at)), operation: "" };
        if unknown.is_possible() {
            self.fail_unknown(&node, unknown);
        }
        if when.is_possible() {
            self.push(node);
        }
    }

    /// All states that can be reached from where a type is met.
    fn spread(&mut self, ty: usize, asked: &AllAsked) -> Met {
        let Reach { model, provided, .. } = &mut *self.reach;
        let state = |asked: &Asked| State {
            provided: provided.on(model, asked.provided, ty),
            ..State::new(ty, asked.subgraph)
        };
        let states: SmallVec<[State; 1]> = asked.iter().map(state).collect();
        let first = asked.first().map_or(When::NEVER, |asked| asked.when);
        if asked.iter().all(|asked| asked.when == first) {
            return self.reach.spread(&states).into_iter().map(|state| (state, first)).collect();
        }
        let mut met: BTreeMap<State, When> = BTreeMap::new();
        for (asked, state) in asked.iter().zip(states) {
            for state in self.reach.spread(&[state]) {
                let when = met.entry(state).or_insert(When::NEVER);
                *when = self.reach.labels.or(*when, asked.when);
            }
        }
        met.into_iter().collect()
    }

    /// A field can't be fetched at a node in some combinations of labels.
    fn fail(&mut self, index: usize, at: usize, missing: When) {
        if self.is_trial(missing) {
            return;
        }
        let node = &self.nodes[index];
        let failure = Failure::new(self.reach, &self.nodes, node, missing);
        if self.failed.insert((node.ty, Some(at), failure.subgraphs())) {
            let error = explain::error(self.reach, &self.nodes, index, at, &failure);
            self.proof.errors.push(error);
        }
    }

    /// At a node that is about to be pushed, no subgraph knows the type of the object.
    fn fail_unknown(&mut self, node: &Node, unknown: When) {
        if self.is_trial(unknown) {
            return;
        }
        let failure = Failure::new(self.reach, &self.nodes, node, unknown);
        if self.failed.insert((node.ty, None, failure.subgraphs())) {
            let error = explain::unknown_type(self.reach, &self.nodes, node, &failure);
            self.proof.errors.push(error);
        }
    }

    /// Subgraphs that share a field must be able to return the same types.
    fn runtime_types(&mut self, index: usize, at: usize, asked: &AllAsked) {
        let node = &self.nodes[index];
        let Some(mismatch) = self.compared.compare(self.reach, node, at, asked) else { return };
        if !mismatch.is_error {
            self.differing.push((index, at, mismatch));
        } else if !self.is_trial(mismatch.when) && self.mismatched.insert((self.nodes[index].ty, at)) {
            self.proof.errors.push(runtime_types::report(self.reach, &self.nodes, index, at, &mismatch));
        }
    }

    /// Hints at fields whose subgraphs return different types. A node that another one covers is left out, so that the hints do not depend
    /// on the order in which the walk met them.
    fn hint(&mut self) {
        let mut hinted: BTreeSet<(usize, usize)> = BTreeSet::new();
        for (index, at, mismatch) in std::mem::take(&mut self.differing) {
            let node = self.nodes[index].clone();
            if !self.is_seen(&node, Some(index)) && hinted.insert((node.ty, at)) {
                self.proof.hints.push(runtime_types::report(self.reach, &self.nodes, index, at, &mismatch));
            }
        }
    }

    /// Notes a failure that must not be reported: it belongs to a trial, or may be due to work that was left undone.
    fn is_trial(&mut self, when: When) -> bool {
        if self.reach.is_exhausted() {
            return true;
        }
        self.trial = self.trial.map(|failed| self.reach.labels.or(failed, when));
        self.trial.is_some()
    }
}
