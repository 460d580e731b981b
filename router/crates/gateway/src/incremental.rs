//! Answers in parts (`@defer`, `@stream`) while they are made. Knows no protocol.
//!
//! What was checked of an operation does not depend on how it is answered, so it takes the same way as any other up to its execution. Only then it is looked
//! for again: compiled for an answer in parts, and for the values of the variables that decide about them.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use braid_executor::{
    ExecuteContext, FetchReport, Happened, Part, PartsFormat, execute_in_parts, refuse, with_extensions,
};
use braid_graphql::error::GraphQLError;
use braid_graphql::variables::Variables;
use braid_request_context::RequestContext;
use braid_request_context::headers::SubgraphHeaders;
use braid_supergraph::SubgraphId;
use braid_telemetry::metrics::Metrics;
use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::mpsc;

use crate::accepts::Accepts;
use crate::answer::{Executed, Made};
use crate::costs::Estimated;
use crate::exposed::{Beginning, Exposed, Making};
use crate::gateway::{Gateway, Subgraphs};
use crate::operation_cache::CachedOperation;
use crate::refusal::TIMEOUT;
use crate::subscriptions::{EndCause, Ended, Event};

/// An operation that may be answered in parts: all is checked, and no subgraph is asked yet.
#[derive(Debug)]
pub struct Incremental {
    /// The operation.
    pub operation: Arc<CachedOperation>,
    /// Whether it was in the cache.
    pub cached: bool,
    pub(crate) found_after: Duration,
    pub(crate) variables: Variables,
    pub(crate) declined: Vec<SubgraphId>,
    pub(crate) estimate: Option<Estimated>,
    pub(crate) context: Arc<RequestContext>,
    pub(crate) exposed: Option<Box<Exposed>>,
}

/// An answer whose first part is there.
#[derive(Debug)]
pub enum Begun {
    /// Nothing follows: it is a response like any other.
    Whole(Box<Executed>),
    /// Each event is a part, the first included.
    Parts(PartStream),
}

impl CachedOperation {
    /// The values of the variables that decide about the parts of an answer; `None` if it is given in one piece.
    pub(crate) fn values(&self, accepts: Accepts, variables: &Variables) -> Option<Vec<bool>> {
        let deciding = self.deciding.as_ref().filter(|_| accepts.incremental)?;
        Some(deciding.iter().map(|number| variables.boolean(*number).unwrap_or(false)).collect())
    }
}

impl Incremental {
    /// Executes the operation, and waits for what is not deferred.
    pub async fn begin<S: Subgraphs>(self, gateway: &Arc<Gateway<S>>, format: PartsFormat) -> Begun {
        let started = Instant::now();
        let Self { operation, cached, found_after, variables, declined, estimate, context, exposed } = self;
        let record = exposed.as_ref().is_some_and(|exposed| exposed.exposes.records_parts());
        let (sender, parts) = mpsc::channel(1);
        let running = {
            let (gateway, operation) = (gateway.clone(), operation.clone());
            async move {
                let Ok(compiled) = &operation.result else { return };
                let context = gateway.execute_context(&context, declined, context.deadline);
                let context = ExecuteContext { record, ..context };
                execute_in_parts(compiled, &variables, &gateway.subgraphs, &context, format, sender).await;
            }
        };
        let metrics = gateway.metrics.clone();
        let (running, first) = (Some(Mutex::new(Box::pin(running) as Running)), None);
        let mut stream = PartStream { running, parts, first, has_ended: false, estimate, metrics, shown: None };
        match poll_fn(|cx| stream.poll_part(cx)).await {
            Some(Part::First { response, has_next: true }) => {
                let beginning = Beginning { cached, found_after, made: Made::Own };
                stream.shown = exposed.map(|exposed| Shown { exposed, started });
                let (fetches, beside) = (&response.fetches, &response.subgraph_answers);
                let shown = stream.shown.as_ref().and_then(|shown| shown.extensions(Some(beginning), fetches, beside));
                stream.first = Some(match shown {
                    Some(extensions) => response.bytes_with_extensions(&extensions),
                    None => response.bytes,
                });
                Begun::Parts(stream)
            }
            Some(Part::First { mut response, .. }) => {
                if response.timed_out {
                    response.bytes = refuse(&[GraphQLError::new(TIMEOUT, "The request took too long.")]);
                }
                let cost = estimate.map(|estimate| estimate.with_actual(&response.fetches));
                if let Some(cost) = cost {
                    stream.metrics.cost_actual(cost.actual);
                }
                let (response, executed_in) = (*response, started.elapsed());
                Begun::Whole(Box::new(Executed {
                    response,
                    operation,
                    cached,
                    found_after,
                    executed_in,
                    cost,
                    made: Made::Own,
                    exposed,
                    head: None,
                }))
            }
            // The first part is always the first.
            _ => Begun::Parts(stream),
        }
    }
}

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The parts of an answer. Who polls it executes the operation; dropping it cancels what is under way.
pub struct PartStream {
    /// Polled by who has the stream alone; the mutex makes it `Sync`, as streams of sockets are, and is never locked.
    running: Option<Mutex<Running>>,
    parts: mpsc::Receiver<Part<SubgraphHeaders>>,
    first: Option<Bytes>,
    has_ended: bool,
    estimate: Option<Estimated>,
    metrics: Arc<Metrics>,
    /// What the client sees of how the parts are made.
    shown: Option<Shown>,
}

struct Shown {
    exposed: Box<Exposed>,
    started: Instant,
}

impl Shown {
    fn extensions(
        &self,
        beginning: Option<Beginning>,
        fetches: &[FetchReport],
        beside: &[(SubgraphId, SubgraphHeaders)],
    ) -> Option<Vec<u8>> {
        let executed_in = self.started.elapsed();
        self.exposed.extensions(&Making { beginning, executed_in, fetches, beside, has_gap: false })
    }
}

impl PartStream {
    /// A later part, with what happened before it.
    fn part(&self, bytes: Bytes, happened: &Happened<SubgraphHeaders>) -> Bytes {
        let Happened { fetches, subgraph_answers } = happened;
        match self.shown.as_ref().and_then(|shown| shown.extensions(None, fetches, subgraph_answers)) {
            Some(extensions) => with_extensions(&bytes, &extensions),
            None => bytes,
        }
    }

    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Part<SubgraphHeaders>>> {
        if let Some(running) = &mut self.running
            && running.get_mut().unwrap_or_else(PoisonError::into_inner).as_mut().poll(cx).is_ready()
        {
            self.running = None;
        }
        self.parts.poll_recv(cx)
    }
}

impl Stream for PartStream {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Event::Next(first)));
        }
        if self.has_ended {
            return Poll::Ready(None);
        }
        let part = match self.poll_part(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(part) => part,
        };
        match part {
            Some(Part::Next { bytes, happened }) => return Poll::Ready(Some(Event::Next(self.part(bytes, &happened)))),
            Some(Part::First { response, .. }) => return Poll::Ready(Some(Event::Next(response.bytes))),
            Some(Part::Ended(report)) => {
                if let Some(estimate) = self.estimate {
                    self.metrics.cost_actual(estimate.with_actual(&report.fetches).actual);
                }
            }
            None => {}
        }
        self.has_ended = true;
        Poll::Ready(Some(Event::Ended(Ended::for_cause(EndCause::Completed))))
    }
}

impl fmt::Debug for PartStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the parts of an answer")
    }
}
