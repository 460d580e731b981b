//! From the root of the tree along a path of the plan: to the objects that a fetch is about, and back to the client's path of one of
//! them. Knows nothing of what is done with them.

use ahash::AHashMap;
use braid_graphql::error::PathSegment;

use crate::compile::fetch::{CompiledContext, Step};
use crate::compile::shape::{ShapeId, Shapes};
use crate::tree::{Cell, ObjectId, Tree};

/// The objects at the end of `path`, each once.
pub(crate) fn targets(tree: &mut Tree, root: ObjectId, path: &[Step]) -> Vec<ObjectId> {
    let mut current = vec![root];
    for step in path {
        tree.start_walk();
        let mut next = Vec::with_capacity(current.len());
        for object in current {
            let cell = tree.get(object, step.slot);
            collect(tree, step, cell, &mut next);
        }
        current = next;
    }
    current
}

/// Recursive as deep as lists were read, which their types bound.
fn collect(tree: &mut Tree, step: &Step, cell: Cell, into: &mut Vec<ObjectId>) {
    match cell {
        Cell::Object(object) if follows(tree, step, object) && tree.see(object) => into.push(object),
        Cell::List { start, len, .. } => {
            for at in start..start + len {
                let item = tree.items(at, 1)[0];
                collect(tree, step, item, into);
            }
        }
        _ => {}
    }
}

#[inline]
fn follows(tree: &Tree, step: &Step, object: ObjectId) -> bool {
    match &step.guard {
        None => true,
        Some(guard) => tree.ty(object).map_or(step.unknown, |ty| guard.contains(ty)),
    }
}

/// As [`targets`], with the values of contexts that objects on the way set. What several objects on the way point to is copied,
/// since what is written there can differ by the context; `None` when the tree grows larger than `max_tree` by it.
pub(crate) fn targets_in_context(
    tree: &mut Tree,
    root: ObjectId,
    path: &[Step],
    contexts: &[CompiledContext],
    max_tree: usize,
) -> Option<Vec<(ObjectId, Vec<Vec<u8>>)>> {
    let mut current = vec![(root, vec![b"null".to_vec(); contexts.len()])];
    for depth in 0..=path.len() {
        for (object, values) in &mut current {
            for (context, value) in contexts.iter().zip(values).filter(|(context, _)| context.depth == depth) {
                *value = context_value(tree, context, *object);
            }
        }
        let Some(step) = path.get(depth) else { break };
        let mut next = Vec::new();
        for (object, values) in current {
            let cell = tree.own(object, step.slot);
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

fn context_value(tree: &Tree, context: &CompiledContext, object: ObjectId) -> Vec<u8> {
    let mut out = Vec::new();
    let ty = tree.ty(object);
    let source = context.sources.iter().find(|(guard, _)| ty.is_some_and(|ty| guard.contains(ty)));
    match source {
        Some((_, slots)) => write_context(tree, Cell::Object(object), slots, &mut out),
        None => out.extend_from_slice(b"null"),
    }
    out
}

fn write_context(tree: &Tree, cell: Cell, slots: &[u32], out: &mut Vec<u8>) {
    match (cell, slots) {
        (Cell::Object(object), [slot, rest @ ..]) => write_context(tree, tree.get(object, *slot), rest, out),
        (Cell::Leaf { buffer, start, end }, []) => out.extend_from_slice(tree.bytes(buffer, start, end)),
        (Cell::List { start, len, .. }, slots) => {
            out.push(b'[');
            for at in 0..len {
                if at > 0 {
                    out.push(b',');
                }
                write_context(tree, tree.items(start + at, 1)[0], slots, out);
            }
            out.push(b']');
        }
        _ => out.extend_from_slice(b"null"),
    }
}

/// Walks along a path of the plan and keeps note of where it is; shared objects are entered once.
pub(crate) struct Trace<'a> {
    tree: &'a mut Tree,
    shapes: &'a Shapes,
    path: &'a [Step],
    here: Vec<PathSegment>,
    sought: Sought<'a>,
}

enum Sought<'a> {
    /// The deepest path that leads to all objects.
    Common(Option<Vec<PathSegment>>),
    /// For each number that an object is wanted under, the path of the first such object.
    First { wanted: &'a AHashMap<ObjectId, usize>, found: Vec<Option<Vec<PathSegment>>>, missing: usize },
}

impl<'a> Trace<'a> {
    /// For each number below `count`, the path of the first object that is wanted under it.
    pub(crate) fn first_of_each(
        tree: &'a mut Tree,
        shapes: &'a Shapes,
        root: ObjectId,
        path: &'a [Step],
        wanted: &'a AHashMap<ObjectId, usize>,
        count: usize,
    ) -> Vec<Option<Vec<PathSegment>>> {
        let sought = Sought::First { wanted, found: vec![None; count], missing: count };
        match (Self { tree, shapes, path, here: Vec::new(), sought }).run(root) {
            Sought::First { found, .. } => found,
            Sought::Common(_) => Vec::new(),
        }
    }

    /// The deepest path that leads to all objects at the end of `path`.
    pub(crate) fn common(
        tree: &'a mut Tree,
        shapes: &'a Shapes,
        root: ObjectId,
        path: &'a [Step],
    ) -> Option<Vec<PathSegment>> {
        match (Self { tree, shapes, path, here: Vec::new(), sought: Sought::Common(None) }).run(root) {
            Sought::Common(found) => found,
            Sought::First { .. } => None,
        }
    }

    fn run(mut self, root: ObjectId) -> Sought<'a> {
        self.tree.start_walk();
        self.object(root, 0, Shapes::ROOT);
        self.sought
    }

    fn object(&mut self, object: ObjectId, depth: usize, shape: ShapeId) {
        let Some(step) = self.path.get(depth) else { return self.arrive(object) };
        let key = self.shapes.get(shape).slot(step.slot).key.to_string();
        let cell = self.tree.get(object, step.slot);
        self.here.push(PathSegment::Key(key));
        self.cell(cell, step, depth);
        self.here.pop();
    }

    fn arrive(&mut self, object: ObjectId) {
        match &mut self.sought {
            Sought::Common(Some(common)) => {
                let equal = common.iter().zip(&self.here).take_while(|(a, b)| a == b).count();
                common.truncate(equal);
            }
            Sought::Common(none) => *none = Some(self.here.clone()),
            Sought::First { wanted, found, missing } => {
                if let Some(place) = wanted.get(&object).and_then(|number| found.get_mut(*number))
                    && place.is_none()
                {
                    *place = Some(self.here.clone());
                    *missing -= 1;
                }
            }
        }
    }

    fn cell(&mut self, cell: Cell, step: &Step, depth: usize) {
        match cell {
            Cell::Object(object) if follows(self.tree, step, object) && self.tree.see(object) => {
                self.object(object, depth + 1, step.shape);
            }
            Cell::List { start, len, .. } => {
                for at in 0..len {
                    if let Sought::First { missing: 0, .. } = self.sought {
                        return;
                    }
                    let item = self.tree.items(start + at, 1)[0];
                    self.here.push(PathSegment::Index(at as usize));
                    self.cell(item, step, depth);
                    self.here.pop();
                }
            }
            _ => {}
        }
    }
}
