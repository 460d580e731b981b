//! Bounds on operations, and why one cannot be compiled. Knows nothing of how it is done.

use crate::error::INTERNAL;

/// The deepest nesting of selections.
pub(crate) const MAX_DEPTH: usize = 512;
/// The most lists around a named type.
pub(crate) const MAX_LISTS: u8 = 32;
/// The most keys that the response of an operation can have, counted for each kind of object separately.
pub(crate) const MAX_PROJECTION: usize = 500_000;

/// Why an operation and its plan cannot be made ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// Selections or list types nest too deep.
    #[error("the operation nests deeper than {MAX_DEPTH} levels, or a type has more than {MAX_LISTS} lists")]
    TooDeep,
    /// Too many combinations of runtime types.
    #[error(
        "the answer could have more than {MAX_PROJECTION} different keys; use fewer type conditions within one another"
    )]
    TooManyKeys,
    /// The plan names what it does not define: a defect of the planner.
    #[error("the query plan is not consistent")]
    Inconsistent,
}

impl CompileError {
    /// The code in `extensions`.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooDeep | Self::TooManyKeys => "OPERATION_TOO_COMPLEX",
            Self::Inconsistent => INTERNAL,
        }
    }
}
