//! The errors of one response: collected up to a number, written once. Knows nothing of who failed.

use std::borrow::Cow;

use ahash::AHashSet;
use braid_graphql::Name;
use braid_graphql::error::PathSegment;
use serde_json::value::RawValue;

/// A field that must not be null is.
pub(crate) const NON_NULLABLE_FIELD_IS_NULL: &str = "NON_NULLABLE_FIELD_IS_NULL";
/// A subgraph gave a value that is not of the field's type.
pub(crate) const INVALID_VALUE: &str = "SUBREQUEST_INVALID_VALUE";
/// A subgraph gave an object whose type is not known, or not allowed there.
pub(crate) const UNKNOWN_RUNTIME_TYPE: &str = "SUBREQUEST_UNKNOWN_TYPE";
/// A response that is not a GraphQL response, or not to what was asked.
pub(crate) const MALFORMED_RESPONSE: &str = "SUBREQUEST_MALFORMED_RESPONSE";
/// A response that nests deeper than allowed.
pub(crate) const RESPONSE_TOO_DEEP: &str = "SUBREQUEST_RESPONSE_TOO_DEEP";
/// A response with an HTTP status that says failure.
pub(crate) const HTTP_ERROR: &str = "SUBREQUEST_HTTP_ERROR";
/// The request holds more memory than allowed.
pub(crate) const MEMORY_LIMIT: &str = "REQUEST_MEMORY_LIMIT_EXCEEDED";
/// The response to the client is larger than allowed.
pub(crate) const RESPONSE_LIMIT: &str = "RESPONSE_TOO_LARGE";
/// A defect of the router.
pub(crate) const INTERNAL: &str = "INTERNAL_SERVER_ERROR";
/// The client's request has timed out.
pub(crate) const TIMEOUT: &str = "GATEWAY_TIMEOUT";
/// The client may not see a field or an object.
pub(crate) const UNAUTHORIZED: &str = "UNAUTHORIZED_FIELD_OR_TYPE";
/// Of an error of a subgraph that has no code.
pub(crate) const DOWNSTREAM: &str = "DOWNSTREAM_SERVICE_ERROR";
/// Of the error that counts those that were left out.
pub(crate) const TOO_MANY_ERRORS: &str = "TOO_MANY_ERRORS";

#[derive(Debug)]
pub(crate) struct ErrorEntry {
    pub(crate) message: Cow<'static, str>,
    pub(crate) path: Vec<PathSegment>,
    pub(crate) code: Cow<'static, str>,
    /// Name and JSON.
    pub(crate) extensions: Vec<(String, Box<RawValue>)>,
    /// The place in the plan of the fetch that it is about, if it is about one.
    pub(crate) fetch: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct Errors {
    entries: Vec<ErrorEntry>,
    left_out: usize,
    max: usize,
}

impl Errors {
    pub(crate) fn new(max: usize) -> Self {
        Self { entries: Vec::new(), left_out: 0, max }
    }

    pub(crate) fn has_room(&self) -> bool {
        self.room() > 0
    }

    /// How many more errors are kept.
    pub(crate) fn room(&self) -> usize {
        self.max.saturating_sub(self.entries.len())
    }

    pub(crate) fn push(&mut self, entry: ErrorEntry) {
        if self.has_room() { self.entries.push(entry) } else { self.left_out += 1 }
    }

    /// Errors that were not even read.
    pub(crate) fn leave_out(&mut self, count: usize) {
        self.left_out += count;
    }

    pub(crate) fn report(&mut self, code: &'static str, message: impl Into<Cow<'static, str>>, path: Vec<PathSegment>) {
        let (message, code) = (message.into(), code.into());
        self.push(ErrorEntry { message, path, code, extensions: Vec::new(), fetch: None });
    }

    /// Takes all that there are.
    pub(crate) fn take(&mut self) -> (Vec<ErrorEntry>, usize) {
        (std::mem::take(&mut self.entries), std::mem::take(&mut self.left_out))
    }

    /// Adds those of another list.
    pub(crate) fn append(&mut self, other: Self) {
        other.entries.into_iter().for_each(|entry| self.push(entry));
        self.left_out += other.left_out;
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len() + usize::from(self.left_out > 0)
    }

    /// How many there were, those left out included.
    pub(crate) fn count(&self) -> usize {
        self.entries.len() + self.left_out
    }

    /// The places of the errors that are about a fetch, each with the fetch.
    pub(crate) fn fetches(&self) -> impl Iterator<Item = (usize, usize)> {
        self.entries.iter().enumerate().filter_map(|(number, entry)| Some((number, entry.fetch?)))
    }

    pub(crate) fn codes(&self) -> Vec<String> {
        let mut seen = AHashSet::new();
        let codes = self.entries.iter().map(|entry| &*entry.code).chain((self.left_out > 0).then_some(TOO_MANY_ERRORS));
        codes.filter(|code| seen.insert(*code)).map(str::to_owned).collect()
    }

    /// Writes `,"errors":[…]`, or nothing.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>) {
        if self.left_out > 0 {
            let message = format!("{} more errors are left out.", self.left_out);
            let (message, code) = (message.into(), TOO_MANY_ERRORS.into());
            self.entries.push(ErrorEntry { message, path: vec![], code, extensions: vec![], fetch: None });
            self.left_out = 0;
        }
        if !self.entries.is_empty() {
            out.extend_from_slice(b",\"errors\":");
            self.write_list(out);
        }
    }

    /// Writes `[…]`.
    pub(crate) fn write_list(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for (at, entry) in self.entries.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            entry.write(out);
        }
        out.push(b']');
    }
}

impl ErrorEntry {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"message\":");
        write_string(&self.message, out);
        for (at, segment) in self.path.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b",\"path\":[" } else { b"," });
            match segment {
                PathSegment::Index(index) => out.extend_from_slice(index.to_string().as_bytes()),
                PathSegment::Key(key) => write_string(key, out),
            }
        }
        if !self.path.is_empty() {
            out.push(b']');
        }
        out.extend_from_slice(b",\"extensions\":{\"code\":");
        write_string(&self.code, out);
        for (name, value) in &self.extensions {
            out.push(b',');
            write_string(name, out);
            out.push(b':');
            out.extend_from_slice(value.get().as_bytes());
        }
        out.extend_from_slice(b"}}");
    }
}

/// Writes a JSON string.
pub(crate) fn write_string(text: &str, out: &mut Vec<u8>) {
    // Writing a string to memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// A JSON string as raw JSON.
pub(crate) fn raw_string(text: &str) -> Option<Box<RawValue>> {
    serde_json::value::to_raw_value(text).ok()
}

/// From the root of the response to a position, as a chain over the stack: it costs nothing until it is asked for.
#[derive(Clone, Copy)]
pub(crate) enum ResponsePath<'a> {
    /// What is written begins there, at the root of the response or further down.
    Base(&'a [Step]),
    /// A key of an object, and the slot of its value.
    Key(&'a ResponsePath<'a>, &'a Name, u32),
    Index(&'a ResponsePath<'a>, usize),
}

/// A step from one value of the response, and of the data tree, to one within it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// A key of an object, and its slot.
    Key(Name, u32),
    /// An item of a list.
    Index(u32),
}

impl Step {
    fn segment(&self) -> PathSegment {
        match self {
            Self::Key(key, _) => PathSegment::Key(key.as_str().to_owned()),
            Self::Index(index) => PathSegment::Index(*index as usize),
        }
    }

    /// Writes `["key",0]`.
    pub(crate) fn write_all(steps: &[Self], out: &mut Vec<u8>) {
        out.push(b'[');
        for (at, step) in steps.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            match step {
                // A name needs no escapes.
                Self::Key(key, _) => {
                    out.push(b'"');
                    out.extend_from_slice(key.as_bytes());
                    out.push(b'"');
                }
                Self::Index(index) => out.extend_from_slice(index.to_string().as_bytes()),
            }
        }
        out.push(b']');
    }
}

impl ResponsePath<'_> {
    pub(crate) fn segments(&self) -> Vec<PathSegment> {
        let mut segments = Vec::new();
        let mut at = self;
        loop {
            match at {
                Self::Base(steps) => {
                    segments.extend(steps.iter().rev().map(Step::segment));
                    break;
                }
                Self::Key(above, key, _) => {
                    segments.push(PathSegment::Key(key.as_str().to_owned()));
                    at = above;
                }
                Self::Index(above, index) => {
                    segments.push(PathSegment::Index(*index));
                    at = above;
                }
            }
        }
        segments.reverse();
        segments
    }

    /// The same with the slots, to come back later.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut at = self;
        loop {
            match at {
                Self::Base(base) => {
                    steps.extend(base.iter().rev().cloned());
                    break;
                }
                Self::Key(above, key, slot) => {
                    steps.push(Step::Key((*key).clone(), *slot));
                    at = above;
                }
                Self::Index(above, index) => {
                    steps.push(Step::Index(*index as u32));
                    at = above;
                }
            }
        }
        steps.reverse();
        steps
    }
}
