//! How many items of a streamed list come with it. Knows nothing of lists.

use braid_graphql::operation::InitialCount;
use braid_graphql::variables::Variables;

use super::condition::Numbers;
use super::limits::CompileError;

/// How many items of a list come with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Initial {
    /// So many.
    Fixed(u32),
    /// As many as the variable of this number says, or so many without it.
    Variable(usize, u32),
}

impl Initial {
    pub(crate) fn new(count: &InitialCount, numbers: &Numbers<'_>) -> Result<Self, CompileError> {
        Ok(match count {
            InitialCount::Fixed(count) => Self::Fixed(*count),
            InitialCount::Variable(name, default) => Self::Variable(numbers.of(name)?, *default),
        })
    }

    /// How many it is in a request. A negative number counts as none.
    pub(crate) fn count(self, variables: &Variables) -> u32 {
        match self {
            Self::Fixed(count) => count,
            Self::Variable(number, default) => match variables.raw(number) {
                Some(text) => text.parse().unwrap_or(0),
                None => default,
            },
        }
    }
}
