//! The least fixpoint: which subgraphs can be had from each state, and which `@requires` can be met.
//!
//! Both are [`Question`]s. A question that reads the answer to another is asked again when that answer grows, and only then: the work
//! follows the dependencies, not the number of questions there are.

use std::collections::{BTreeSet, VecDeque};

use ahash::{AHashMap, AHashSet};
use braid_graphql::compiler::Name;
use smallvec::{SmallVec, smallvec};

use super::model::{FieldThere, Join, Model, Place};
use crate::subgraph::facts::fields_of;
use crate::subgraph::field_set::{FieldSet, Item};
use crate::subgraph::model::{Directives, Field, is_root};
use crate::subgraph::spec::Known;

/// An object type in a subgraph. `provided` is an index into the interned field sets, 0 for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct State {
    pub(super) ty: usize,
    pub(super) subgraph: usize,
    pub(super) provided: usize,
    /// While the key of a subgraph is being asked for, that subgraph can't help with it: it, plus 1, or 0.
    pub(super) excluded: usize,
}

/// Some states of one type. Most types are in one subgraph only.
pub(super) type States = SmallVec<[State; 1]>;

/// States by the object type that is met there.
pub(super) type Below = SmallVec<[(usize, States); 1]>;

/// A subgraph that can be had, and by which key one came there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Had {
    subgraph: usize,
    key: Option<usize>,
}

/// `@requires` of a field: the type, the subgraph, the field.
type Requirement = (usize, usize, Name);

/// Something whose answer grows while others are found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Question {
    /// Which subgraphs can be had from a state?
    Reached(State),
    /// Can a field's `@requires` be met?
    Required(Requirement),
}

pub(super) struct Reach<'m, 'a> {
    pub(super) model: &'m Model<'a>,
    labels: &'m BTreeSet<String>,
    provided: Vec<FieldSet>,
    provided_ids: AHashMap<String, usize>,
    /// The subgraphs that can be had from a state, in the order in which they are found.
    table: AHashMap<State, Vec<Had>>,
    /// `@requires` of a field in a subgraph: can it be met there?
    requires: AHashMap<Requirement, bool>,
    /// The questions that must be asked, each once.
    queue: VecDeque<Question>,
    queued: AHashSet<Question>,
    /// The question that is being asked.
    asking: Option<Question>,
    /// The questions that read an answer.
    readers: AHashMap<Question, AHashSet<Question>>,
}

/// The same object in another subgraph: what the way to a state provides holds only there.
fn beside(state: State, subgraph: usize) -> State {
    let provided = if subgraph == state.subgraph { state.provided } else { 0 };
    State { subgraph, provided, ..state }
}

/// Why a subgraph does not resolve a field that it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unresolved {
    Unknown,
    External,
    Overridden,
    Requires,
}

impl Question {
    /// A place among all questions that does not depend on hashing.
    fn order(&self) -> (Option<State>, Option<&Requirement>) {
        match self {
            Self::Reached(state) => (Some(*state), None),
            Self::Required(requirement) => (None, Some(requirement)),
        }
    }
}

impl<'m, 'a> Reach<'m, 'a> {
    pub(super) fn new(model: &'m Model<'a>, labels: &'m BTreeSet<String>) -> Self {
        Reach {
            model,
            labels,
            provided: vec![FieldSet::default()],
            provided_ids: AHashMap::new(),
            table: AHashMap::new(),
            requires: AHashMap::new(),
            queue: VecDeque::new(),
            queued: AHashSet::new(),
            asking: None,
            readers: AHashMap::new(),
        }
    }

    /// All states that can be had from some of one type, themselves included, in order. New states are worked into the fixpoint first.
    pub(super) fn closure(&mut self, states: &[State]) -> States {
        let mut all = self.settled(|reach| reach.spread(states));
        all.sort_unstable();
        all
    }

    /// The subgraphs that can be had from some states of one type.
    pub(super) fn subgraphs(&mut self, states: &[State]) -> BTreeSet<usize> {
        self.closure(states).into_iter().map(|state| state.subgraph).collect()
    }

    /// Looks, and looks again once the fixpoint has taken in what the first look brought up.
    pub(super) fn settled<T>(&mut self, mut look: impl FnMut(&mut Self) -> T) -> T {
        let seen = look(self);
        if self.queue.is_empty() {
            return seen;
        }
        self.settle();
        look(self)
    }

    /// Asks all open questions, until no answer grows.
    fn settle(&mut self) {
        while let Some(question) = self.queue.pop_front() {
            self.queued.remove(&question);
            self.asking = Some(question.clone());
            match &question {
                Question::Reached(state) => self.grow(*state),
                Question::Required((ty, subgraph, field)) => {
                    if self.meets(*ty, *subgraph, field) {
                        self.requires.insert((*ty, *subgraph, field.clone()), true);
                        self.grown(&question);
                    }
                }
            }
            self.asking = None;
        }
    }

    fn enqueue(&mut self, question: Question) {
        if self.queued.insert(question.clone()) {
            self.queue.push_back(question);
        }
    }

    /// The answer to a question is read by the one that is being asked.
    fn read(&mut self, question: Question) {
        if let Some(asking) = &self.asking
            && *asking != question
        {
            self.readers.entry(question).or_default().insert(asking.clone());
        }
    }

    /// An answer has grown: whoever read it asks again. What is met stays met, and has no more to ask.
    fn grown(&mut self, question: &Question) {
        let mut readers: Vec<Question> = self.readers.get(question).into_iter().flatten().cloned().collect();
        readers.retain(|reader| match reader {
            Question::Reached(_) => true,
            Question::Required(requirement) => self.requires.get(requirement) != Some(&true),
        });
        // The order in which sets are walked must not decide which key is found first.
        readers.sort_by(|a, b| a.order().cmp(&b.order()));
        readers.into_iter().for_each(|reader| self.enqueue(reader));
    }

    /// Brings up a state's question if it is new, and reads its answer as far as it goes.
    fn ask(&mut self, state: State) {
        self.read(Question::Reached(state));
        if self.table.contains_key(&state) {
            return;
        }
        let places = &self.model.types[state.ty].places;
        let start = match *self.model.types[state.ty].name == "Query" {
            // A query can start again anywhere.
            true => places.iter().map(|p| Had { subgraph: p.subgraph, key: None }).collect(),
            false => vec![Had { subgraph: state.subgraph, key: None }],
        };
        let open = start.len() < places.len();
        self.table.insert(state, start);
        if open {
            self.enqueue(Question::Reached(state));
        }
    }

    /// What can be had from the states so far.
    fn spread(&mut self, states: &[State]) -> States {
        if let [state] = states
            && let [place] = self.model.types[state.ty].places.as_slice()
            && place.subgraph == state.subgraph
        {
            // There is nowhere to go.
            return smallvec![*state];
        }
        let mut found = States::new();
        let mut seen = AHashSet::new();
        for state in states {
            // What can be had from one that was had already was had with it.
            if seen.contains(state) {
                continue;
            }
            self.ask(*state);
            let here = self.table.get(state).into_iter().flatten().map(|had| beside(*state, had.subgraph));
            found.extend(here.filter(|at| states.len() == 1 || seen.insert(*at)));
        }
        found
    }

    fn grow(&mut self, state: State) {
        let ty = &self.model.types[state.ty];
        if is_root(ty.name) {
            return;
        }
        let mut here = self.table.get(&state).cloned().unwrap_or_default();
        let before = here.len();
        let mut is_here = vec![false; self.model.context.subgraphs.len()];
        here.iter().for_each(|had| is_here[had.subgraph] = true);
        let mut added = true;
        while added && here.len() < ty.places.len() {
            added = false;
            for place in &ty.places {
                if is_here[place.subgraph] || place.subgraph + 1 == state.excluded {
                    continue;
                }
                let Some(key) = self.enters(state, &here, place) else { continue };
                added = true;
                is_here[place.subgraph] = true;
                here.push(Had { subgraph: place.subgraph, key: Some(key) });
                // Whatever can be had from there can be had from here.
                let there = beside(state, place.subgraph);
                self.ask(there);
                for had in self.table.get(&there).into_iter().flatten() {
                    if !is_here[had.subgraph] {
                        is_here[had.subgraph] = true;
                        here.push(*had);
                    }
                }
                // Conditions of the next keys may need it.
                self.table.insert(state, here.clone());
            }
        }
        if here.len() > before {
            self.grown(&Question::Reached(state));
        }
    }

    /// The key by which a subgraph can be entered.
    fn enters(&mut self, state: State, here: &[Had], place: &Place<'a>) -> Option<usize> {
        let model = self.model;
        let real = |had: &Had| model.place(state.ty, had.subgraph).is_some_and(|p| p.real);
        let own = place.keys.iter().filter(|_| !place.real || here.iter().any(real));
        let interface = place.interface_keys.iter().filter(|_| !here.iter().all(real));
        let excluded = if state.excluded > 0 { state.excluded } else { place.subgraph + 1 };
        let mut keys = own.chain(interface).filter(|key| key.resolvable);
        // Where one came by a key, the same key leads no further than from where one came.
        keys.find(|key| {
            let at = here.iter().filter(|had| had.key != Some(key.id)).map(|had| beside(state, had.subgraph));
            self.can_right_here(state.ty, at, key.set, excluded)
        })
        .map(|key| key.id)
    }

    /// Like `can`, but all subgraphs that can be had are already given.
    fn can_right_here(
        &mut self,
        ty: usize,
        at: impl Iterator<Item = State> + Clone,
        set: &FieldSet,
        excluded: usize,
    ) -> bool {
        set.items.iter().all(|item| match item {
            Item::Fragment { condition, selection, .. } => match condition {
                Some(condition) if !self.model.applies(ty, condition) => true,
                _ => self.can_right_here(ty, at.clone(), selection, excluded),
            },
            Item::Field { name, .. } if name == "__typename" => true,
            Item::Field { name, selection, .. } => {
                let mut from = States::new();
                for state in at.clone() {
                    if self.resolves(state, name).is_ok() {
                        from.push(State { excluded, ..state });
                        if selection.is_empty() {
                            return true;
                        }
                    }
                }
                if from.is_empty() {
                    return false;
                }
                let below = self.below(&from, name);
                below.into_iter().all(|(_, states)| self.can(&states, selection))
            }
        })
    }

    /// Whether all that a field set selects can be had from some of the states, which are all of one type.
    pub(super) fn can(&mut self, states: &[State], set: &FieldSet) -> bool {
        let Some(first) = states.first() else { return true };
        let ty = first.ty;
        set.items.iter().all(|item| match item {
            Item::Fragment { condition, selection, .. } => match condition {
                Some(condition) if !self.model.applies(ty, condition) => true,
                _ => self.can(states, selection),
            },
            Item::Field { name, .. } if name == "__typename" => true,
            Item::Field { name, selection, .. } => {
                let from = self.resolvers(states, name);
                if from.is_empty() {
                    return false;
                }
                if selection.is_empty() {
                    return true;
                }
                let below = self.below(&from, name);
                below.into_iter().all(|(_, states)| self.can(&states, selection))
            }
        })
    }

    /// The states in which a field is resolved: one of `states`, or reached from there by keys.
    fn resolvers(&mut self, states: &[State], field: &str) -> States {
        let mut all = self.spread(states);
        all.sort_unstable();
        let Some(ty) = all.first().map(|state| state.ty) else { return all };
        self.resolvers_among(&all, field, self.model.having(ty, field))
    }

    /// Those of some states of one type, which are in order, in which a field is resolved that some subgraphs have.
    pub(super) fn resolvers_among(&mut self, states: &[State], field: &str, having: &[FieldThere<'a>]) -> States {
        let mut found = States::new();
        let mut rest = states;
        for there in having {
            rest = &rest[rest.partition_point(|state| state.subgraph < there.subgraph)..];
            let here = rest.partition_point(|state| state.subgraph == there.subgraph);
            found.extend(
                rest[..here].iter().copied().filter(|state| self.resolves_there(*state, field, *there).is_ok()),
            );
        }
        found
    }

    /// Whether a field is resolved right in a state.
    pub(super) fn resolves(&mut self, state: State, name: &str) -> Result<(), Unresolved> {
        let having = self.model.having(state.ty, name);
        match having.binary_search_by_key(&state.subgraph, |there| there.subgraph) {
            Ok(at) => self.resolves_there(state, name, having[at]),
            Err(_) => Err(Unresolved::Unknown),
        }
    }

    fn resolves_there(&mut self, state: State, name: &str, there: FieldThere<'a>) -> Result<(), Unresolved> {
        let FieldThere { field, join, has_requires, .. } = there;
        let provided =
            state.provided > 0 && self.model.selected(&self.provided[state.provided], state.ty, name).is_some();
        match join {
            Join::Gone => return Err(Unresolved::Overridden),
            Join::Plain => {}
            Join::Written(join) => {
                if join.external && !provided {
                    return Err(Unresolved::External);
                }
                if let Some(label) = &join.override_label {
                    // The overriding side resolves the field while its label is on.
                    let on = self.labels.contains(label);
                    if on != join.override_from.is_some() {
                        return Err(Unresolved::Overridden);
                    }
                } else if join.used_overridden {
                    return Err(Unresolved::Overridden);
                }
            }
        }
        match has_requires {
            true if !self.required(state.ty, state.subgraph, field) => Err(Unresolved::Requires),
            _ => Ok(()),
        }
    }

    fn required(&mut self, ty: usize, subgraph: usize, field: &Field) -> bool {
        let requirement = (ty, subgraph, field.name.clone());
        self.read(Question::Required(requirement.clone()));
        if let Some(met) = self.requires.get(&requirement) {
            return *met;
        }
        self.requires.insert(requirement.clone(), false);
        self.enqueue(Question::Required(requirement));
        false
    }

    fn meets(&mut self, ty: usize, subgraph: usize, name: &Name) -> bool {
        let model = self.model;
        let Some((field, _)) = model.field(ty, subgraph, name) else { return false };
        // What is required comes from elsewhere, and one must come back with it.
        if !model.place(ty, subgraph).is_some_and(|p| p.local_key) {
            return false;
        }
        let state = State { ty, subgraph, provided: 0, excluded: 0 };
        field.all(Known::Requires).filter_map(fields_of).all(|set| self.can(&[state], &set))
    }

    /// The states below a field of one type.
    fn below(&mut self, from: &[State], name: &str) -> Below {
        match from.first() {
            Some(first) => self.below_among(from, self.model.having(first.ty, name)),
            None => Below::new(),
        }
    }

    /// The states below a field that some subgraphs have.
    pub(super) fn below_among(&mut self, from: &[State], having: &[FieldThere<'a>]) -> Below {
        let model = self.model;
        let mut below = Below::new();
        for state in from {
            let Ok(at) = having.binary_search_by_key(&state.subgraph, |there| there.subgraph) else { continue };
            let FieldThere { field, object, has_provides, .. } = &having[at];
            let provided = match state.provided > 0 || *has_provides {
                true => self.provided_below(*state, field),
                false => 0,
            };
            let types = match object {
                Some(object) => std::slice::from_ref(object),
                None => model.runtime(state.subgraph, field.ty.inner_named_type()),
            };
            for ty in types {
                let next = State { ty: *ty, provided, ..*state };
                match below.iter_mut().find(|(t, _)| t == ty) {
                    Some((_, states)) => {
                        if !states.contains(&next) {
                            states.push(next);
                        }
                    }
                    None => below.push((*ty, smallvec![next])),
                }
            }
        }
        below
    }

    fn provided_below(&mut self, state: State, field: &Field) -> usize {
        let mut set = FieldSet::default();
        if state.provided > 0
            && let Some(inner) = self.model.selected(&self.provided[state.provided], state.ty, &field.name)
        {
            set.items.extend(inner.items);
        }
        for provides in field.all(Known::Provides).filter_map(fields_of) {
            set.items.extend(provides.items);
        }
        if set.is_empty() {
            return 0;
        }
        let text = set.to_string();
        if let Some(id) = self.provided_ids.get(&text) {
            return *id;
        }
        let id = self.provided.len();
        self.provided.push(set);
        self.provided_ids.insert(text, id);
        id
    }
}
