//! The layout of the data tree: for each position, the tree keys that can stand there and the slot of each.
//! Knows nothing of requests and answers.

use braid_graphql::Name;
use braid_graphql::operation::{Condition, SelectionSet};
use braid_graphql::schema::{FieldId, Schema, TypeId};
use braid_graphql::type_set::TypeSet;
use braid_query_plan::{FetchField, FetchKind, FetchSelection, QueryPlan};

use super::condition::{CompiledCondition, Numbers};
use super::heap;
use super::key_index::KeyIndex;
use super::limits::{CompileError, MAX_DEPTH};

/// A position of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ShapeId(u32);

/// All positions of an operation's tree.
#[derive(Debug)]
pub(crate) struct Shapes(Vec<Shape>);

#[derive(Debug, Default)]
pub(crate) struct Shape {
    slots: Vec<Slot>,
    index: KeyIndex,
    /// The possible types of each field that leads here.
    possible: Vec<TypeSet>,
}

#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) key: Name,
    pub(crate) child: Option<ShapeId>,
    /// Whether the client asked for something under this key.
    pub(crate) visible: bool,
    /// The conditions under which a fetch asks for it; any of them is enough.
    pub(crate) asked: Vec<CompiledCondition>,
}

impl Shapes {
    pub(crate) const ROOT: ShapeId = ShapeId(0);

    pub(crate) fn new(
        schema: &Schema,
        root: TypeId,
        operation: &SelectionSet,
        plan: &QueryPlan,
        numbers: &Numbers<'_>,
    ) -> Result<Self, CompileError> {
        let mut shapes = Self(vec![Shape::default()]);
        shapes.lead_to(Self::ROOT, schema.ty(root).possible.clone());
        shapes.add_operation(schema, Self::ROOT, operation, 0)?;
        for fetch in &plan.fetches {
            let always = Condition::always();
            let lists = match &fetch.kind {
                FetchKind::Root { path, selections, .. } => vec![(path, &always, selections)],
                FetchKind::Entities(lists) => {
                    lists.iter().map(|list| (&list.path, &list.condition, &list.selections)).collect()
                }
            };
            for (path, condition, selections) in lists {
                let mut at = Self::ROOT;
                for segment in &path.0 {
                    at = shapes.add_child(at, &segment.key);
                }
                let fetch = CompiledCondition::new(&fetch.condition, numbers)?;
                let Some(condition) = fetch.and(&CompiledCondition::new(condition, numbers)?) else { continue };
                let mut adding = Adding { schema, numbers, shapes: &mut shapes };
                adding.selections(at, selections, &condition, path.0.len())?;
            }
        }
        for shape in &mut shapes.0 {
            shape.slots.shrink_to_fit();
            shape.possible.shrink_to_fit();
        }
        shapes.0.shrink_to_fit();
        Ok(shapes)
    }

    pub(crate) fn get(&self, id: ShapeId) -> &Shape {
        &self.0[id.0 as usize]
    }

    /// The bytes that they have on the heap.
    pub(crate) fn heap(&self) -> usize {
        let slot = |slot: &Slot| heap::list(&slot.asked, CompiledCondition::heap);
        let shape = |shape: &Shape| heap::list(&shape.slots, slot) + heap::flat(&shape.possible) + shape.index.heap();
        heap::list(&self.0, shape)
    }

    /// The slot of `key` at a position.
    pub(crate) fn slot(&self, id: ShapeId, key: &str) -> Option<u32> {
        self.get(id).find(key)
    }

    /// The position below `key`.
    pub(crate) fn child(&self, id: ShapeId, key: &str) -> Option<ShapeId> {
        self.get(id).slots[self.slot(id, key)? as usize].child
    }

    fn add_operation(
        &mut self,
        schema: &Schema,
        at: ShapeId,
        selection_set: &SelectionSet,
        depth: usize,
    ) -> Result<(), CompileError> {
        if depth > MAX_DEPTH {
            return Err(CompileError::TooDeep);
        }
        for field in &selection_set.fields {
            let Some(id) = field.definition.id() else { continue };
            let slot = self.add_slot(at, &field.response_key);
            self.0[at.0 as usize].slots[slot as usize].visible = true;
            if let Some(selection_set) = &field.selection_set {
                let child = self.add_field(schema, at, &field.response_key, Some(id));
                self.add_operation(schema, child, selection_set, depth + 1)?;
            }
        }
        Ok(())
    }

    fn add_field(&mut self, schema: &Schema, at: ShapeId, key: &Name, definition: Option<FieldId>) -> ShapeId {
        let child = self.add_child(at, key);
        if let Some(id) = definition {
            self.lead_to(child, schema.ty(schema.field(id).inner).possible.clone());
        }
        child
    }

    fn lead_to(&mut self, id: ShapeId, possible: TypeSet) {
        let known = &mut self.0[id.0 as usize].possible;
        if !known.contains(&possible) {
            known.push(possible);
        }
    }

    fn add_slot(&mut self, at: ShapeId, key: &Name) -> u32 {
        let shape = &mut self.0[at.0 as usize];
        if let Some(slot) = shape.find(key) {
            return slot;
        }
        shape.slots.push(Slot { key: key.clone(), child: None, visible: false, asked: Vec::new() });
        shape.index.added(shape.slots.iter().map(|slot| slot.key.as_bytes()));
        shape.slots.len() as u32 - 1
    }

    fn add_child(&mut self, at: ShapeId, key: &Name) -> ShapeId {
        let slot = self.add_slot(at, key) as usize;
        if let Some(child) = self.0[at.0 as usize].slots[slot].child {
            return child;
        }
        let child = ShapeId(self.0.len() as u32);
        self.0.push(Shape::default());
        self.0[at.0 as usize].slots[slot].child = Some(child);
        child
    }
}

/// Adds what fetches ask for.
struct Adding<'a> {
    schema: &'a Schema,
    numbers: &'a Numbers<'a>,
    shapes: &'a mut Shapes,
}

impl Adding<'_> {
    /// `outer` is the condition of all that is around the selections.
    fn selections(
        &mut self,
        at: ShapeId,
        selections: &[FetchSelection],
        outer: &CompiledCondition,
        depth: usize,
    ) -> Result<(), CompileError> {
        if depth > MAX_DEPTH {
            return Err(CompileError::TooDeep);
        }
        for selection in selections {
            let (FetchSelection::InlineFragment { condition, .. }
            | FetchSelection::Field(FetchField { condition, .. })) = selection;
            let own = CompiledCondition::new(condition, self.numbers)?;
            // What contradicts itself is never in a response, but readings have a slot for it.
            let condition = outer.and(&own);
            let below = condition.as_ref().unwrap_or(outer);
            match selection {
                FetchSelection::InlineFragment { selections, .. } => {
                    self.selections(at, selections, below, depth + 1)?;
                }
                FetchSelection::Field(field) => {
                    let slot = self.shapes.add_slot(at, &field.key);
                    self.shapes.0[at.0 as usize].slots[slot as usize].add_condition(condition.clone());
                    if let Some(selections) = &field.selections {
                        let child = self.shapes.add_field(self.schema, at, &field.key, field.definition);
                        self.selections(child, selections, below, depth + 1)?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl Slot {
    fn add_condition(&mut self, condition: Option<CompiledCondition>) {
        let Some(condition) = condition else { return };
        match self.asked.first() {
            Some(first) if first.is_always() => {}
            _ if condition.is_always() => self.asked = vec![condition],
            _ => self.asked.push(condition),
        }
    }
}

impl Shape {
    fn find(&self, key: &str) -> Option<u32> {
        self.index.find(key.as_bytes(), self.slots.iter().map(|slot| slot.key.as_bytes()))
    }

    pub(crate) fn width(&self) -> u32 {
        self.slots.len() as u32
    }

    pub(crate) fn slot(&self, slot: u32) -> &Slot {
        &self.slots[slot as usize]
    }

    /// The runtime types that an object here can have.
    pub(crate) fn possible(&self) -> TypeSet {
        self.possible.iter().fold(TypeSet::empty(), |all, set| all.union(set))
    }

    /// Whether a selection with this guard applies to an object whose runtime type is not known.
    pub(crate) fn admits_unknown(&self, guard: &TypeSet) -> bool {
        self.possible.iter().any(|possible| !possible.is_empty() && guard.is_superset(possible))
    }
}
