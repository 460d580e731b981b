//! How a part is written, in either of the two formats that clients know. Knows nothing of what is delivered when.

use bytes::Bytes;

use crate::error::{Errors, Step};
use crate::response::write_refusals;

/// A format of answers in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PartsFormat {
    /// Parts are announced as `pending`, delivered by `id`, and said to be `completed` (`incrementalSpec=v0.2`,
    /// <https://github.com/graphql/graphql-spec/pull/1110>).
    Pending,
    /// Parts say where they belong by `path` and `label` (`deferSpec=20220824`).
    Path,
}

/// A part's place in an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) id: u32,
    pub(super) path: &'a [Step],
    /// A JSON string.
    pub(super) label: Option<&'a [u8]>,
}

/// One message under construction.
pub(super) struct Message {
    format: PartsFormat,
    /// The entries of `incremental`. Values are completed into it.
    pub(super) out: Vec<u8>,
    pending: Vec<u8>,
    completed: Vec<u8>,
}

const OPEN: &[u8] = b"{\"incremental\":[";

impl Message {
    pub(super) fn new(format: PartsFormat) -> Self {
        Self { format, out: OPEN.to_vec(), pending: Vec::new(), completed: Vec::new() }
    }

    /// The same, with room for so many bytes.
    pub(super) fn with_room(format: PartsFormat, bytes: usize) -> Self {
        let mut message = Self::new(format);
        message.out.reserve_exact(bytes);
        message
    }

    pub(super) fn len(&self) -> usize {
        self.out.len() + self.pending.len() + self.completed.len()
    }

    /// Announces a part.
    pub(super) fn announce(&mut self, place: Place<'_>) {
        if self.format == PartsFormat::Path {
            return;
        }
        let out = &mut self.pending;
        separate(out);
        write_id(place.id, out);
        out.extend_from_slice(b",\"path\":");
        Step::write_all(place.path, out);
        write_label(place.label, out);
        out.push(b'}');
    }

    /// Begins an entry whose value is written next: fields of the object at `path`, or items of the list at `place` from an index. Returns
    /// where it began, to take it back.
    pub(super) fn begin(&mut self, place: Place<'_>, kind: Entry, path: &[Step]) -> usize {
        let start = self.out.len();
        if start > OPEN.len() {
            self.out.push(b',');
        }
        match self.format {
            PartsFormat::Pending => {
                write_id(place.id, &mut self.out);
                let within = path.get(place.path.len()..).unwrap_or_default();
                if !within.is_empty() && kind == Entry::Data {
                    self.out.extend_from_slice(b",\"subPath\":");
                    Step::write_all(within, &mut self.out);
                }
                self.out.push(b',');
            }
            PartsFormat::Path => {
                self.out.extend_from_slice(b"{\"path\":");
                Step::write_all(path, &mut self.out);
                write_label(place.label, &mut self.out);
                self.out.push(b',');
            }
        }
        self.out.extend_from_slice(match kind {
            Entry::Data => b"\"data\":",
            Entry::Items => b"\"items\":[",
        });
        start
    }

    /// Ends an entry whose value was written.
    pub(super) fn end(&mut self, kind: Entry, errors: &mut Errors, refusals: Option<&Errors>) {
        if kind == Entry::Items {
            self.out.push(b']');
        }
        errors.write(&mut self.out);
        if let Some(refusals) = refusals {
            write_refusals(refusals, &mut self.out);
        }
        self.out.push(b'}');
    }

    /// Takes an entry back.
    pub(super) fn take_back(&mut self, start: usize) {
        self.out.truncate(start);
    }

    /// Says that a part has been delivered.
    pub(super) fn complete(&mut self, place: Place<'_>) {
        if self.format == PartsFormat::Pending {
            separate(&mut self.completed);
            write_id(place.id, &mut self.completed);
            self.completed.push(b'}');
        }
    }

    /// Says that nothing more of a part is delivered, and why.
    pub(super) fn fail(&mut self, place: Place<'_>, kind: Entry, errors: &mut Errors) {
        match self.format {
            PartsFormat::Pending => {
                separate(&mut self.completed);
                write_id(place.id, &mut self.completed);
                errors.write(&mut self.completed);
                self.completed.push(b'}');
            }
            PartsFormat::Path => {
                if self.out.len() > OPEN.len() {
                    self.out.push(b',');
                }
                self.out.extend_from_slice(b"{\"path\":");
                Step::write_all(place.path, &mut self.out);
                write_label(place.label, &mut self.out);
                self.out.extend_from_slice(match kind {
                    Entry::Data => b",\"data\":null",
                    Entry::Items => b",\"items\":null",
                });
                errors.write(&mut self.out);
                self.out.push(b'}');
            }
        }
    }

    /// The whole message.
    pub(super) fn finish(mut self, has_next: bool) -> Bytes {
        if self.out.len() == OPEN.len() {
            self.out.truncate(1);
        } else {
            self.out.extend_from_slice(b"],");
        }
        self.write_lists();
        write_has_next(has_next, &mut self.out);
        self.out.push(b'}');
        self.out.into()
    }

    /// What follows the data and the errors of the first message, in an object that is open.
    pub(super) fn finish_first(mut self, out: &mut Vec<u8>) {
        self.out.clear();
        self.write_lists();
        out.push(b',');
        out.append(&mut self.out);
        write_has_next(true, out);
    }

    fn write_lists(&mut self) {
        for (name, list) in [(&b"\"pending\":["[..], &self.pending), (&b"\"completed\":["[..], &self.completed)] {
            if !list.is_empty() {
                self.out.extend_from_slice(name);
                self.out.extend_from_slice(list);
                self.out.extend_from_slice(b"],");
            }
        }
    }
}

/// What an entry has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    Data,
    Items,
}

fn separate(out: &mut Vec<u8>) {
    if !out.is_empty() {
        out.push(b',');
    }
}

fn write_id(id: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"id\":\"");
    out.extend_from_slice(id.to_string().as_bytes());
    out.push(b'"');
}

fn write_label(label: Option<&[u8]>, out: &mut Vec<u8>) {
    if let Some(label) = label {
        out.extend_from_slice(b",\"label\":");
        out.extend_from_slice(label);
    }
}

fn write_has_next(has_next: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if has_next { b"\"hasNext\":true" } else { b"\"hasNext\":false" });
}
