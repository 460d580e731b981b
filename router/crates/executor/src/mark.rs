//! Marks in the tree that a value is missing for a reason that is among the errors, so that completion reports it no second time.
//! Knows nothing of the reasons.

use crate::compile::reading::{ReadKind, ReadingId, Readings};
use crate::tree::{Cell, ObjectId, Tree};

/// Marks as failed what is absent of what `reading` would have filled. Recursive as deep as readings are.
pub(crate) fn mark(tree: &mut Tree, readings: &Readings, object: ObjectId, reading: ReadingId) {
    for target in readings.get(reading).fields.iter().flat_map(|field| &field.targets) {
        match (tree.get(object, target.slot), target.kind) {
            (Cell::Absent, _) => tree.set(object, target.slot, Cell::Failed),
            (cell, ReadKind::Objects(below, _)) => mark_below(tree, readings, cell, below),
            _ => {}
        }
    }
}

fn mark_below(tree: &mut Tree, readings: &Readings, cell: Cell, reading: ReadingId) {
    match cell {
        Cell::Object(object) => mark(tree, readings, object, reading),
        Cell::List { start, len, .. } => {
            for at in start..start + len {
                let item = tree.items(at, 1)[0];
                mark_below(tree, readings, item, reading);
            }
        }
        _ => {}
    }
}
