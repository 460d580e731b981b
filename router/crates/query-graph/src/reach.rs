//! What can be had from where, as a least fixpoint. Knows no operation and makes no plan.

use std::hash::{Hash, Hasher};
use std::rc::Rc;

use ahash::AHashMap;
use braid_graphql::operation::{Field, FieldRef, SelectionSet};
use braid_graphql::schema::{FieldId, TypeId};
use braid_supergraph::FieldInSubgraph;
use smallvec::SmallVec;

use crate::graph::{Owner, Place, QueryGraph};
use crate::requests::Requests;

const UNREACHED: u8 = u8::MAX;

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

/// The external selections that a place gives because the path to it provides them (`@provides`).
#[derive(Debug, Clone, Default)]
pub struct Provided<'g>(SmallVec<[&'g SelectionSet; 1]>);

/// Where one stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Presence<'g> {
    /// The place.
    pub place: Place,
    /// The stage at which it is reached, relative to where the question starts.
    pub stage: u8,
    /// What is provided there.
    pub provided: Provided<'g>,
}

/// What it takes to have something.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The stage after which it is there.
    pub stage: u8,
    /// The requests that it takes, those of the presences that it uses included.
    pub requests: Requests,
}

/// A place of a type, as reached from the presences.
#[derive(Debug, Clone)]
pub struct Node<'g> {
    /// The presence there that comes first.
    pub presence: Option<usize>,
    /// The best way to be there, when there is one.
    pub found: Option<Found>,
    /// The way in that was taken, when no presence is there.
    pub way: usize,
    provided: Provided<'g>,
}

/// A field with requirements, as reached from the presences.
#[derive(Debug, Clone)]
pub struct Required {
    /// The field and its place.
    pub owner: Owner,
    /// The way in that was taken for it.
    pub way: usize,
    /// The best way to have it, when there is one.
    pub found: Option<Found>,
}

/// Everything that can be had for a type from some presences.
#[derive(Debug, Clone)]
pub struct Closure<'g> {
    /// For each place of the type, in the graph's order.
    pub nodes: Vec<Node<'g>>,
    /// For each field with requirements.
    pub required: Vec<Required>,
    /// The node that tells the runtime type first: at once where a regular place is among the presences.
    typename: Option<usize>,
}

/// The question took more work than was allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted;

/// Answers questions about one graph under one set of labels, and remembers the answers.
pub struct Reach<'g> {
    graph: &'g QueryGraph,
    labels: &'g dyn Labels,
    memo: AHashMap<(TypeId, SmallVec<[Presence<'g>; 1]>), Rc<Closure<'g>>>,
    in_progress: Vec<(TypeId, SmallVec<[Presence<'g>; 1]>)>,
    /// The lowest entry of `in_progress` that an answer under way took as unreachable.
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

    /// How much work was done.
    pub fn work(&self) -> u64 {
        self.work
    }

    /// Whether the subgraph resolves the field by itself, requirements aside.
    pub fn is_resolvable(&self, join: &FieldInSubgraph) -> bool {
        match &join.label {
            Some(condition) => !join.external && self.labels.is_active(&condition.label) == condition.active,
            None => !join.external && !join.used_overridden,
        }
    }

    /// The presences alone, before anything is entered.
    pub fn initial(&self, ty: TypeId, presences: &[Presence<'g>]) -> Closure<'g> {
        let places = self.graph.places(ty);
        let node = |place: &crate::graph::PlaceOfType| {
            let here = presences.iter().enumerate().filter(|(_, presence)| presence.place == place.place);
            let first = here.min_by_key(|(_, presence)| presence.stage);
            let found = first.map(|(_, presence)| Found {
                stage: presence.stage,
                requests: Requests::one(presence.stage, place.place.subgraph.index()),
            });
            Node {
                presence: first.map(|(index, _)| index),
                found,
                way: 0,
                provided: first.map(|(_, presence)| presence.provided.clone()).unwrap_or_default(),
            }
        };
        let nodes: Vec<Node<'g>> = places.iter().map(node).collect();
        let required = self
            .graph
            .required_fields(ty)
            .iter()
            .map(|required| Required { owner: required.owner, way: 0, found: None })
            .collect();
        let mut closure = Closure { nodes, required, typename: None };
        closure.find_typename(self.graph, ty);
        closure
    }

    /// Everything that can be had for `ty` from the presences.
    pub fn closure(&mut self, ty: TypeId, presences: &[Presence<'g>]) -> Result<Rc<Closure<'g>>, Exhausted> {
        let key = (ty, SmallVec::from(presences));
        if let Some(known) = self.memo.get(&key) {
            return Ok(known.clone());
        }
        let initial = self.initial(ty, presences);
        // A shortest proof never needs itself: within its own question a question is answered by what is given.
        if let Some(at) = self.in_progress.iter().position(|open| *open == key) {
            self.assumed = self.assumed.min(at);
            return Ok(Rc::new(initial));
        }
        let depth = self.in_progress.len();
        self.in_progress.push(key);
        let outer = std::mem::replace(&mut self.assumed, usize::MAX);
        let result = self.fixpoint(ty, initial);
        let key = self.in_progress.pop();
        let assumed = self.assumed;
        // What was assumed of an outer question holds for that question only.
        self.assumed = if assumed < depth { outer.min(assumed) } else { outer };
        let closure = Rc::new(result?);
        if let (Some(key), true) = (key, assumed >= depth) {
            self.memo.insert(key, closure.clone());
        }
        Ok(closure)
    }

    fn fixpoint(&mut self, ty: TypeId, mut state: Closure<'g>) -> Result<Closure<'g>, Exhausted> {
        let graph = self.graph;
        loop {
            let mut changed = false;
            // Many places are entered by the same key. What improves during a round is seen in the next.
            let mut keys: SmallVec<[(&'g crate::graph::WayIn, Option<Found>); 4]> = SmallVec::new();
            for (index, place) in graph.places(ty).iter().enumerate() {
                for (number, way) in place.ways_in.iter().enumerate() {
                    // Nothing is entered before the stage of a way's inputs, so what is there already cannot get better.
                    if state.nodes[index].presence.is_some() {
                        break;
                    }
                    let same = |known: &&crate::graph::WayIn| {
                        known.on == way.on && known.by_interface == way.by_interface && known.text == way.text
                    };
                    let inputs = match keys.iter().find(|(known, _)| same(known)) {
                        Some((_, inputs)) => inputs.clone(),
                        None => {
                            let inputs = self.way_in(ty, &state, way)?;
                            keys.push((way, inputs.clone()));
                            inputs
                        }
                    };
                    let Some(mut inputs) = inputs else { continue };
                    inputs.stage += 1;
                    inputs.requests.add(&Requests::one(inputs.stage, place.place.subgraph.index()));
                    if inputs.is_better_than(state.nodes[index].found.as_ref()) {
                        state.nodes[index].found = Some(inputs);
                        state.nodes[index].way = number;
                        changed = true;
                    }
                }
            }
            state.find_typename(graph, ty);
            for index in 0..state.required.len() {
                let owner = state.required[index].owner;
                let Some(join) = graph.join(owner, ty).filter(|join| self.is_resolvable(join)) else { continue };
                let place = &graph.places(ty)[usize::from(owner.place)];
                let Some(required) = self.requirements(ty, &state, join)? else { continue };
                for (number, way) in place.ways_in.iter().enumerate() {
                    let Some(mut inputs) = self.way_in(ty, &state, way)? else { continue };
                    inputs.add(&required);
                    inputs.stage += 1;
                    inputs.requests.add(&Requests::one(inputs.stage, place.place.subgraph.index()));
                    if inputs.is_better_than(state.required[index].found.as_ref()) {
                        state.required[index].found = Some(inputs);
                        state.required[index].way = number;
                        changed = true;
                    }
                }
            }
            if !changed {
                return Ok(state);
            }
        }
    }

    fn requirements(
        &mut self,
        ty: TypeId,
        state: &Closure<'g>,
        join: &'g FieldInSubgraph,
    ) -> Result<Option<Found>, Exhausted> {
        match &join.requires {
            Some(requires) => self.resolve(ty, state, requires),
            None => Ok(Some(Found::default())),
        }
    }

    fn way_in(
        &mut self,
        ty: TypeId,
        state: &Closure<'g>,
        way: &'g crate::graph::WayIn,
    ) -> Result<Option<Found>, Exhausted> {
        let Some(mut found) = self.resolve(ty, state, &way.key)? else { return Ok(None) };
        if !way.by_interface {
            let Some(typename) = state.typename() else { return Ok(None) };
            found.add(typename);
        }
        Ok(Some(found))
    }

    /// What it takes to have all of a field set for objects of type `ty`, in a state of the search.
    pub fn resolve(
        &mut self,
        ty: TypeId,
        state: &Closure<'g>,
        set: &'g SelectionSet,
    ) -> Result<Option<Found>, Exhausted> {
        let mut all = Found::default();
        let no_types = self.graph.supergraph().schema.ty(ty).is_interface();
        for field in &set.fields {
            if !no_types && !field.guard.contains(ty) {
                continue;
            }
            self.spend(1)?;
            let found = match field.definition {
                FieldRef::Typename => state.typename().cloned(),
                FieldRef::Field(id) => self.resolve_field(ty, state, id, field)?,
                _ => None,
            };
            let Some(found) = found else { return Ok(None) };
            all.add(&found);
        }
        Ok(Some(all))
    }

    fn resolve_field(
        &mut self,
        ty: TypeId,
        state: &Closure<'g>,
        id: FieldId,
        field: &'g Field,
    ) -> Result<Option<Found>, Exhausted> {
        let mut best: Option<Found> = None;
        for owner in self.graph.owners(id, ty) {
            let Some(mut found) = self.available(ty, state, owner) else { continue };
            if let Some(below) = &field.selection_set {
                let presence = [self.child_presence(ty, owner, &state.nodes[usize::from(owner.place)].provided, 0)];
                let Some(child) = self.resolve_below(ty, owner, &presence, below)? else { continue };
                found.requests.add_later(&child.requests, found.stage);
                found.stage += child.stage;
            }
            if found.is_better_than(best.as_ref()) {
                best = Some(found);
            }
        }
        match (&best, &field.selection_set) {
            (None, Some(below)) => self.resolve_together(ty, state, id, below),
            _ => Ok(best),
        }
    }

    /// A composite that no single place completes, asked of all places and merged by position.
    fn resolve_together(
        &mut self,
        ty: TypeId,
        state: &Closure<'g>,
        id: FieldId,
        below: &'g SelectionSet,
    ) -> Result<Option<Found>, Exhausted> {
        let mut presences: SmallVec<[Presence<'g>; 4]> = SmallVec::new();
        let mut asked = Requests::default();
        let mut first = None;
        for owner in self.graph.owners(id, ty) {
            let Some(found) = self.available(ty, state, owner) else { continue };
            let provided = &state.nodes[usize::from(owner.place)].provided;
            presences.push(self.child_presence(ty, owner, provided, found.stage));
            asked.add(&found.requests);
            first.get_or_insert(owner);
        }
        let (Some(owner), true) = (first, presences.len() > 1) else { return Ok(None) };
        let Some(mut found) = self.resolve_below(ty, owner, &presences, below)? else { return Ok(None) };
        found.requests.add(&asked);
        Ok(Some(found))
    }

    fn resolve_below(
        &mut self,
        ty: TypeId,
        owner: Owner,
        presences: &[Presence<'g>],
        below: &'g SelectionSet,
    ) -> Result<Option<Found>, Exhausted> {
        let Some(join) = self.graph.join(owner, ty) else { return Ok(None) };
        let place = self.graph.places(ty)[usize::from(owner.place)].place;
        let inner = self.graph.type_in_subgraph(join, owner.field);
        let (_, possible) = self.graph.returned(inner, place.subgraph);
        let mut all = Found::default();
        if possible.is_empty() && self.graph.supergraph().schema.ty(inner).is_interface() {
            return self.resolve_at(inner, presences, below);
        }
        for ty in possible.iter() {
            let Some(found) = self.resolve_at(ty, presences, below)? else { return Ok(None) };
            all.add(&found);
        }
        Ok(Some(all))
    }

    /// What it takes to have all of a field set for objects of type `ty` from the presences.
    pub fn resolve_at(
        &mut self,
        ty: TypeId,
        presences: &[Presence<'g>],
        set: &'g SelectionSet,
    ) -> Result<Option<Found>, Exhausted> {
        let initial = self.initial(ty, presences);
        if let Some(found) = self.resolve(ty, &initial, set)? {
            return Ok(Some(found));
        }
        let closure = self.closure(ty, presences)?;
        self.resolve(ty, &closure, set)
    }

    /// What it takes to be able to ask a field of its owner.
    pub fn available(&self, ty: TypeId, state: &Closure<'g>, owner: Owner) -> Option<Found> {
        let join = self.graph.join(owner, ty)?;
        let node = &state.nodes[usize::from(owner.place)];
        if !self.is_resolvable(join) {
            let name = &self.graph.supergraph().schema.field(owner.field).name;
            return if node.provided.has(ty, name) { node.found.clone() } else { None };
        }
        if join.requires.is_none() && join.context_arguments.is_empty() {
            return node.found.clone();
        }
        state.required.iter().find(|required| required.owner == owner)?.found.clone()
    }

    /// Where one stands below a field that is asked of its owner.
    pub fn child_presence(&self, ty: TypeId, owner: Owner, provided: &Provided<'g>, stage: u8) -> Presence<'g> {
        let place = self.graph.places(ty)[usize::from(owner.place)].place;
        let Some(join) = self.graph.join(owner, ty) else {
            return Presence { place, stage, provided: Provided::default() };
        };
        let inner = self.graph.type_in_subgraph(join, owner.field);
        let (place, _) = self.graph.returned(inner, place.subgraph);
        let name = &self.graph.supergraph().schema.field(owner.field).name;
        Presence { place, stage, provided: provided.below(ty, name, join) }
    }
}

impl<'g> Closure<'g> {
    /// What it takes to know the runtime type.
    fn typename(&self) -> Option<&Found> {
        self.nodes[self.typename?].found.as_ref()
    }

    fn find_typename(&mut self, graph: &QueryGraph, ty: TypeId) {
        let regular = graph.places(ty).iter().zip(&self.nodes).enumerate();
        let regular = regular.filter(|(_, (place, _))| place.place.interface_object.is_none());
        let found = regular.filter_map(|(index, (_, node))| Some((index, node.found.as_ref()?)));
        let best = found.min_by_key(|(_, Found { stage, requests })| (*stage, requests.len()));
        self.typename = best.map(|(index, _)| index);
    }

    /// What is provided at a place of the type.
    pub fn provided(&self, place: u16) -> &Provided<'g> {
        &self.nodes[usize::from(place)].provided
    }

    /// The entry of a field with requirements.
    pub fn required_field(&self, owner: Owner) -> Option<&Required> {
        self.required.iter().find(|required| required.owner == owner)
    }
}

impl Found {
    /// Both this and `other`.
    pub fn add(&mut self, other: &Self) {
        self.stage = self.stage.max(other.stage);
        self.requests.add(&other.requests);
    }

    fn is_better_than(&self, other: Option<&Self>) -> bool {
        // A longer chain than this has no use; refusing it keeps stages in their range.
        self.stage < UNREACHED / 2
            && other.is_none_or(|other| (self.stage, self.requests.len()) < (other.stage, other.requests.len()))
    }
}

impl<'g> Provided<'g> {
    /// Whether the field is provided for objects of this type.
    pub fn has(&self, ty: TypeId, name: &str) -> bool {
        self.fields(ty, name).next().is_some()
    }

    fn fields<'s>(&'s self, ty: TypeId, name: &'s str) -> impl Iterator<Item = &'g Field> + 's {
        let all = self.0.iter().flat_map(|set| set.fields.iter());
        all.filter(move |field| field.response_key.as_str() == name && (field.guard.contains(ty) || field.parent == ty))
    }

    /// What is provided below a field.
    pub fn below(&self, ty: TypeId, name: &str, join: &'g FieldInSubgraph) -> Self {
        let inherited = self.fields(ty, name).filter_map(|field| field.selection_set.as_ref());
        let mut sets: SmallVec<[&'g SelectionSet; 1]> = inherited.collect();
        sets.extend(join.provides.as_ref());
        Self(sets)
    }
}

impl PartialEq for Provided<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(a, b)| std::ptr::eq(*a, *b))
    }
}

impl Eq for Provided<'_> {}

impl Hash for Provided<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|set| std::ptr::from_ref(*set).hash(state));
    }
}
