//! What can be fetched from where, as a least fixpoint. Knows no operation and makes no plan.

use std::rc::Rc;

use ahash::AHashMap;
use braid_graphql::schema::TypeId;
use braid_supergraph::FieldInSubgraph;
use smallvec::SmallVec;

use crate::closure::{Closure, Found};
use crate::graph::{Jump, NodeId, Owner, QueryGraph};
use crate::requests::Requests;
use crate::standing::{Presence, Presences};

/// Decides which override labels are active.
pub trait Labels {
    /// Whether the label is on.
    fn is_active(&self, label: &str) -> bool;
}

impl<F: Fn(&str) -> bool> Labels for F {
    fn is_active(&self, label: &str) -> bool {
        self(label)
    }
}

/// The question took more work than was allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted;

/// What can be fetched for objects of a type that are at these places?
type Question<'g> = (TypeId, Presences<'g>);

/// A question whose answer is being found.
struct InProgress<'g> {
    question: Question<'g>,
    /// What was known of the answer when it was last shown to the questions within; `None` until one is the same.
    so_far: Option<Rc<Closure<'g>>>,
}

/// Answers questions about one graph under one set of labels, and remembers the answers.
pub struct Reach<'g> {
    graph: &'g QueryGraph,
    labels: &'g dyn Labels,
    memo: AHashMap<Question<'g>, Rc<Closure<'g>>>,
    in_progress: Vec<InProgress<'g>>,
    /// The lowest entry of `in_progress` whose answer so far an answer under way was made of.
    assumed: usize,
    work: u64,
    budget: u64,
}

impl<'g> Reach<'g> {
    /// Starts with nothing known. `budget` bounds the work, in units of about one field looked up.
    pub fn new(graph: &'g QueryGraph, labels: &'g dyn Labels, budget: u64) -> Self {
        Self { graph, labels, memo: AHashMap::new(), in_progress: Vec::new(), assumed: usize::MAX, work: 0, budget }
    }

    /// The graph that is asked.
    pub fn graph(&self) -> &'g QueryGraph {
        self.graph
    }

    /// Counts work that the caller does on the same budget.
    pub fn spend(&mut self, units: u64) -> Result<(), Exhausted> {
        self.work += units;
        if self.work > self.budget { Err(Exhausted) } else { Ok(()) }
    }

    /// Whether the subgraph resolves the field by itself, requirements aside.
    pub fn is_resolvable(&self, join: &FieldInSubgraph) -> bool {
        match &join.label {
            Some(condition) => !join.external && self.labels.is_active(&condition.label) == condition.active,
            None => !join.external && !join.used_overridden,
        }
    }

    /// The presences alone, before anything is entered.
    pub fn initial(&mut self, ty: TypeId, presences: &[Presence<'g>]) -> Result<Closure<'g>, Exhausted> {
        let compared = self.graph.nodes(ty).len() * presences.len() + self.graph.required_fields(ty).len();
        self.spend(1 + compared as u64 / 16)?;
        Ok(Closure::initial(self.graph, ty, presences))
    }

    /// Everything that can be fetched for `ty` from the presences.
    pub fn closure(&mut self, ty: TypeId, presences: &[Presence<'g>]) -> Result<Rc<Closure<'g>>, Exhausted> {
        let key = (ty, SmallVec::from(presences));
        if let Some(known) = self.memo.get(&key) {
            return Ok(known.clone());
        }
        // Of objects of the same type at the same places what can be fetched is what is known so far. When more is known, the
        // questions within are asked again.
        if let Some(at) = self.in_progress.iter().position(|open| open.question == key) {
            self.assumed = self.assumed.min(at);
            let graph = self.graph;
            let so_far = &mut self.in_progress[at].so_far;
            return Ok(so_far.get_or_insert_with(|| Rc::new(Closure::initial(graph, ty, presences))).clone());
        }
        let initial = self.initial(ty, presences)?;
        let depth = self.in_progress.len();
        self.in_progress.push(InProgress { question: key, so_far: None });
        let outer = std::mem::replace(&mut self.assumed, usize::MAX);
        let result = self.fixpoint(ty, initial, depth);
        let key = self.in_progress.pop().map(|open| open.question);
        let assumed = self.assumed;
        // What was assumed of an outer question holds for that question only.
        self.assumed = if assumed < depth { outer.min(assumed) } else { outer };
        let closure = Rc::new(result?);
        if let (Some(key), true) = (key, assumed >= depth) {
            self.memo.insert(key, closure.clone());
        }
        Ok(closure)
    }

    fn fixpoint(&mut self, ty: TypeId, mut state: Closure<'g>, depth: usize) -> Result<Closure<'g>, Exhausted> {
        let mut is_shown = true;
        loop {
            let entered = self.enter_nodes(ty, &mut state)?;
            state.find_telling(self.graph, ty);
            let changed = self.reach_fields(ty, &mut state)? || entered;
            is_shown &= !changed;
            let so_far = &mut self.in_progress[depth].so_far;
            if so_far.is_some() && !is_shown {
                *so_far = Some(Rc::new(state.clone()));
                is_shown = true;
            } else if !changed {
                return Ok(state);
            }
        }
    }

    /// One round over the nodes of the type; whether any is reached better than before. What improves during a round is seen in
    /// the next.
    fn enter_nodes(&mut self, ty: TypeId, state: &mut Closure<'g>) -> Result<bool, Exhausted> {
        let graph = self.graph;
        let mut changed = false;
        // Many nodes are entered by the same key.
        let mut keys: SmallVec<[(&'g Jump, Option<Found>); 4]> = SmallVec::new();
        for (id, node) in graph.numbered_nodes(ty) {
            // Nothing is entered before the stage of a jump's inputs, so what is present already cannot get better.
            if state.node(id).is_present {
                continue;
            }
            for (number, jump) in node.jumps.iter().enumerate() {
                self.spend(1)?;
                let inputs = match keys.iter().find(|(known, _)| known.needs_the_same(jump)) {
                    Some((_, inputs)) => inputs.clone(),
                    None => {
                        let inputs = self.inputs_of(ty, state, jump)?;
                        keys.push((jump, inputs.clone()));
                        inputs
                    }
                };
                let Some(inputs) = inputs else { continue };
                let reached = &mut state.nodes[id.index()];
                let found = inputs.followed_by(node.place.subgraph.index());
                if found.is_better_than(reached.found.as_ref()) {
                    (reached.found, reached.jump) = (Some(found), number);
                    changed = true;
                }
            }
        }
        Ok(changed)
    }

    /// The same for the fields with requirements.
    fn reach_fields(&mut self, ty: TypeId, state: &mut Closure<'g>) -> Result<bool, Exhausted> {
        let graph = self.graph;
        let mut changed = false;
        for index in 0..state.required.len() {
            let owner = state.required[index].owner;
            if !self.is_resolvable(graph.join(owner)) {
                continue;
            }
            let Some(required) = self.requirements_of(ty, state, owner)? else { continue };
            let node = &graph.nodes(ty)[owner.node.index()];
            for (number, jump) in node.jumps.iter().enumerate() {
                self.spend(1)?;
                let Some(mut inputs) = self.inputs_of(ty, state, jump)? else { continue };
                inputs.add(&required);
                let reached = &mut state.required[index];
                let found = inputs.followed_by(node.place.subgraph.index());
                if found.is_better_than(reached.found.as_ref()) {
                    (reached.found, reached.jump) = (Some(found), number);
                    changed = true;
                }
            }
        }
        Ok(changed)
    }

    /// How objects that are at a node already are looked up there once more, by a key made of what is at hand: the way that
    /// takes least.
    pub fn reentry(
        &mut self,
        ty: TypeId,
        state: &Closure<'g>,
        node: NodeId,
    ) -> Result<Option<(&'g Jump, Found)>, Exhausted> {
        let graph = self.graph;
        let node = &graph.nodes(ty)[node.index()];
        let mut best: Option<(&'g Jump, Found)> = None;
        for jump in &node.jumps {
            self.spend(1)?;
            let Some(inputs) = self.inputs_of(ty, state, jump)? else { continue };
            let found = inputs.followed_by(node.place.subgraph.index());
            if found.is_better_than(best.as_ref().map(|(_, found)| found)) {
                best = Some((jump, found));
            }
        }
        Ok(best)
    }

    fn requirements_of(&mut self, ty: TypeId, state: &Closure<'g>, owner: Owner) -> Result<Option<Found>, Exhausted> {
        match &self.graph.join(owner).requires {
            Some(requires) => self.resolve(ty, state, requires),
            None => Ok(Some(Found::default())),
        }
    }

    /// What it takes to have the key of a jump, and the runtime type where the representation names it.
    fn inputs_of(&mut self, ty: TypeId, state: &Closure<'g>, jump: &'g Jump) -> Result<Option<Found>, Exhausted> {
        let Some(mut found) = self.resolve(ty, state, &jump.key)? else { return Ok(None) };
        if !jump.by_interface {
            let Some(typename) = state.typename() else { return Ok(None) };
            found.add(typename);
        }
        Ok(Some(found))
    }
}

impl Jump {
    fn needs_the_same(&self, other: &Self) -> bool {
        self.on == other.on && self.by_interface == other.by_interface && self.text == other.text
    }
}

impl Found {
    /// This, and then a request to a subgraph.
    fn followed_by(mut self, subgraph: usize) -> Self {
        self.stage = self.stage.saturating_add(1);
        self.requests.add(&Requests::one(self.stage, subgraph));
        self
    }
}
