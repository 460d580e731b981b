//! From a response, or none, to the tree and the errors: what came is merged into the objects that asked for it, what did not come is
//! marked, and an error is added for it. Knows nothing of requests.

use std::borrow::Cow;
use std::ops::Range;

use braid_graphql::error::PathSegment;
use serde_json::value::RawValue;

use crate::compile::fetch::{CompiledEntities, CompiledFetch, CompiledKind};
use crate::compile::operation::CompiledOperation;
use crate::compile::reading::ReadingId;
use crate::error::{
    DOWNSTREAM, ErrorEntry, Errors, HTTP_ERROR, MALFORMED_RESPONSE, MEMORY_LIMIT, RESPONSE_TOO_DEEP, raw_string,
};
use crate::kept::{Keep, ValuesRead};
use crate::locate::Locator;
use crate::mark::mark;
use crate::read::{Data, EntityList, Expected, Places, ReadLimits, WireErrors, read_response};
use crate::receivers::{Lookups, Receivers};
use crate::response::SubgraphErrors;
use crate::scanner::ScanError;
use crate::service::SubgraphError;
use crate::tree::{ObjectId, Tree};
use crate::wire_error::read_errors;

/// What a response is absorbed into.
pub(crate) struct Absorb<'a> {
    operation: &'a CompiledOperation,
    /// The place of the fetch in the plan.
    index: usize,
    fetch: &'a CompiledFetch,
    tree: &'a mut Tree,
    errors: &'a mut Errors,
    exposure: &'a SubgraphErrors,
    limits: ReadLimits,
    locator: Locator<'a>,
    /// What the objects that came count together.
    weight: u64,
}

/// What there is before a response comes.
pub(crate) struct Target<'a> {
    pub(crate) operation: &'a CompiledOperation,
    pub(crate) tree: &'a mut Tree,
    pub(crate) root: ObjectId,
    pub(crate) errors: &'a mut Errors,
    pub(crate) exposure: &'a SubgraphErrors,
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

impl<'a> Absorb<'a> {
    /// For the response to the fetch at `index`.
    pub(crate) fn new(target: Target<'a>, index: usize, limits: ReadLimits) -> Self {
        let Target { operation, tree, root, errors, exposure } = target;
        let fetch = &operation.program.fetches[index];
        let locator = Locator::new(operation, fetch, root);
        Self { operation, index, fetch, tree, errors, exposure, limits, locator, weight: 0 }
    }

    /// What the objects that came count together.
    pub(crate) fn weight(&self) -> u64 {
        self.weight
    }

    /// Absorbs a response, and tells `keep` where its values are. Returns the code when the fetch failed as a whole.
    pub(crate) fn answer(
        &mut self,
        receivers: &Receivers,
        status: u16,
        buffer: Option<u16>,
        keep: Option<&dyn Keep>,
    ) -> Option<&'static str> {
        match self.read(receivers, status, buffer, keep) {
            Ok(()) => None,
            Err(failure) => Some(self.failure(receivers, failure)),
        }
    }

    /// Marks what a failed fetch would have filled, and adds one error.
    pub(crate) fn failure(&mut self, receivers: &Receivers, failure: Failure) -> &'static str {
        self.mark_all(receivers);
        let path = self.locator.common_path(self.tree);
        let subgraph = self.fetch.subgraph;
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

    fn read(
        &mut self,
        receivers: &Receivers,
        status: u16,
        buffer: Option<u16>,
        keep: Option<&dyn Keep>,
    ) -> Result<(), Failure> {
        let Some(buffer) = buffer else { return Err(Failure::new(MEMORY_LIMIT, "the answer is too large to be held")) };
        let fetch = self.fetch;
        let expected = expected(&fetch.kind, receivers);
        let failed_status = !(200..300).contains(&status);
        let response = read_response(self.tree, &fetch.readings, &expected, buffer, self.limits, keep.is_some());
        let response = response.map_err(|error| {
            if failed_status { Failure::new(HTTP_ERROR, format!("HTTP status {status}")) } else { unreadable(error) }
        })?;
        self.weight = self.weight.saturating_add(response.weight);
        if let (Some(keep), Some(places), WireErrors::None, false) =
            (keep, response.places, &response.errors, failed_status)
        {
            let Places { lists, fields, extensions } = places;
            let fields = match &fetch.kind {
                CompiledKind::Root { reading, .. } => {
                    let reading = fetch.readings.get(*reading);
                    fields.into_iter().map(|(number, value)| (reading.key(number), value)).collect()
                }
                CompiledKind::Entities(_) => Vec::new(),
            };
            keep.keep(&self.tree.buffer(buffer), &ValuesRead { lists, fields, extensions });
        }
        let has_errors = match response.errors {
            WireErrors::None => false,
            WireErrors::List(range) => self.subgraph_errors(receivers, &response.data, buffer, range),
            WireErrors::Malformed => {
                let path = self.locator.common_path(self.tree);
                self.push_malformed("\"errors\" is not a list".to_owned(), path);
                true
            }
        };
        match response.data {
            Data::Root(source) => {
                if let (CompiledKind::Root { reading, .. }, Receivers::Root(objects)) = (&fetch.kind, receivers) {
                    let slots = &fetch.readings.get(*reading).slots;
                    objects.iter().for_each(|object| self.tree.merge(*object, source, slots, objects.len() > 1));
                }
            }
            Data::Entities(lists) => {
                if let (CompiledKind::Entities(entities), Receivers::Entities(lookups)) = (&fetch.kind, receivers) {
                    for (lookups, list) in lookups.iter().zip(lists) {
                        self.entities(&entities[lookups.entities], lookups, &list, has_errors)?;
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

    fn entities(
        &mut self,
        entities: &CompiledEntities,
        lookups: &Lookups,
        list: &EntityList,
        has_errors: bool,
    ) -> Result<(), Failure> {
        // Nothing was asked for.
        if lookups.count == 0 {
            return Ok(());
        }
        let problem = match list {
            EntityList::Items { items, malformed } => {
                self.items(entities, lookups, items, malformed)?;
                let (given, asked) = (items.len(), lookups.count);
                let entities = if given == 1 { "entity" } else { "entities" };
                match malformed.first() {
                    _ if given > asked => {
                        format!("it gave {given} {entities} where {asked} were asked for; the last ones are ignored")
                    }
                    _ if given < asked => {
                        format!("it gave {given} {entities} where {asked} were asked for; the last ones are missing")
                    }
                    Some(at) => format!("item {at} of \"{}\" is neither an object nor null", lookups.alias),
                    None => return Ok(()),
                }
            }
            EntityList::Null | EntityList::Absent => {
                self.mark_list(entities, lookups);
                if has_errors {
                    return Ok(());
                }
                format!("it gave no list of entities under \"{}\"", lookups.alias)
            }
            EntityList::Malformed => {
                self.mark_list(entities, lookups);
                format!("\"{}\" is not a list of entities", lookups.alias)
            }
        };
        if !self.errors.has_room() {
            self.errors.leave_out(1);
            return Ok(());
        }
        let path = self.locator.common_path_of(self.tree, lookups.entities);
        self.push_malformed(problem, path);
        Ok(())
    }

    /// Items belong to representations by position, and by nothing else: `_entities` has as many items as it was given
    /// representations, in their order. So of a list that is too long or too short, the positions that were asked for are used.
    fn items(
        &mut self,
        entities: &CompiledEntities,
        lookups: &Lookups,
        items: &[Option<ObjectId>],
        malformed: &[usize],
    ) -> Result<(), Failure> {
        let slots = &self.fetch.readings.get(entities.reading).slots;
        let mut used = vec![0_u32; lookups.count];
        lookups.objects.iter().for_each(|(_, number)| used[*number as usize] += 1);
        for (object, number) in &lookups.objects {
            let number = *number as usize;
            match items.get(number) {
                Some(Some(source)) => self.tree.merge(*object, *source, slots, used[number] > 1),
                Some(None) if malformed.binary_search(&number).is_err() => {}
                _ => self.mark(*object, entities.reading),
            }
            // Merging into what is shared copies it.
            if self.tree.size() > self.limits.max_tree {
                return Err(unreadable(ScanError::OutOfMemory));
            }
        }
        Ok(())
    }

    fn mark_all(&mut self, receivers: &Receivers) {
        match (&self.fetch.kind, receivers) {
            (CompiledKind::Root { reading, .. }, Receivers::Root(objects)) => {
                objects.iter().for_each(|object| self.mark(*object, *reading));
            }
            (CompiledKind::Entities(entities), Receivers::Entities(lookups)) => {
                lookups.iter().for_each(|list| self.mark_list(&entities[list.entities], list));
            }
            _ => {}
        }
    }

    fn mark_list(&mut self, entities: &CompiledEntities, lookups: &Lookups) {
        lookups.objects.iter().for_each(|(object, _)| self.mark(*object, entities.reading));
    }

    fn mark(&mut self, object: ObjectId, reading: ReadingId) {
        mark(self.tree, &self.fetch.readings, object, reading);
    }

    /// Passes on the errors of a response, and marks the nulls that they explain. Returns whether there are any.
    fn subgraph_errors(&mut self, receivers: &Receivers, data: &Data, buffer: u16, range: Range<usize>) -> bool {
        let body = self.tree.buffer(buffer);
        let (errors, more) = read_errors(&body, range, self.limits.max_nesting, self.errors.room());
        let wire_paths = errors.iter().map(|error| &error.path[..]);
        let paths = self.locator.client_paths(self.tree, receivers, data, wire_paths);
        let has_errors = !errors.is_empty() || more > 0;
        let shown = self.exposure.shows(self.fetch.subgraph);
        for (error, path) in errors.into_iter().zip(paths) {
            let code = error.code.unwrap_or_else(|| DOWNSTREAM.to_owned());
            let message = if shown { error.message.into() } else { "A subgraph answered with an error.".into() };
            self.push_error(message, path, code.into(), if shown { error.extensions } else { Vec::new() });
        }
        self.errors.leave_out(more);
        has_errors
    }

    /// A part of the response is not what was asked for; the rest is used.
    fn push_malformed(&mut self, problem: String, path: Vec<PathSegment>) {
        let shown = self.exposure.shows(self.fetch.subgraph);
        let message = if shown { problem.into() } else { "A subgraph's response is not what was asked for.".into() };
        self.push_error(message, path, MALFORMED_RESPONSE.into(), Vec::new());
    }

    fn push_error(
        &mut self,
        message: Cow<'static, str>,
        path: Vec<PathSegment>,
        code: Cow<'static, str>,
        mut extensions: Vec<(String, Box<RawValue>)>,
    ) {
        let subgraph = self.fetch.subgraph;
        if self.exposure.shows(subgraph) {
            let name = raw_string(&self.operation.supergraph.subgraph(subgraph).name);
            extensions.retain(|(key, _)| key != "service");
            extensions.extend(name.map(|name| ("service".to_owned(), name)));
        }
        self.errors.push(ErrorEntry { message, path, code, extensions, fetch: Some(self.index) });
    }
}

pub(crate) fn expected<'a>(kind: &CompiledKind, receivers: &'a Receivers) -> Expected<'a> {
    match (kind, receivers) {
        (CompiledKind::Root { reading, .. }, _) => Expected::Root(*reading),
        (CompiledKind::Entities(entities), Receivers::Entities(lookups)) => {
            let list = |list: &'a Lookups| (&*list.alias, entities[list.entities].reading);
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
