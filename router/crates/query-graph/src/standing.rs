//! Where objects are when a question about them starts. Knows nothing of what can be fetched there.

use std::hash::{Hash, Hasher};

use braid_graphql::operation::{Field, SelectionSet};
use braid_graphql::schema::TypeId;
use braid_graphql::type_set::TypeSet;
use braid_supergraph::FieldInSubgraph;
use smallvec::SmallVec;

use crate::graph::{Place, QueryGraph};

/// Where objects stand, and the type by which the subgraph there returned them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct At<'g> {
    /// Where they stand.
    pub presence: Presence<'g>,
    /// The type by which they were returned, which can be abstract.
    pub returned_as: TypeId,
}

/// The places where the objects of one position stand.
pub type Ats<'g> = SmallVec<[At<'g>; 1]>;

/// A place where objects are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Presence<'g> {
    /// The place.
    pub place: Place,
    /// The stage at which they are there, relative to where the question starts.
    pub stage: u8,
    /// What is provided there.
    pub provided: Provided<'g>,
}

/// The places of objects of one type.
pub type Presences<'g> = SmallVec<[Presence<'g>; 1]>;

/// The external selections that a place gives because the path to it provides them (`@provides`).
#[derive(Debug, Clone, Default)]
pub struct Provided<'g>(SmallVec<[&'g SelectionSet; 1]>);

impl At<'_> {
    /// Whether objects that stand there can have this runtime type.
    pub fn can_be(&self, graph: &QueryGraph, ty: TypeId) -> bool {
        self.returned_as == ty || self.types(graph).contains(ty)
    }

    /// The runtime types that objects can have there.
    pub fn types(&self, graph: &QueryGraph) -> TypeSet {
        graph.returned(self.returned_as, self.presence.place.subgraph).1
    }
}

/// The presences of those objects that can have a runtime type.
pub fn presences_of<'s, 'g: 's>(
    graph: &QueryGraph,
    ats: impl IntoIterator<Item = &'s At<'g>>,
    ty: TypeId,
) -> Presences<'g> {
    ats.into_iter().filter(|at| at.can_be(graph, ty)).map(|at| at.presence.clone()).collect()
}

/// The runtime types that objects can have at any of these; the interface itself where it has no implementations.
pub fn types_of(graph: &QueryGraph, ats: &[At<'_>]) -> TypeSet {
    let mut all: Option<TypeSet> = None;
    for at in ats {
        let mut types = at.types(graph);
        if types.is_empty() && graph.supergraph().schema.ty(at.returned_as).is_interface() {
            types = TypeSet::one(at.returned_as);
        }
        all = Some(all.map_or_else(|| types.clone(), |all| all.union(&types)));
    }
    all.unwrap_or_else(TypeSet::empty)
}

/// The interface by which objects are known that stand at interface objects only: their runtime types are not known there.
pub fn known_as<'s, 'g: 's>(ats: impl IntoIterator<Item = &'s At<'g>>) -> Option<TypeId> {
    ats.into_iter().try_fold(None, |_, at| at.presence.place.interface_object.map(Some)).flatten()
}

impl<'g> Provided<'g> {
    /// Whether nothing is provided.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

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
