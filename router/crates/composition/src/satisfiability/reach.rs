//! The least fixpoint: which subgraphs can be reached from each state, and which `@requires` can be met.
//!
//! Both are [`Question`]s. A question that reads the answer to another is asked again when that answer grows, and only then, so the work
//! depends on the dependencies, not on the number of questions. Answers only grow, so the order of asking does not matter.

use std::collections::VecDeque;
use std::rc::Rc;

use ahash::{AHashMap, AHashSet};
use smallvec::{SmallVec, smallvec};

use super::contexts::{ValueSets, Values};
use super::labels::{Labels, When};
use super::model::{Join, Model, Source, source_in};
use super::moves::{Moves, Search};
use super::provided::{Provided, ProvidedId};
use crate::subgraph::model::is_root;
use braid_graphql::field_set::FieldSet;
use braid_supergraph::join_spec::draft::DraftContextArgument;

/// An object type in a subgraph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct State {
    pub(super) ty: usize,
    pub(super) subgraph: usize,
    pub(super) provided: ProvidedId,
    /// While the key of a subgraph is asked for, that subgraph can't help with it.
    pub(super) excluded: Option<usize>,
}

/// Some states of one type. Most types are in one subgraph only.
pub(super) type States = SmallVec<[State; 1]>;

/// A subgraph that can be reached from a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) subgraph: usize,
    /// What can be reached from there was reached with it.
    pub(super) whole: bool,
}

/// `@requires` of a field in a subgraph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Requirement {
    ty: usize,
    subgraph: usize,
    /// The field's number in the type.
    field: usize,
}

/// Something whose answer grows while others are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Question {
    /// Which subgraphs can be reached from a state?
    Reached(State),
    /// Can a field's `@requires` be met?
    Required(Requirement),
}

/// Why a subgraph does not resolve a field that it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unresolved {
    Unknown,
    External,
    Overridden,
    Requires,
    /// No object above has the value of a contextual argument.
    Context,
}

pub(super) struct Reach<'m, 'a> {
    pub(super) model: &'m Model<'a>,
    pub(super) labels: Labels<'a>,
    pub(super) provided: Provided,
    pub(super) values: ValueSets,
    pub(super) budget: Budget,
    moves: Vec<Option<Rc<Moves<'m>>>>,
    /// The subgraphs that can be reached from a state, in order.
    reached: AHashMap<State, Rc<[Reached]>>,
    required: AHashMap<Requirement, bool>,
    /// Whether a subgraph resolves a field set for a type alone.
    pub(super) alone: AHashMap<(usize, usize, *const FieldSet), bool>,
    /// The questions that must be asked, each once.
    queue: VecDeque<Question>,
    queued: AHashSet<Question>,
    /// The question that is being asked.
    asking: Option<Question>,
    /// The questions that read an answer.
    readers: AHashMap<Question, AHashSet<Question>>,
}

/// Bounds the work, in units of about one field looked at in one subgraph.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    pub(super) spent: u64,
    limit: u64,
}

impl Budget {
    pub(super) fn new(limit: u64) -> Self {
        Budget { spent: 0, limit }
    }

    pub(super) fn spend(&mut self, units: usize) {
        self.spent += units as u64;
    }

    pub(super) fn is_exhausted(&self) -> bool {
        self.spent > self.limit
    }
}

impl State {
    pub(super) fn new(ty: usize, subgraph: usize) -> Self {
        State { ty, subgraph, provided: ProvidedId::NOTHING, excluded: None }
    }

    /// The same object in another subgraph: what the way to a state provides holds only there.
    fn beside(self, subgraph: usize) -> Self {
        let provided = if subgraph == self.subgraph { self.provided } else { ProvidedId::NOTHING };
        State { subgraph, provided, ..self }
    }
}

impl<'m, 'a> Reach<'m, 'a> {
    pub(super) fn new(model: &'m Model<'a>, labels: Labels<'a>, budget: Budget) -> Self {
        Reach {
            model,
            labels,
            provided: Provided::new(),
            values: ValueSets::new(),
            budget,
            moves: model.types.iter().map(|_| None).collect(),
            reached: AHashMap::new(),
            required: AHashMap::new(),
            alone: AHashMap::new(),
            queue: VecDeque::new(),
            queued: AHashSet::new(),
            asking: None,
            readers: AHashMap::new(),
        }
    }

    /// The budget is used up. What was not reached may still be reachable.
    pub(super) fn is_exhausted(&self) -> bool {
        self.budget.is_exhausted() || self.labels.is_exhausted()
    }

    /// All states that can be reached from some of one type, themselves included, in order.
    pub(super) fn spread(&mut self, states: &[State]) -> States {
        let mut found: States = SmallVec::new();
        if let [first, ..] = states
            && states.iter().all(|state| state.provided == ProvidedId::NOTHING && state.excluded.is_none())
            && self.model.types[first.ty].views.len() > 1
            && self.is_whole(first.ty)
        {
            let views = &self.model.types[first.ty].views;
            self.budget.spend(views.len());
            return views.iter().map(|view| first.beside(view.subgraph)).collect();
        }
        let mut seen: AHashMap<State, bool> = AHashMap::new();
        for state in states {
            if seen.get(state) == Some(&true) {
                continue;
            }
            let reached = self.reached(*state);
            self.budget.spend(reached.len());
            if let ([_], [_]) = (states, &*reached) {
                return smallvec![*state];
            }
            for Reached { subgraph, whole } in reached.iter() {
                let whole_before = seen.entry(state.beside(*subgraph)).or_insert_with_key(|at| {
                    found.push(*at);
                    false
                });
                *whole_before |= whole;
            }
        }
        found.sort_unstable();
        found
    }

    /// Whether all views of a type are reached from each of them.
    pub(super) fn is_whole(&mut self, ty: usize) -> bool {
        let object = &self.model.types[ty];
        match object.views.len() {
            1 => true,
            _ if is_root(object.name) => false,
            _ => self.moves(ty).hub.as_ref().is_some_and(|hub| hub.is_whole),
        }
    }

    /// In which combinations of labels a subgraph resolves a field of a type directly in a state.
    pub(super) fn resolves(&mut self, state: State, field: usize, source: &Source<'a>) -> Result<When, Unresolved> {
        self.budget.spend(1);
        let mut when = When::ALWAYS;
        match source.join {
            Join::Gone => return Err(Unresolved::Overridden),
            Join::Plain => {}
            Join::Written(join) => {
                if join.external && !self.provided.has(self.model, state.provided, state.ty, &source.field.name) {
                    return Err(Unresolved::External);
                }
                if let Some(label) = &join.override_label {
                    // The overriding side resolves the field while its label is on.
                    when = self.labels.when(label, join.override_from.is_some());
                } else if join.used_overridden {
                    return Err(Unresolved::Overridden);
                }
            }
        }
        let requirement = Requirement { ty: state.ty, subgraph: state.subgraph, field };
        match source.requires.is_some() && !self.is_met(requirement) {
            true => Err(Unresolved::Requires),
            false => Ok(when),
        }
    }

    /// The first argument of a field for which the objects above have no value.
    pub(super) fn unfilled(&self, source: &Source<'a>, above: Values) -> Option<&'a DraftContextArgument> {
        let known = self.values.get(above);
        source.context_arguments().iter().find(|argument| {
            let value = self.model.contexts.value_of(argument);
            value.is_none_or(|value| known.binary_search(&value).is_err())
        })
    }

    /// Whether a condition can rely on a subgraph's field: the subgraph resolves it whatever the labels are.
    pub(super) fn gives(&mut self, state: State, field: usize, source: &Source<'a>) -> bool {
        self.resolves(state, field, source) == Ok(When::ALWAYS)
    }

    /// The subgraphs that can be reached from a state. Outside of questions that is final; within one it is what is known so far.
    fn reached(&mut self, state: State) -> Rc<[Reached]> {
        let ty = &self.model.types[state.ty];
        let here = Reached { subgraph: state.subgraph, whole: true };
        if ty.name == "Query" {
            // A query can start again anywhere.
            return ty.views.iter().map(|view| Reached { subgraph: view.subgraph, whole: true }).collect();
        }
        if ty.views.len() == 1 || is_root(ty.name) {
            return Rc::new([here]);
        }
        let moves = self.moves(state.ty);
        if moves.rules.is_empty() {
            return Rc::new([here]);
        }
        if let Some(hub) = moves.hub.as_ref().filter(|_| state.excluded.is_none())
            && let Ok(view) = ty.views.binary_search_by_key(&state.subgraph, |view| view.subgraph)
            && let Some(reached) = hub.reached_from(view, state.subgraph)
        {
            return reached;
        }
        let question = Question::Reached(state);
        self.read(question);
        if let Some(known) = self.reached.get(&state) {
            return known.clone();
        }
        let start: Rc<[Reached]> = Rc::new([here]);
        self.reached.insert(state, start.clone());
        self.enqueue(question);
        self.settle();
        self.reached.get(&state).cloned().unwrap_or(start)
    }

    fn is_met(&mut self, requirement: Requirement) -> bool {
        let question = Question::Required(requirement);
        self.read(question);
        if let Some(met) = self.required.get(&requirement) {
            return *met;
        }
        self.required.insert(requirement, false);
        self.enqueue(question);
        self.settle();
        self.required.get(&requirement) == Some(&true)
    }

    /// Asks all open questions until no answer grows; not from within a question.
    fn settle(&mut self) {
        if self.asking.is_some() {
            return;
        }
        while let Some(question) = self.queue.pop_front() {
            self.queued.remove(&question);
            if self.is_exhausted() {
                continue;
            }
            self.asking = Some(question);
            let has_grown = match question {
                Question::Reached(state) => self.grow(state),
                Question::Required(requirement) => self.meet(requirement),
            };
            self.asking = None;
            if has_grown {
                self.ask_readers(question);
            }
        }
    }

    fn enqueue(&mut self, question: Question) {
        if self.queued.insert(question) {
            self.queue.push_back(question);
        }
    }

    /// The answer to a question is read by the one that is being asked.
    fn read(&mut self, question: Question) {
        if let Some(asking) = self.asking
            && asking != question
        {
            self.readers.entry(question).or_default().insert(asking);
        }
    }

    /// An answer has grown: the questions that read it are asked again, except requirements that are met already.
    fn ask_readers(&mut self, question: Question) {
        let readers: Vec<Question> = self.readers.get(&question).into_iter().flatten().copied().collect();
        for reader in readers {
            let is_done = matches!(reader, Question::Required(known) if self.required.get(&known) == Some(&true));
            if !is_done {
                self.enqueue(reader);
            }
        }
    }

    /// Asks which subgraphs can be reached, and returns whether there are more than before.
    fn grow(&mut self, state: State) -> bool {
        let model = self.model;
        let views = &model.types[state.ty].views;
        let view_of = |subgraph: usize| views.binary_search_by_key(&subgraph, |view| view.subgraph).ok();
        let Some(start) = view_of(state.subgraph) else { return false };
        let moves = self.moves(state.ty);
        self.budget.spend(views.len() + moves.rules.len());
        let mut search = Search::new(&moves, views, start, state.excluded.and_then(view_of));
        loop {
            while let Some(view) = search.next_view() {
                let here = state.beside(views[view].subgraph);
                let supplies = moves.supplies[view].iter().copied();
                let resolved: SmallVec<[usize; 4]> =
                    supplies.filter(|wanted| self.gives_wanted(here, moves.wanted[*wanted])).collect();
                search.supply(view, &resolved);
            }
            let Some(rule) = search.next_nested() else { break };
            self.nested(state, &moves, rule, &mut search);
        }
        let found: Rc<[Reached]> =
            search.found().map(|(view, whole)| Reached { subgraph: views[view].subgraph, whole }).collect();
        if self.reached.get(&state).is_some_and(|known| **known == *found) {
            return false;
        }
        self.reached.insert(state, found);
        true
    }

    fn gives_wanted(&mut self, state: State, field: usize) -> bool {
        let sources = &self.model.types[state.ty].fields[field].sources;
        source_in(sources, state.subgraph).is_some_and(|source| self.gives(state, field, source))
    }

    /// Enters the views that a key with nested selections opens.
    fn nested(&mut self, state: State, moves: &Moves<'m>, number: usize, search: &mut Search<'_, 'm, 'a>) {
        let views = &self.model.types[state.ty].views;
        let rule = &moves.rules[number];
        let mut given: SmallVec<[(usize, States, &FieldSet); 1]> = SmallVec::new();
        for (wanted, selection) in &rule.nested {
            let helpers = search.helpers(rule, *wanted).map(|view| state.beside(views[view].subgraph)).collect();
            given.push((moves.wanted[*wanted], helpers, selection));
        }
        if given.iter().all(|(field, helpers, selection)| self.is_given_alone(helpers, *field, selection)) {
            search.enter_all(number);
            return;
        }
        for entry in &rule.entries {
            if !search.is_open(rule, *entry) {
                continue;
            }
            let excluded = state.excluded.or(Some(views[entry.view].subgraph));
            let is_given = given.iter().all(|(field, helpers, selection)| {
                let helpers: States = helpers.iter().map(|helper| State { excluded, ..*helper }).collect();
                self.is_given_below(&helpers, *field, selection)
            });
            if is_given {
                search.enter(number, *entry, false);
            }
        }
    }

    fn moves(&mut self, ty: usize) -> Rc<Moves<'m>> {
        let model = self.model;
        self.moves[ty].get_or_insert_with(|| Rc::new(Moves::new(model, ty))).clone()
    }

    /// Asks whether a `@requires` can be met.
    fn meet(&mut self, requirement: Requirement) -> bool {
        let model = self.model;
        let Requirement { ty, subgraph, field } = requirement;
        // What is required comes from elsewhere, so there must be a way back.
        let comes_back = model.view(ty, subgraph).is_some_and(|view| view.local_key);
        let source = source_in(&model.types[ty].fields[field].sources, subgraph);
        let Some(set) = source.and_then(|source| source.requires).filter(|_| comes_back) else { return false };
        let is_met = self.is_given(&[State::new(ty, subgraph)], model.field_set(set));
        if is_met {
            self.required.insert(requirement, true);
        }
        is_met
    }
}
