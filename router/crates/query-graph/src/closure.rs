//! What can be fetched for objects of one type from where they are, with what it takes. Does not know how that is found out.

use braid_graphql::schema::TypeId;
use smallvec::SmallVec;

use crate::graph::{NodeId, Owner, QueryGraph};
use crate::requests::Requests;
use crate::standing::{Presence, Provided};

const UNREACHED: u8 = u8::MAX;

/// What it takes to have something.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The stage after which it is there.
    pub stage: u8,
    /// The requests that it takes, those of the presences that it uses included.
    pub requests: Requests,
}

/// Who is asked for a field, and what that takes.
#[derive(Debug, Clone)]
pub struct Source {
    /// One owner, or several whose objects are merged by position.
    pub owners: SmallVec<[Owner; 1]>,
    /// The stage after which the field itself is there.
    pub stage: u8,
    /// What it takes together with all that is needed below the field.
    pub found: Found,
}

/// A node of a type, as reached from the presences.
#[derive(Debug, Clone)]
pub struct ReachedNode<'g> {
    /// Whether objects are there without a jump.
    pub(crate) is_present: bool,
    /// The best way to be there, when there is one.
    pub found: Option<Found>,
    /// Which of the node's jumps was taken, when no presence is there.
    pub jump: usize,
    pub(crate) provided: Provided<'g>,
}

/// A field with requirements, as reached from the presences.
#[derive(Debug, Clone)]
pub struct ReachedField {
    /// The field and its node.
    pub owner: Owner,
    /// Which of the node's jumps was taken for it.
    pub jump: usize,
    /// The best way to have it, when there is one.
    pub found: Option<Found>,
}

/// Everything that can be fetched for a type from some presences.
#[derive(Debug, Clone)]
pub struct Closure<'g> {
    /// For each node of the type, in the graph's order.
    pub(crate) nodes: Vec<ReachedNode<'g>>,
    /// For each field with requirements.
    pub(crate) required: Vec<ReachedField>,
    /// The node that gives the runtime type first: at once where a regular place is among the presences.
    telling: Option<NodeId>,
}

impl<'g> Closure<'g> {
    /// The presences alone, before anything is entered.
    pub(crate) fn initial(graph: &QueryGraph, ty: TypeId, presences: &[Presence<'g>]) -> Self {
        let node = |node: &crate::graph::Node| {
            let here = presences.iter().filter(|presence| presence.place == node.place);
            let first = here.min_by_key(|presence| presence.stage);
            let found = first.map(|presence| Found {
                stage: presence.stage,
                requests: Requests::one(presence.stage, node.place.subgraph.index()),
            });
            let provided = first.map(|presence| presence.provided.clone()).unwrap_or_default();
            ReachedNode { is_present: first.is_some(), found, jump: 0, provided }
        };
        let nodes = graph.nodes(ty).iter().map(node).collect();
        let required = graph.required_fields(ty).iter();
        let required = required.map(|owner| ReachedField { owner: *owner, jump: 0, found: None }).collect();
        let mut closure = Self { nodes, required, telling: None };
        closure.find_telling(graph, ty);
        closure
    }

    /// A node, as it is reached.
    pub fn node(&self, id: NodeId) -> &ReachedNode<'g> {
        &self.nodes[id.index()]
    }

    /// A field with requirements, as it is reached.
    pub fn required(&self, owner: Owner) -> Option<&ReachedField> {
        self.required.iter().find(|required| required.owner == owner)
    }

    /// The node that gives the runtime type first.
    pub fn telling(&self) -> Option<NodeId> {
        self.telling
    }

    /// What it takes to know the runtime type.
    pub(crate) fn typename(&self) -> Option<&Found> {
        self.node(self.telling?).found.as_ref()
    }

    pub(crate) fn find_telling(&mut self, graph: &QueryGraph, ty: TypeId) {
        let regular = graph.numbered_nodes(ty).filter(|(_, node)| node.place.interface_object.is_none());
        let found = regular.filter_map(|(id, _)| Some((id, self.node(id).found.as_ref()?)));
        let best = found.min_by_key(|(_, Found { stage, requests })| (*stage, requests.len()));
        self.telling = best.map(|(id, _)| id);
    }
}

impl Found {
    /// Both this and `other`.
    pub fn add(&mut self, other: &Self) {
        self.stage = self.stage.max(other.stage);
        self.requests.add(&other.requests);
    }

    pub(crate) fn is_better_than(&self, other: Option<&Self>) -> bool {
        // A longer chain than this has no use; refusing it keeps stages in their range.
        self.stage < UNREACHED / 2
            && other.is_none_or(|other| (self.stage, self.requests.len()) < (other.stage, other.requests.len()))
    }
}
