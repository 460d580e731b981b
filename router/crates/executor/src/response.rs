//! What an execution takes beside the operation, and what it gives back. Knows nothing of how it is done.

use std::sync::Arc;
use std::time::{Duration, Instant};

use braid_graphql::names::SchemaNames;
use braid_supergraph::SubgraphId;
use bytes::Bytes;

use crate::error::Errors;
use crate::long_work::LongWork;

/// What belongs to one execution.
#[derive(Debug, Clone)]
pub struct ExecuteContext<C> {
    /// What travels along to the subgraphs.
    pub service: C,
    /// When the client's request is given up; what is missing by then is an error.
    pub deadline: Option<Instant>,
    /// Bounds on memory and errors.
    pub limits: ExecuteLimits,
    /// Whose errors clients may read.
    pub subgraph_errors: SubgraphErrors,
    /// Whether errors may name types and fields of the schema.
    pub names: SchemaNames,
    /// Where the response says what the client may not see.
    pub refusals: RefusalPlace,
    /// The subgraphs that are not asked, because what they have costs too much.
    pub declined: Vec<SubgraphId>,
    /// Whether reports have what was sent and what came, and each part of an answer has the reports of what ended before it: for developers.
    pub record: bool,
    /// Where large answers are read and written.
    pub long_work: LongWork,
}

/// Where a response says what its client may not see ([`braid_graphql::operation::FieldRef::Refused`]).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RefusalPlace {
    /// In `errors`.
    #[default]
    Errors,
    /// In `extensions.authorizationErrors`.
    Extensions,
    /// Nowhere.
    Nowhere,
}

/// Whether clients read what subgraphs say in their errors. Codes are passed on in any case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SubgraphErrors {
    /// Messages are replaced, extensions other than `code` and the name of the subgraph are left out.
    #[default]
    Hidden,
    /// Everything is passed on, with the name of the subgraph.
    Shown,
    /// Passed on for these subgraphs only.
    ShownFor(Arc<[SubgraphId]>),
}

impl SubgraphErrors {
    /// Whether errors of this subgraph are passed on.
    pub fn shows(&self, subgraph: SubgraphId) -> bool {
        match self {
            Self::Hidden => false,
            Self::Shown => true,
            Self::ShownFor(subgraphs) => subgraphs.contains(&subgraph),
        }
    }
}

/// Bounds on one execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecuteLimits {
    /// The most bytes of subgraph responses, of what is read from them, and of requests made of them, together.
    pub max_memory: usize,
    /// The most bytes of the response to the client.
    pub max_response: usize,
    /// The deepest nesting of objects and lists within a value that is passed through unread.
    pub max_nesting: usize,
    /// The most errors in the response; one more says how many are left out.
    pub max_errors: usize,
}

impl Default for ExecuteLimits {
    fn default() -> Self {
        Self { max_memory: 256 << 20, max_response: 128 << 20, max_nesting: 128, max_errors: 100 }
    }
}

/// The response to a client.
#[derive(Debug, Clone)]
pub struct Response<M> {
    /// `{"data":…}`, and `"errors"` when there are any.
    pub bytes: Bytes,
    /// How many errors it has.
    pub errors: usize,
    /// The codes of the errors that are the router's own or that subgraphs gave, in order, each once.
    pub error_codes: Vec<String>,
    /// How many values are null because the client may not see them. They count as errors only where they are among those.
    pub refused: u32,
    /// Whether the time for the client's request ended before all was there.
    pub timed_out: bool,
    /// What happened to each fetch, in the order they ended.
    pub fetches: Vec<FetchReport>,
    /// Whether the bytes have `"extensions"` already.
    pub(crate) has_extensions: bool,
    /// What came beside the bodies of subgraph responses, in the order they came.
    pub subgraph_answers: Vec<(SubgraphId, M)>,
}

/// The beginning of `extensions` in a response that has them.
const EXTENSIONS: &[u8] = b",\"extensions\":{";

impl<M> Response<M> {
    /// The response to an operation that was not executed.
    pub fn without_execution() -> Self {
        Self {
            bytes: Bytes::from_static(b"{\"data\":null}"),
            errors: 0,
            error_codes: Vec::new(),
            refused: 0,
            timed_out: false,
            fetches: Vec::new(),
            has_extensions: false,
            subgraph_answers: Vec::new(),
        }
    }

    /// Puts other bytes in place, which have so many errors, and `"extensions"` at their end or nowhere.
    pub fn replace(&mut self, bytes: Bytes, errors: usize, has_extensions: bool) {
        (self.bytes, self.errors, self.has_extensions) = (bytes, errors, has_extensions);
    }

    /// The response with more in `"extensions"`; `more` is a JSON object with at least one member.
    pub fn bytes_with_extensions(&self, more: &[u8]) -> Bytes {
        match self.has_extensions {
            true => insert(&self.bytes, b"}}", b",", more),
            false => with_extensions(&self.bytes, more),
        }
    }
}

/// A JSON object with `"extensions"`, which it does not have yet: a JSON object with at least one member.
pub fn with_extensions(object: &[u8], extensions: &[u8]) -> Bytes {
    insert(object, b"}", EXTENSIONS, extensions)
}

fn insert(object: &[u8], end: &[u8], before: &[u8], members: &[u8]) -> Bytes {
    let body = object.strip_suffix(end).unwrap_or(object);
    let members = members.strip_prefix(b"{").unwrap_or(members);
    Bytes::from([body, before, members, b"}"].concat())
}

/// Writes `extensions` that say what the client may not see.
pub(crate) fn write_refusals(refusals: &Errors, out: &mut Vec<u8>) {
    out.extend_from_slice(EXTENSIONS);
    out.extend_from_slice(b"\"authorizationErrors\":");
    refusals.write_list(out);
    out.push(b'}');
}

/// What happened to one fetch.
#[derive(Debug, Clone)]
pub struct FetchReport {
    /// Its place in the plan.
    pub fetch: usize,
    /// Who was asked.
    pub subgraph: SubgraphId,
    /// What the objects and fields that it gave count together ([`crate::CompileOptions::weights`]).
    pub weight: u64,
    /// From the start of the execution to the start of the request.
    pub started: Duration,
    /// From the start of the request to its response.
    pub took: Duration,
    /// The status of the response; `None` when there was none.
    pub status: Option<u16>,
    /// The size of the request's body.
    pub request_bytes: usize,
    /// The size of the response's body.
    pub response_bytes: usize,
    /// The code, when the fetch failed as a whole.
    pub failure: Option<&'static str>,
    /// What was sent and what came, where it is recorded ([`ExecuteContext::record`]).
    pub record: Option<Box<FetchRecord>>,
}

/// What was sent to a subgraph, and what came. It shares the bytes with the execution.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchRecord {
    /// The body of the request, as it is without a cache before the subgraph.
    pub request: Bytes,
    /// The body of the response, if one came.
    pub response: Option<Bytes>,
    /// Why there was no response, in words.
    pub failure: Option<String>,
    /// How many different entities were looked up; 0 for root fields.
    pub entities: usize,
    /// The places in the response's `errors` of those that are about the fetch.
    pub errors: Vec<usize>,
    /// Of a request that a cache knew a part of: the body with that part, and how many of the entities it has.
    pub known: Option<(Bytes, usize)>,
}
