//! The shape of a subgraph's response: keys in the order asked, and the slot that each value goes to.
//! Knows nothing of bytes that were received.

use std::sync::Arc;

use braid_graphql::schema::{FieldId, TypeId};
use braid_graphql::type_set::TypeSet;
use braid_graphql::{Name, Type};
use braid_query_plan::{FetchField, FetchSelection};
use braid_supergraph::{SubgraphId, Supergraph};

use crate::block::Text;

use super::heap;
use super::key_index::KeyIndex;
use super::limits::{CompileError, MAX_LISTS};
use super::shape::{ShapeId, Shapes};
use super::weights::Weights;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReadingId(u32);

/// All objects of the responses of one fetch.
#[derive(Debug, Default)]
pub(crate) struct Readings(Vec<Reading>);

/// An object of a response.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) shape: ShapeId,
    pub(crate) width: u32,
    pub(crate) fields: Vec<ReadField>,
    index: KeyIndex,
    /// The runtime type of an object whose answer does not say.
    pub(crate) assumed: Option<TypeId>,
    /// The values of `__typename` that are accepted, sorted.
    pub(crate) types: Vec<(Arc<[u8]>, TypeId)>,
    /// The slots that are written.
    pub(crate) slots: Vec<u32>,
    /// What an object counts, whatever its type.
    pub(crate) weight: u64,
    /// What it counts beside that.
    pub(crate) more: MoreWeights,
}

/// What an object counts that not all objects of a reading do.
#[derive(Debug, Default)]
pub(crate) struct MoreWeights {
    /// By runtime type.
    pub(crate) types: Vec<(TypeId, u64)>,
    /// By the slot of a field.
    pub(crate) fields: Vec<(u32, u64)>,
}

#[derive(Debug)]
pub(crate) struct ReadField {
    /// `"key":`, as it stands in a response without blanks.
    pub(crate) expected: Text,
    /// More than one when members of an abstract type use one key of the response for different slots.
    pub(crate) targets: Vec<Target>,
}

/// Where the value of a key goes.
#[derive(Debug)]
pub(crate) struct Target {
    /// The runtime types of the enclosing object for which it does; `None` for all.
    pub(crate) guard: Option<TypeSet>,
    pub(crate) slot: u32,
    pub(crate) kind: ReadKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadKind {
    Typename,
    /// A scalar, an enum, or a list of such, which is kept as it is.
    Leaf,
    /// Objects in this many lists.
    Objects(ReadingId, u8),
}

/// What a reading is compiled from.
pub(crate) struct ReadingContext<'a> {
    pub(crate) supergraph: &'a Supergraph,
    pub(crate) shapes: &'a Shapes,
    pub(crate) subgraph: SubgraphId,
    pub(crate) weights: &'a dyn Weights,
}

impl Readings {
    pub(crate) fn get(&self, id: ReadingId) -> &Reading {
        &self.0[id.0 as usize]
    }

    /// The bytes that they have on the heap, once there is nothing to spare.
    pub(crate) fn heap(&self) -> usize {
        let field = |field: &ReadField| field.expected.heap() + heap::flat(&field.targets);
        let reading = |reading: &Reading| {
            let more = heap::flat(&reading.more.types) + heap::flat(&reading.more.fields);
            let lists = heap::list(&reading.fields, field) + heap::flat(&reading.types) + heap::flat(&reading.slots);
            lists + more + reading.index.heap()
        };
        heap::list(&self.0, reading)
    }

    /// Gives back what the lists have to spare.
    pub(crate) fn shrink(&mut self) {
        for reading in &mut self.0 {
            reading.fields.iter_mut().for_each(|field| field.targets.shrink_to_fit());
            reading.fields.shrink_to_fit();
            reading.slots.shrink_to_fit();
        }
        self.0.shrink_to_fit();
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Reading> {
        self.0.iter()
    }

    /// Adds the object that `selections` ask for.
    pub(crate) fn add(
        &mut self,
        context: &ReadingContext<'_>,
        shape: ShapeId,
        assumed: Option<TypeId>,
        selections: &[FetchSelection],
    ) -> Result<ReadingId, CompileError> {
        let id = self.push(context, shape, assumed);
        self.add_selections(context, id, None, selections)?;
        Ok(id)
    }

    /// The same for an object of a root operation type, which counts nothing by itself.
    pub(crate) fn add_root(
        &mut self,
        context: &ReadingContext<'_>,
        shape: ShapeId,
        root: Option<TypeId>,
        selections: &[FetchSelection],
    ) -> Result<ReadingId, CompileError> {
        let id = self.add(context, shape, root, selections)?;
        let reading = &mut self.0[id.0 as usize];
        reading.weight = 0;
        reading.more.types.clear();
        Ok(id)
    }

    fn push(&mut self, context: &ReadingContext<'_>, shape: ShapeId, assumed: Option<TypeId>) -> ReadingId {
        let schema = &context.supergraph.schema;
        let layout = context.shapes.get(shape);
        let quoted = |id: TypeId| (Arc::clone(&schema.ty(id).quoted), id);
        let mut types: Vec<(Arc<[u8]>, TypeId)> = layout.possible().iter().map(quoted).collect();
        types.sort_unstable();
        let weights: Vec<_> = types.iter().map(|(_, ty)| (*ty, context.weights.of_type(*ty))).collect();
        let least = weights.iter().map(|(_, weight)| *weight).min().unwrap_or_default();
        let more = weights.into_iter().map(|(ty, weight)| (ty, weight - least)).filter(|(_, weight)| *weight > 0);
        self.0.push(Reading {
            shape,
            width: layout.width(),
            fields: Vec::new(),
            index: KeyIndex::default(),
            assumed,
            types,
            slots: Vec::new(),
            weight: least,
            more: MoreWeights { types: more.collect(), fields: Vec::new() },
        });
        ReadingId(self.0.len() as u32 - 1)
    }

    fn add_selections(
        &mut self,
        context: &ReadingContext<'_>,
        id: ReadingId,
        guard: Option<&TypeSet>,
        selections: &[FetchSelection],
    ) -> Result<(), CompileError> {
        for selection in selections {
            match selection {
                FetchSelection::Field(field) => self.add_field(context, id, guard, field)?,
                FetchSelection::InlineFragment { type_condition, selections, .. } => {
                    let narrower = type_condition.map(|ty| {
                        let possible = &context.supergraph.schema.ty(ty).possible;
                        guard.map_or_else(|| possible.clone(), |guard| guard.intersection(possible))
                    });
                    self.add_selections(context, id, narrower.as_ref().or(guard), selections)?;
                }
            }
        }
        Ok(())
    }

    fn add_field(
        &mut self,
        context: &ReadingContext<'_>,
        id: ReadingId,
        guard: Option<&TypeSet>,
        field: &FetchField,
    ) -> Result<(), CompileError> {
        let shape = self.get(id).shape;
        let slot = context.shapes.slot(shape, &field.key).ok_or(CompileError::Inconsistent)?;
        let at = self.wire_key(id, &field.wire_key);
        let known = self.get(id).fields[at].targets.iter().position(|target| target.slot == slot);
        let target = match known {
            Some(target) => target,
            None => {
                let kind = self.kind(context, shape, field)?;
                let reading = &mut self.0[id.0 as usize];
                reading.fields[at].targets.push(Target { guard: guard.cloned(), slot, kind });
                if !reading.slots.contains(&slot) {
                    reading.slots.push(slot);
                    let weight = weight(context, field);
                    reading.more.fields.extend((weight > 0).then_some((slot, weight)));
                }
                reading.fields[at].targets.len() - 1
            }
        };
        let entry = &mut self.0[id.0 as usize].fields[at].targets[target];
        entry.guard = match (&entry.guard, guard) {
            (Some(known), Some(guard)) => Some(known.union(guard)),
            _ => None,
        };
        match (entry.kind, &field.selections) {
            (ReadKind::Objects(child, _), Some(selections)) => {
                // What one of the fields has as its only type is not the type of another's objects.
                let reading = &mut self.0[child.0 as usize];
                if reading.assumed.is_some() && reading.assumed != assumed(context, field) {
                    reading.assumed = None;
                }
                self.add_selections(context, child, None, selections)
            }
            _ => Ok(()),
        }
    }

    fn wire_key(&mut self, id: ReadingId, key: &Name) -> usize {
        let reading = &mut self.0[id.0 as usize];
        if let Some(at) = reading.look_up(key.as_bytes()) {
            return at;
        }
        let expected = Text::of([b"\"", key.as_bytes(), b"\":"]);
        reading.fields.push(ReadField { expected, targets: Vec::new() });
        reading.index.added(reading.fields.iter().map(ReadField::key));
        reading.fields.len() - 1
    }

    fn kind(
        &mut self,
        context: &ReadingContext<'_>,
        shape: ShapeId,
        field: &FetchField,
    ) -> Result<ReadKind, CompileError> {
        let schema = &context.supergraph.schema;
        let Some(definition) = field.definition else { return Ok(ReadKind::Typename) };
        if field.selections.is_none() {
            return Ok(ReadKind::Leaf);
        }
        let child = context.shapes.child(shape, &field.key).ok_or(CompileError::Inconsistent)?;
        let ty = type_in_subgraph(context, definition);
        let lists = lists(ty).max(lists(&schema.field(definition).ty));
        if lists > MAX_LISTS {
            return Err(CompileError::TooDeep);
        }
        let reading = self.push(context, child, assumed(context, field));
        Ok(ReadKind::Objects(reading, lists))
    }
}

impl ReadField {
    /// The key: between the quotes, before the colon.
    fn key(&self) -> &[u8] {
        let expected = self.expected.bytes();
        expected.get(1..expected.len().saturating_sub(2)).unwrap_or_default()
    }
}

impl MoreWeights {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.types.is_empty() && self.fields.is_empty()
    }
}

impl Reading {
    /// The key of a field in the response.
    pub(crate) fn key(&self, number: usize) -> &[u8] {
        self.fields.get(number).map_or(&[][..], ReadField::key)
    }

    /// The field of an unescaped key.
    pub(crate) fn look_up(&self, key: &[u8]) -> Option<usize> {
        self.index.find(key, self.fields.iter().map(ReadField::key)).map(|at| at as usize)
    }

    /// The field that `key` of a response leads to, for an object of any type.
    pub(crate) fn target(&self, key: &str) -> Option<&Target> {
        self.fields[self.look_up(key.as_bytes())?].targets.first()
    }
}

/// What a field counts beside the objects below it.
fn weight(context: &ReadingContext<'_>, field: &FetchField) -> u64 {
    let Some(definition) = field.definition else { return 0 };
    let leaf = match field.selections {
        Some(_) => 0,
        None => context.weights.of_type(context.supergraph.schema.field(definition).inner),
    };
    context.weights.of_field(definition).saturating_add(leaf)
}

/// The subgraph can have a narrower type than the supergraph.
fn type_in_subgraph<'a>(context: &ReadingContext<'a>, field: FieldId) -> &'a Type {
    let joined = context.supergraph.field_in(field, context.subgraph);
    joined.map_or(&context.supergraph.schema.field(field).ty, |joined| &joined.ty)
}

/// The only runtime type that a field's objects can have in the subgraph, if there is one: it can have fewer implementations of an
/// interface.
fn assumed(context: &ReadingContext<'_>, field: &FetchField) -> Option<TypeId> {
    let schema = &context.supergraph.schema;
    let definition = field.definition?;
    let name = type_in_subgraph(context, definition).inner_named_type();
    let inner = schema.type_named(name).unwrap_or(schema.field(definition).inner);
    match context.supergraph.type_in(inner, context.subgraph) {
        Some(joined) if !joined.interface_object => joined.possible.single(),
        _ => schema.ty(inner).possible.single(),
    }
}

/// How many lists are around the named type.
pub(crate) fn lists(mut ty: &Type) -> u8 {
    let mut lists = 0_u8;
    while let Type::List(item) | Type::NonNullList(item) = ty {
        lists = lists.saturating_add(1);
        ty = item;
    }
    lists
}
