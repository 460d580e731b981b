//! Walks the API breadth first over sets of states and reports what can't be answered.

use std::collections::{BTreeSet, VecDeque};

use ahash::AHashMap;
use braid_graphql::compiler::Name;
use braid_supergraph::join_spec::write::DraftField;
use smallvec::SmallVec;

use super::Proof;
use super::explain;
use super::model::{ObjectField, Target};
use super::reach::{Reach, State, States};
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, human_list};

/// A position in a query: an object type, the states it can be in, and how one came there.
pub(super) struct Node {
    pub(super) ty: usize,
    pub(super) states: States,
    /// The position above, and where the field that leads here stands in its type.
    pub(super) parent: Option<(usize, usize)>,
    /// Which root the query starts at, for the first node.
    pub(super) operation: &'static str,
}

pub(super) fn walk(reach: &mut Reach<'_, '_>, proof: &mut Proof) {
    // Most types are met once.
    let usual = reach.model.types.len();
    let mut walk = Walk {
        reach,
        proof,
        nodes: Vec::with_capacity(usual),
        queue: VecDeque::new(),
        seen: AHashMap::with_capacity(usual),
        failed: BTreeSet::new(),
    };
    for (operation, root) in [("query", "Query"), ("mutation", "Mutation"), ("subscription", "Subscription")] {
        walk.start(operation, root);
    }
    while let Some(node) = walk.queue.pop_front() {
        walk.visit(node);
    }
}

struct Walk<'w, 'm, 'a> {
    reach: &'w mut Reach<'m, 'a>,
    proof: &'w mut Proof,
    nodes: Vec<Node>,
    queue: VecDeque<usize>,
    /// The nodes of each type: the sets of states that are or will be visited.
    seen: AHashMap<usize, SmallVec<[usize; 1]>>,
    /// Fields that were reported, with the subgraphs that they can't be had from.
    failed: BTreeSet<(usize, Name, Vec<usize>)>,
}

impl<'m, 'a> Walk<'_, 'm, 'a> {
    fn start(&mut self, operation: &'static str, root: &str) {
        let Some(ty) = self.reach.model.object(root) else { return };
        let places = &self.reach.model.types[ty].places;
        let states = places.iter().map(|p| State { ty, subgraph: p.subgraph, provided: 0, excluded: 0 }).collect();
        self.push(Node { ty, states, parent: None, operation });
    }

    /// Queues a node, unless its type was visited in fewer states: whatever could be had there can be had here.
    fn push(&mut self, mut node: Node) {
        node.states.sort_unstable();
        node.states.dedup();
        let seen = self.seen.entry(node.ty).or_default();
        if seen.iter().any(|old| is_part(&self.nodes[*old].states, &node.states)) {
            return;
        }
        seen.push(self.nodes.len());
        self.queue.push_back(self.nodes.len());
        self.nodes.push(node);
    }

    fn visit(&mut self, index: usize) {
        let model = self.reach.model;
        let ty = self.nodes[index].ty;
        let had = self.reach.closure(&self.nodes[index].states);
        for (at, field) in model.types[ty].fields.iter().enumerate() {
            if !field.hidden {
                self.field(index, at, &had, field);
            }
        }
    }

    /// `had` are all states that can be had, `at` is where the field stands in its type.
    fn field(&mut self, index: usize, at: usize, had: &[State], field: &'m ObjectField<'a>) {
        let ty = self.nodes[index].ty;
        let from = self.reach.settled(|reach| reach.resolvers_among(had, &field.merged.name, &field.there));
        if from.is_empty() {
            let here: BTreeSet<usize> = had.iter().map(|state| state.subgraph).collect();
            let here: Vec<usize> = here.into_iter().collect();
            if self.failed.insert((ty, field.merged.name.clone(), here)) {
                let error = explain::error(self.reach, &self.nodes, index, field.merged);
                self.proof.errors.push(error);
            }
            return;
        }
        match field.target {
            Target::Nothing => return,
            Target::Abstract => self.runtime_types(index, ty, field.merged, &from),
            Target::Object(_) => {}
        }
        let name = self.reach.model.types[ty].name.as_str();
        let alone = name == "Mutation" || name == "Subscription";
        if alone && from.len() > 1 {
            self.one_alone(index, at, field, &from);
        } else {
            self.descend(index, at, field, &from);
        }
    }

    /// A mutation runs in one subgraph. There must be one from which all below can be had.
    fn one_alone(&mut self, index: usize, at: usize, field: &'m ObjectField<'a>, from: &[State]) {
        let mut first_errors = None;
        for state in from {
            let path = &self.nodes[index];
            let node = Node { ty: path.ty, states: path.states.clone(), parent: None, operation: path.operation };
            let mut proof = Proof::default();
            let mut trial = Walk {
                reach: self.reach,
                proof: &mut proof,
                nodes: vec![node],
                queue: VecDeque::new(),
                seen: AHashMap::new(),
                failed: BTreeSet::new(),
            };
            trial.descend(0, at, field, &[*state]);
            while let Some(node) = trial.queue.pop_front() {
                trial.visit(node);
            }
            if proof.errors.is_empty() {
                self.proof.hints.append(&mut proof.hints);
                return;
            }
            first_errors.get_or_insert(proof.errors);
        }
        self.proof.errors.extend(first_errors.unwrap_or_default());
    }

    fn descend(&mut self, index: usize, at: usize, field: &'m ObjectField<'a>, from: &[State]) {
        let model = self.reach.model;
        let below = self.reach.settled(|reach| reach.below_among(from, &field.there));
        for (ty, states) in below {
            if model.context.features.is_inaccessible(&model.types[ty].merged.applied) {
                continue;
            }
            if !self.is_unknown(index, field.merged, ty, &states) {
                self.push(Node { ty, states, parent: Some((index, at)), operation: "" });
            }
        }
    }

    /// Behind an interface object stands an object whose type some subgraph must be able to tell.
    fn is_unknown(&mut self, index: usize, field: &DraftField, ty: usize, states: &[State]) -> bool {
        let model = self.reach.model;
        if states.iter().any(|s| model.place(ty, s.subgraph).is_some_and(|p| p.real)) {
            return false;
        }
        let here = self.reach.subgraphs(states);
        if here.iter().any(|i| model.place(ty, *i).is_some_and(|p| p.real)) {
            return false;
        }
        if self.failed.insert((ty, Name::new_static_unchecked("__typename"), here.iter().copied().collect())) {
            let error = explain::unknown_type(self.reach, &self.nodes, index, field, ty, &here);
            self.proof.errors.push(error);
        }
        true
    }

    /// Subgraphs that share a field must be able to return the same types.
    fn runtime_types(&mut self, index: usize, ty: usize, field: &DraftField, from: &[State]) {
        let model = self.reach.model;
        let mut sets: Vec<(usize, BTreeSet<&str>)> = Vec::new();
        // Where the declared types differ, merging has said so already.
        let declared: BTreeSet<&str> = from
            .iter()
            .filter_map(|s| Some(model.field(ty, s.subgraph, &field.name)?.0.ty.inner_named_type().as_str()))
            .collect();
        if declared.len() > 1 {
            return;
        }
        for state in from {
            let Some((own, _)) = model.field(ty, state.subgraph, &field.name) else { continue };
            let target = own.ty.inner_named_type();
            let schema = &model.context.subgraphs[state.subgraph].schema;
            let interface_object = schema.types.get(target).is_some_and(|t| t.is_interface_object());
            if interface_object || sets.iter().any(|(i, _)| *i == state.subgraph) {
                continue;
            }
            let names = model.runtime(state.subgraph, target).iter().map(|t| model.types[*t].name.as_str());
            sets.push((state.subgraph, names.collect()));
        }
        let Some((_, first)) = sets.first() else { return };
        if sets.iter().all(|(_, set)| set == first) {
            return;
        }
        let common = sets.iter().skip(1).fold(first.clone(), |acc, (_, set)| acc.intersection(set).copied().collect());
        let coordinate = format!("{}.{}", model.types[ty].name, field.name);
        let code = match common.is_empty() {
            true => Code::SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES,
            false => Code::INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN,
        };
        let known = if common.is_empty() { &self.proof.errors } else { &self.proof.hints };
        if known.iter().any(|d| d.code == code && d.coordinate.as_deref() == Some(&coordinate)) {
            return;
        }
        let said: Vec<String> = sets
            .iter()
            .map(|(i, set)| {
                format!(
                    "- subgraph \"{}\": {}",
                    model.subgraph_name(*i),
                    match set.is_empty() {
                        true => "no object type".to_string(),
                        false => human_list(set),
                    }
                )
            })
            .collect();
        let query = explain::query(self.reach, &self.nodes, index, field);
        let message = match common.is_empty() {
            true => format!(
                "Several subgraphs resolve \"{coordinate}\", but no type behind \"{}\" is known to all of them:\n{}.\nThe router asks whichever subgraph suits it, so all must be able to return the same object. A query that shows it:\n{query}",
                field.ty.inner_named_type(),
                said.join(",\n")
            ),
            false => format!(
                "Several subgraphs resolve \"{coordinate}\", but they know different types behind \"{}\":\n{}.\nThe router asks whichever subgraph suits it: return only types that all of them know. A query that shows it:\n{query}",
                field.ty.inner_named_type(),
                said.join(",\n")
            ),
        };
        let at = sets.iter().filter_map(|(i, _)| {
            let (own, _) = model.field(ty, *i, &field.name)?;
            model.context.subgraphs[*i].locate(own.span)
        });
        let diagnostic = Diagnostic::new(code, message)
            .on(coordinate.as_str())
            .at(at.collect::<Vec<_>>())
            .help("define the same implementations or union members in all of these subgraphs");
        match common.is_empty() {
            true => self.proof.errors.push(diagnostic),
            false => self.proof.hints.push(diagnostic),
        }
    }
}

/// Whether one sorted list has all that another has.
fn is_part(part: &[State], whole: &[State]) -> bool {
    let mut whole = whole.iter();
    part.len() <= whole.len() && part.iter().all(|state| whole.any(|other| other == state))
}
