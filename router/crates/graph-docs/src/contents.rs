//! How much there is of what, counted once for all pages: types of each kind, and what each subgraph has. Knows no page.

use braid_graphql::schema::TypeId;
use braid_supergraph::SubgraphId;

use crate::facts;
use crate::view::{Kind, OPERATIONS, View};

/// The counts of a graph.
pub(crate) struct Contents {
    /// How many types there are of each kind, in the order of the kinds, root types left out.
    pub(crate) kinds: Vec<(Kind, usize)>,
    subgraphs: Vec<OfSubgraph>,
}

/// What one subgraph has, in the order of names.
#[derive(Default)]
pub(crate) struct OfSubgraph {
    /// Types that have a key here.
    pub(crate) entities: Vec<TypeId>,
    /// All other types but root types.
    pub(crate) others: Vec<TypeId>,
    /// How many root fields it resolves.
    pub(crate) roots: usize,
}

impl Contents {
    pub(crate) fn new(view: &View<'_>) -> Self {
        let mut subgraphs: Vec<OfSubgraph> = Vec::new();
        subgraphs.resize_with(view.supergraph.subgraphs.len(), OfSubgraph::default);
        let mut kinds: Vec<(Kind, usize)> = Kind::ALL.into_iter().map(|kind| (kind, 0)).collect();
        for id in view.types.iter().copied().filter(|id| view.operation_of(*id).is_none()) {
            if let Some((_, count)) = kinds.iter_mut().find(|(kind, _)| *kind == view.kind(id)) {
                *count += 1;
            }
            for join in &view.supergraph.ty(id).subgraphs {
                let Some(of) = subgraphs.get_mut(join.subgraph.index()) else { continue };
                let is_entity = !facts::keys(view, id, join.subgraph).is_empty();
                if is_entity { of.entities.push(id) } else { of.others.push(id) }
            }
        }
        for field in OPERATIONS.into_iter().filter_map(|kind| view.supergraph.root(kind)).flat_map(|id| view.fields(id))
        {
            for resolver in facts::resolvers(view, field) {
                if let Some(of) = subgraphs.get_mut(resolver.subgraph.index()) {
                    of.roots += 1;
                }
            }
        }
        Self { kinds, subgraphs }
    }

    pub(crate) fn of(&self, id: SubgraphId) -> Option<&OfSubgraph> {
        self.subgraphs.get(id.index())
    }
}
