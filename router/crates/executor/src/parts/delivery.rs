//! Which parts there are, and what has become of them. Fetches nothing.

use ahash::AHashMap;
use braid_graphql::error::PathSegment;
use braid_graphql::operation::DeferId;

use super::errors::Waiting;
use super::format::{Entry, Message, PartsFormat, Place};
use super::place::{is_put_off, json, locate, parts_of, prefix};
use super::state::{Fragment, Group, List, Origin, State};
use super::{Part, PartsReport};
use crate::compile::operation::CompiledOperation;
use crate::compile::parts::{INITIAL, Parts, part_of};
use crate::complete::{Found, Nulled};
use crate::error::{Errors, RESPONSE_LIMIT, Step, TIMEOUT};
use crate::response::{RefusalPlace, Response, write_refusals};
use crate::run::Run;
use crate::tree::Cell;

/// No more is added to a message that is larger than this: the rest comes in the next.
pub(super) const ENOUGH: usize = 256 << 10;

/// About how many bytes the first batch of a list has. Each further one has twice as many as the one before, up to [`ENOUGH`].
const FIRST_BATCH: usize = 16 << 10;

pub(super) struct Delivery<'a> {
    pub(super) operation: &'a CompiledOperation,
    pub(super) parts: &'a Parts,
    pub(super) format: PartsFormat,
    fragments: Vec<Fragment>,
    /// Fragments by their number and the JSON of their path.
    by_place: AHashMap<(DeferId, Box<[u8]>), usize>,
    groups: Vec<Group>,
    pub(super) lists: Vec<List>,
    /// Of the list that is streamed, which is the only one then, the items are not in the tree.
    pub(super) items_arrive: bool,
    pub(super) errors: Waiting,
    next_id: u32,
    has_begun: bool,
    error_count: usize,
    error_codes: Vec<String>,
    refused: usize,
}

impl<'a> Delivery<'a> {
    /// `None` for an operation that was not compiled to be answered in parts.
    pub(super) fn new(operation: &'a CompiledOperation, format: PartsFormat) -> Option<Self> {
        let parts = operation.program.parts.as_ref()?;
        Some(Self {
            operation,
            parts,
            format,
            fragments: Vec::new(),
            by_place: AHashMap::new(),
            groups: Vec::new(),
            lists: Vec::new(),
            items_arrive: false,
            errors: Waiting::default(),
            next_id: 0,
            has_begun: false,
            error_count: 0,
            error_codes: Vec::new(),
            refused: 0,
        })
    }

    /// Whether there is something to send.
    pub(super) fn has_news<M>(&self, run: &Run<'_, M>) -> bool {
        match self.has_begun {
            false => run.waits[INITIAL] == 0,
            true => self.lists.iter().any(|list| self.is_ready(list, run)) || self.ready(run).is_some(),
        }
    }

    /// Whether all has been delivered.
    pub(super) fn is_done(&self) -> bool {
        let is_open = |fragment: &Fragment| matches!(fragment.state, State::Waiting | State::Pending);
        self.has_begun && !self.fragments.iter().any(is_open) && !self.lists.iter().any(|list| list.is_open)
    }

    /// Takes the errors of a fetch, for the parts that they are about.
    pub(super) fn take_errors<M>(&mut self, run: &mut Run<'_, M>, fetch: usize) {
        self.errors.add(self.operation, self.parts, fetch, &mut run.errors);
    }

    /// What can be delivered now.
    pub(super) fn advance<M>(&mut self, run: &mut Run<'_, M>) -> Part<M> {
        if !self.has_begun {
            return self.begin(run);
        }
        let mut message = Message::new(self.format);
        while message.len() < ENOUGH
            && let Some(at) = self.ready(run)
        {
            self.deliver(run, at, &mut message);
            self.announce(&mut message);
        }
        for at in 0..self.lists.len() {
            if self.is_ready(&self.lists[at], run) && message.len() < ENOUGH {
                self.deliver_items(run, at, &mut message);
                self.announce(&mut message);
            }
        }
        Part::next(message.finish(!self.is_done()))
    }

    /// The time is over: what is not delivered is not.
    pub(super) fn give_up<M>(&mut self, run: &mut Run<'_, M>) -> Part<M> {
        if !self.has_begun {
            return self.begin(run);
        }
        let mut message = Message::new(self.format);
        let (entries, _) = run.errors.take();
        let mut errors = Errors::new(run.limits.max_errors.max(1));
        entries.into_iter().for_each(|entry| errors.push(entry));
        self.count(&errors);
        for fragment in &mut self.fragments {
            if fragment.state == State::Pending {
                message.fail(place(self.parts, fragment), Entry::Data, &mut errors);
            }
            fragment.state = State::Failed;
        }
        for list in self.lists.iter_mut().filter(|list| list.is_open) {
            let label = self.operation.program.projection.streams[list.stream as usize].label.as_deref();
            // The items that do not come are from there on.
            list.path.push(Step::Index(list.from));
            message.fail(Place { id: list.id, path: &list.path, label }, Entry::Items, &mut errors);
            list.is_open = false;
        }
        Part::next(message.finish(false))
    }

    pub(super) fn report<M>(self, run: Run<'_, M>) -> PartsReport<M> {
        PartsReport {
            errors: self.error_count,
            error_codes: self.error_codes,
            refused: self.refused,
            timed_out: run.timed_out,
            fetches: run.reports,
            subgraph_answers: run.answers,
        }
    }

    /// The first message: what is not deferred.
    fn begin<M>(&mut self, run: &mut Run<'_, M>) -> Part<M> {
        self.has_begun = true;
        let mut errors = std::mem::replace(&mut run.errors, Errors::new(run.limits.max_errors));
        let root = run.root;
        let mut completion = run.completion(b"{\"data\":".to_vec());
        completion.data(root);
        let (is_late, overflow) = (completion.is_late, completion.overflow);
        let (mut out, mut found) = (completion.out, completion.found);
        if is_late || overflow {
            found.clear();
            out = match is_late {
                true => {
                    run.timed_out = true;
                    run.without_data(
                        TIMEOUT,
                        "The time for this request is over; select less of the schema.".to_owned(),
                    )
                }
                false => {
                    let max = run.limits.max_response;
                    let message = format!("The answer would be larger than {max} bytes; ask for less.");
                    run.without_data(RESPONSE_LIMIT, message)
                }
            };
        } else {
            let stays = |path: &[PathSegment]| is_put_off(path, &found);
            self.errors.give(&[INITIAL], &[], stays, &mut errors);
            errors.append(std::mem::replace(&mut run.errors, Errors::new(run.limits.max_errors)));
            run.errors = errors;
        }
        let mut message = Message::new(self.format);
        self.register(found, &[INITIAL], &mut message);
        self.announce(&mut message);
        let has_next = !self.is_done();
        let refused = run.refusals.count();
        self.refused += refused;
        if run.refusal_place == RefusalPlace::Errors {
            run.errors.append(std::mem::replace(&mut run.refusals, Errors::new(run.limits.max_errors)));
        }
        if run.record {
            run.record_errors();
        }
        let mut errors = std::mem::replace(&mut run.errors, Errors::new(run.limits.max_errors));
        self.count(&errors);
        let (error_count, error_codes) = (errors.len(), errors.codes());
        errors.write(&mut out);
        if has_next {
            message.finish_first(&mut out);
        }
        // At the end, so that more can be added to them.
        let has_extensions = refused > 0 && run.refusal_place == RefusalPlace::Extensions;
        if has_extensions {
            write_refusals(&run.refusals, &mut out);
        }
        run.refusals.take();
        out.push(b'}');
        let (fetches, subgraph_answers) = match has_next {
            true => (Vec::new(), Vec::new()),
            false => (std::mem::take(&mut run.reports), std::mem::take(&mut run.answers)),
        };
        let response = Box::new(Response {
            bytes: out.into(),
            errors: error_count,
            error_codes,
            refused: u32::try_from(refused).unwrap_or(u32::MAX),
            has_extensions,
            timed_out: run.timed_out,
            fetches,
            subgraph_answers,
        });
        Part::First { response, has_next }
    }

    /// A fragment that can be delivered.
    fn ready<M>(&self, run: &Run<'_, M>) -> Option<usize> {
        self.fragments
            .iter()
            .position(|fragment| fragment.state == State::Pending && run.waits[part_of(fragment.defer)] == 0)
    }

    /// Whether further items of a list can be delivered.
    fn is_ready<M>(&self, list: &List, run: &Run<'_, M>) -> bool {
        let id = self.operation.program.projection.streams[list.stream as usize].id;
        list.is_open && list.origin == Origin::Tree && run.waits[self.parts.items_of(id)] == 0
    }

    /// Keeps what was found while something was completed that is fetched with `parts`.
    pub(super) fn register(&mut self, found: Vec<Found>, parts: &[usize], message: &mut Message) {
        for found in found {
            match found {
                Found::Group { set, group, defers, path } => {
                    let at = self.groups.len();
                    let fragments: Vec<usize> = defers.iter().map(|defer| self.fragment(*defer, &path)).collect();
                    fragments.iter().for_each(|fragment| self.fragments[*fragment].groups.push(at));
                    let parts = parts_of(&defers);
                    self.groups.push(Group { set, group, path, parts, fragments, is_open: true });
                }
                Found::Items { stream, path, from } => {
                    let id = self.take_id();
                    let out = &self.operation.program.projection.streams[stream as usize];
                    message.announce(Place { id, path: &path, label: out.label.as_deref() });
                    let mut parts = parts.to_vec();
                    parts.push(self.parts.items_of(out.id));
                    let origin = if self.items_arrive { Origin::Arriving } else { Origin::Tree };
                    self.lists.push(List { stream, path, from, id, parts, is_open: true, batch: FIRST_BATCH, origin });
                }
            }
        }
    }

    fn take_id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id - 1
    }

    /// The fragment on the object at or above a path.
    fn fragment(&mut self, defer: DeferId, path: &[Step]) -> usize {
        let path = &path[..prefix(path, self.parts.defers[defer.0 as usize].depth)];
        let next = self.fragments.len();
        let at = *self.by_place.entry((defer, json(path))).or_insert(next);
        if at == next {
            let path = path.to_vec();
            self.fragments.push(Fragment { defer, path, id: 0, state: State::Waiting, groups: Vec::new() });
        }
        at
    }

    /// Announces the fragments that are in no fragment that is still to be delivered.
    fn announce(&mut self, message: &mut Message) {
        for at in 0..self.fragments.len() {
            if self.fragments[at].state != State::Waiting {
                continue;
            }
            let fragment = &self.fragments[at];
            if !fragment.groups.iter().any(|group| self.groups[*group].is_open) {
                // All that it has was delivered with others.
                self.fragments[at].state = State::Delivered;
                continue;
            }
            match self.state_above(fragment) {
                State::Delivered => {
                    let id = self.take_id();
                    let fragment = &mut self.fragments[at];
                    (fragment.id, fragment.state) = (id, State::Pending);
                    message.announce(place(self.parts, fragment));
                }
                State::Failed => self.fragments[at].state = State::Failed,
                State::Waiting | State::Pending => {}
            }
        }
    }

    /// What has become of the fragments that a fragment is in.
    fn state_above(&self, fragment: &Fragment) -> State {
        let parent = |defer: DeferId| self.parts.defers[defer.0 as usize].parent;
        let mut state = State::Delivered;
        for above in std::iter::successors(parent(fragment.defer), |defer| parent(*defer)) {
            let depth = self.parts.defers[above.0 as usize].depth;
            let path = &fragment.path[..prefix(&fragment.path, depth)];
            // One of which nothing was found is not there.
            let Some(at) = self.by_place.get(&(above, json(path))) else { continue };
            match self.fragments[*at].state {
                State::Delivered => {}
                State::Failed => return State::Failed,
                State::Waiting | State::Pending => state = State::Waiting,
            }
        }
        state
    }

    /// Delivers a fragment with all its groups that are not delivered.
    fn deliver<M>(&mut self, run: &mut Run<'_, M>, at: usize, message: &mut Message) {
        let mut number = 0;
        while let Some(group) = self.fragments[at].groups.get(number).copied() {
            number += 1;
            if self.groups[group].is_open && !self.deliver_group(run, at, group, message) {
                return;
            }
        }
        self.fragments[at].state = State::Delivered;
        message.complete(place(self.parts, &self.fragments[at]));
    }

    /// Whether the group could be delivered.
    fn deliver_group<M>(&mut self, run: &mut Run<'_, M>, fragment: usize, at: usize, message: &mut Message) -> bool {
        self.groups[at].is_open = false;
        let group = &self.groups[at];
        // Of the fragments that have it, the client is told the one nearest to it.
        let nearest = group.fragments.iter().copied().filter(|at| self.fragments[*at].state == State::Pending);
        let nearest = nearest.max_by_key(|at| (self.fragments[*at].path.len(), *at == fragment)).unwrap_or(fragment);
        let start = message.begin(place(self.parts, &self.fragments[nearest]), Entry::Data, &group.path);
        let located = locate(&run.tree, run.root, &group.path);
        let mut completion = run.completion(std::mem::take(&mut message.out));
        completion.max_out += start;
        let completed = match located {
            Some(Cell::Object(object)) => completion.group(group.set, group.group, object, &group.path),
            _ => Err(Nulled),
        };
        let (overflow, found) = (completion.overflow, completion.found);
        message.out = completion.out;
        let mut errors = Errors::new(run.limits.max_errors);
        self.errors.give(&group.parts, &group.path, |path| is_put_off(path, &found), &mut errors);
        let parts = group.parts.clone();
        if overflow {
            let max = run.limits.max_response;
            let text = format!("A part of the answer would be larger than {max} bytes; ask for less.");
            run.errors.report(RESPONSE_LIMIT, text, Vec::new());
        }
        let refusals = self.settle(run, &mut errors);
        if completed.is_ok() {
            message.end(Entry::Data, &mut errors, refusals.as_ref());
            self.register(found, &parts, message);
            return true;
        }
        message.take_back(start);
        for at in self.groups[at].fragments.clone() {
            let fragment = &mut self.fragments[at];
            if fragment.state == State::Pending {
                message.fail(place(self.parts, fragment), Entry::Data, &mut errors);
            }
            if fragment.state != State::Delivered {
                fragment.state = State::Failed;
            }
        }
        false
    }

    /// Adds the errors that completing has found, and counts them. Returns what the client may not see where that is told apart.
    pub(super) fn settle<M>(&mut self, run: &mut Run<'_, M>, errors: &mut Errors) -> Option<Errors> {
        let max = run.limits.max_errors;
        errors.append(std::mem::replace(&mut run.errors, Errors::new(max)));
        let refusals = std::mem::replace(&mut run.refusals, Errors::new(max));
        self.refused += refusals.count();
        let apart = match run.refusal_place {
            RefusalPlace::Errors => {
                errors.append(refusals);
                None
            }
            RefusalPlace::Extensions => Some(refusals).filter(|refusals| refusals.count() > 0),
            RefusalPlace::Nowhere => None,
        };
        self.count(errors);
        apart
    }

    fn count(&mut self, errors: &Errors) {
        self.error_count += errors.len();
        for code in errors.codes() {
            if !self.error_codes.contains(&code) {
                self.error_codes.push(code);
            }
        }
    }
}

fn place<'f>(parts: &'f Parts, fragment: &'f Fragment) -> Place<'f> {
    let label = parts.defers[fragment.defer.0 as usize].label.as_deref();
    Place { id: fragment.id, path: &fragment.path, label }
}
