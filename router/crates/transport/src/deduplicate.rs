//! Equal queries to a subgraph that are in flight at the same time share one request. Knows nothing of what they ask for.

use braid_executor::SubgraphRequest;
use braid_in_flight::InFlight;
use braid_request_context::SubgraphContext;
use bytes::Bytes;

use crate::{Outcome, seen};

/// The queries to one subgraph that are in flight.
#[derive(Debug, Default)]
pub(crate) struct Deduplicate(InFlight<Key, Outcome>);

/// Everything that makes two requests equal. Compared in full, since equal hashes would give a client another client's data.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    body: Bytes,
    headers: Vec<u8>,
}

impl Deduplicate {
    /// The outcome of an equal query in flight, or else of `send`. Failures are shared too: if everyone asked again after a failure, a
    /// subgraph in trouble would get all the requests at once that it is spared when it is well.
    pub(crate) async fn call<F: Future<Output = Outcome> + Send + 'static>(
        &self,
        request: SubgraphRequest,
        context: &SubgraphContext,
        send: impl FnOnce(SubgraphRequest, SubgraphContext) -> F,
    ) -> Outcome {
        let key = Key { body: request.body.clone(), headers: seen::headers(request.subgraph, context) };
        let (pending, is_own) = self.0.join(key, || send(request, context.clone()));
        let mut outcome = pending.await;
        if let (Ok(response), false) = (&mut outcome, is_own) {
            response.meta = std::mem::take(&mut response.meta).shared();
        }
        outcome
    }
}

#[cfg(test)]
mod tests;
