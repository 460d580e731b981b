//! The items of streamed lists that come later than their list: in batches, of a tree that has them all or of one that has a batch.

use braid_graphql::error::PathSegment;

use super::Part;
use super::delivery::{Delivery, ENOUGH};
use super::format::{Entry, Message, Place};
use super::place::{is_put_off, locate};
use super::state::Origin;
use crate::compile::parts::INITIAL;
use crate::error::{Errors, RESPONSE_LIMIT, Step};
use crate::run::Run;
use crate::tree::Cell;

impl Delivery<'_> {
    /// The later items of the list that is streamed arrive while those before them are delivered.
    pub(super) fn expect_items(&mut self) {
        self.items_arrive = true;
    }

    /// The number of the next item that has not arrived, and how many bytes of items are delivered together; `None` if none is waited for.
    pub(super) fn expected(&self) -> Option<(u32, usize)> {
        let list = self.lists.iter().find(|list| list.is_open && list.origin == Origin::Arriving)?;
        Some((list.from, list.batch))
    }

    /// Takes the errors that were met while a batch of items was fetched.
    pub(super) fn take_item_errors<M>(&mut self, batch: &mut Run<'_, M>) {
        let streams = &self.operation.program.projection.streams;
        let part = self.lists.first().map_or(INITIAL, |list| self.parts.items_of(streams[list.stream as usize].id));
        self.errors.add_to(part, &mut batch.errors);
    }

    /// Whether there is something to deliver of a batch of items that has arrived. Without an item, there is if it is the last.
    pub(super) fn has_items<M>(&self, batch: &Run<'_, M>, is_last: bool) -> bool {
        let Some(list) = self.lists.first().filter(|list| list.is_open) else { return false };
        match locate(&batch.tree, batch.root, &list.path) {
            Some(Cell::List { len, .. }) if list.from - batch.tree.first_item < len => true,
            Some(Cell::List { .. }) => is_last && list.origin == Origin::Arriving,
            _ => true,
        }
    }

    /// What can be delivered of a batch of items that has arrived, which has so many bytes.
    pub(super) fn advance_items<M>(&mut self, batch: &mut Run<'_, M>, is_last: bool, bytes: usize) -> Part<M> {
        let mut message = Message::new(self.format);
        if let Some(list) = self.lists.first_mut() {
            // What is looked up comes to it, and names and numbers are as long as they were. If that is not enough, it grows.
            message = Message::with_room(self.format, bytes.min(list.batch) + bytes / 8 + 1024);
            if is_last {
                list.origin = Origin::Arrived;
            }
            self.deliver_items(batch, 0, &mut message);
        }
        Part::next(message.finish(!self.is_done()))
    }

    /// Delivers the next items of a list.
    pub(super) fn deliver_items<M>(&mut self, run: &mut Run<'_, M>, at: usize, message: &mut Message) {
        let (stream, mut from, id) = (self.lists[at].stream, self.lists[at].from, self.lists[at].id);
        let mut path = std::mem::take(&mut self.lists[at].path);
        let label = self.operation.program.projection.streams[stream as usize].label.as_deref();
        let (origin, before) = (self.lists[at].origin, run.tree.first_item);
        let located = locate(&run.tree, run.root, &path);
        let (first, len) = match located {
            Some(Cell::List { start, len, .. }) => (start, before + len),
            _ => (0, 0),
        };
        let parts = self.lists[at].parts.clone();
        let list_path = path.clone();
        let place = Place { id, path: &list_path, label };
        // Of a list that arrives, a batch can fail as a whole.
        let mut failed = origin != Origin::Tree && !matches!(located, Some(Cell::List { .. }));
        let mut errors = Errors::new(run.limits.max_errors);
        if failed {
            self.errors.give(&parts, &[], |_| false, &mut errors);
            self.settle(run, &mut errors);
        }
        if from < len {
            path.push(Step::Index(from));
            let start = message.begin(place, Entry::Items, &path);
            let enough = message.out.len() + self.lists[at].batch;
            let mut completion = run.completion(std::mem::take(&mut message.out));
            completion.max_out += start;
            let begun = from;
            while from < len && completion.out.len() < enough {
                let item = completion.out.len();
                if from > begun {
                    completion.out.push(b',');
                }
                path.pop();
                path.push(Step::Index(from));
                let cell = completion.tree.items(first + from - before, 1)[0];
                let found = completion.found.len();
                if completion.item(stream, cell, &path).is_err() {
                    completion.out.truncate(item);
                    completion.found.truncate(found);
                    failed = true;
                    break;
                }
                from += 1;
            }
            let (overflow, found) = (completion.overflow, completion.found);
            message.out = completion.out;
            if overflow {
                let max = run.limits.max_response;
                let text = format!("A part of the answer would be larger than {max} bytes; ask for less.");
                run.errors.report(RESPONSE_LIMIT, text, Vec::new());
            }
            let depth = list_path.len();
            let is_later = |path: &[PathSegment]| {
                let here = (begun as usize)..=(from as usize);
                let is_here = match path.get(depth) {
                    Some(PathSegment::Index(index)) => here.contains(index) && (*index < from as usize || failed),
                    // It is about several items.
                    _ => true,
                };
                !is_here || is_put_off(path, &found)
            };
            match origin == Origin::Arrived && from == len {
                true => self.errors.give(&parts, &[], |_| false, &mut errors),
                false => self.errors.give(&parts, &list_path, is_later, &mut errors),
            }
            let refusals = self.settle(run, &mut errors);
            if from == begun {
                message.take_back(start);
            } else if failed {
                message.end(Entry::Items, &mut Errors::new(0), refusals.as_ref());
            } else {
                message.end(Entry::Items, &mut errors, refusals.as_ref());
            }
            self.register(found, &parts, message);
        } else if origin == Origin::Arrived && !failed {
            // Nothing is left that what follows the list could be about.
            self.errors.give(&parts, &[], |_| false, &mut errors);
            self.settle(run, &mut errors);
            failed = errors.count() > 0;
        }
        if failed {
            if path.len() == list_path.len() {
                path.push(Step::Index(from));
            }
            message.fail(Place { path: &path, ..place }, Entry::Items, &mut errors);
        } else if from >= len && origin != Origin::Arriving {
            message.complete(place);
        }
        let list = &mut self.lists[at];
        let is_open = !failed && (from < len || origin == Origin::Arriving);
        (list.path, list.from, list.is_open) = (list_path, from, is_open);
        list.batch = (list.batch * 2).min(ENOUGH);
    }
}
