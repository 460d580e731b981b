//! A plan under construction: positions of the data tree, visits of subgraphs to them, and what visits wait for. Chooses
//! nothing and writes no requests.

use ahash::AHashMap;
use braid_graphql::compiler::ast::Argument;
use braid_graphql::operation::{Condition, Field, SelectionSet};
use braid_graphql::schema::{FieldId, TypeId};
use braid_graphql::type_set::TypeSet;
use braid_graphql::{Name, Node, OperationType};
use braid_query_graph::Place;
use braid_query_plan::{ContextValue, Representation};
use braid_supergraph::FieldInSubgraph;
use smallvec::SmallVec;

use crate::solve::At;

pub(crate) type PosIx = usize;
pub(crate) type VisitIx = usize;
pub(crate) type AtomIx = usize;

/// Everything that will become a plan.
#[derive(Debug, Default)]
pub(crate) struct Draft<'a> {
    pub(crate) positions: Vec<Pos<'a>>,
    pub(crate) visits: Vec<Visit>,
    pub(crate) atoms: Vec<Atom<'a>>,
    pub(crate) tree: Tree,
}

/// Objects at a path of the data tree that are planned together.
#[derive(Debug)]
pub(crate) struct Pos<'a> {
    /// The position above, the tree key, and the runtime types above for which it is meant.
    pub(crate) parent: Option<(PosIx, Name, TypeSet)>,
    /// The condition under which its objects are asked for. Others may put objects at the same path under other conditions.
    pub(crate) condition: Condition,
    pub(crate) ty: TypeId,
    /// Where the objects stand, with the visit that put them there; root visits are made when first needed.
    pub(crate) ats: Vec<(At<'a>, Option<VisitIx>)>,
    pub(crate) made: Vec<Made>,
    pub(crate) atoms: Vec<AtomIx>,
    /// Its node of the [`Tree`].
    pub(crate) node: usize,
}

/// A field that some visit asks at a position.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) name: Name,
    pub(crate) arguments: Vec<Node<Argument>>,
    pub(crate) key: Name,
    pub(crate) guard: TypeSet,
    pub(crate) condition: Condition,
    pub(crate) stage: u8,
    pub(crate) visits: SmallVec<[VisitIx; 1]>,
    pub(crate) below: Option<PosIx>,
}

/// What one subgraph is asked about the objects of one position.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) position: PosIx,
    pub(crate) place: Place,
    pub(crate) atom: AtomIx,
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
    pub(crate) below: Option<VisitIx>,
}

/// The smallest thing that can be fetched by itself: the fields of one subgraph at one position that need the same inputs.
#[derive(Debug)]
pub(crate) struct Atom<'a> {
    pub(crate) kind: AtomKind<'a>,
    pub(crate) visit: VisitIx,
    /// The runtime types that are looked up.
    pub(crate) guard: TypeSet,
    pub(crate) after: Vec<AtomIx>,
    pub(crate) representations: Vec<Representation>,
    pub(crate) contexts: Vec<ContextValue>,
    /// The condition for which the inputs were made.
    pub(crate) inputs_for: Option<Condition>,
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

/// What tree keys stand for, at each path of the data tree.
#[derive(Debug)]
pub(crate) struct Tree {
    nodes: Vec<TreeNode>,
    aliases: u32,
}

#[derive(Debug, Default)]
struct TreeNode {
    keys: AHashMap<Name, (Name, Vec<Node<Argument>>)>,
    below: AHashMap<Name, usize>,
    ambiguous: Vec<Name>,
}

impl Default for Tree {
    fn default() -> Self {
        Self { nodes: vec![TreeNode::default()], aliases: 0 }
    }
}

impl Tree {
    pub(crate) fn below(&mut self, node: usize, key: &Name) -> usize {
        if let Some(known) = self.nodes[node].below.get(key) {
            return *known;
        }
        let new = self.nodes.len();
        self.nodes.push(TreeNode::default());
        self.nodes[node].below.insert(key.clone(), new);
        new
    }

    /// Says that the client uses a key.
    pub(crate) fn claim(&mut self, node: usize, key: &Name, name: &Name, arguments: &[Node<Argument>]) {
        let node = &mut self.nodes[node];
        match node.keys.get(key) {
            Some((known, with)) if known == name && with == arguments => {}
            Some(_) => node.ambiguous.push(key.clone()),
            None => {
                node.keys.insert(key.clone(), (name.clone(), arguments.to_vec()));
            }
        }
    }

    /// A key for a field that the plan itself needs: the field's name, or a new one where the name stands for something else.
    pub(crate) fn key_for(&mut self, node: usize, name: &Name, arguments: &[Node<Argument>]) -> Name {
        let at = &self.nodes[node];
        let free = |key: &Name| match at.keys.get(key) {
            Some((known, with)) => known == name && with == arguments && !at.ambiguous.contains(key),
            None => true,
        };
        let mut key = name.clone();
        if !free(&key) {
            let mut same = at.keys.iter().filter(|(key, _)| free(key) && at.keys.contains_key(*key));
            let known: Option<Name> = same.by_ref().map(|(key, _)| key.clone()).min();
            key = match known {
                Some(known) => known,
                None => self.fresh(node, name),
            };
        }
        self.claim(node, &key, name, arguments);
        key
    }

    fn fresh(&mut self, node: usize, name: &Name) -> Name {
        loop {
            let alias = format!("_{}_{name}", self.aliases);
            self.aliases += 1;
            match Name::new(&alias) {
                Ok(alias) if !self.nodes[node].keys.contains_key(&alias) => return alias,
                _ => {}
            }
        }
    }
}

impl Draft<'_> {
    /// Adds a field to a visit; one that is there already only gets more runtime types.
    pub(crate) fn ask(&mut self, visit: VisitIx, field: AskedField) {
        for known in &mut self.visits[visit].asks {
            if known.key == field.key
                && known.name == field.name
                && known.arguments == field.arguments
                && known.below == field.below
                && known.condition == field.condition
            {
                known.guard = known.guard.union(&field.guard);
                return;
            }
        }
        self.visits[visit].asks.push(field);
    }

    /// The first field of these visits whose key means something else for other runtime types. An interface object cannot tell
    /// them apart.
    pub(crate) fn ambiguous(&self, visits: &[VisitIx]) -> Option<&AskedField> {
        let asks = || visits.iter().flat_map(|visit| &self.visits[*visit].asks);
        asks().find(|asked| {
            let differs = |other: &AskedField| other.name != asked.name || other.arguments != asked.arguments;
            asks().any(|other| other.key == asked.key && differs(other))
        })
    }

    /// The condition without which nothing of a visit is selected.
    pub(crate) fn condition(&self, visit: VisitIx) -> Condition {
        let mut asks = self.visits[visit].asks.iter();
        let Some(first) = asks.next() else { return Condition::always() };
        asks.fold(first.condition.clone(), |all, asked| crate::ask::common(&all, &asked.condition))
    }
}
