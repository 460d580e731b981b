//! From the root of the tree along a path of the plan: to the objects that a fetch is about, and back to the client's path of one of
//! them. Knows nothing of what is done with them.

use std::ops::ControlFlow;

use ahash::AHashMap;
use braid_graphql::error::PathSegment;
use braid_graphql::variables::Variables;

use crate::compile::fetch::{CompiledContext, Step};
use crate::compile::shape::{ShapeId, Shapes};
use crate::tree::{Cell, ObjectId, Tree};

/// The objects at the end of `path`, each once.
pub(crate) fn targets(tree: &mut Tree, root: ObjectId, path: &[Step], variables: &Variables) -> Vec<ObjectId> {
    let mut current = vec![root];
    for step in path {
        tree.start_walk();
        let mut next = Vec::with_capacity(current.len());
        for object in current {
            let cell = followed(step, tree.get(object, step.slot), tree.first_item, variables);
            collect(tree, step, cell, &mut next);
        }
        current = next;
    }
    current
}

/// Of a list whose first item has this number, the items that are followed.
#[inline]
fn followed(step: &Step, cell: Cell, first_item: u32, variables: &Variables) -> Cell {
    match (step.items, cell) {
        (Some(items), Cell::List { start, len, shared }) => {
            let first = items.initial.count(variables).saturating_sub(first_item).min(len);
            match items.rest {
                false => Cell::List { start, len: first, shared },
                true => Cell::List { start: start + first, len: len - first, shared },
            }
        }
        _ => cell,
    }
}

/// Recursive as deep as lists were read, which their types bound.
fn collect(tree: &mut Tree, step: &Step, cell: Cell, into: &mut Vec<ObjectId>) {
    match cell {
        Cell::Object(object) => enter(tree, step, object, into),
        Cell::List { start, len, .. } => {
            for at in start..start + len {
                match tree.item(at) {
                    Cell::Object(object) => enter(tree, step, object, into),
                    item => collect(tree, step, item, into),
                }
            }
        }
        _ => {}
    }
}

#[inline]
fn enter(tree: &mut Tree, step: &Step, object: ObjectId, into: &mut Vec<ObjectId>) {
    if follows(tree, step, object) && tree.see(object) {
        into.push(object);
    }
}

#[inline]
fn follows(tree: &Tree, step: &Step, object: ObjectId) -> bool {
    match &step.guard {
        None => true,
        Some(guard) => tree.ty(object).map_or(step.unknown, |ty| guard.contains(ty)),
    }
}

/// As [`targets`], with the values of contexts that objects on the way set. An object below one whose value did not come is left out:
/// as with a requirement, nothing is computed from a guess. What several objects on the way point to is copied, since what is written
/// there can differ by the context; `None` when the tree grows larger than `max_tree` by it.
pub(crate) fn targets_in_context(
    tree: &mut Tree,
    root: ObjectId,
    path: &[Step],
    contexts: &[CompiledContext],
    variables: &Variables,
    max_tree: usize,
) -> Option<Vec<(ObjectId, Vec<Vec<u8>>)>> {
    let mut current = vec![(root, vec![b"null".to_vec(); contexts.len()])];
    for depth in 0..=path.len() {
        current.retain_mut(|(object, values)| {
            let mut here = contexts.iter().zip(values).filter(|(context, _)| context.depth == depth);
            here.all(|(context, value)| write_context(tree, context, *object, value))
        });
        let Some(step) = path.get(depth) else { break };
        let mut next = Vec::new();
        for (object, values) in current {
            let cell = followed(step, tree.own(object, step.slot), tree.first_item, variables);
            if tree.size() > max_tree {
                return None;
            }
            let mut below = Vec::new();
            tree.start_walk();
            collect(tree, step, cell, &mut below);
            next.extend(below.into_iter().map(|object| (object, values.clone())));
        }
        current = next;
    }
    Some(current)
}

/// Writes the value that an object sets; `false` when it did not come. An object of a type that does not set the context sets null.
fn write_context(tree: &Tree, context: &CompiledContext, object: ObjectId, out: &mut Vec<u8>) -> bool {
    let ty = tree.ty(object);
    let source = context.sources.iter().find(|(guard, _)| ty.is_some_and(|ty| guard.contains(ty)));
    let Some((_, slots)) = source else { return true };
    out.clear();
    write_value(tree, Cell::Object(object), slots, out)
}

fn write_value(tree: &Tree, cell: Cell, slots: &[u32], out: &mut Vec<u8>) -> bool {
    match (cell, slots) {
        (Cell::Object(object), [slot, rest @ ..]) => return write_value(tree, tree.get(object, *slot), rest, out),
        (Cell::Leaf { buffer, start, end }, []) => out.extend_from_slice(tree.bytes(buffer, start, end)),
        (Cell::List { start, len, .. }, slots) => {
            out.push(b'[');
            for (at, item) in tree.items(start, len).iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                if !write_value(tree, *item, slots, out) {
                    return false;
                }
            }
            out.push(b']');
        }
        (Cell::Null | Cell::Explained, _) => out.extend_from_slice(b"null"),
        // Nothing came, or an object where a leaf is due, or the other way round.
        (Cell::Absent | Cell::Failed | Cell::Object(_) | Cell::Leaf { .. }, _) => return false,
    }
    true
}

/// The deepest path that leads to all objects at the end of `path`; `None` when there is none.
pub(crate) fn common_path(tree: &mut Tree, shapes: &Shapes, root: ObjectId, path: &[Step]) -> Option<Vec<PathSegment>> {
    let mut common: Option<Vec<PathSegment>> = None;
    let arrive = |_: ObjectId, here: &[PathSegment]| {
        match &mut common {
            Some(common) => {
                let equal = common.iter().zip(here).take_while(|(a, b)| a == b).count();
                common.truncate(equal);
            }
            None => common = Some(here.to_vec()),
        }
        ControlFlow::Continue(())
    };
    Trace { tree, shapes, path, here: Vec::new(), arrive }.run(root);
    common
}

/// For each number below `count`, the path of the first object that is wanted under it.
pub(crate) fn first_paths(
    tree: &mut Tree,
    shapes: &Shapes,
    root: ObjectId,
    path: &[Step],
    wanted: &AHashMap<ObjectId, usize>,
    count: usize,
) -> Vec<Option<Vec<PathSegment>>> {
    let (mut found, mut missing) = (vec![None; count], count);
    let arrive = |object: ObjectId, here: &[PathSegment]| {
        if let Some(first @ None) = wanted.get(&object).and_then(|number| found.get_mut(*number)) {
            *first = Some(here.to_vec());
            missing -= 1;
        }
        if missing == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    Trace { tree, shapes, path, here: Vec::new(), arrive }.run(root);
    found
}

/// Walks along a path of the plan and remembers where it is; shared objects are entered once.
struct Trace<'a, F> {
    tree: &'a mut Tree,
    shapes: &'a Shapes,
    path: &'a [Step],
    here: Vec<PathSegment>,
    /// Is called with each object at the end of the path, and says whether to go on.
    arrive: F,
}

impl<F: FnMut(ObjectId, &[PathSegment]) -> ControlFlow<()>> Trace<'_, F> {
    fn run(mut self, root: ObjectId) {
        self.tree.start_walk();
        // Whether it was stopped makes no difference.
        let _ = self.object(root, 0, Shapes::ROOT);
    }

    fn object(&mut self, object: ObjectId, depth: usize, shape: ShapeId) -> ControlFlow<()> {
        let Some(step) = self.path.get(depth) else { return (self.arrive)(object, &self.here) };
        let key = self.shapes.get(shape).slot(step.slot).key.to_string();
        let cell = self.tree.get(object, step.slot);
        self.here.push(PathSegment::Key(key));
        self.cell(cell, step, depth)?;
        self.here.pop();
        ControlFlow::Continue(())
    }

    fn cell(&mut self, cell: Cell, step: &Step, depth: usize) -> ControlFlow<()> {
        match cell {
            Cell::Object(object) if follows(self.tree, step, object) && self.tree.see(object) => {
                self.object(object, depth + 1, step.shape)?;
            }
            Cell::List { start, len, .. } => {
                let first = if step.items.is_some() { self.tree.first_item } else { 0 };
                for at in 0..len {
                    let item = self.tree.item(start + at);
                    self.here.push(PathSegment::Index((first + at) as usize));
                    self.cell(item, step, depth)?;
                    self.here.pop();
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
