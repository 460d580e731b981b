//! Subscriptions while they live. Knows no protocol of clients and no transport.
//!
//! ```text
//! Subscription ──open──▶ feed (one for equal subscriptions): subgraph's events → execute_event → response ──▶ queue of each client ──▶ EventStream
//!                          ▲
//!                    new version: compiled again, and joined to what the subgraph sends already
//! ```

pub mod config;
mod ended;
mod feed;
mod queue;

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use ahash::AHashMap;
use braid_graphql::variables::Variables;
use braid_request_context::RequestContext;
use braid_supergraph::SubgraphId;
use futures_util::Stream;
use serde_json::value::RawValue;
use tokio::sync::watch;

use crate::answers::SameKey;
use crate::exposed::Exposed;
use crate::gateway::{Gateway, Subgraphs};
use crate::operation_cache::{CachedOperation, Wanted};
use crate::refusal::Refusal;
use crate::request::GraphQLRequest;

pub use ended::{EndCause, Ended};
use feed::Clients;
pub use queue::Event;
use queue::Queue;

/// A subscription that may begin: all is checked, and no subgraph is asked yet.
#[derive(Debug)]
pub struct Subscription {
    /// The operation that is run for each event.
    pub operation: Arc<CachedOperation>,
    /// Whether it was in the cache.
    pub cached: bool,
    pub(crate) found_after: Duration,
    pub(crate) asked: Asked,
    pub(crate) variables: Variables,
    pub(crate) declined: Vec<SubgraphId>,
    pub(crate) context: Arc<RequestContext>,
    pub(crate) exposed: Option<Box<Exposed>>,
}

/// What the client has sent, which is what a new version compiles.
#[derive(Debug)]
pub(crate) struct Asked {
    query: Box<str>,
    operation_name: Option<Box<str>>,
    variables: Option<Box<RawValue>>,
    graph: Option<Arc<str>>,
}

impl Asked {
    pub(crate) fn new(wanted: Wanted<'_>, request: &GraphQLRequest<'_>) -> Self {
        Self {
            query: wanted.query.into(),
            operation_name: wanted.operation_name.map(Into::into),
            variables: request.variables.as_deref().map(ToOwned::to_owned),
            graph: wanted.graph.cloned(),
        }
    }

    fn wanted(&self) -> Wanted<'_> {
        let (operation_name, graph) = (self.operation_name.as_deref(), self.graph.as_ref());
        Wanted { query: &self.query, operation_name, values: None, graph }
    }
}

/// The subscriptions of a router. They outlive the version that they began with.
#[derive(Debug)]
pub struct Subscriptions<S> {
    current: watch::Sender<Arc<Gateway<S>>>,
    feeds: Arc<Feeds>,
}

/// The feeds that more clients can join.
#[derive(Debug, Default)]
struct Feeds(Mutex<AHashMap<SameKey, Arc<Clients>>>);

impl Feeds {
    fn lock(&self) -> MutexGuard<'_, AHashMap<SameKey, Arc<Clients>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subgraphs> Subscriptions<S> {
    /// None yet, with `gateway` in use.
    pub fn new(gateway: Arc<Gateway<S>>) -> Self {
        Self { current: watch::Sender::new(gateway), feeds: Arc::default() }
    }

    /// Moves all subscriptions to a new version, each at a time of its own.
    pub fn swap(&self, gateway: Arc<Gateway<S>>) {
        self.current.send_replace(gateway);
    }

    /// The number of subscriptions at subgraphs that clients can share.
    pub fn shared(&self) -> usize {
        self.feeds.lock().len()
    }

    /// Begins a subscription, or joins an equal one. `gateway` is the one that checked it.
    pub fn open(&self, gateway: &Arc<Gateway<S>>, subscription: Subscription) -> Result<EventStream, Refusal> {
        feed::open(&self.feeds, self.current.subscribe(), gateway, subscription)
    }
}

/// The events of a subscription for one client. Dropping it ends the subscription.
#[derive(Debug)]
pub struct EventStream {
    queue: Arc<Queue>,
    has_ended: bool,
    clients: Arc<Clients>,
    number: u64,
}

impl EventStream {
    /// How many events were dropped for this client, which did not take them in time.
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }
}

impl Stream for EventStream {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let Self { queue, has_ended, .. } = &mut *self;
        queue.poll_next(has_ended, cx)
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.clients.leave(self.number);
    }
}
