//! Equal queries to a subgraph that are in flight at the same time share one request. Knows nothing of what they ask for.

use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use ahash::AHashMap;
use braid_executor::SubgraphRequest;
use braid_request_context::SubgraphContext;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};

use crate::{Outcome, seen};

/// The queries to one subgraph that are in flight.
#[derive(Debug, Default)]
pub(crate) struct Deduplicate(Arc<Mutex<InFlight>>);

/// Everything that makes two requests equal. Compared in full, since equal hashes would give a client another client's data.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    body: Bytes,
    headers: Vec<u8>,
}

type Pending = Shared<BoxFuture<'static, Outcome>>;
type InFlight = AHashMap<Arc<Key>, WeakShared<BoxFuture<'static, Outcome>>>;

impl Deduplicate {
    /// The outcome of an equal query in flight, or else of `send`.
    pub(crate) async fn call<F: Future<Output = Outcome> + Send + 'static>(
        &self,
        request: SubgraphRequest,
        context: &SubgraphContext,
        send: impl FnOnce(SubgraphRequest, SubgraphContext) -> F,
    ) -> Outcome {
        let (pending, is_own) = self.join(request, context, send);
        let mut outcome = pending.await;
        if let (Ok(response), false) = (&mut outcome, is_own) {
            response.meta = std::mem::take(&mut response.meta).shared();
        }
        outcome
    }

    /// The equal query in flight, or this one, and whether it is this one. Failures are shared too: if everyone asked again after a
    /// failure, a subgraph in trouble would get all the requests at once that it is spared when it is well.
    fn join<F: Future<Output = Outcome> + Send + 'static>(
        &self,
        request: SubgraphRequest,
        context: &SubgraphContext,
        send: impl FnOnce(SubgraphRequest, SubgraphContext) -> F,
    ) -> (Pending, bool) {
        let key = Arc::new(Key { body: request.body.clone(), headers: seen::headers(request.subgraph, context) });
        let mut in_flight = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match in_flight.entry(Arc::clone(&key)) {
            Entry::Occupied(entry) => {
                if let Some(shared) = entry.get().upgrade() {
                    return (shared, false);
                }
                entry.remove();
            }
            Entry::Vacant(_) => {}
        }
        // Dropped when the outcome is there, or when everyone who waited for it is gone.
        let registration = Registration { in_flight: Arc::clone(&self.0), key: Arc::clone(&key) };
        let sending = send(request, context.clone());
        let shared = async move {
            let outcome = sending.await;
            drop(registration);
            outcome
        };
        let shared = shared.boxed().shared();
        in_flight.extend(shared.downgrade().map(|weak| (key, weak)));
        (shared, true)
    }
}

/// A query's entry among those in flight. Dropping it removes the entry.
struct Registration {
    in_flight: Arc<Mutex<InFlight>>,
    key: Arc<Key>,
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut in_flight = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        // An equal query may have been registered meanwhile.
        let is_own = in_flight.get_key_value(&self.key).is_some_and(|(key, _)| Arc::ptr_eq(key, &self.key));
        if is_own {
            in_flight.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests;
