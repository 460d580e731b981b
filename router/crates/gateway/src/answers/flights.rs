//! Equal queries that are executed at the same time share one execution. Knows nothing of what they ask for.

use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use ahash::AHashMap;
use braid_executor::Response;
use braid_request_context::headers::SubgraphHeaders;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};

use super::same::SameKey;
use crate::refusal::Refusal;

type Landed = Result<Arc<Response<SubgraphHeaders>>, Refusal>;

/// An execution that several clients wait for. It goes on as long as one of them does.
pub(crate) type Flight = Shared<BoxFuture<'static, Landed>>;

type InFlight = AHashMap<Arc<SameKey>, WeakShared<BoxFuture<'static, Landed>>>;

/// The executions that can be joined.
#[derive(Debug, Default)]
pub(crate) struct Flights(Arc<Mutex<InFlight>>);

impl Flights {
    /// The execution of an equal query, or else `execution`, and whether it is this one. What is executed must keep alive what the key
    /// names by its address.
    pub(crate) fn join<F: Future<Output = Result<Response<SubgraphHeaders>, Refusal>> + Send + 'static>(
        &self,
        key: SameKey,
        execution: impl FnOnce() -> F,
    ) -> (Flight, bool) {
        let key = Arc::new(key);
        let mut in_flight = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match in_flight.entry(key.clone()) {
            Entry::Occupied(entry) => {
                if let Some(flight) = entry.get().upgrade() {
                    return (flight, false);
                }
                entry.remove();
            }
            Entry::Vacant(_) => {}
        }
        // Dropped when the response is there, or when everyone who waited for it is gone.
        let registration = Registration { in_flight: self.0.clone(), key: key.clone() };
        let execution = execution();
        let flight = async move {
            let response = execution.await;
            drop(registration);
            response.map(Arc::new)
        };
        let flight = flight.boxed().shared();
        in_flight.extend(flight.downgrade().map(|weak| (key, weak)));
        (flight, true)
    }
}

/// The place of an execution among those that can be joined. Dropping it gives it up.
struct Registration {
    in_flight: Arc<Mutex<InFlight>>,
    key: Arc<SameKey>,
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut in_flight = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        // An equal query may have begun meanwhile.
        let is_own = in_flight.get_key_value(&self.key).is_some_and(|(key, _)| Arc::ptr_eq(key, &self.key));
        if is_own {
            in_flight.remove(&self.key);
        }
    }
}
