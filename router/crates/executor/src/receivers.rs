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

impl Receivers {
    /// How many different entities are looked up; 0 for root fields.
    pub(crate) fn entities(&self) -> usize {
        match self {
            Self::Root(_) => 0,
            Self::Entities(lookups) => lookups.iter().map(|list| list.count).sum(),
        }
    }

    /// Those of the representations that are known, and those of the others, each numbered for itself.
    pub(crate) fn split(self, is_known: &[Vec<bool>]) -> (Self, Self) {
        match self {
            // Both parts are written to all of them.
            Self::Root(objects) => (Self::Root(objects.clone()), Self::Root(objects)),
            Self::Entities(lookups) => {
                let known_of = |at: usize| is_known.get(at).map_or(&[][..], Vec::as_slice);
                let split = |(at, list): (usize, Lookups)| list.split(known_of(at));
                let (known, others) = lookups.into_iter().enumerate().map(split).unzip();
                (Self::Entities(known), Self::Entities(others))
            }
        }
    }
}

impl Lookups {
    fn split(self, is_known: &[bool]) -> (Self, Self) {
        let mut counts = [0_u32; 2];
        let number = |number: usize| {
            let count = &mut counts[usize::from(is_known.get(number).copied().unwrap_or(false))];
            *count += 1;
            *count - 1
        };
        let numbers: Vec<u32> = (0..self.count).map(number).collect();
        let part = |known: bool| {
            let is_in = |number: u32| is_known.get(number as usize).copied().unwrap_or(false) == known;
            let objects = self.objects.iter().filter(|(_, number)| is_in(*number));
            Self {
                alias: Arc::clone(&self.alias),
                entities: self.entities,
                objects: objects.map(|(object, number)| (*object, numbers[*number as usize])).collect(),
                count: counts[usize::from(known)] as usize,
            }
        };
        (part(true), part(false))
    }

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
        let value = entities.only_value.and_then(|slot| source.tree.leaf(object, slot));
        let place = match value.map(|value| self.unique.find_value(value, out)) {
            Some(Ok(number)) => return self.objects.push((object, number)),
            Some(Err(place)) => Some(place),
            None => None,
        };
        let comma = out.len();
        if self.unique.len() > 0 {
            out.push(b',');
        }
        let start = out.len();
        if !represent::write(source, representation, object, out) {
            out.truncate(comma);
            return;
        }
        let (number, is_new) = match place {
            Some(place) => (self.unique.add_value(place, out, start), true),
            None => self.unique.number(out, start),
        };
        self.objects.push((object, number));
        if !is_new {
            out.truncate(comma);
        }
    }
}
