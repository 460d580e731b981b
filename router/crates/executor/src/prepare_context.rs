//! What a request is made of, and the bound on it. Knows nothing of how it is made.

use braid_graphql::variables::Variables;

use crate::compile::operation::CompiledOperation;
use crate::tree::ObjectId;

/// What a request is made of.
pub(crate) struct PrepareContext<'a> {
    pub(crate) operation: &'a CompiledOperation,
    pub(crate) variables: &'a Variables,
    pub(crate) root: ObjectId,
    /// The most bytes of the body.
    pub(crate) max_body: usize,
}

/// A request would be larger than what the client's request may still hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge;
