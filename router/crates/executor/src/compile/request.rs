//! The requests of a fetch, made ready but for the values. Knows nothing of shapes, and of values no more than how many groups of
//! them there are.

use std::mem::size_of;
use std::sync::{Arc, Mutex, PoisonError};

use braid_graphql::schema::Schema;
use braid_graphql::{Name, Node, VariableDefinition};
use braid_query_plan::request::{EntityPart, PartNames, RequestText, all_parts, request_text};
use braid_query_plan::{EntityFetch, Fetch, FetchKind, FetchSelection, TypenameSource};
use xxhash_rust::xxh3::xxh3_64;

use super::condition::Numbers;
use super::facts::{asked_fields, selection_facts};
use super::heap;
use super::limits::CompileError;
use crate::request::{AskedField, Document, DocumentEntities, EntityKey, EntitySelection, RootField, SelectionFacts};

/// The requests of a fetch.
#[derive(Debug)]
pub(crate) enum Requests {
    /// The text is always the same: a list of entities that is left out is sent empty.
    One(CompiledRequest),
    /// Entities with unequal context values travel in lists of their own, so the text depends on how many groups of equal values
    /// there are.
    ByGroups { fetch: Box<Fetch>, selections: Vec<Arc<EntitySelection>>, known: Mutex<Known> },
}

/// Requests that are kept, by the number of groups of each list of the fetch.
#[derive(Debug, Default)]
pub(crate) struct Known {
    requests: Vec<(Vec<u32>, Arc<CompiledRequest>)>,
    bytes: usize,
}

/// The most bytes that a fetch keeps of requests for numbers of groups. Larger numbers, of which one request alone is as long, are
/// written for each request anew.
const MAX_KNOWN: usize = 64 << 10;

/// Up to this many groups, a request has exactly as many; beyond, a power of two, so that there are few different texts.
const MAX_EXACT: u32 = 4;

#[derive(Debug)]
pub(crate) struct CompiledRequest {
    /// `{"query":"…"`
    pub(crate) head: Box<[u8]>,
    pub(crate) parts: Vec<CompiledPart>,
    /// `"name":`, the name, and the number of the operation's variable.
    pub(crate) variables: Vec<(Box<[u8]>, Name, usize)>,
    pub(crate) document: Arc<Document>,
}

#[derive(Debug)]
pub(crate) struct CompiledPart {
    pub(crate) part: EntityPart,
    pub(crate) alias: Arc<str>,
    /// `"representations":`
    pub(crate) representations: Box<[u8]>,
    /// `"context":` of each context value.
    pub(crate) contexts: Vec<Box<[u8]>>,
}

impl Requests {
    /// The requests of `fetch`; with facts if a cache will look at them.
    pub(crate) fn new(
        fetch: &Fetch,
        schema: &Schema,
        numbers: &Numbers<'_>,
        with_facts: bool,
    ) -> Result<Self, CompileError> {
        let lists: &[EntityFetch] = match &fetch.kind {
            FetchKind::Root { .. } => &[],
            FetchKind::Entities(lists) => lists,
        };
        let alone = |at: usize| {
            let text = request_text(fetch, schema, None, &[EntityPart { entities: at, group: 0 }]);
            entity_selection(fetch, schema, &lists[at], &text, with_facts).map(Arc::new)
        };
        if lists.iter().any(|list| !list.contexts.is_empty()) {
            let selections = (0..lists.len()).map(alone).collect::<Result<_, _>>()?;
            return Ok(Self::ByGroups { fetch: Box::new(fetch.clone()), selections, known: Mutex::default() });
        }
        let parts = all_parts(fetch);
        let text = request_text(fetch, schema, None, &parts);
        let selections = match lists {
            // The only list is alone in the request.
            [list] => vec![Arc::new(entity_selection(fetch, schema, list, &text, with_facts)?)],
            lists => (0..lists.len()).map(alone).collect::<Result<_, _>>()?,
        };
        let facts = with_facts.then_some(schema);
        Ok(Self::One(compile_request(fetch, numbers, &selections, &parts, text, facts)?))
    }

    /// The most bytes that they have on the heap.
    pub(crate) fn heap(&self) -> usize {
        match self {
            Self::One(request) => request.heap(),
            // The plan's fetch is about as long as its text.
            Self::ByGroups { selections, .. } => {
                let all = |selection: &Arc<EntitySelection>| 20 * selection.text.len() + selection_heap(selection);
                MAX_KNOWN + selections.iter().map(all).sum::<usize>()
            }
        }
    }
}

impl CompiledRequest {
    fn heap(&self) -> usize {
        let part = |part: &CompiledPart| {
            part.alias.len()
                + 2 * size_of::<usize>()
                + part.representations.len()
                + heap::list(&part.contexts, |name| name.len())
        };
        let entities = |list: &DocumentEntities| selection_heap(&list.selection);
        let root_field = |field: &RootField| field.asked.as_ref().map_or(0, asked_heap);
        let document = self.document.query.len()
            + heap::list(&self.document.root_fields, root_field)
            + heap::list(&self.document.entities, entities);
        let variables = heap::list(&self.variables, |(name, ..)| name.len());
        self.head.len() + heap::list(&self.parts, part) + variables + heap::shared::<Document>(document)
    }
}

fn selection_heap(selection: &EntitySelection) -> usize {
    let lists = heap::flat(&selection.variables) + heap::list(&selection.keys, |key| heap::flat(&key.fields));
    heap::shared::<EntitySelection>(selection.text.len() + lists + selection.facts.as_ref().map_or(0, facts_heap))
}

fn asked_heap(asked: &AskedField) -> usize {
    let variables = heap::list(&asked.variables, |(_, definition)| definition.len());
    asked.text.len() + variables + heap::flat(&asked.arguments) + facts_heap(&asked.facts)
}

/// What a cache derives is a hash and a few names.
fn facts_heap(facts: &SelectionFacts) -> usize {
    const DERIVED: usize = 256;
    facts.signature.len() + heap::flat(&facts.contains) + DERIVED
}

/// How many groups the text has when a list has so many.
pub(crate) fn groups_in_text(groups: u32) -> u32 {
    if groups <= MAX_EXACT { groups } else { groups.next_power_of_two() }
}

/// The request with so many groups of each list: one that is kept, or a new one.
pub(crate) fn request_of_groups(
    fetch: &Fetch,
    schema: &Schema,
    variables: &[Node<VariableDefinition>],
    selections: &[Arc<EntitySelection>],
    known: &Mutex<Known>,
    counts: &[u32],
) -> Result<Arc<CompiledRequest>, CompileError> {
    let find = |known: &Known| {
        known.requests.iter().find(|(other, _)| other == counts).map(|(_, request)| Arc::clone(request))
    };
    if let Some(request) = find(&known.lock().unwrap_or_else(PoisonError::into_inner)) {
        return Ok(request);
    }
    let part = |(entities, count): (usize, &u32)| (0..*count as usize).map(move |group| EntityPart { entities, group });
    let parts: Vec<EntityPart> = counts.iter().enumerate().flat_map(part).collect();
    let text = request_text(fetch, schema, None, &parts);
    let request = Arc::new(compile_request(fetch, &Numbers::new(variables), selections, &parts, text, None)?);
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    let bytes = request.heap();
    if known.bytes + bytes <= MAX_KNOWN && find(&known).is_none() {
        known.requests.push((counts.to_vec(), Arc::clone(&request)));
        known.bytes += bytes;
    }
    Ok(request)
}

/// Precomputes the body of a request with this text up to the values of its variables.
fn compile_request(
    fetch: &Fetch,
    numbers: &Numbers<'_>,
    selections: &[Arc<EntitySelection>],
    parts: &[EntityPart],
    text: RequestText,
    facts: Option<&Schema>,
) -> Result<CompiledRequest, CompileError> {
    let variable = |index: &usize| {
        let name = &fetch.variables.get(*index).ok_or(CompileError::Inconsistent)?.name;
        Ok((quoted(name), name.clone(), numbers.of(name)?))
    };
    let variables = text.variables.iter().map(variable).collect::<Result<_, _>>()?;
    let part = |(part, names): (&EntityPart, &PartNames)| CompiledPart {
        part: *part,
        alias: names.alias.as_str().into(),
        representations: quoted(&names.representations),
        contexts: names.contexts.iter().map(|name| quoted(name)).collect(),
    };
    let parts: Vec<CompiledPart> = parts.iter().zip(&text.parts).map(part).collect();
    let escaped = serde_json::to_string(&text.query).map_err(|_| CompileError::Inconsistent)?;
    let head = ["{\"query\":", &escaped].concat().into_bytes().into();
    let entities = |part: &CompiledPart| {
        let selection = selections.get(part.part.entities).ok_or(CompileError::Inconsistent)?;
        Ok(DocumentEntities { alias: Arc::clone(&part.alias), selection: Arc::clone(selection) })
    };
    let root_fields = match (&fetch.kind, facts) {
        (FetchKind::Root { selections, .. }, Some(schema)) => {
            asked_fields(fetch, schema, &text, root_fields(selections), selections)?
        }
        (FetchKind::Root { selections, .. }, None) => root_fields(selections),
        (FetchKind::Entities(_), _) => Vec::new(),
    };
    let document = Document {
        hash: xxh3_64(text.query.as_bytes()),
        query: text.query.into(),
        root_fields,
        entities: parts.iter().map(entities).collect::<Result<_, _>>()?,
    };
    Ok(CompiledRequest { head, parts, variables, document: Arc::new(document) })
}

fn quoted(name: &str) -> Box<[u8]> {
    ["\"", name, "\":"].concat().into_bytes().into()
}

/// What is asked of the entities of a list, as it is written in the text of a request where the list is alone.
fn entity_selection(
    fetch: &Fetch,
    schema: &Schema,
    list: &EntityFetch,
    alone: &RequestText,
    with_facts: bool,
) -> Result<EntitySelection, CompileError> {
    let RequestText { query, variables, parts, .. } = alone;
    let range = parts.first().ok_or(CompileError::Inconsistent)?.selections.clone();
    let text: Box<str> = query.get(range).ok_or(CompileError::Inconsistent)?.into();
    let mut keys: Vec<EntityKey> = Vec::new();
    for representation in &list.representations {
        let fields: Vec<Name> =
            representation.fields.iter().filter(|field| field.is_key).map(|field| field.name.clone()).collect();
        match &representation.typename {
            TypenameSource::Fixed(typename) => keys.push(EntityKey { typename: typename.clone(), fields }),
            TypenameSource::Runtime => keys.extend(
                representation
                    .guard
                    .iter()
                    .map(|ty| EntityKey { typename: schema.ty(ty).name.clone(), fields: fields.clone() }),
            ),
        }
    }
    let name = |index: usize| fetch.variables.get(index).map(|variable| variable.name.clone());
    Ok(EntitySelection {
        hash: xxh3_64(text.as_bytes()),
        text,
        variables: variables.iter().copied().filter_map(name).collect(),
        keys,
        facts: with_facts.then(|| selection_facts(fetch, schema, &list.selections, variables)),
    })
}

fn root_fields(selections: &[FetchSelection]) -> Vec<RootField> {
    let fields = |selection: &FetchSelection| match selection {
        FetchSelection::Field(field) => {
            vec![RootField { key: field.wire_key.clone(), name: field.name.clone(), asked: None }]
        }
        FetchSelection::InlineFragment { selections, .. } => root_fields(selections),
    };
    selections.iter().flat_map(fields).collect()
}
