//! A subscription at a subgraph, and the clients that share it: each event is executed once. Knows no queue but by its bounds.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ahash::AHashMap;
use braid_executor::{
    ExecuteContext, SubgraphError, SubgraphErrorKind, SubgraphEvent, SubgraphEvents, SubgraphRequest, execute_event,
    subscription_request,
};
use braid_graphql::error::GraphQLError;
use braid_graphql::variables::Variables;
use braid_request_context::{RequestContext, SubgraphContext};
use braid_supergraph::SubgraphId;
use braid_telemetry::trace::{TraceContext, random_share};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use http::StatusCode;
use tokio::sync::{Notify, watch};
use tokio::time::Instant as TokioInstant;

use super::config::OnGap;
use super::ended::{EndCause, Ended};
use super::queue::{Queue, QueueLimits};
use super::{Asked, EventStream, Feeds, Subscription};
use crate::accepts::Accepts;
use crate::answer::{Made, refuse_unseen};
use crate::answers::SameKey;
use crate::exposed::{Beginning, Exposed, Exposes, Making};
use crate::find::{find, in_time};
use crate::gateway::{Gateway, Subgraphs};
use crate::operation_cache::CachedOperation;
use crate::refusal::Refusal;

/// The clients of a feed.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    joined: Mutex<Joined>,
    /// Told when the last one has left.
    left: Notify,
}

#[derive(Debug, Default)]
struct Joined {
    queues: AHashMap<u64, Arc<Queue>>,
    count: u64,
    /// Nobody can join any more.
    is_closed: bool,
}

impl Clients {
    fn join(self: &Arc<Self>) -> Option<EventStream> {
        let mut joined = self.lock();
        if joined.is_closed {
            return None;
        }
        joined.count += 1;
        let (number, queue) = (joined.count, Arc::new(Queue::default()));
        joined.queues.insert(number, queue.clone());
        Some(EventStream { queue, has_ended: false, clients: self.clone(), number })
    }

    pub(crate) fn leave(&self, number: u64) {
        let mut joined = self.lock();
        joined.queues.remove(&number);
        if joined.queues.is_empty() {
            joined.is_closed = true;
            self.left.notify_one();
        }
    }

    /// Returns how many events were dropped for it.
    fn push(&self, event: &Bytes, limits: QueueLimits) -> usize {
        self.lock().queues.values().map(|queue| queue.push(event.clone(), limits)).sum()
    }

    fn end(&self, ended: &Ended) {
        let mut joined = self.lock();
        joined.is_closed = true;
        joined.queues.drain().for_each(|(_, queue)| queue.end(ended.clone()));
    }

    fn lock(&self) -> MutexGuard<'_, Joined> {
        self.joined.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Joins the feed of equal subscriptions, or begins one.
pub(crate) fn open<S: Subgraphs>(
    feeds: &Arc<Feeds>,
    versions: watch::Receiver<Arc<Gateway<S>>>,
    gateway: &Arc<Gateway<S>>,
    subscription: Subscription,
) -> Result<EventStream, Refusal> {
    let Subscription { operation, cached, found_after, asked, variables, declined, context, exposed } = subscription;
    let beginning = Some(Beginning { cached, found_after, made: Made::Own });
    let source = Source { gateway: gateway.clone(), operation, variables, declined, context, exposed, beginning };
    let request = source.request()?;
    let key = source.key();
    let mut open = feeds.lock();
    if let Some(stream) = key.as_ref().and_then(|key| open.get(key)).and_then(|clients| clients.join()) {
        return Ok(stream);
    }
    let clients = Arc::new(Clients::default());
    let Some(stream) = clients.join() else { return Err(not_possible()) };
    if let Some(key) = &key {
        open.insert(key.clone(), clients.clone());
    }
    drop(open);
    let limits = QueueLimits {
        events: gateway.subscriptions.queue,
        bytes: gateway.subscriptions.queue_bytes.0,
        when_full: gateway.subscriptions.when_full,
    };
    let pace = Pace::new(gateway.subscriptions.max_events_per_second);
    gateway.metrics.streams.upstream.inc();
    let registration = Registration { feeds: feeds.clone(), key, clients: clients.clone() };
    let feed = Feed { source, asked, versions, clients, limits, pace, has_gap: false, registration };
    tokio::spawn(feed.run(request));
    Ok(stream)
}

fn not_possible() -> Refusal {
    Refusal::fixed(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR", "The subscription can't begin.")
}

/// The place of a feed among those that can be joined, until it is dropped.
struct Registration {
    feeds: Arc<Feeds>,
    key: Option<SameKey>,
    clients: Arc<Clients>,
}

impl Registration {
    /// The feed is to be found under another key, unless another feed is.
    fn rename(&mut self, key: Option<SameKey>) {
        self.remove();
        let Some(key) = key else { return };
        let mut open = self.feeds.lock();
        if !open.contains_key(&key) {
            open.insert(key.clone(), self.clients.clone());
            self.key = Some(key);
        }
    }

    fn remove(&mut self) {
        let Some(key) = self.key.take() else { return };
        let mut open = self.feeds.lock();
        // Another feed may have taken its place after its clients had left.
        if open.get(&key).is_some_and(|clients| Arc::ptr_eq(clients, &self.clients)) {
            open.remove(&key);
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.remove();
    }
}

/// What the events are made with, in one version.
struct Source<S> {
    gateway: Arc<Gateway<S>>,
    operation: Arc<CachedOperation>,
    variables: Variables,
    declined: Vec<SubgraphId>,
    context: Arc<RequestContext>,
    /// What the client sees of how its events are made.
    exposed: Option<Box<Exposed>>,
    /// What is said with the first event.
    beginning: Option<Beginning>,
}

impl<S: Subgraphs> Source<S> {
    /// The request that subscribes.
    fn request(&self) -> Result<SubgraphRequest, Refusal> {
        let compiled = self.operation.result.as_ref().map_err(Clone::clone)?;
        let context = self.gateway.execute_context(&self.context, Vec::new(), self.context.deadline);
        let request = subscription_request(compiled, &self.variables, &context).ok_or_else(not_possible)?;
        if self.declined.contains(&request.subgraph) {
            let message = "What the subscription asks of its subgraph costs more than a request may.";
            return Err(GraphQLError::new(SubgraphErrorKind::TooExpensive.code(), message).into());
        }
        Ok(request)
    }

    /// `None` if the feed is for one client alone.
    fn key(&self) -> Option<SameKey> {
        let Self { gateway, operation, variables, declined, context, exposed, .. } = self;
        if !gateway.subscriptions.share || exposed.is_some() {
            return None;
        }
        SameKey::new(gateway, operation, variables, declined, context)
    }
}

/// One subscription at a subgraph.
struct Feed<S> {
    source: Source<S>,
    asked: Asked,
    versions: watch::Receiver<Arc<Gateway<S>>>,
    clients: Arc<Clients>,
    limits: QueueLimits,
    pace: Pace,
    /// Whether events may be missing before the next one.
    has_gap: bool,
    registration: Registration,
}

impl<S: Subgraphs> Feed<S> {
    async fn run(mut self, request: SubgraphRequest) {
        let clients = self.clients.clone();
        let ended = tokio::select! {
            ended = self.serve(request) => ended,
            () = clients.left.notified() => Ended::for_cause(EndCause::ClientLeft),
        };
        clients.end(&ended);
        self.source.gateway.metrics.streams.upstream.dec();
    }

    async fn serve(&mut self, request: SubgraphRequest) -> Ended {
        // What takes long and seldom runs is boxed, so that a feed that waits keeps no room for it.
        let mut upstream = match Box::pin(Upstream::open(&self.source, request)).await {
            Ok(upstream) => upstream,
            Err(error) => return self.failed(&error),
        };
        // A version that came between checking the operation and now.
        let is_current = Arc::ptr_eq(&self.versions.borrow_and_update(), &self.source.gateway);
        let mut move_at = (!is_current).then(|| self.moving());
        loop {
            tokio::select! {
                event = upstream.events.next() => {
                    if let Some(ended) = Box::pin(self.take(event)).await {
                        return ended;
                    }
                }
                changed = self.versions.changed() => match changed {
                    Ok(()) => move_at = Some(self.moving()),
                    // The router is gone.
                    Err(_) => return Ended::for_cause(EndCause::Shutdown),
                },
                () = tokio::time::sleep_until(move_at.unwrap_or_else(far)), if move_at.is_some() => {
                    move_at = None;
                    if let Some(ended) = Box::pin(self.take_over(&mut upstream)).await {
                        return ended;
                    }
                }
            }
        }
    }

    /// What comes of an event of the subgraph; the end, if it is the last.
    async fn take(&mut self, event: Option<SubgraphEvent>) -> Option<Ended> {
        match event {
            Some(SubgraphEvent::Next(body)) => self.deliver(body).await,
            Some(SubgraphEvent::Gap) => match self.source.gateway.subscriptions.on_gap {
                OnGap::Tell => self.has_gap = true,
                OnGap::End => return Some(Ended::for_cause(EndCause::Gap)),
            },
            Some(SubgraphEvent::Failed(error)) => return Some(self.failed(&error)),
            None => return Some(Ended::for_cause(EndCause::Completed)),
        }
        None
    }

    /// Executes the operation with an event, for all clients.
    async fn deliver(&mut self, body: Bytes) {
        let Source { gateway, operation, variables, declined, context, exposed, beginning } = &mut self.source;
        let metrics = &gateway.metrics;
        metrics.streams.events.inc();
        if !self.pace.allows(Instant::now()) {
            metrics.streams.dropped.inc();
            self.has_gap = true;
            return;
        }
        let Ok(compiled) = &operation.result else { return };
        // An event may take as long as a request.
        let time = context.deadline.saturating_duration_since(context.started);
        let mut execution = gateway.execute_context(context, declined.clone(), Instant::now() + time);
        let mut span = context.trace.as_ref().map(TraceContext::event);
        if let Some(span) = &span {
            execution.service = execution.service.within(span.context().clone());
        }
        let record = exposed.as_ref().is_some_and(|exposed| exposed.exposes.record());
        let execution = ExecuteContext { record, ..execution };
        let started = Instant::now();
        let response = execute_event(compiled, variables, body, &gateway.subgraphs, &execution).await;
        if let Some(span) = span.as_mut().filter(|span| span.is_recorded()) {
            span.set("graphql.errors", i64::try_from(response.errors).unwrap_or(i64::MAX));
        }
        let has_gap = std::mem::take(&mut self.has_gap);
        let making = Making {
            beginning: beginning.take(),
            executed_in: started.elapsed(),
            fetches: &response.fetches,
            beside: &response.subgraph_answers,
            has_gap,
        };
        let bytes = match exposed.as_ref().and_then(|exposed| exposed.extensions(&making)) {
            Some(extensions) => response.bytes_with_extensions(&extensions),
            None if has_gap => response.bytes_with_extensions(br#"{"braid":{"gap":true}}"#),
            None => response.bytes,
        };
        let dropped = self.clients.push(&bytes, self.limits);
        metrics.streams.dropped.inc_by(dropped as u64);
    }

    fn failed(&self, error: &SubgraphError) -> Ended {
        tracing::warn!(code = error.kind.code(), error = error.message, "A subscription at a subgraph failed");
        Ended { cause: EndCause::SubgraphFailed, errors: vec![GraphQLError::new(error.kind.code(), self.shown(error))] }
    }

    /// What the client may read of an error of the subgraph.
    fn shown(&self, error: &SubgraphError) -> String {
        let subgraph = self.source.request().ok().map(|request| request.subgraph);
        match subgraph.filter(|subgraph| self.source.gateway.subgraph_errors.shows(*subgraph)) {
            Some(subgraph) => {
                format!(
                    "The subscription at \"{}\" failed: {error}",
                    self.source.gateway.supergraph.subgraph(subgraph).name
                )
            }
            None => "The subscription at a subgraph failed.".to_owned(),
        }
    }

    /// When to move to a new version: not all at once.
    fn moving(&self) -> TokioInstant {
        let spread = self.versions.borrow().subscriptions.reload_spread.0;
        TokioInstant::now() + spread.mul_f64(random_share())
    }

    /// Goes on with the version in use. What the subgraph sends already is kept, if it would be asked in the same way.
    async fn take_over(&mut self, upstream: &mut Upstream) -> Option<Ended> {
        let gateway = self.versions.borrow_and_update().clone();
        let moved = match self.moved(gateway).await {
            Ok(moved) => moved,
            Err(refusal) => return Some(reload_refused(&refusal)),
        };
        let request = match moved.request() {
            Ok(request) => request,
            Err(refusal) => return Some(reload_refused(&refusal)),
        };
        let (old, new) = (&self.source, &moved);
        let (old_context, new_context) =
            (SubgraphContext::new(old.context.clone()), SubgraphContext::new(new.context.clone()));
        let is_same = upstream.body == request.body
            && new.gateway.subgraphs.is_same(request.subgraph, &old.gateway.subgraphs, upstream.subgraph)
            && new.gateway.subgraphs.seen_of(request.subgraph, &new_context)
                == old.gateway.subgraphs.seen_of(upstream.subgraph, &old_context);
        if is_same {
            upstream.subgraph = request.subgraph;
        } else {
            let next = match Upstream::open(&moved, request).await {
                Ok(next) => next,
                Err(error) => return Some(self.failed(&error)),
            };
            // What came from the old one meanwhile is still the old version's.
            while let Some(Some(SubgraphEvent::Next(body))) = upstream.events.next().now_or_never() {
                self.deliver(body).await;
            }
            *upstream = next;
        }
        self.source = moved;
        self.registration.rename(self.source.key());
        None
    }

    /// The same operation in another version.
    async fn moved(&self, gateway: Arc<Gateway<S>>) -> Result<Source<S>, Refusal> {
        let mut context = self.source.context.renewed(gateway.headers.clone());
        context.override_labels = gateway.labels.decide(&context.inputs());
        let time = self.source.context.deadline.saturating_duration_since(self.source.context.started);
        let started = Instant::now();
        let finding = Box::pin(find(&gateway, self.asked.wanted(), &context, Accepts::ALL));
        let (operation, cached) = in_time(started + time, finding).await?;
        let beginning = Some(Beginning { cached, found_after: started.elapsed(), made: Made::Own });
        let compiled = operation.result.as_ref().map_err(Clone::clone)?;
        crate::anonymous::check(&context.identity, operation.is_open)?;
        if !operation.refused.is_empty() {
            refuse_unseen(&gateway, &operation, &context.identity)?;
        }
        let names = gateway.names(context.graph.as_deref());
        let variables = compiled.coerce_variables(self.asked.variables.as_deref(), names).map_err(Refusal::request)?;
        // The new version may show other things, or nothing. What the operation is expected to cost was said with the old one.
        let exposes = Exposes::of(&gateway.exposure, &context.headers)?;
        let exposed = exposes.map(|exposes| gateway.exposed(exposes, &operation, &variables, None));
        let (declined, context) = (Vec::new(), Arc::new(context));
        Ok(Source { gateway, operation, variables, declined, context, exposed, beginning })
    }
}

fn far() -> TokioInstant {
    TokioInstant::now() + Duration::from_secs(3600)
}

/// The operation can't go on with a new version: why.
fn reload_refused(refusal: &Refusal) -> Ended {
    let mut ended = Ended::for_cause(EndCause::SchemaReload);
    ended.errors.extend(refusal.errors.iter().cloned());
    ended
}

/// What a subgraph sends.
struct Upstream {
    subgraph: SubgraphId,
    body: Bytes,
    events: SubgraphEvents,
}

impl Upstream {
    async fn open<S: Subgraphs>(source: &Source<S>, request: SubgraphRequest) -> Result<Self, SubgraphError> {
        let (subgraph, body) = (request.subgraph, request.body.clone());
        let context = SubgraphContext::new(source.context.clone());
        let events = source.gateway.subgraphs.subscribe(request, &context).await?;
        Ok(Self { subgraph, body, events })
    }
}

/// How many events there may be in a second.
#[derive(Debug)]
struct Pace {
    most: u32,
    since: Instant,
    count: u32,
}

impl Pace {
    fn new(most: u32) -> Self {
        Self { most, since: Instant::now(), count: 0 }
    }

    fn allows(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.since) >= Duration::from_secs(1) {
            (self.since, self.count) = (now, 0);
        }
        self.count += 1;
        self.count <= self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_beyond_the_pace_are_dropped_until_the_next_second() {
        let mut pace = Pace::new(2);
        let start = pace.since;
        let allowed = [0, 10, 20, 1_000].map(|ms| pace.allows(start + Duration::from_millis(ms)));
        assert_eq!(allowed, [true, true, false, true]);
    }
}
