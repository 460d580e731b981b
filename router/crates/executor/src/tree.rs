//! The data tree of one execution: objects whose values stand in slots, in one arena. Knows shapes by their width only.
//!
//! A leaf is a range of a received body. Lists and objects are ranges of one array of cells. What an entity's answer gives is stored
//! once and pointed to from every object that asked for it; the few places that write into what is already pointed to from
//! several objects copy it first ([`Tree::merge`]).

use braid_graphql::schema::TypeId;
use bytes::Bytes;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ObjectId(u32);

/// What a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Cell {
    /// Nothing was read.
    Absent,
    /// Nothing was read, and the reason is among the errors already.
    Failed,
    /// `null`
    Null,
    /// `null`, and the reason is among the errors already.
    Explained,
    /// Anything else that has no slots below it: a range of a received body.
    Leaf {
        buffer: u16,
        start: u32,
        end: u32,
    },
    Object(ObjectId),
    /// Items are cells one after another.
    List {
        start: u32,
        len: u32,
        shared: bool,
    },
}

#[derive(Debug, Clone, Copy)]
struct Object {
    first: u32,
    width: u32,
    ty: Option<TypeId>,
    /// Pointed to from more than one place.
    shared: bool,
    /// The last walk that saw the object.
    seen: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Tree {
    cells: Vec<Cell>,
    objects: Vec<Object>,
    buffers: Vec<Bytes>,
    walk: u32,
    /// Objects that were copied, with their copies, in the order it was done.
    copies: Vec<(ObjectId, ObjectId)>,
    /// The number of the first item that the streamed list has here, where the tree has a batch of its items.
    pub(crate) first_item: u32,
}

impl Tree {
    /// Keeps a received body; leaves refer to it by the number that comes back. There are never more bodies than `u16` counts, nor
    /// longer ones than `u32` does: `None` says that this one would be.
    pub(crate) fn keep(&mut self, body: Bytes) -> Option<u16> {
        let number = u16::try_from(self.buffers.len()).ok()?;
        u32::try_from(body.len()).ok()?;
        self.buffers.push(body);
        Some(number)
    }

    pub(crate) fn buffer(&self, number: u16) -> Bytes {
        self.buffers.get(usize::from(number)).cloned().unwrap_or_default()
    }

    /// How much memory the arena takes.
    pub(crate) fn size(&self) -> usize {
        self.cells.len() * size_of::<Cell>() + self.objects.len() * size_of::<Object>()
    }

    pub(crate) fn reserve(&mut self, cells: usize) {
        self.cells.reserve(cells);
    }

    pub(crate) fn add_object(&mut self, width: u32, ty: Option<TypeId>) -> ObjectId {
        let first = self.cells.len() as u32;
        self.cells.resize(self.cells.len() + width as usize, Cell::Absent);
        self.push_object(Object { first, width, ty, shared: false, seen: 0 })
    }

    fn push_object(&mut self, object: Object) -> ObjectId {
        self.objects.push(object);
        ObjectId(self.objects.len() as u32 - 1)
    }

    pub(crate) fn add_list(&mut self, items: &[Cell]) -> Cell {
        let start = self.cells.len() as u32;
        self.cells.extend_from_slice(items);
        Cell::List { start, len: items.len() as u32, shared: false }
    }

    #[inline]
    pub(crate) fn ty(&self, object: ObjectId) -> Option<TypeId> {
        self.objects[object.0 as usize].ty
    }

    #[inline]
    pub(crate) fn set_ty(&mut self, object: ObjectId, ty: TypeId) {
        self.objects[object.0 as usize].ty = Some(ty);
    }

    #[inline]
    pub(crate) fn get(&self, object: ObjectId, slot: u32) -> Cell {
        let first = self.objects[object.0 as usize].first;
        self.cells[(first + slot) as usize]
    }

    #[inline]
    pub(crate) fn set(&mut self, object: ObjectId, slot: u32, cell: Cell) {
        let first = self.objects[object.0 as usize].first;
        self.cells[(first + slot) as usize] = cell;
    }

    #[inline]
    pub(crate) fn items(&self, start: u32, len: u32) -> &[Cell] {
        &self.cells[start as usize..(start + len) as usize]
    }

    #[inline]
    pub(crate) fn bytes(&self, buffer: u16, start: u32, end: u32) -> &[u8] {
        &self.body(buffer)[start as usize..end as usize]
    }

    /// A received body, as [`Tree::keep`] numbered it.
    #[inline]
    pub(crate) fn body(&self, buffer: u16) -> &[u8] {
        &self.buffers[usize::from(buffer)]
    }

    #[inline]
    pub(crate) fn item(&self, at: u32) -> Cell {
        self.cells[at as usize]
    }

    /// The bytes of the leaf that `object` has in `slot`, if it has one there.
    #[inline]
    pub(crate) fn leaf(&self, object: ObjectId, slot: u32) -> Option<&[u8]> {
        match self.get(object, slot) {
            Cell::Leaf { buffer, start, end } => Some(self.bytes(buffer, start, end)),
            _ => None,
        }
    }

    /// What `object` has in `slot`, when it is more than null; otherwise it is marked that an error explains it.
    pub(crate) fn explain(&mut self, object: ObjectId, slot: u32) -> Option<Cell> {
        self.explain_item(self.objects[object.0 as usize].first + slot)
    }

    /// As [`Tree::explain`], for an item of a list.
    pub(crate) fn explain_item(&mut self, at: u32) -> Option<Cell> {
        let cell = &mut self.cells[at as usize];
        match cell {
            Cell::Absent => *cell = Cell::Failed,
            Cell::Null => *cell = Cell::Explained,
            Cell::Failed | Cell::Explained => {}
            more => return Some(*more),
        }
        None
    }

    /// Starts a walk in which [`Tree::see`] meets each object once.
    pub(crate) fn start_walk(&mut self) {
        self.walk += 1;
    }

    /// Whether this walk sees the object for the first time.
    #[inline]
    pub(crate) fn see(&mut self, object: ObjectId) -> bool {
        let object = &mut self.objects[object.0 as usize];
        let first = object.seen != self.walk;
        object.seen = self.walk;
        first
    }

    /// Writes what `source` has in `slots` into `target`, key by key and item by item. What is there already stays, except that
    /// anything replaces null. `share` says that `source` is merged into other objects too.
    pub(crate) fn merge(&mut self, target: ObjectId, source: ObjectId, slots: &[u32], share: bool) {
        let (first, from) = (self.objects[target.0 as usize].first, self.objects[source.0 as usize].first);
        for slot in slots {
            let (at, cell) = ((first + slot) as usize, self.cells[(from + slot) as usize]);
            match (self.cells[at], cell) {
                // By far the most frequent case.
                (Cell::Absent, Cell::Leaf { .. } | Cell::Null) => self.cells[at] = cell,
                _ => self.merge_cell(at, cell, share),
            }
        }
        self.learn_type(target, source);
    }

    fn learn_type(&mut self, target: ObjectId, source: ObjectId) {
        if self.ty(target).is_none()
            && let Some(ty) = self.ty(source)
        {
            self.set_ty(target, ty);
        }
    }

    /// Recursive as deep as shapes are, which the compilation of an operation bounds.
    fn merge_cell(&mut self, at: usize, source: Cell, share: bool) {
        match (self.cells[at], source) {
            (_, Cell::Absent) | (Cell::Null | Cell::Explained, Cell::Failed) | (Cell::Null, Cell::Explained) => {}
            (Cell::Absent | Cell::Failed | Cell::Null | Cell::Explained, source) => {
                self.cells[at] = if share { self.share(source) } else { source };
            }
            (Cell::Object(target), Cell::Object(source)) if target != source => {
                let target = self.own_object(at, target);
                let (to, from) = (self.objects[target.0 as usize], self.objects[source.0 as usize]);
                for slot in 0..to.width.min(from.width) {
                    let cell = self.cells[(from.first + slot) as usize];
                    self.merge_cell((to.first + slot) as usize, cell, share);
                }
                self.learn_type(target, source);
            }
            (Cell::List { start, len, shared }, Cell::List { start: from, len: count, .. }) if start != from => {
                let start = if shared { self.own_list(at, start, len) } else { start };
                for item in 0..len.min(count) {
                    let cell = self.cells[(from + item) as usize];
                    self.merge_cell((start + item) as usize, cell, share);
                }
            }
            _ => {}
        }
    }

    /// Whether more than one place points to what is in `cell`.
    #[inline]
    pub(crate) fn is_shared(&self, cell: Cell) -> bool {
        match cell {
            Cell::Object(object) => self.objects[object.0 as usize].shared,
            Cell::List { shared, .. } => shared,
            _ => false,
        }
    }

    fn share(&mut self, cell: Cell) -> Cell {
        match cell {
            Cell::Object(object) => self.objects[object.0 as usize].shared = true,
            Cell::List { start, len, .. } => return Cell::List { start, len, shared: true },
            _ => {}
        }
        cell
    }

    /// The object in the cell at `at`, for that cell alone.
    fn own_object(&mut self, at: usize, object: ObjectId) -> ObjectId {
        let original = self.objects[object.0 as usize];
        if !original.shared {
            return object;
        }
        let first = self.copy_cells(original.first, original.width);
        let copy = self.push_object(Object { first, shared: false, ..original });
        self.cells[at] = Cell::Object(copy);
        self.copies.push((object, copy));
        copy
    }

    /// How many copies were made of objects. See [`Tree::copies_since`].
    pub(crate) fn copies(&self) -> usize {
        self.copies.len()
    }

    /// The copies that were made since there were `count`: what was to be written to an original is to be written to them too.
    pub(crate) fn copies_since(&self, count: usize) -> &[(ObjectId, ObjectId)] {
        self.copies.get(count..).unwrap_or_default()
    }

    fn own_list(&mut self, at: usize, start: u32, len: u32) -> u32 {
        let start = self.copy_cells(start, len);
        self.cells[at] = Cell::List { start, len, shared: false };
        start
    }

    fn copy_cells(&mut self, start: u32, len: u32) -> u32 {
        let copy = self.cells.len() as u32;
        for at in start..start + len {
            let cell = self.share(self.cells[at as usize]);
            self.cells.push(cell);
        }
        copy
    }

    /// What `object` has in `slot`, with nothing in it that other objects point to too, down to the next objects.
    pub(crate) fn own(&mut self, object: ObjectId, slot: u32) -> Cell {
        let at = self.objects[object.0 as usize].first + slot;
        self.own_cell(at as usize);
        self.cells[at as usize]
    }

    fn own_cell(&mut self, at: usize) {
        match self.cells[at] {
            Cell::Object(object) => {
                self.own_object(at, object);
            }
            Cell::List { start, len, shared } => {
                let start = if shared { self.own_list(at, start, len) } else { start };
                (start..start + len).for_each(|item| self.own_cell(item as usize));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a` and `b` point to one child with one slot; returns them with the child.
    fn shared() -> (Tree, ObjectId, ObjectId, ObjectId) {
        let mut tree = Tree::default();
        let (a, b, source) = (tree.add_object(2, None), tree.add_object(2, None), tree.add_object(2, None));
        let child = tree.add_object(2, None);
        let list = tree.add_list(&[Cell::Object(child), Cell::Null]);
        tree.set(source, 0, Cell::Object(child));
        tree.set(source, 1, list);
        tree.merge(a, source, &[0, 1], true);
        tree.merge(b, source, &[0, 1], true);
        (tree, a, b, child)
    }

    fn child(tree: &Tree, object: ObjectId) -> ObjectId {
        match tree.get(object, 0) {
            Cell::Object(child) => child,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_shared_is_copied_before_it_is_written() {
        let (mut tree, a, b, original) = shared();
        assert_eq!((child(&tree, a), child(&tree, b)), (original, original));
        let (more, below) = (tree.add_object(2, None), tree.add_object(2, None));
        tree.set(below, 1, Cell::Null);
        tree.set(more, 0, Cell::Object(below));
        tree.merge(a, more, &[0], false);
        assert_ne!(child(&tree, a), original);
        assert_eq!(tree.get(child(&tree, a), 1), Cell::Null);
        assert_eq!(child(&tree, b), original);
        assert_eq!(tree.get(original, 1), Cell::Absent);
        // What is in flight to the original goes to the copy too.
        assert_eq!(tree.copies_since(0), [(original, child(&tree, a))]);
    }

    #[test]
    fn lists_that_are_shared_are_copied_too() {
        let (mut tree, a, b, original) = shared();
        let (more, item) = (tree.add_object(2, None), tree.add_object(2, None));
        tree.set(item, 0, Cell::Null);
        let list = tree.add_list(&[Cell::Null, Cell::Object(item)]);
        tree.set(more, 1, list);
        tree.merge(a, more, &[1], false);
        let items = |tree: &Tree, object| match tree.get(object, 1) {
            Cell::List { start, len, .. } => tree.items(start, len).to_vec(),
            other => panic!("{other:?}"),
        };
        assert_eq!(items(&tree, a), [Cell::Object(original), Cell::Object(item)]);
        assert_eq!(items(&tree, b), [Cell::Object(original), Cell::Null]);
    }

    #[test]
    fn null_gives_way_and_what_failed_does_not_hide_it() {
        let mut tree = Tree::default();
        let (a, b) = (tree.add_object(3, None), tree.add_object(3, Some(TypeId::new(1))));
        let leaf = Cell::Leaf { buffer: 0, start: 0, end: 1 };
        for (slot, (target, source)) in
            [(Cell::Null, leaf), (leaf, Cell::Null), (Cell::Null, Cell::Failed)].into_iter().enumerate()
        {
            tree.set(a, slot as u32, target);
            tree.set(b, slot as u32, source);
        }
        tree.merge(a, b, &[0, 1, 2], false);
        assert_eq!([0, 1, 2].map(|slot| tree.get(a, slot)), [leaf, leaf, Cell::Null]);
        assert_eq!(tree.ty(a), Some(TypeId::new(1)));
    }
}
