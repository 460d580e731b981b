//! What the executor needs from outside: a call to a subgraph, and the events of a subscription. Knows nothing of HTTP.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use braid_supergraph::SubgraphId;
use bytes::Bytes;
use futures_util::Stream;

use crate::kept::Kept;
use crate::request::SubgraphRequest;

/// Sends requests to subgraphs. The executor reaches the outside through this trait only.
pub trait SubgraphService: Send + Sync + 'static {
    /// What of the client's request travels along (headers to forward, the trace). Opaque to the executor.
    type Context: Clone + Send + Sync + 'static;
    /// What comes back beside the body (headers). Opaque to the executor, collected in
    /// [`crate::Response::subgraph_answers`].
    type Meta: Clone + Send + Sync + 'static;

    /// Makes one request. Dropping the future cancels it.
    fn call(
        &self,
        request: SubgraphRequest,
        context: &Self::Context,
    ) -> impl Future<Output = Result<SubgraphResponse<Self::Meta>, SubgraphError>> + Send;

    /// Makes one request whose response is of use before all of it has arrived. A service that has it whole in any case need not do this.
    /// Dropping the future, or the response, cancels the request.
    fn open(
        &self,
        request: SubgraphRequest,
        context: &Self::Context,
    ) -> impl Future<Output = Result<OpenResponse<Self::Meta>, SubgraphError>> + Send {
        async move { self.call(request, context).await.map(OpenResponse::Whole) }
    }

    /// Subscribes. Dropping the future, or the events, ends the subscription.
    fn subscribe(
        &self,
        _request: SubgraphRequest,
        _context: &Self::Context,
    ) -> impl Future<Output = Result<SubgraphEvents, SubgraphError>> + Send {
        std::future::ready(Err(SubgraphError::no_events()))
    }

    /// All that a subgraph sees of a client beside the body of a request: clients of whom it sees the same can share the events of a
    /// subscription. `None` if they must not.
    fn seen_of(&self, _subgraph: SubgraphId, _context: &Self::Context) -> Option<Vec<u8>> {
        None
    }

    /// Whether `other` reaches a subgraph in the same way, so that subscriptions which `self` began need not begin again.
    fn is_same(&self, _subgraph: SubgraphId, _other: &Self, _in_other: SubgraphId) -> bool {
        false
    }

    /// The state of a subgraph, where the service knows.
    fn state(&self, _subgraph: SubgraphId) -> Option<SubgraphState> {
        None
    }
}

/// The events of a subscription at a subgraph. They end when the subgraph has completed the subscription.
pub type SubgraphEvents = Pin<Box<dyn Stream<Item = SubgraphEvent> + Send>>;

/// What a subscription at a subgraph brings.
#[derive(Debug)]
pub enum SubgraphEvent {
    /// The response to one event, `{"data":…}`. One with errors and no data is the last if the subgraph refuses the subscription.
    Next(Bytes),
    /// The connection was lost, and the subscription was made again: events in between may be missing.
    Gap,
    /// The subscription failed. Nothing comes after it.
    Failed(SubgraphError),
}

impl<S: SubgraphService> SubgraphService for Arc<S> {
    type Context = S::Context;
    type Meta = S::Meta;

    fn call(
        &self,
        request: SubgraphRequest,
        context: &Self::Context,
    ) -> impl Future<Output = Result<SubgraphResponse<Self::Meta>, SubgraphError>> + Send {
        S::call(self, request, context)
    }

    fn open(
        &self,
        request: SubgraphRequest,
        context: &Self::Context,
    ) -> impl Future<Output = Result<OpenResponse<Self::Meta>, SubgraphError>> + Send {
        S::open(self, request, context)
    }

    fn subscribe(
        &self,
        request: SubgraphRequest,
        context: &Self::Context,
    ) -> impl Future<Output = Result<SubgraphEvents, SubgraphError>> + Send {
        S::subscribe(self, request, context)
    }

    fn seen_of(&self, subgraph: SubgraphId, context: &Self::Context) -> Option<Vec<u8>> {
        S::seen_of(self, subgraph, context)
    }

    fn is_same(&self, subgraph: SubgraphId, other: &Self, in_other: SubgraphId) -> bool {
        S::is_same(self, subgraph, other, in_other)
    }

    fn state(&self, subgraph: SubgraphId) -> Option<SubgraphState> {
        S::state(self, subgraph)
    }
}

/// The state of a subgraph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubgraphState {
    /// Requests in flight.
    pub under_way: usize,
    /// Requests that failed since the last one that was answered.
    pub failed_in_a_row: usize,
    /// Whether requests are refused, all or most, because too many failed.
    pub is_circuit_open: bool,
}

/// What a subgraph answered.
#[derive(Debug, Clone)]
pub struct SubgraphResponse<M> {
    /// The HTTP status, or 200 where there is none.
    pub status: u16,
    /// The whole body.
    pub body: Bytes,
    /// What came beside the body.
    pub meta: M,
    /// What a cache adds.
    pub kept: Option<Box<Kept>>,
}

/// What a subgraph answers, from the moment that there is something of it.
#[derive(Debug)]
pub enum OpenResponse<M> {
    /// All of it.
    Whole(SubgraphResponse<M>),
    /// The beginning.
    Arriving(ArrivingResponse<M>),
}

/// A response that arrives.
pub struct ArrivingResponse<M> {
    /// The HTTP status, or 200 where there is none.
    pub status: u16,
    /// What came beside the body.
    pub meta: M,
    /// The body. It is read only as fast as it is taken.
    pub body: ArrivingBody,
}

/// A body that arrives. After an error nothing comes.
pub type ArrivingBody = Pin<Box<dyn Stream<Item = Result<Bytes, SubgraphError>> + Send>>;

impl<M: fmt::Debug> fmt::Debug for ArrivingResponse<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, meta, .. } = self;
        f.debug_struct("ArrivingResponse").field("status", status).field("meta", meta).finish_non_exhaustive()
    }
}

impl<M> SubgraphResponse<M> {
    /// A response to which nothing is added.
    pub fn new(status: u16, body: Bytes, meta: M) -> Self {
        Self { status, body, meta, kept: None }
    }
}

/// A request that brought no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SubgraphError {
    /// What kind of failure it is.
    pub kind: SubgraphErrorKind,
    /// For operators: shown to clients only where subgraph errors are exposed.
    pub message: String,
    /// Whether the same request may succeed when it is sent again.
    pub retryable: bool,
}

/// Why a request brought no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubgraphErrorKind {
    /// No connection, or it broke.
    Transport,
    /// No answer in time.
    Timeout,
    /// The response is larger than the cap.
    TooLarge,
    /// The response is not what was asked for (content type, encoding, redirect).
    Malformed,
    /// The router has too many requests to this subgraph in flight.
    Overloaded,
    /// Too many requests failed, so the subgraph is not asked for a while.
    CircuitOpen,
    /// What is asked of the subgraph costs more than a request may.
    TooExpensive,
}

impl SubgraphError {
    /// The service has no subscriptions.
    fn no_events() -> Self {
        let message = "subscriptions can't be made at it".to_owned();
        Self { kind: SubgraphErrorKind::Transport, message, retryable: false }
    }

    /// What is asked of the subgraph costs more than a request may, so it was not asked.
    pub(crate) fn too_expensive() -> Self {
        let message = "what is asked of it costs more than a request may".to_owned();
        Self { kind: SubgraphErrorKind::TooExpensive, message, retryable: false }
    }
}

impl SubgraphErrorKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Transport,
        Self::Timeout,
        Self::TooLarge,
        Self::Malformed,
        Self::Overloaded,
        Self::CircuitOpen,
        Self::TooExpensive,
    ];

    /// The code in `extensions`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Transport => "SUBREQUEST_HTTP_ERROR",
            Self::Timeout => "SUBREQUEST_TIMEOUT",
            Self::TooLarge => "SUBREQUEST_RESPONSE_TOO_LARGE",
            Self::Malformed => "SUBREQUEST_MALFORMED_RESPONSE",
            Self::Overloaded => "SUBREQUEST_OVERLOADED",
            Self::CircuitOpen => "SUBREQUEST_CIRCUIT_OPEN",
            Self::TooExpensive => "SUBGRAPH_COST_ESTIMATED_TOO_EXPENSIVE",
        }
    }
}
