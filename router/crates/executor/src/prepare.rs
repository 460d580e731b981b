//! From the tree to a request: which objects a fetch looks up, and the bytes that it sends. Knows nothing of answers.

use ahash::{AHashMap, AHashSet};
use braid_graphql::variables::Variables;
use braid_query_plan::request::{EntityPart, request_text};
use bytes::Bytes;

use crate::compile::CompiledOperation;
use crate::compile::fetch::{CompiledEntities, CompiledFetch, CompiledKind, CompiledRequest, compile_request};
use crate::represent::{self, Unique};
use crate::tree::{ObjectId, Tree};
use crate::walk;

/// A request that is ready to be sent.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) body: Bytes,
    pub(crate) receivers: Receivers,
    /// How many copies had been made of objects when the receivers were found.
    pub(crate) copies: usize,
}

/// The objects that an answer is written to.
#[derive(Debug)]
pub(crate) enum Receivers {
    Root(Vec<ObjectId>),
    Entities(Vec<Lookups>),
}

/// The objects that one list of entities is written to.
#[derive(Debug)]
pub(crate) struct Lookups {
    /// The key of the list in the answer.
    pub(crate) alias: String,
    /// The place of the list in its fetch.
    pub(crate) entities: usize,
    /// Each object with the number of its representation.
    pub(crate) objects: Vec<(ObjectId, u32)>,
    /// How many representations there are.
    pub(crate) count: usize,
}

/// What a request is made of.
pub(crate) struct PrepareContext<'a> {
    pub(crate) operation: &'a CompiledOperation,
    pub(crate) variables: &'a Variables,
    pub(crate) root: ObjectId,
    /// The most bytes of the body.
    pub(crate) max_body: usize,
}

/// A request would be larger than what the client's request may still hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// Makes the request of a fetch; `None` when there is nothing to ask.
pub(crate) fn prepare(
    context: &PrepareContext<'_>,
    tree: &mut Tree,
    index: usize,
) -> Result<Option<Prepared>, TooLarge> {
    let fetch = &context.operation.fetches[index];
    match (&fetch.kind, &fetch.request) {
        (CompiledKind::Root { path, .. }, Some(request)) => {
            let objects = walk::targets(tree, context.root, path);
            if objects.is_empty() {
                return Ok(None);
            }
            let body = body(context, request, &[]);
            Ok(Some(Prepared { body: body.into(), receivers: Receivers::Root(objects), copies: tree.copies() }))
        }
        (CompiledKind::Entities(entities), Some(request)) => prepare_all(context, tree, entities, request),
        (CompiledKind::Entities(entities), None) => prepare_some(context, tree, index, fetch, entities),
        (CompiledKind::Root { .. }, None) => Ok(None),
    }
}

/// All lists of entities travel: the text is the one that was precomputed, and representations are written in place.
fn prepare_all(
    context: &PrepareContext<'_>,
    tree: &mut Tree,
    entities: &[CompiledEntities],
    request: &CompiledRequest,
) -> Result<Option<Prepared>, TooLarge> {
    let mut out = Vec::with_capacity(request.head.len() + 512);
    let mut lookups = Vec::with_capacity(request.parts.len());
    out.extend_from_slice(&request.head);
    for (at, part) in request.parts.iter().enumerate() {
        out.extend_from_slice(if at == 0 { b",\"variables\":{" } else { b"," });
        out.extend_from_slice(&part.representations);
        let entities = &entities[part.part.entities];
        let objects = walk::targets(tree, context.root, &entities.path);
        let mut list = Lookups::new(part.part.entities, objects.len());
        list.alias.push_str(&part.alias);
        let mut unique = Unique::default();
        out.push(b'[');
        for object in objects {
            list.add(context, tree, entities, object, &mut unique, &mut out)?;
        }
        out.push(b']');
        list.count = unique.len();
        lookups.push(list);
    }
    if lookups.iter().all(|list| list.count == 0) {
        return Ok(None);
    }
    finish(context, request, true, &mut out);
    Ok(Some(Prepared { body: out.into(), receivers: Receivers::Entities(lookups), copies: tree.copies() }))
}

/// Some lists are left out by their conditions, or there are groups of equal context values: the text depends on them.
fn prepare_some(
    context: &PrepareContext<'_>,
    tree: &mut Tree,
    index: usize,
    fetch: &CompiledFetch,
    entities: &[CompiledEntities],
) -> Result<Option<Prepared>, TooLarge> {
    let mut groups: Vec<Group> = Vec::new();
    for (at, entities) in entities.iter().enumerate() {
        if !entities.condition.holds(|number| context.variables.boolean(number).unwrap_or(false)) {
            continue;
        }
        let mut by_values: AHashMap<Vec<Vec<u8>>, usize> = AHashMap::new();
        let targets = match entities.contexts.is_empty() {
            // Objects that are shared stay so: fetches that are under way write to them.
            true => walk::targets(tree, context.root, &entities.path)
                .into_iter()
                .map(|object| (object, Vec::new()))
                .collect(),
            false => {
                let max_tree = tree.size() + context.max_body;
                walk::targets_in_context(tree, context.root, &entities.path, &entities.contexts, max_tree)
                    .ok_or(TooLarge)?
            }
        };
        for (object, values) in targets {
            let group = match by_values.get(&values) {
                Some(known) => *known,
                None => {
                    by_values.insert(values.clone(), groups.len());
                    groups.push(Group {
                        lookups: Lookups::new(at, 1),
                        values,
                        representations: vec![b'['],
                        unique: Unique::default(),
                    });
                    groups.len() - 1
                }
            };
            let Group { lookups, representations, unique, .. } = &mut groups[group];
            lookups.add(context, tree, entities, object, unique, representations)?;
        }
    }
    groups.retain(|group| group.unique.len() > 0);
    if groups.is_empty() {
        return Ok(None);
    }
    let mut next = vec![0; entities.len()];
    let part = |group: &Group| {
        let entities = group.lookups.entities;
        next[entities] += 1;
        EntityPart { entities, group: next[entities] - 1 }
    };
    let parts: Vec<EntityPart> = groups.iter().map(part).collect();
    let Some(source) = context.operation.plan.fetches.get(index) else { return Ok(None) };
    debug_assert_eq!(source.subgraph, fetch.subgraph);
    let text = request_text(source, &context.operation.supergraph.schema, None, &parts);
    // Every variable of the fetch was found when the operation was compiled.
    let Ok(request) = compile_request(source, text, &parts, &context.operation.operation.variables) else {
        return Ok(None);
    };
    let out = body(context, &request, &groups);
    let named = groups.into_iter().zip(&request.parts).map(|(group, part)| Lookups {
        alias: part.alias.clone(),
        count: group.unique.len(),
        ..group.lookups
    });
    let receivers = Receivers::Entities(named.collect());
    Ok(Some(Prepared { body: out.into(), receivers, copies: tree.copies() }))
}

/// Entities with equal context values.
struct Group {
    lookups: Lookups,
    values: Vec<Vec<u8>>,
    /// `[` and the representations.
    representations: Vec<u8>,
    unique: Unique,
}

fn body(context: &PrepareContext<'_>, request: &CompiledRequest, groups: &[Group]) -> Vec<u8> {
    let mut out = Vec::with_capacity(request.head.len() + 256);
    out.extend_from_slice(&request.head);
    let mut open = false;
    for (part, group) in request.parts.iter().zip(groups) {
        let values = part.contexts.iter().zip(&group.values).map(|(name, value)| (name, &value[..]));
        let representations = [(&part.representations, &group.representations[..])];
        for (name, value) in representations.into_iter().chain(values) {
            out.extend_from_slice(if open { b"," } else { b",\"variables\":{" });
            out.extend_from_slice(name);
            out.extend_from_slice(value);
            if std::ptr::eq(name, &part.representations) {
                out.push(b']');
            }
            open = true;
        }
    }
    finish(context, request, open, &mut out);
    out
}

/// The client's variables, and the end.
fn finish(context: &PrepareContext<'_>, request: &CompiledRequest, mut open: bool, out: &mut Vec<u8>) {
    for (name, number) in &request.variables {
        let Some(value) = context.variables.raw(*number) else { continue };
        out.extend_from_slice(if open { b"," } else { b",\"variables\":{" });
        out.extend_from_slice(name);
        out.extend_from_slice(value.as_bytes());
        open = true;
    }
    out.extend_from_slice(if open { b"}}" } else { b"}" });
}

impl Receivers {
    /// Adds the copies of receivers that were made while the request was under way.
    pub(crate) fn follow(&mut self, copies: &[(ObjectId, ObjectId)]) {
        match self {
            Self::Root(objects) => {
                if copies.is_empty() {
                    return;
                }
                let mut known: AHashSet<ObjectId> = objects.iter().copied().collect();
                for (original, copy) in copies {
                    if known.contains(original) && known.insert(*copy) {
                        objects.push(*copy);
                    }
                }
            }
            Self::Entities(lookups) => lookups.iter_mut().for_each(|list| list.follow(copies)),
        }
    }
}

impl Lookups {
    fn follow(&mut self, copies: &[(ObjectId, ObjectId)]) {
        if copies.is_empty() {
            return;
        }
        let mut numbers: AHashMap<ObjectId, u32> = self.objects.iter().copied().collect();
        for (original, copy) in copies {
            if let Some(number) = numbers.get(original).copied() {
                numbers.insert(*copy, number);
                self.objects.push((*copy, number));
            }
        }
    }

    fn new(entities: usize, capacity: usize) -> Self {
        Self { alias: String::new(), entities, objects: Vec::with_capacity(capacity), count: 0 }
    }

    /// Writes the representation of `object` unless an equal one is there.
    fn add(
        &mut self,
        context: &PrepareContext<'_>,
        tree: &Tree,
        entities: &CompiledEntities,
        object: ObjectId,
        unique: &mut Unique,
        out: &mut Vec<u8>,
    ) -> Result<(), TooLarge> {
        let Some(representation) = represent::fitting(tree, object, &entities.representations) else { return Ok(()) };
        let comma = out.len();
        if unique.len() > 0 {
            out.push(b',');
        }
        let start = out.len();
        if !represent::write(tree, &context.operation.supergraph.schema, representation, object, out) {
            out.truncate(comma);
            return Ok(());
        }
        let (number, new) = unique.number(out, start);
        self.objects.push((object, number));
        if !new {
            out.truncate(comma);
        }
        if out.len() > context.max_body { Err(TooLarge) } else { Ok(()) }
    }
}
