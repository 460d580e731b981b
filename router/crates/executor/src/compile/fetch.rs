//! A fetch made ready: its request but for the values, the objects that it looks up, and the shape of its response.
//! Knows nothing of one execution.

use braid_graphql::Name;
use braid_graphql::OperationType;
use braid_graphql::type_set::TypeSet;
use braid_query_plan::{
    EntityFetch, Fetch, FetchKind, FetchSelection, Items, Path, Representation, RepresentationField, TypenameSource,
};
use braid_supergraph::{SubgraphId, Supergraph};

use super::condition::{CompiledCondition, Numbers};
use super::heap;
use super::initial::Initial;
use super::limits::{CompileError, MAX_DEPTH};
use super::operation::CompileOptions;
use super::reading::{ReadingContext, ReadingId, Readings};
use super::request::Requests;
use super::shape::{ShapeId, Shapes};

#[derive(Debug)]
pub(crate) struct CompiledFetch {
    pub(crate) subgraph: SubgraphId,
    pub(crate) condition: CompiledCondition,
    pub(crate) kind: CompiledKind,
    pub(crate) readings: Readings,
    pub(crate) requests: Requests,
    /// How many fetches must be done before.
    pub(crate) waits_for: u32,
    /// The fetches that wait for this one.
    pub(crate) wakes: Vec<u32>,
}

#[derive(Debug)]
pub(crate) enum CompiledKind {
    Root { operation: OperationType, path: Vec<Step>, reading: ReadingId },
    Entities(Vec<CompiledEntities>),
}

#[derive(Debug)]
pub(crate) struct CompiledEntities {
    pub(crate) path: Vec<Step>,
    pub(crate) condition: CompiledCondition,
    pub(crate) representations: Vec<CompiledRepresentation>,
    /// The slot of the value by which representations differ, if it is one value alone.
    pub(crate) only_value: Option<u32>,
    pub(crate) contexts: Vec<CompiledContext>,
    pub(crate) reading: ReadingId,
    /// About how many bytes of text each group of equal context values takes.
    pub(crate) selection_bytes: usize,
}

/// A step from the root of the tree to objects.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) slot: u32,
    /// The runtime types that are followed; `None` for all.
    pub(crate) guard: Option<TypeSet>,
    /// Whether objects of unknown type are followed.
    pub(crate) unknown: bool,
    pub(crate) shape: ShapeId,
    /// Which items of a streamed list are followed; `None` for all.
    pub(crate) items: Option<StepItems>,
}

/// A part of the items of a streamed list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StepItems {
    /// Those after the first, instead of the first.
    pub(crate) rest: bool,
    pub(crate) initial: Initial,
}

#[derive(Debug)]
pub(crate) struct CompiledRepresentation {
    pub(crate) guard: TypeSet,
    /// Whether it fits objects of unknown type.
    pub(crate) unknown: bool,
    /// `{"__typename":`, and the name of the type where it is not the runtime type's.
    pub(crate) head: Box<[u8]>,
    pub(crate) names_type: bool,
    pub(crate) fields: Vec<CompiledRepresentationField>,
}

#[derive(Debug)]
pub(crate) struct CompiledRepresentationField {
    /// `,"name":`
    pub(crate) name: Box<[u8]>,
    /// `None` for a `__typename` that nobody asks for: the type is known without it.
    pub(crate) slot: Option<u32>,
    pub(crate) is_key: bool,
    pub(crate) is_typename: bool,
    /// The conditions under which it is asked for. When none of them holds, what requires it is not selected either.
    pub(crate) asked: Vec<CompiledCondition>,
    pub(crate) guard: Option<TypeSet>,
    pub(crate) fields: Option<Vec<CompiledRepresentationField>>,
}

#[derive(Debug)]
pub(crate) struct CompiledContext {
    pub(crate) depth: usize,
    /// By runtime type, the slots that lead to the value.
    pub(crate) sources: Vec<(TypeSet, Vec<u32>)>,
}

/// What fetches are compiled from.
pub(crate) struct FetchContext<'a> {
    pub(crate) supergraph: &'a Supergraph,
    pub(crate) shapes: &'a Shapes,
    pub(crate) numbers: &'a Numbers<'a>,
    pub(crate) options: &'a CompileOptions<'a>,
}

impl CompiledFetch {
    /// The most bytes that it has on the heap.
    pub(crate) fn heap(&self) -> usize {
        let kind = match &self.kind {
            CompiledKind::Root { path, .. } => heap::flat(path),
            CompiledKind::Entities(lists) => heap::list(lists, CompiledEntities::heap),
        };
        kind + self.condition.heap() + self.readings.heap() + self.requests.heap() + heap::flat(&self.wakes)
    }
}

impl CompiledEntities {
    fn heap(&self) -> usize {
        let representation = |representation: &CompiledRepresentation| {
            representation.head.len() + heap::list(&representation.fields, CompiledRepresentationField::heap)
        };
        let source = |source: &(TypeSet, Vec<u32>)| heap::flat(&source.1);
        let context = |context: &CompiledContext| heap::list(&context.sources, source);
        heap::flat(&self.path)
            + self.condition.heap()
            + heap::list(&self.representations, representation)
            + heap::list(&self.contexts, context)
    }
}

impl CompiledRepresentationField {
    /// Recursive as deep as field sets are.
    fn heap(&self) -> usize {
        let below = self.fields.as_ref().map_or(0, |fields| heap::list(fields, Self::heap));
        self.name.len() + heap::list(&self.asked, CompiledCondition::heap) + below
    }
}

pub(crate) fn compile_fetches(
    context: &FetchContext<'_>,
    fetches: &[Fetch],
) -> Result<Vec<CompiledFetch>, CompileError> {
    let mut compiled = fetches.iter().map(|fetch| compile_fetch(context, fetch)).collect::<Result<Vec<_>, _>>()?;
    for (at, fetch) in fetches.iter().enumerate() {
        for before in &fetch.after {
            // Ids are places, and what is waited for stands before: so there is no circle.
            if before.0 as usize >= at {
                return Err(CompileError::Inconsistent);
            }
            compiled[before.0 as usize].wakes.push(at as u32);
            compiled[at].waits_for += 1;
        }
    }
    Ok(compiled)
}

fn compile_fetch(context: &FetchContext<'_>, fetch: &Fetch) -> Result<CompiledFetch, CompileError> {
    let mut readings = Readings::default();
    let kind = match &fetch.kind {
        FetchKind::Root { operation, path, selections } => {
            let (path, shape) = compile_path(context, path)?;
            let root = context.supergraph.root(*operation);
            let reading = readings.add_root(&reading_context(context, fetch), shape, root, selections)?;
            CompiledKind::Root { operation: *operation, path, reading }
        }
        FetchKind::Entities(entities) => {
            let compile = |entities: &EntityFetch| compile_entities(context, fetch, entities, &mut readings);
            CompiledKind::Entities(entities.iter().map(compile).collect::<Result<_, _>>()?)
        }
    };
    readings.shrink();
    Ok(CompiledFetch {
        subgraph: fetch.subgraph,
        condition: CompiledCondition::new(&fetch.condition, context.numbers)?,
        kind,
        readings,
        requests: Requests::new(fetch, &context.supergraph.schema, context.numbers, context.options.with_facts)?,
        waits_for: 0,
        wakes: Vec::new(),
    })
}

fn reading_context<'a>(context: &FetchContext<'a>, fetch: &Fetch) -> ReadingContext<'a> {
    ReadingContext {
        supergraph: context.supergraph,
        shapes: context.shapes,
        subgraph: fetch.subgraph,
        weights: context.options.weights,
    }
}

fn compile_entities(
    context: &FetchContext<'_>,
    fetch: &Fetch,
    entities: &EntityFetch,
    readings: &mut Readings,
) -> Result<CompiledEntities, CompileError> {
    let (path, shape) = compile_path(context, &entities.path)?;
    let representation = |representation: &Representation| compile_representation(context, shape, representation);
    let mut contexts = Vec::new();
    for value in &entities.contexts {
        let from = match value.depth.checked_sub(1) {
            None => Shapes::ROOT,
            Some(step) => path.get(step).ok_or(CompileError::Inconsistent)?.shape,
        };
        let source = |(guard, keys): &(TypeSet, Vec<Name>)| Ok((guard.clone(), slots(context.shapes, from, keys)?));
        let sources = value.sources.iter().map(source).collect::<Result<_, CompileError>>()?;
        contexts.push(CompiledContext { depth: value.depth, sources });
    }
    let representations: Vec<_> =
        entities.representations.iter().map(representation).collect::<Result<_, CompileError>>()?;
    Ok(CompiledEntities {
        condition: CompiledCondition::new(&entities.condition, context.numbers)?,
        only_value: only_value(&representations),
        representations,
        contexts,
        selection_bytes: selection_bytes(&entities.selections),
        reading: readings.add(&reading_context(context, fetch), shape, None, &entities.selections)?,
        path,
    })
}

fn only_value(representations: &[CompiledRepresentation]) -> Option<u32> {
    let [CompiledRepresentation { guard, names_type, fields, .. }] = representations else { return None };
    let mut values = fields.iter().filter(|field| !field.is_typename);
    let (value, None) = (values.next()?, values.next()) else { return None };
    let is_of_one_type = *names_type || guard.single().is_some();
    let is_leaf = value.guard.is_none() && value.fields.is_none();
    value.slot.filter(|_| is_of_one_type && is_leaf)
}

fn selection_bytes(selections: &[FetchSelection]) -> usize {
    let bytes = |selection: &FetchSelection| match selection {
        FetchSelection::Field(field) => {
            field.wire_key.len() + field.name.len() + field.selections.as_deref().map_or(0, selection_bytes)
        }
        FetchSelection::InlineFragment { selections, .. } => 16 + selection_bytes(selections),
    };
    64 + selections.iter().map(bytes).sum::<usize>()
}

fn slots(shapes: &Shapes, mut at: ShapeId, keys: &[Name]) -> Result<Vec<u32>, CompileError> {
    let mut slots = Vec::with_capacity(keys.len());
    for (i, key) in keys.iter().enumerate() {
        slots.push(shapes.slot(at, key).ok_or(CompileError::Inconsistent)?);
        if i + 1 < keys.len() {
            at = shapes.child(at, key).ok_or(CompileError::Inconsistent)?;
        }
    }
    Ok(slots)
}

fn compile_path(context: &FetchContext<'_>, path: &Path) -> Result<(Vec<Step>, ShapeId), CompileError> {
    let mut at = Shapes::ROOT;
    let mut steps = Vec::with_capacity(path.0.len());
    for segment in &path.0 {
        let slot = context.shapes.slot(at, &segment.key).ok_or(CompileError::Inconsistent)?;
        at = context.shapes.child(at, &segment.key).ok_or(CompileError::Inconsistent)?;
        let shape = context.shapes.get(at);
        // A guard that holds for all is none: then no type is looked at.
        let guard = segment.guard.clone().filter(|guard| !guard.is_superset(&shape.possible()));
        let unknown = guard.as_ref().is_none_or(|guard| shape.admits_unknown(guard));
        let items = match &segment.items {
            None => None,
            Some(Items::First(count)) => {
                Some(StepItems { rest: false, initial: Initial::new(count, context.numbers)? })
            }
            Some(Items::Rest(count)) => Some(StepItems { rest: true, initial: Initial::new(count, context.numbers)? }),
        };
        steps.push(Step { slot, guard, unknown, shape: at, items });
    }
    Ok((steps, at))
}

fn compile_representation(
    context: &FetchContext<'_>,
    shape: ShapeId,
    representation: &Representation,
) -> Result<CompiledRepresentation, CompileError> {
    let (head, names_type) = match &representation.typename {
        TypenameSource::Runtime => ("{\"__typename\":".to_owned(), false),
        TypenameSource::Fixed(name) => (format!("{{\"__typename\":\"{name}\""), true),
    };
    let unknown = names_type && context.shapes.get(shape).admits_unknown(&representation.guard);
    let fields = compile_representation_fields(context.shapes, shape, &representation.fields, 0)?;
    let head = head.into_bytes().into();
    Ok(CompiledRepresentation { guard: representation.guard.clone(), unknown, head, names_type, fields })
}

fn compile_representation_fields(
    shapes: &Shapes,
    shape: ShapeId,
    fields: &[RepresentationField],
    depth: usize,
) -> Result<Vec<CompiledRepresentationField>, CompileError> {
    if depth > MAX_DEPTH {
        return Err(CompileError::TooDeep);
    }
    let compile = |field: &RepresentationField| {
        let is_typename = field.name == "__typename";
        let slot = shapes.slot(shape, &field.key);
        if slot.is_none() && !is_typename {
            return Err(CompileError::Inconsistent);
        }
        let below = |fields| {
            let child = shapes.child(shape, &field.key).ok_or(CompileError::Inconsistent)?;
            compile_representation_fields(shapes, child, fields, depth + 1)
        };
        Ok(CompiledRepresentationField {
            name: [",\"", &field.name, "\":"].concat().into_bytes().into(),
            slot,
            asked: slot.map(|slot| shapes.get(shape).slot(slot).asked.clone()).unwrap_or_default(),
            is_key: field.is_key,
            is_typename,
            guard: field.guard.clone(),
            fields: field.fields.as_deref().map(below).transpose()?,
        })
    };
    let mut compiled: Vec<CompiledRepresentationField> = fields.iter().map(compile).collect::<Result<_, _>>()?;
    // Of one entity all representations by one key are equal, whatever the order in which operations ask.
    compiled.sort_by(|a, b| (!a.is_typename, !a.is_key, &a.name).cmp(&(!b.is_typename, !b.is_key, &b.name)));
    Ok(compiled)
}
