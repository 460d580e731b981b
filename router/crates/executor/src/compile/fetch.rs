//! A fetch made ready: its request but for the values, the objects that it looks up, and the shape of its answer.
//! Knows nothing of one execution.

use braid_graphql::OperationType;
use braid_graphql::operation::Condition;
use braid_graphql::type_set::TypeSet;
use braid_graphql::{Name, Node, VariableDefinition};
use braid_query_plan::request::{EntityPart, PartNames, RequestText, all_parts, request_text};
use braid_query_plan::{EntityFetch, Fetch, FetchKind, Path, Representation, RepresentationField, TypenameSource};
use braid_supergraph::{SubgraphId, Supergraph};

use super::reading::{ReadingContext, ReadingId, Readings};
use super::shape::{ShapeId, Shapes};
use super::{CompileError, MAX_DEPTH};

#[derive(Debug)]
pub(crate) struct CompiledFetch {
    pub(crate) subgraph: SubgraphId,
    pub(crate) condition: CompiledCondition,
    pub(crate) kind: CompiledKind,
    pub(crate) readings: Readings,
    /// The request in which all parts are present, when there is only one.
    pub(crate) request: Option<CompiledRequest>,
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
    pub(crate) contexts: Vec<CompiledContext>,
    pub(crate) reading: ReadingId,
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
    pub(crate) slot: Option<u32>,
    pub(crate) is_key: bool,
    pub(crate) is_typename: bool,
    pub(crate) guard: Option<TypeSet>,
    pub(crate) fields: Option<Vec<CompiledRepresentationField>>,
}

#[derive(Debug)]
pub(crate) struct CompiledContext {
    pub(crate) depth: usize,
    /// By runtime type, the slots that lead to the value.
    pub(crate) sources: Vec<(TypeSet, Vec<u32>)>,
}

/// A condition over the operation's variables by their numbers.
#[derive(Debug, Default)]
pub(crate) struct CompiledCondition(pub(crate) Vec<(usize, bool)>);

#[derive(Debug)]
pub(crate) struct CompiledRequest {
    /// `{"query":"…"`
    pub(crate) head: Box<[u8]>,
    pub(crate) parts: Vec<CompiledPart>,
    /// `"name":` and the number of the operation's variable.
    pub(crate) variables: Vec<(Box<[u8]>, usize)>,
}

#[derive(Debug)]
pub(crate) struct CompiledPart {
    pub(crate) part: EntityPart,
    pub(crate) alias: String,
    /// `"representations":`
    pub(crate) representations: Box<[u8]>,
    /// `"context":` of each context value.
    pub(crate) contexts: Vec<Box<[u8]>>,
}

/// What fetches are compiled from.
pub(crate) struct FetchContext<'a> {
    pub(crate) supergraph: &'a Supergraph,
    pub(crate) shapes: &'a Shapes,
    pub(crate) variables: &'a [Node<VariableDefinition>],
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
    let mut all_always = true;
    let kind = match &fetch.kind {
        FetchKind::Root { operation, path, selections } => {
            let (path, shape) = compile_path(context, path)?;
            let root = context.supergraph.root(*operation);
            let reading = readings.add(&reading_context(context, fetch), shape, root, selections)?;
            CompiledKind::Root { operation: *operation, path, reading }
        }
        FetchKind::Entities(entities) => {
            let compile = |entities: &EntityFetch| {
                all_always &= entities.condition.is_always() && entities.contexts.is_empty();
                compile_entities(context, fetch, entities, &mut readings)
            };
            CompiledKind::Entities(entities.iter().map(compile).collect::<Result<_, _>>()?)
        }
    };
    let text = request_text(fetch, &context.supergraph.schema, None, &all_parts(fetch));
    Ok(CompiledFetch {
        subgraph: fetch.subgraph,
        condition: CompiledCondition::new(&fetch.condition, context.variables)?,
        kind,
        readings,
        request: match all_always {
            true => Some(compile_request(fetch, text, &all_parts(fetch), context.variables)?),
            false => None,
        },
        waits_for: 0,
        wakes: Vec::new(),
    })
}

fn reading_context<'a>(context: &FetchContext<'a>, fetch: &Fetch) -> ReadingContext<'a> {
    ReadingContext { supergraph: context.supergraph, shapes: context.shapes, subgraph: fetch.subgraph }
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
    Ok(CompiledEntities {
        condition: CompiledCondition::new(&entities.condition, context.variables)?,
        representations: entities.representations.iter().map(representation).collect::<Result<_, _>>()?,
        contexts,
        reading: readings.add(&reading_context(context, fetch), shape, None, &entities.selections)?,
        path,
    })
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
        steps.push(Step { slot, guard, unknown, shape: at });
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
    let fields = compile_representation_fields(context.shapes, Some(shape), &representation.fields, 0)?;
    let head = head.into_bytes().into();
    Ok(CompiledRepresentation { guard: representation.guard.clone(), unknown, head, names_type, fields })
}

fn compile_representation_fields(
    shapes: &Shapes,
    shape: Option<ShapeId>,
    fields: &[RepresentationField],
    depth: usize,
) -> Result<Vec<CompiledRepresentationField>, CompileError> {
    if depth > MAX_DEPTH {
        return Err(CompileError::TooDeep);
    }
    let compile = |field: &RepresentationField| {
        let child = shape.and_then(|shape| shapes.child(shape, &field.key));
        let below = |fields| compile_representation_fields(shapes, child, fields, depth + 1);
        Ok(CompiledRepresentationField {
            name: format!(",\"{}\":", field.name).into_bytes().into(),
            slot: shape.and_then(|shape| shapes.slot(shape, &field.key)),
            is_key: field.is_key,
            is_typename: field.name == "__typename",
            guard: field.guard.clone(),
            fields: field.fields.as_deref().map(below).transpose()?,
        })
    };
    fields.iter().map(compile).collect()
}

/// Precomputes the body of a request up to the values of its variables.
pub(crate) fn compile_request(
    fetch: &Fetch,
    text: RequestText,
    parts: &[EntityPart],
    variables: &[Node<VariableDefinition>],
) -> Result<CompiledRequest, CompileError> {
    let quoted = |name: &str| -> Box<[u8]> { format!("\"{name}\":").into_bytes().into() };
    let variable = |index: &usize| {
        let name = &fetch.variables[*index].name;
        let number = variables.iter().position(|variable| variable.name == *name);
        Ok((quoted(name), number.ok_or(CompileError::Inconsistent)?))
    };
    let part = |(part, names): (&EntityPart, PartNames)| CompiledPart {
        part: *part,
        representations: quoted(&names.representations),
        contexts: names.contexts.iter().map(|name| quoted(name)).collect(),
        alias: names.alias,
    };
    let escaped = serde_json::to_string(&text.query).map_err(|_| CompileError::Inconsistent)?;
    Ok(CompiledRequest {
        head: format!("{{\"query\":{escaped}").into_bytes().into(),
        variables: text.variables.iter().map(variable).collect::<Result<_, _>>()?,
        parts: parts.iter().zip(text.parts).map(part).collect(),
    })
}

impl CompiledCondition {
    fn new(condition: &Condition, variables: &[Node<VariableDefinition>]) -> Result<Self, CompileError> {
        let literal = |literal: &braid_graphql::operation::Literal| {
            let number = variables.iter().position(|variable| variable.name == literal.variable);
            Ok((number.ok_or(CompileError::Inconsistent)?, literal.value))
        };
        condition.literals().iter().map(literal).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn holds(&self, boolean: impl Fn(usize) -> bool) -> bool {
        self.0.iter().all(|(number, value)| boolean(*number) == *value)
    }
}
