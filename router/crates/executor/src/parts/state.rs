//! What is kept of each part. Knows nothing of how parts come to be.

use braid_graphql::operation::DeferId;

use crate::compile::projection::OutSetId;
use crate::error::Step;

/// A deferred fragment on one object.
pub(super) struct Fragment {
    pub(super) defer: DeferId,
    pub(super) path: Vec<Step>,
    pub(super) id: u32,
    pub(super) state: State,
    pub(super) groups: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Not announced: the fragment that it is in is not delivered.
    Waiting,
    /// Announced.
    Pending,
    Delivered,
    /// An error has ended it, or a fragment that it is in.
    Failed,
}

/// Fields of one object that are delivered together.
pub(super) struct Group {
    pub(super) set: OutSetId,
    pub(super) group: usize,
    pub(super) path: Vec<Step>,
    pub(super) parts: Vec<usize>,
    pub(super) fragments: Vec<usize>,
    pub(super) is_open: bool,
}

/// The rest of a streamed list.
pub(super) struct List {
    pub(super) stream: u32,
    pub(super) path: Vec<Step>,
    /// The next item.
    pub(super) from: u32,
    pub(super) id: u32,
    /// The parts with which its items are fetched.
    pub(super) parts: Vec<usize>,
    pub(super) is_open: bool,
    pub(super) batch: usize,
    pub(super) origin: Origin,
}

/// Where the items of a list are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// All are in the tree.
    Tree,
    /// They arrive: a batch of them is in a tree of its own.
    Arriving,
    /// As [`Origin::Arriving`], and this is the last batch.
    Arrived,
}
