//! What a subgraph sees of a client beside what the operation asks, as bytes that are equal only if it is the same. Knows no rule about
//! headers.

use braid_request_context::SubgraphContext;
use braid_supergraph::SubgraphId;
use http::HeaderMap;

/// The headers that the subgraph gets. The trace and the id of the request are none of them: requests with several of these may share a response.
pub(crate) fn headers(subgraph: SubgraphId, context: &SubgraphContext) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in context.headers(subgraph).into_iter().flat_map(HeaderMap::iter) {
        append(&mut out, name.as_str().as_bytes());
        append(&mut out, value.as_bytes());
    }
    out
}

/// Appends a part with its length.
pub(crate) fn append(out: &mut Vec<u8>, part: &[u8]) {
    out.extend_from_slice(&part.len().to_le_bytes());
    out.extend_from_slice(part);
}
