//! Where parts are in the response and in the tree, and what completes them there. Knows nothing of what has been delivered.

use braid_graphql::error::PathSegment;
use braid_graphql::introspection::{self, Introspector};

use super::errors::is_within;
use crate::compile::parts::part_of;
use crate::compile::projection::Defers;
use crate::complete::{Completion, Found};
use crate::error::Step;
use crate::execute::Run;
use crate::tree::{Cell, ObjectId, Tree};
use crate::written::Written;

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

/// What completes values of the tree as it is now, behind what is in `out`.
pub(super) fn completion<'r, M>(run: &'r mut Run<'_, M>, out: Vec<u8>) -> Completion<'r> {
    let operation = run.operation;
    Completion {
        supergraph: &operation.supergraph,
        projection: &operation.projection,
        decisions: operation.projection.rules.decide(run.variables),
        variables: run.variables,
        tree: &run.tree,
        introspector: Introspector::new(introspection::Context {
            schema: &operation.supergraph.api_schema,
            variables: run.variables,
            definitions: &operation.operation.variables,
            max_bytes: run.limits.max_response,
            deadline: run.deadline,
        }),
        some_failed: run.gave_up || run.reports.iter().any(|report| report.failure.is_some()),
        gave_up: run.gave_up,
        errors: &mut run.errors,
        refusals: &mut run.refusals,
        names: run.names,
        out,
        written: Written::default(),
        max_out: run.limits.max_response,
        overflow: false,
        is_late: false,
        found: Vec::new(),
    }
}

/// The numbers of the parts that these fragments are.
pub(super) fn parts_of(defers: &Defers) -> Vec<usize> {
    defers.iter().map(|defer| part_of(*defer)).collect()
}
