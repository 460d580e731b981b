//! Equal queries to a subgraph that are under way at the same time are sent once. Mutations never are.
//! Knows nothing of what is asked.

use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use ahash::AHashMap;
use braid_executor::{SubgraphError, SubgraphRequest, SubgraphResponse, SubgraphService};
use braid_graphql::OperationType;
use braid_request_context::SubgraphContext;
use braid_request_context::headers::SubgraphHeaders;
use braid_supergraph::SubgraphId;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};

/// A service that sends equal queries once while they are under way.
#[derive(Debug)]
pub struct Deduplicated<S: SubgraphService> {
    service: Arc<S>,
    under_way: Arc<Mutex<UnderWay<S::Meta>>>,
}

/// The whole of what makes two requests equal; no hash stands in for it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    subgraph: SubgraphId,
    body: Bytes,
    headers: Vec<u8>,
}

type Outcome<M> = Result<SubgraphResponse<M>, SubgraphError>;
type Pending<M> = Shared<BoxFuture<'static, Outcome<M>>>;
type UnderWay<M> = AHashMap<Arc<Key>, WeakShared<BoxFuture<'static, Outcome<M>>>>;

impl<S: SubgraphService> Deduplicated<S> {
    /// Wraps a service.
    pub fn new(service: Arc<S>) -> Self {
        Self { service, under_way: Arc::default() }
    }
}

impl<S: SubgraphService<Context = SubgraphContext, Meta = SubgraphHeaders>> SubgraphService for Deduplicated<S> {
    type Context = S::Context;
    type Meta = S::Meta;

    async fn call(&self, request: SubgraphRequest, context: &Self::Context) -> Outcome<Self::Meta> {
        if request.kind != OperationType::Query {
            return self.service.call(request, context).await;
        }
        let (response, is_own) = self.join(request, context);
        let mut outcome = response.await;
        if let (Ok(response), false) = (&mut outcome, is_own) {
            response.meta = std::mem::take(&mut response.meta).shared();
        }
        outcome
    }
}

impl<S: SubgraphService<Context = SubgraphContext, Meta = SubgraphHeaders>> Deduplicated<S> {
    /// The equal request that is under way, or this one, and whether it is this one. All who wait for it have the same outcome: were each to ask again for
    /// itself after a failure, a subgraph in trouble would get all at once what it is spared while it is well.
    fn join(&self, request: SubgraphRequest, context: &SubgraphContext) -> (Pending<S::Meta>, bool) {
        let headers = forwarded(context, request.subgraph);
        let key = Arc::new(Key { subgraph: request.subgraph, body: request.body.clone(), headers });
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        match under_way.entry(Arc::clone(&key)) {
            Entry::Occupied(entry) => {
                if let Some(shared) = entry.get().upgrade() {
                    return (shared, false);
                }
                entry.remove();
            }
            Entry::Vacant(_) => {}
        }
        let shared = self.send(request, context.clone(), Arc::clone(&key)).boxed().shared();
        under_way.extend(shared.downgrade().map(|weak| (key, weak)));
        (shared, true)
    }

    fn send(
        &self,
        request: SubgraphRequest,
        context: S::Context,
        key: Arc<Key>,
    ) -> impl Future<Output = Outcome<S::Meta>> + Send + 'static {
        let service = Arc::clone(&self.service);
        // Dropped when the answer is there, or when all that waited are gone.
        let ended = Ended { under_way: Arc::clone(&self.under_way), key };
        async move {
            let outcome = service.call(request, &context).await;
            drop(ended);
            outcome
        }
    }
}

/// The headers that make requests differ though their bodies are equal. The trace does not: requests of several traces may share a
/// response.
fn forwarded(context: &SubgraphContext, subgraph: SubgraphId) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in context.headers(subgraph).into_iter().flatten() {
        for part in [name.as_str().as_bytes(), value.as_bytes()] {
            out.extend_from_slice(&part.len().to_le_bytes());
            out.extend_from_slice(part);
        }
    }
    out
}

struct Ended<M> {
    under_way: Arc<Mutex<UnderWay<M>>>,
    key: Arc<Key>,
}

impl<M> Drop for Ended<M> {
    fn drop(&mut self) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        // Another request with the same key may have taken the place.
        let is_own = under_way.get_key_value(&self.key).is_some_and(|(key, _)| Arc::ptr_eq(key, &self.key));
        if is_own {
            under_way.remove(&self.key);
        }
    }
}
