//! Where parts are in the response and in the tree. Knows nothing of what has been delivered.

use braid_graphql::error::PathSegment;

use super::errors::is_within;
use crate::compile::parts::part_of;
use crate::compile::projection::Defers;
use crate::complete::Found;
use crate::error::Step;
use crate::tree::{Cell, ObjectId, Tree};

/// How many steps lead along so many keys, with the items that follow the last of them.
pub(super) fn prefix(path: &[Step], keys: u32) -> usize {
    let mut passed = 0;
    for (at, step) in path.iter().enumerate() {
        if matches!(step, Step::Key(..)) {
            if passed == keys {
                return at;
            }
            passed += 1;
        }
    }
    path.len()
}

pub(super) fn json(path: &[Step]) -> Box<[u8]> {
    let mut out = Vec::new();
    Step::write_all(path, &mut out);
    out.into()
}

/// Whether a path leads to items of a list that come later.
pub(super) fn is_put_off(path: &[PathSegment], found: &[Found]) -> bool {
    found.iter().any(|found| match found {
        Found::Items { path: list, from, .. } => {
            is_within(path, list)
                && matches!(path.get(list.len()), Some(PathSegment::Index(index)) if *index >= *from as usize)
        }
        Found::Group { .. } => false,
    })
}

/// What is at a path.
pub(super) fn locate(tree: &Tree, root: ObjectId, path: &[Step]) -> Option<Cell> {
    let mut at = Cell::Object(root);
    for step in path {
        at = match (at, step) {
            (Cell::Object(object), Step::Key(_, slot)) => tree.get(object, *slot),
            (Cell::List { start, len, .. }, Step::Index(index)) if *index < len => tree.items(start + index, 1)[0],
            _ => return None,
        };
    }
    Some(at)
}

/// The numbers of the parts that these fragments are.
pub(super) fn parts_of(defers: &Defers) -> Vec<usize> {
    defers.iter().map(|defer| part_of(*defer)).collect()
}
