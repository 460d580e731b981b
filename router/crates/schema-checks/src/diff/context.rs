//! What every comparison needs: both schemas, how their types are used, and the changes so far. Knows no comparison.

use braid_graphql::compiler::Schema;

use super::position::Positions;
use crate::change::Change;

/// What every comparison needs.
pub(super) struct Context<'a> {
    pub(super) old: &'a Schema,
    pub(super) new: &'a Schema,
    pub(super) old_positions: Positions<'a>,
    pub(super) new_positions: Positions<'a>,
    pub(super) changes: Vec<Change>,
}

impl<'a> Context<'a> {
    pub(super) fn new(old: &'a Schema, new: &'a Schema) -> Self {
        let (old_positions, new_positions) = (Positions::of(old), Positions::of(new));
        Self { old, new, old_positions, new_positions, changes: Vec::new() }
    }

    pub(super) fn push(&mut self, change: Change) {
        self.changes.push(change);
    }
}
