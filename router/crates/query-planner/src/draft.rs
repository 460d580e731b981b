//! A plan under construction: objects of the data tree, visits of subgraphs to them, and what visits wait for. Chooses
//! nothing and writes no requests.

use std::collections::BTreeSet;

use ahash::AHashMap;
use braid_graphql::compiler::ast::Argument;
use braid_graphql::operation::{Condition, DeferId, Field, SelectionSet};
use braid_graphql::schema::{FieldId, TypeId};
use braid_graphql::type_set::TypeSet;
use braid_graphql::{Name, Node, OperationType};
use braid_query_graph::{At, Place, QueryGraph, known_as};
use braid_query_plan::{ContextValue, Representation};
use braid_supergraph::FieldInSubgraph;
use smallvec::SmallVec;

use crate::arena::{Arena, ids};
use crate::ask::Defers;
use crate::tree::{PathId, Tree};

ids! {
    /// Objects of a [`Draft`].
    ObjectsId
    /// A visit of a [`Draft`].
    VisitId
    /// An atom of a [`Draft`].
    AtomId
}

/// Everything that will become a plan.
#[derive(Debug, Default)]
pub(crate) struct Draft<'a> {
    pub(crate) objects: Arena<ObjectsId, Objects<'a>>,
    pub(crate) visits: Arena<VisitId, Visit>,
    pub(crate) atoms: Arena<AtomId, Atom<'a>>,
    pub(crate) tree: Tree,
}

/// Objects at a path of the data tree that are planned together.
#[derive(Debug)]
pub(crate) struct Objects<'a> {
    /// `None` for the root.
    pub(crate) parent: Option<Parent>,
    /// The condition under which they are asked for. Others may put objects at the same path under other conditions.
    pub(crate) condition: Condition,
    pub(crate) ty: TypeId,
    pub(crate) standing: Vec<Standing<'a>>,
    pub(crate) made: Vec<Made>,
    pub(crate) atoms: Vec<AtomId>,
    pub(crate) path: PathId,
    /// With what they are delivered.
    pub(crate) defers: Defers,
}

/// What objects are below.
#[derive(Debug, Clone)]
pub(crate) struct Parent {
    pub(crate) objects: ObjectsId,
    /// The tree key.
    pub(crate) key: Name,
    /// The runtime types of the objects above for which they are meant.
    pub(crate) types: TypeSet,
}

/// A place where objects stand, with the visit that put them there; root visits are made when first needed.
#[derive(Debug)]
pub(crate) struct Standing<'a> {
    pub(crate) at: At<'a>,
    pub(crate) visit: Option<VisitId>,
}

/// A field that some visit asks of objects.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) name: Name,
    pub(crate) arguments: Vec<Node<Argument>>,
    pub(crate) key: Name,
    pub(crate) guard: TypeSet,
    pub(crate) condition: Condition,
    pub(crate) stage: u8,
    pub(crate) visits: SmallVec<[VisitId; 1]>,
    pub(crate) below: Option<ObjectsId>,
}

/// What one subgraph is asked about objects.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) objects: ObjectsId,
    pub(crate) place: Place,
    pub(crate) atom: AtomId,
    pub(crate) asks: Vec<AskedField>,
}

/// A field that a visit asks.
#[derive(Debug, Clone)]
pub(crate) struct AskedField {
    pub(crate) key: Name,
    pub(crate) name: Name,
    /// The field as it was looked up; `None` for `__typename`.
    pub(crate) field: Option<FieldId>,
    pub(crate) arguments: Vec<Node<Argument>>,
    pub(crate) guard: TypeSet,
    pub(crate) condition: Condition,
    pub(crate) below: Option<VisitId>,
}

/// The smallest thing that can be fetched by itself: the fields that one subgraph is asked for some objects and that need the same inputs.
#[derive(Debug)]
pub(crate) struct Atom<'a> {
    pub(crate) kind: AtomKind<'a>,
    /// The stage at which the search enters its subgraph; 0 for root fields. All its inputs are there before. Runtime types that enter
    /// one subgraph at different stages have atoms of their own: as one atom, two subgraphs that two types enter in opposite order
    /// would wait for each other.
    pub(crate) stage: u8,
    pub(crate) visit: VisitId,
    /// The runtime types that are looked up.
    pub(crate) guard: TypeSet,
    pub(crate) after: Vec<AtomId>,
    pub(crate) representations: Vec<Representation>,
    pub(crate) contexts: Vec<ContextValue>,
    /// The condition for which the inputs were made.
    pub(crate) inputs_for: Option<Condition>,
    /// The deferred fragments that it is fetched for; none if it is fetched for what is not deferred. Nothing waits for an atom
    /// that is fetched for something else, except where that gave the objects.
    pub(crate) defers: Defers,
    /// What its fields are delivered with, where an operation is answered in parts ([`braid_query_plan::Fetch::serves`]).
    pub(crate) serves: BTreeSet<Option<DeferId>>,
}

/// How an atom enters its subgraph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AtomKind<'a> {
    /// Fields of a root type.
    Root(OperationType),
    /// By a key, for fields that need no more than it.
    Entity,
    /// By a key and what a field requires. Fields with equal demands share an atom.
    Required(Demands<'a>),
}

/// What a field needs besides a key, as its subgraph says of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demands<'a>(pub(crate) &'a FieldInSubgraph);

impl PartialEq for Demands<'_> {
    fn eq(&self, other: &Self) -> bool {
        let (Self(a), Self(b)) = (self, other);
        let is_same_set = match (&a.requires, &b.requires) {
            (Some(a), Some(b)) => is_same_set(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        is_same_set && a.context_arguments == b.context_arguments
    }
}

impl Eq for Demands<'_> {}

/// Whether two sets say the same, each of its own type.
fn is_same_set(a: &SelectionSet, b: &SelectionSet) -> bool {
    let is_same = |(a, b): (&Field, &Field)| {
        a.response_key == b.response_key && a.arguments == b.arguments && a.selection_set == b.selection_set
    };
    a.fields.len() == b.fields.len() && a.fields.iter().zip(&b.fields).all(is_same)
}

impl Objects<'_> {
    /// The interface by which they are known, when no subgraph where they are knows their types.
    pub(crate) fn known_as(&self) -> Option<TypeId> {
        known_as(self.standing.iter().map(|standing| &standing.at))
    }

    /// The runtime types that they can have where they stand.
    pub(crate) fn types(&self, graph: &QueryGraph) -> TypeSet {
        let definition = graph.supergraph().schema.ty(self.ty);
        if definition.is_object() {
            return TypeSet::one(self.ty);
        }
        let possible = self.standing.iter().map(|standing| standing.at.types(graph));
        possible.fold(TypeSet::empty(), |all, types| all.union(&types)).intersection(&definition.possible)
    }
}

impl Draft<'_> {
    /// Adds a field to a visit; one that is already there only gets more runtime types. The result is the work.
    pub(crate) fn ask(&mut self, visit: VisitId, field: AskedField) -> u64 {
        let asks = &mut self.visits[visit].asks;
        let work = asks.len() as u64;
        let is_it = |known: &&mut AskedField| {
            known.key == field.key
                && known.name == field.name
                && known.arguments == field.arguments
                && known.below == field.below
                && known.condition == field.condition
        };
        match asks.iter_mut().find(is_it) {
            Some(known) => known.guard = known.guard.union(&field.guard),
            None => asks.push(field),
        }
        // A comparison with another key is next to nothing.
        1 + work / 16
    }

    /// A field of these visits whose key means something else for other runtime types. An interface object cannot tell
    /// them apart.
    pub(crate) fn ambiguous(&self, visits: &[VisitId]) -> Option<&AskedField> {
        let mut first: AHashMap<&Name, &AskedField> = AHashMap::new();
        visits.iter().flat_map(|visit| &self.visits[*visit].asks).find_map(|asked| {
            let known = *first.entry(&asked.key).or_insert(asked);
            (known.name != asked.name || known.arguments != asked.arguments).then_some(known)
        })
    }

    /// The condition without which nothing of a visit is selected.
    pub(crate) fn condition(&self, visit: VisitId) -> Condition {
        let mut asks = self.visits[visit].asks.iter();
        let Some(first) = asks.next() else { return Condition::always() };
        asks.fold(first.condition.clone(), |all, asked| all.common(&asked.condition))
    }

    /// How many segments the path of objects has.
    pub(crate) fn depth(&self, objects: ObjectsId) -> usize {
        self.above(objects).count()
    }

    /// What objects are below, from the nearest to the root.
    pub(crate) fn above(&self, objects: ObjectsId) -> impl Iterator<Item = &Parent> {
        std::iter::successors(self.objects[objects].parent.as_ref(), |parent| {
            self.objects[parent.objects].parent.as_ref()
        })
    }
}
