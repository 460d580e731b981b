//! Where the client sees what the errors of one response are about. On the way, the nulls that the errors explain are marked. Knows
//! nothing of what the errors say.
//!
//! All errors of a response are located together, so that the objects of a fetch are looked at once and not once per error.

use ahash::AHashMap;
use braid_graphql::error::PathSegment;

use crate::compile::fetch::{CompiledEntities, CompiledFetch, CompiledKind, Step};
use crate::compile::operation::CompiledOperation;
use crate::compile::reading::{ReadKind, ReadingId};
use crate::compile::shape::Shapes;
use crate::mark::mark;
use crate::read::{Data, EntityList};
use crate::receivers::{Lookups, Receivers};
use crate::tree::{Cell, ObjectId, Tree};
use crate::walk;

/// A path that the client asked for.
type ClientPath = Vec<PathSegment>;

/// A path as far as the client sees it, and whether that is all of it.
type Start = (ClientPath, bool);

/// Locates what one fetch's errors are about.
pub(crate) struct Locator<'a> {
    operation: &'a CompiledOperation,
    fetch: &'a CompiledFetch,
    root: ObjectId,
    /// By the number of the list in its fetch, the path that all its objects have in common.
    commons: AHashMap<usize, ClientPath>,
}

impl<'a> Locator<'a> {
    pub(crate) fn new(operation: &'a CompiledOperation, fetch: &'a CompiledFetch, root: ObjectId) -> Self {
        Self { operation, fetch, root, commons: AHashMap::new() }
    }

    /// The client's paths of errors with these paths in a response.
    pub(crate) fn client_paths<'p>(
        &mut self,
        tree: &mut Tree,
        receivers: &Receivers,
        data: &Data,
        wire_paths: impl Iterator<Item = &'p [PathSegment]>,
    ) -> Vec<ClientPath> {
        match (&self.fetch.kind, receivers) {
            (CompiledKind::Root { path, reading, .. }, Receivers::Root(objects)) => {
                let source = if let Data::Root(object) = data { Some(*object) } else { None };
                let first = objects.first().map(|object| (*object, 0)).into_iter().collect();
                let start = self.starts(tree, path, &first, 1).pop().unwrap_or_default();
                wire_paths.map(|wire| self.below(tree, start.clone(), source, *reading, wire)).collect()
            }
            (CompiledKind::Entities(entities), Receivers::Entities(lookups)) => {
                self.entity_paths(tree, entities, lookups, data, wire_paths)
            }
            _ => wire_paths.map(|_| Vec::new()).collect(),
        }
    }

    fn entity_paths<'p>(
        &mut self,
        tree: &mut Tree,
        entities: &[CompiledEntities],
        lookups: &[Lookups],
        data: &Data,
        wire_paths: impl Iterator<Item = &'p [PathSegment]>,
    ) -> Vec<ClientPath> {
        let by_alias: AHashMap<&str, usize> = lookups.iter().enumerate().map(|(at, list)| (&*list.alias, at)).collect();
        let mut lists: AHashMap<usize, ListErrors> = AHashMap::new();
        let subject = |wire: &'p [PathSegment]| {
            let (alias, rest) = match wire {
                [PathSegment::Key(alias), rest @ ..] => (by_alias.get(alias.as_str()).copied(), rest),
                _ => (None, wire),
            };
            let Some(list) = alias.or((lookups.len() == 1).then_some(0)) else { return Subject::Fetch };
            let errors = lists.entry(list).or_default();
            match rest {
                [PathSegment::Index(number), rest @ ..] if *number < lookups[list].count => {
                    Subject::Item { list, place: errors.add(*number), rest }
                }
                // No index: the error is about any of those that are missing.
                _ => {
                    errors.about_all = true;
                    Subject::List(list)
                }
            }
        };
        let subjects: Vec<Subject<'p>> = wire_paths.map(subject).collect();
        for (list, errors) in &mut lists {
            let lookups = &lookups[*list];
            self.locate_list(tree, &entities[lookups.entities], lookups, items_of(data, *list), errors);
        }
        let path = |subject: Subject<'_>| match subject {
            Subject::Fetch => self.common_path(tree),
            Subject::List(list) => self.common_path_of(tree, lookups[list].entities),
            Subject::Item { list, place, rest } => {
                let (number, start) = &lists[&list].numbers[place];
                let source = items_of(data, list).and_then(|items| items.get(*number).copied().flatten());
                self.below(tree, start.clone(), source, entities[lookups[list].entities].reading, rest)
            }
        };
        subjects.into_iter().map(path).collect()
    }

    /// Marks what the errors of a list explain, and finds where the items that they name begin.
    fn locate_list(
        &self,
        tree: &mut Tree,
        entities: &CompiledEntities,
        lookups: &Lookups,
        items: Option<&[Option<ObjectId>]>,
        errors: &mut ListErrors,
    ) {
        let mut wanted = AHashMap::new();
        for (object, number) in &lookups.objects {
            let place = errors.places.get(&(*number as usize)).copied();
            wanted.extend(place.map(|place| (*object, place)));
            let is_missing = items.is_some_and(|items| items.get(*number as usize).copied().flatten().is_none());
            if is_missing && (errors.about_all || place.is_some()) {
                mark(tree, &self.fetch.readings, *object, entities.reading);
            }
        }
        let starts = self.starts(tree, &entities.path, &wanted, errors.numbers.len());
        for ((_, start), found) in errors.numbers.iter_mut().zip(starts) {
            *start = found;
        }
    }

    /// For each number below `count`, the path to the first object that is wanted under it.
    fn starts(&self, tree: &mut Tree, path: &[Step], wanted: &AHashMap<ObjectId, usize>, count: usize) -> Vec<Start> {
        let shapes = &self.operation.program.shapes;
        let found = walk::first_paths(tree, shapes, self.root, path, wanted, count);
        let start = |found: Option<Vec<PathSegment>>| {
            let whole = found.as_ref().map_or(0, Vec::len);
            let visible = self.visible(found);
            let complete = visible.len() == whole;
            (visible, complete)
        };
        found.into_iter().map(start).collect()
    }

    /// Goes on from the path of an object along the rest of an error's path, as far as the client sees it.
    fn below(
        &self,
        tree: &mut Tree,
        start: Start,
        source: Option<ObjectId>,
        reading: ReadingId,
        wire: &[PathSegment],
    ) -> ClientPath {
        let (mut path, mut visible) = start;
        let shapes = &self.operation.program.shapes;
        let readings = &self.fetch.readings;
        let mut reading = Some(reading);
        let mut cell = source.map(Cell::Object);
        // In the response to a root fetch, the outermost list is the one of which the tree may have a part.
        let mut before =
            if matches!(self.fetch.kind, CompiledKind::Root { .. }) { tree.first_item as usize } else { 0 };
        for segment in wire {
            match segment {
                PathSegment::Key(key) => {
                    let Some(here) = reading.map(|id| readings.get(id)) else { break };
                    let Some(target) = here.target(key) else { break };
                    let slot = shapes.get(here.shape).slot(target.slot);
                    visible &= slot.visible;
                    if visible {
                        path.push(PathSegment::Key(slot.key.to_string()));
                    }
                    cell = match cell {
                        Some(Cell::Object(object)) => tree.explain(object, target.slot),
                        _ => None,
                    };
                    reading = if let ReadKind::Objects(below, _) = target.kind { Some(below) } else { None };
                }
                PathSegment::Index(index) => {
                    if visible {
                        path.push(PathSegment::Index(*index));
                    }
                    let index = index.checked_sub(std::mem::take(&mut before));
                    cell = match (cell, index) {
                        (Some(Cell::List { start, len, .. }), Some(index)) if index < len as usize => {
                            tree.explain_item(start + index as u32)
                        }
                        _ => None,
                    };
                }
            }
        }
        path
    }

    /// The deepest path that all objects of the fetch have in common; for one root field, the field.
    pub(crate) fn common_path(&mut self, tree: &mut Tree) -> ClientPath {
        let shapes = &self.operation.program.shapes;
        match &self.fetch.kind {
            CompiledKind::Root { path, reading, .. } => {
                let mut common = walk::common_path(tree, shapes, self.root, path);
                let reading = self.fetch.readings.get(*reading);
                if let (Some(common), [slot]) = (&mut common, &reading.slots[..]) {
                    let key = &shapes.get(reading.shape).slot(*slot).key;
                    common.push(PathSegment::Key(key.to_string()));
                }
                self.visible(common)
            }
            CompiledKind::Entities(entities) => {
                let common = (0..entities.len()).map(|list| self.common_path_of(tree, list)).reduce(|mut a, b| {
                    let equal = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
                    a.truncate(equal);
                    a
                });
                common.unwrap_or_default()
            }
        }
    }

    /// The deepest path that all objects of one list of entities have in common.
    pub(crate) fn common_path_of(&mut self, tree: &mut Tree, list: usize) -> ClientPath {
        if let Some(known) = self.commons.get(&list) {
            return known.clone();
        }
        let CompiledKind::Entities(entities) = &self.fetch.kind else { return Vec::new() };
        let common = walk::common_path(tree, &self.operation.program.shapes, self.root, &entities[list].path);
        let path = self.visible(common);
        self.commons.insert(list, path.clone());
        path
    }

    /// The part of a path of the tree that the client asked for.
    fn visible(&self, path: Option<Vec<PathSegment>>) -> ClientPath {
        let mut path = path.unwrap_or_default();
        let shapes = &self.operation.program.shapes;
        let mut at = Some(Shapes::ROOT);
        let mut length = 0;
        for segment in &path {
            if let PathSegment::Key(key) = segment {
                let slot = at.and_then(|shape| shapes.slot(shape, key).map(|slot| shapes.get(shape).slot(slot)));
                let Some(slot) = slot.filter(|slot| slot.visible) else { break };
                at = slot.child;
            }
            length += 1;
        }
        path.truncate(length);
        path
    }
}

/// What an error of a fetch of entities is about.
enum Subject<'p> {
    /// Any of its entities.
    Fetch,
    /// Any entity of a list.
    List(usize),
    /// One entity, by its place in [`ListErrors::numbers`], and what is below it.
    Item { list: usize, place: usize, rest: &'p [PathSegment] },
}

/// What the errors of one list of entities name.
#[derive(Default)]
struct ListErrors {
    /// Whether one names the list alone.
    about_all: bool,
    /// The numbers of representations that are named, each once, and where the client sees the first object with it.
    numbers: Vec<(usize, Start)>,
    /// By number, the place in `numbers`.
    places: AHashMap<usize, usize>,
}

impl ListErrors {
    fn add(&mut self, number: usize) -> usize {
        let next = self.numbers.len();
        let place = *self.places.entry(number).or_insert(next);
        if place == next {
            self.numbers.push((number, Start::default()));
        }
        place
    }
}

fn items_of(data: &Data, list: usize) -> Option<&[Option<ObjectId>]> {
    match data {
        Data::Entities(lists) => match lists.get(list)? {
            EntityList::Items { items, .. } => Some(items),
            _ => None,
        },
        _ => None,
    }
}
