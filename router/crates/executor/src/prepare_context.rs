//! What a request is made of, and the bound on it. Knows nothing of how it is made.

use braid_graphql::variables::Variables;

use crate::compile::limits::CompileError;
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

/// Why a request can't be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PrepareError {
    /// It would be larger than what the client's request may still hold.
    TooLarge,
    /// Its text can't be written: a defect of the plan.
    Inconsistent,
}

impl From<CompileError> for PrepareError {
    fn from(_: CompileError) -> Self {
        Self::Inconsistent
    }
}
