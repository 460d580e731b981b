//! The objects that the response to a request is written to. Knows nothing of the response.

use std::sync::Arc;

use ahash::{AHashMap, AHashSet};

use crate::compile::fetch::CompiledEntities;
use crate::compile::request::CompiledPart;
use crate::represent::{self, Source, Unique};
use crate::tree::ObjectId;

#[derive(Debug)]
pub(crate) enum Receivers {
    Root(Vec<ObjectId>),
    Entities(Vec<Lookups>),
}

/// The objects that one list of entities is written to.
#[derive(Debug)]
pub(crate) struct Lookups {
    /// The key of the list in the response.
    pub(crate) alias: Arc<str>,
    /// The number of the list in its fetch.
    pub(crate) entities: usize,
    /// Each object with the number of its representation.
    pub(crate) objects: Vec<(ObjectId, u32)>,
    /// How many representations there are.
    pub(crate) count: usize,
}

impl Receivers {
    /// Adds the copies of receivers that were made while the request was in flight.
    pub(crate) fn follow(&mut self, copies: &[(ObjectId, ObjectId)]) {
        if copies.is_empty() {
            return;
        }
        match self {
            Self::Root(objects) => {
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
    pub(crate) fn new(part: &CompiledPart, objects: Vec<(ObjectId, u32)>, count: usize) -> Self {
        Self { alias: Arc::clone(&part.alias), entities: part.part.entities, objects, count }
    }

    fn follow(&mut self, copies: &[(ObjectId, ObjectId)]) {
        let mut numbers: AHashMap<ObjectId, u32> = self.objects.iter().copied().collect();
        for (original, copy) in copies {
            if let Some(number) = numbers.get(original).copied() {
                numbers.insert(*copy, number);
                self.objects.push((*copy, number));
            }
        }
    }
}

/// Representations that are being written, each once, and the objects that they stand for.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) unique: Unique,
    pub(crate) objects: Vec<(ObjectId, u32)>,
}

impl Asked {
    pub(crate) fn with_capacity(objects: usize) -> Self {
        Self { unique: Unique::default(), objects: Vec::with_capacity(objects) }
    }

    /// Writes the representation of `object`, after a comma unless it is the first, unless an equal one was written. An object that
    /// lacks a part of it is left out.
    pub(crate) fn add(&mut self, source: Source<'_>, entities: &CompiledEntities, object: ObjectId, out: &mut Vec<u8>) {
        let Some(representation) = represent::fitting(source.tree, object, &entities.representations) else { return };
        let comma = out.len();
        if self.unique.len() > 0 {
            out.push(b',');
        }
        let start = out.len();
        if !represent::write(source, representation, object, out) {
            out.truncate(comma);
            return;
        }
        let (number, is_new) = self.unique.number(out, start);
        self.objects.push((object, number));
        if !is_new {
            out.truncate(comma);
        }
    }
}
