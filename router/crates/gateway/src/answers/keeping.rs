//! Who may keep an answer. Knows no header.

use braid_executor::Response;
use braid_graphql::OperationType;
use braid_request_context::Cacheability;
use braid_request_context::headers::SubgraphHeaders;

use crate::operation_cache::CachedOperation;

/// Who may keep an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// Nobody: it lacks a part, it changed something, or something in it may not be kept.
    Nobody,
    /// The client that asked.
    Client(Cacheability),
    /// Whoever it passes.
    Anybody(Cacheability),
}

impl Keeping {
    /// Who may keep the response to an operation: no longer and no more widely than each of its parts.
    pub(crate) fn of(operation: &CachedOperation, response: &Response<SubgraphHeaders>) -> Self {
        match cacheability(operation, response) {
            None => Self::Nobody,
            Some(cacheability) if cacheability.is_private || operation.depends_on_client() => {
                Self::Client(cacheability)
            }
            Some(cacheability) => Self::Anybody(cacheability),
        }
    }
}

fn cacheability(operation: &CachedOperation, response: &Response<SubgraphHeaders>) -> Option<Cacheability> {
    if !is_whole_query(operation, response) || response.fetches.iter().any(|fetch| fetch.failure.is_some()) {
        return None;
    }
    let mut parts = response.subgraph_answers.iter().map(|(_, headers)| headers.cacheability.as_deref());
    // What no subgraph was asked for is about the schema, which nobody can throw out.
    let first = parts.next()??.clone();
    parts.try_fold(first, |all, part| Some(all.and(part?)))
}

/// Whether a query was answered in full.
pub(crate) fn is_whole_query(operation: &CachedOperation, response: &Response<SubgraphHeaders>) -> bool {
    let is_query = operation.result.as_ref().is_ok_and(|operation| operation.kind() == OperationType::Query);
    is_query && response.errors == 0 && response.refused == 0 && !response.timed_out
}
