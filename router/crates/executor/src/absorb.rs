//! From an answer, or none, to the tree and the errors: what came is merged into the objects that asked for it, what did not come is
//! marked, and errors are put where the client sees them. Knows nothing of requests.

use std::borrow::Cow;
use std::ops::Range;

use braid_graphql::error::PathSegment;
use braid_supergraph::SubgraphId;
use indexmap::IndexMap;
use serde_json::value::RawValue;

use crate::compile::CompiledOperation;
use crate::compile::fetch::{CompiledKind, Step};
use crate::compile::reading::{ReadKind, ReadingId, Readings};
use crate::compile::shape::Shapes;
use crate::error::{
    DOWNSTREAM, ErrorEntry, Errors, HTTP_ERROR, MALFORMED_RESPONSE, MEMORY_LIMIT, RESPONSE_TOO_DEEP, raw_string,
};
use crate::prepare::{Lookups, Receivers};
use crate::read::{Data, EntityList, Expected, ReadLimits, read_answer};
use crate::response::SubgraphErrors;
use crate::scanner::{ScanError, Scanner};
use crate::service::SubgraphError;
use crate::tree::{Cell, ObjectId, Tree};
use crate::walk::Trace;

/// What an answer is absorbed into.
pub(crate) struct Absorb<'a> {
    pub(crate) operation: &'a CompiledOperation,
    pub(crate) index: usize,
    pub(crate) tree: &'a mut Tree,
    pub(crate) root: ObjectId,
    pub(crate) errors: &'a mut Errors,
    pub(crate) exposure: &'a SubgraphErrors,
    pub(crate) limits: ReadLimits,
}

/// Why nothing came of a fetch.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: &'static str,
    /// For clients that may read what subgraphs say.
    pub(crate) message: Cow<'static, str>,
}

impl Failure {
    fn new(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }
}

impl From<SubgraphError> for Failure {
    fn from(error: SubgraphError) -> Self {
        Self::new(error.kind.code(), error.message)
    }
}

impl Absorb<'_> {
    /// Takes in an answer. Gives back the code when the fetch failed as a whole.
    pub(crate) fn answer(&mut self, receivers: &Receivers, status: u16, buffer: Option<u16>) -> Option<&'static str> {
        match self.read(receivers, status, buffer) {
            Ok(()) => None,
            Err(failure) => Some(self.failure(receivers, failure)),
        }
    }

    /// Marks what a failed fetch would have filled, and says so once.
    pub(crate) fn failure(&mut self, receivers: &Receivers, failure: Failure) -> &'static str {
        self.mark_all(receivers);
        let path = self.common_path();
        let subgraph = self.subgraph();
        let message = match self.exposure.shows(subgraph) {
            true => {
                let name = &self.operation.supergraph.subgraph(subgraph).name;
                format!("The request to the subgraph \"{name}\" failed: {}", failure.message).into()
            }
            false => "A request to a subgraph failed.".into(),
        };
        self.push_error(message, path, failure.code.into(), Vec::new());
        failure.code
    }

    fn subgraph(&self) -> SubgraphId {
        self.operation.fetches[self.index].subgraph
    }

    fn read(&mut self, receivers: &Receivers, status: u16, buffer: Option<u16>) -> Result<(), Failure> {
        let Some(buffer) = buffer else { return Err(Failure::new(MEMORY_LIMIT, "the answer is too large to be held")) };
        let operation = self.operation;
        let fetch = &operation.fetches[self.index];
        let expected = expected(&fetch.kind, receivers);
        let failed_status = !(200..300).contains(&status);
        let answer = read_answer(self.tree, &fetch.readings, &expected, buffer, self.limits).map_err(|error| {
            if failed_status { Failure::new(HTTP_ERROR, format!("HTTP status {status}")) } else { unreadable(error) }
        })?;
        let has_errors = match answer.errors {
            Some(range) => self.subgraph_errors(receivers, &answer.data, buffer, range),
            None => false,
        };
        match answer.data {
            Data::Root(source) => {
                if let (CompiledKind::Root { reading, .. }, Receivers::Root(objects)) = (&fetch.kind, receivers) {
                    let slots = &fetch.readings.get(*reading).slots;
                    objects.iter().for_each(|object| self.tree.merge(*object, source, slots, objects.len() > 1));
                }
            }
            Data::Entities(lists) => {
                if let Receivers::Entities(lookups) = receivers {
                    for (lookups, list) in lookups.iter().zip(lists) {
                        self.entities(lookups, list, has_errors)?;
                    }
                }
            }
            Data::None if has_errors => self.mark_all(receivers),
            Data::None | Data::NotAnObject if failed_status => {
                return Err(Failure::new(HTTP_ERROR, format!("HTTP status {status}")));
            }
            Data::None => return Err(Failure::new(MALFORMED_RESPONSE, "the answer has neither data nor errors")),
            Data::NotAnObject => return Err(Failure::new(MALFORMED_RESPONSE, "\"data\" is not an object")),
        }
        Ok(())
    }

    fn entities(&mut self, lookups: &Lookups, list: EntityList, has_errors: bool) -> Result<(), Failure> {
        let operation = self.operation;
        let fetch = &operation.fetches[self.index];
        let CompiledKind::Entities(entities) = &fetch.kind else { return Ok(()) };
        let entities = &entities[lookups.entities];
        let problem = match &list {
            EntityList::Items(items) if items.len() == lookups.count => {
                let slots = &fetch.readings.get(entities.reading).slots;
                let mut used = vec![0_u32; items.len()];
                lookups.objects.iter().for_each(|(_, number)| used[*number as usize] += 1);
                for (object, number) in &lookups.objects {
                    if let Some(source) = items[*number as usize] {
                        self.tree.merge(*object, source, slots, used[*number as usize] > 1);
                    }
                    // Merging into what is shared copies it.
                    if self.tree.size() > self.limits.max_tree {
                        return Err(unreadable(ScanError::OutOfMemory));
                    }
                }
                return Ok(());
            }
            EntityList::Items(items) => {
                format!("it gave {} entities where {} were asked for", items.len(), lookups.count)
            }
            EntityList::Null | EntityList::Absent => format!("it gave no list of entities under \"{}\"", lookups.alias),
            EntityList::Malformed => format!("\"{}\" is not a list of entities", lookups.alias),
        };
        for (object, _) in &lookups.objects {
            self.mark(*object, entities.reading);
        }
        if has_errors && matches!(list, EntityList::Null | EntityList::Absent) {
            return Ok(());
        }
        let common = Trace::common(self.tree, &operation.shapes, self.root, &entities.path);
        let path = self.visible(common);
        let shown = self.exposure.shows(self.subgraph());
        let message = if shown { problem.into() } else { "A subgraph's answer is not what was asked for.".into() };
        self.push_error(message, path, MALFORMED_RESPONSE.into(), Vec::new());
        Ok(())
    }

    fn mark_all(&mut self, receivers: &Receivers) {
        let fetch = &self.operation.fetches[self.index];
        match (&fetch.kind, receivers) {
            (CompiledKind::Root { reading, .. }, Receivers::Root(objects)) => {
                objects.iter().for_each(|object| self.mark(*object, *reading));
            }
            (CompiledKind::Entities(entities), Receivers::Entities(lookups)) => {
                for list in lookups {
                    let reading = entities[list.entities].reading;
                    list.objects.iter().for_each(|(object, _)| self.mark(*object, reading));
                }
            }
            _ => {}
        }
    }

    fn mark(&mut self, object: ObjectId, reading: ReadingId) {
        mark(self.tree, &self.operation.fetches[self.index].readings, object, reading);
    }

    /// Passes on the errors of an answer, and marks the nulls that they explain. Gives back whether there are any.
    fn subgraph_errors(&mut self, receivers: &Receivers, data: &Data, buffer: u16, range: Range<usize>) -> bool {
        let body = self.tree.buffer(buffer);
        let mut scanner = Scanner { bytes: &body[range], at: 1, max_nesting: self.limits.max_nesting };
        scanner.blanks();
        let mut count = 0;
        if scanner.peek() == Some(b']') {
            return false;
        }
        loop {
            let start = scanner.at;
            // It was scanned once already.
            if scanner.value().is_err() {
                break;
            }
            count += 1;
            if self.errors.has_room() {
                self.subgraph_error(receivers, data, &scanner.bytes[start..scanner.at]);
            } else {
                self.errors.leave_out(1);
            }
            if !matches!(scanner.another(b']'), Ok(true)) {
                break;
            }
        }
        count > 0
    }

    fn subgraph_error(&mut self, receivers: &Receivers, data: &Data, raw: &[u8]) {
        let wire = WireError::read(raw);
        let path = self.client_path(receivers, data, wire.path.as_deref().unwrap_or_default());
        let shown = self.exposure.shows(self.subgraph());
        let code = wire.code.unwrap_or_else(|| DOWNSTREAM.to_owned());
        let message = if shown { wire.message.into() } else { "A subgraph answered with an error.".into() };
        self.push_error(message, path, code.into(), if shown { wire.extensions } else { Vec::new() });
    }

    fn push_error(
        &mut self,
        message: Cow<'static, str>,
        path: Vec<PathSegment>,
        code: Cow<'static, str>,
        mut extensions: Vec<(String, Box<RawValue>)>,
    ) {
        let subgraph = self.subgraph();
        if self.exposure.shows(subgraph) {
            let name = raw_string(&self.operation.supergraph.subgraph(subgraph).name);
            extensions.retain(|(key, _)| key != "service");
            extensions.extend(name.map(|name| ("service".to_owned(), name)));
        }
        self.errors.push(ErrorEntry { message, path, code, extensions });
    }

    /// The client's path of an error with this path in an answer. On the way, the null that the error explains is marked.
    fn client_path(&mut self, receivers: &Receivers, data: &Data, wire: &[PathSegment]) -> Vec<PathSegment> {
        let operation = self.operation;
        let fetch = &operation.fetches[self.index];
        match (&fetch.kind, receivers) {
            (CompiledKind::Root { path, reading, .. }, Receivers::Root(objects)) => {
                let first = objects.first().copied();
                let start = self.first_path(path, |object| Some(object) == first);
                let source = if let Data::Root(object) = data { Some(*object) } else { None };
                self.below(start, source, *reading, wire)
            }
            (CompiledKind::Entities(entities), Receivers::Entities(lookups)) => {
                let (list, rest) = match wire {
                    [PathSegment::Key(alias), rest @ ..] => {
                        (lookups.iter().position(|list| list.alias == *alias), rest)
                    }
                    _ => (None, wire),
                };
                let Some(list) = list.or((lookups.len() == 1).then_some(0)) else { return self.common_path() };
                let (lookups, entities) = (&lookups[list], &entities[lookups[list].entities]);
                let items = match data {
                    Data::Entities(lists) => match &lists[list] {
                        EntityList::Items(items) => &items[..],
                        _ => &[],
                    },
                    _ => &[],
                };
                match rest {
                    [PathSegment::Index(number), rest @ ..] if *number < lookups.count => {
                        let source = items.get(*number).copied().flatten();
                        if source.is_none() && !items.is_empty() {
                            self.mark_lookups(lookups, entities.reading, |at| at == *number);
                        }
                        let asked: Vec<_> = lookups.objects.iter().filter(|(_, at)| *at as usize == *number).collect();
                        let start = self.first_path(&entities.path, |object| asked.iter().any(|(o, _)| *o == object));
                        self.below(start, source, entities.reading, rest)
                    }
                    // No index: the error is about any of those that are missing.
                    _ => {
                        self.mark_lookups(lookups, entities.reading, |at| items.get(at).is_some_and(Option::is_none));
                        let common = Trace::common(self.tree, &operation.shapes, self.root, &entities.path);
                        self.visible(common)
                    }
                }
            }
            _ => Vec::new(),
        }
    }

    fn mark_lookups(&mut self, lookups: &Lookups, reading: ReadingId, concerns: impl Fn(usize) -> bool) {
        for (object, number) in &lookups.objects {
            if concerns(*number as usize) {
                self.mark(*object, reading);
            }
        }
    }

    /// Goes on from the path of an object along the rest of an error's path, as far as the client sees it.
    fn below(
        &mut self,
        start: (Vec<PathSegment>, bool),
        source: Option<ObjectId>,
        reading: ReadingId,
        wire: &[PathSegment],
    ) -> Vec<PathSegment> {
        let (mut path, mut visible) = start;
        let operation = self.operation;
        let readings = &operation.fetches[self.index].readings;
        let mut reading = Some(reading);
        let mut cell = source.map(Cell::Object);
        for segment in wire {
            match segment {
                PathSegment::Key(key) => {
                    let Some(here) = reading.map(|id| readings.get(id)) else { break };
                    let Some(target) = here.target(key) else { break };
                    let slot = operation.shapes.get(here.shape).slot(target.slot);
                    visible &= slot.visible;
                    if visible {
                        path.push(PathSegment::Key(slot.key.to_string()));
                    }
                    cell = match cell {
                        Some(Cell::Object(object)) => self.explain(object, target.slot),
                        _ => None,
                    };
                    reading = if let ReadKind::Objects(below, _) = target.kind { Some(below) } else { None };
                }
                PathSegment::Index(index) => {
                    if visible {
                        path.push(PathSegment::Index(*index));
                    }
                    cell = match cell {
                        Some(Cell::List { start, len, .. }) if *index < len as usize => {
                            self.tree.explain_item(start + *index as u32)
                        }
                        _ => None,
                    };
                }
            }
        }
        path
    }

    fn explain(&mut self, object: ObjectId, slot: u32) -> Option<Cell> {
        match self.tree.get(object, slot) {
            Cell::Null | Cell::Absent => {
                self.tree.set(object, slot, Cell::Failed);
                None
            }
            cell => Some(cell),
        }
    }

    fn first_path(&mut self, path: &[Step], wanted: impl Fn(ObjectId) -> bool) -> (Vec<PathSegment>, bool) {
        let found = Trace::first(self.tree, &self.operation.shapes, self.root, path, &wanted);
        let whole = found.as_ref().map_or(0, Vec::len);
        let visible = self.visible(found);
        let complete = visible.len() == whole;
        (visible, complete)
    }

    /// The deepest path that all objects of the fetch have in common; for one root field, the field.
    fn common_path(&mut self) -> Vec<PathSegment> {
        let operation = self.operation;
        let fetch = &operation.fetches[self.index];
        match &fetch.kind {
            CompiledKind::Root { path, reading, .. } => {
                let mut common = Trace::common(self.tree, &operation.shapes, self.root, path);
                let reading = fetch.readings.get(*reading);
                if let (Some(common), [slot]) = (&mut common, &reading.slots[..]) {
                    let key = &operation.shapes.get(reading.shape).slot(*slot).key;
                    common.push(PathSegment::Key(key.to_string()));
                }
                self.visible(common)
            }
            CompiledKind::Entities(entities) => {
                let mut paths = Vec::new();
                for entities in entities {
                    paths.extend(Trace::common(self.tree, &operation.shapes, self.root, &entities.path));
                }
                let common = paths.into_iter().reduce(|mut a, b| {
                    let equal = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
                    a.truncate(equal);
                    a
                });
                self.visible(common)
            }
        }
    }

    /// The part of a path of the tree that the client asked for.
    fn visible(&self, path: Option<Vec<PathSegment>>) -> Vec<PathSegment> {
        let mut path = path.unwrap_or_default();
        let shapes = &self.operation.shapes;
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

pub(crate) fn expected<'a>(kind: &CompiledKind, receivers: &'a Receivers) -> Expected<'a> {
    match (kind, receivers) {
        (CompiledKind::Root { reading, .. }, _) => Expected::Root(*reading),
        (CompiledKind::Entities(entities), Receivers::Entities(lookups)) => {
            let list = |list: &'a Lookups| (list.alias.as_str(), entities[list.entities].reading);
            Expected::Entities(lookups.iter().map(list).collect())
        }
        (CompiledKind::Entities(_), Receivers::Root(_)) => Expected::Entities(Vec::new()),
    }
}

fn unreadable(error: ScanError) -> Failure {
    match error {
        ScanError::Malformed(at) => Failure::new(MALFORMED_RESPONSE, format!("the answer is not JSON at byte {at}")),
        ScanError::TooDeep => Failure::new(RESPONSE_TOO_DEEP, "the answer nests too deep"),
        ScanError::OutOfMemory => Failure::new(MEMORY_LIMIT, "the request holds more memory than it may"),
    }
}

/// Marks as failed what is absent of what `reading` would have filled. Recursive as deep as readings are.
fn mark(tree: &mut Tree, readings: &Readings, object: ObjectId, reading: ReadingId) {
    for target in readings.get(reading).fields.iter().flat_map(|field| &field.targets) {
        match (tree.get(object, target.slot), target.kind) {
            (Cell::Absent, _) => tree.set(object, target.slot, Cell::Failed),
            (cell, ReadKind::Objects(below, _)) => mark_below(tree, readings, cell, below),
            _ => {}
        }
    }
}

fn mark_below(tree: &mut Tree, readings: &Readings, cell: Cell, reading: ReadingId) {
    match cell {
        Cell::Object(object) => mark(tree, readings, object, reading),
        Cell::List { start, len, .. } => {
            for at in start..start + len {
                let item = tree.items(at, 1)[0];
                mark_below(tree, readings, item, reading);
            }
        }
        _ => {}
    }
}

/// An error of a subgraph, read leniently: whatever is not as the specification has it is as if it were not there.
#[derive(Debug, Default)]
struct WireError {
    message: String,
    path: Option<Vec<PathSegment>>,
    code: Option<String>,
    /// All but the code.
    extensions: Vec<(String, Box<RawValue>)>,
}

impl WireError {
    fn read(raw: &[u8]) -> Self {
        let members: IndexMap<String, &RawValue> = serde_json::from_slice(raw).unwrap_or_default();
        let member = |name: &str| members.get(name).map(|value| value.get());
        let extensions: IndexMap<String, Box<RawValue>> =
            member("extensions").and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default();
        let code = extensions.get("code").and_then(|code| serde_json::from_str(code.get()).ok());
        Self {
            message: member("message")
                .and_then(|raw| serde_json::from_str(raw).ok())
                .unwrap_or_else(|| "The subgraph gave an error without a message.".to_owned()),
            path: member("path").and_then(|raw| serde_json::from_str(raw).ok()),
            code,
            extensions: extensions.into_iter().filter(|(name, _)| name != "code").collect(),
        }
    }
}
