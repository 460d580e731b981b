//! The lists and non-null marks of a field's type, packed. Knows nothing of fields.

use braid_graphql::Type;

use super::limits::{CompileError, MAX_LISTS};

/// The lists and non-null marks around a named type, outermost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Wrappers {
    pub(crate) lists: u8,
    pub(crate) non_null: u64,
}

impl Wrappers {
    pub(crate) fn new(mut ty: &Type) -> Result<Self, CompileError> {
        let mut wrappers = Self { lists: 0, non_null: 0 };
        loop {
            wrappers.non_null |= u64::from(ty.is_non_null()) << wrappers.lists;
            match ty {
                Type::List(item) | Type::NonNullList(item) if wrappers.lists < MAX_LISTS => ty = item,
                Type::List(_) | Type::NonNullList(_) => return Err(CompileError::TooDeep),
                _ => return Ok(wrappers),
            }
            wrappers.lists += 1;
        }
    }

    #[inline]
    pub(crate) fn is_non_null(self) -> bool {
        self.non_null & 1 == 1
    }

    /// The type of the items.
    #[inline]
    pub(crate) fn item(self) -> Self {
        Self { lists: self.lists.saturating_sub(1), non_null: self.non_null >> 1 }
    }
}
