//! A request to the endpoint and its response, from the head to the line in the access log: one value that is handed on. Knows no
//! GraphQL rule and no socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use braid_authentication::ClientCertificate;
use braid_gateway::Subgraphs;
use braid_gateway::refusal::Refusal;
use braid_gateway::subscriptions::Ended;
use braid_request_context::{Identity, RequestContext};
use http::StatusCode;
use http::request::Parts;

use crate::admission::{Admission, Admitted};
use crate::observe::{Observed, Observers, OpenedStream};
use crate::state::Front;
use crate::version::Version;

/// A request while it is answered. One that is dropped before its end was given up by the client.
pub(crate) struct Exchange<S> {
    /// The version that answers.
    pub(crate) version: Arc<Version<S>>,
    /// What is known of the request.
    pub(crate) context: Arc<RequestContext>,
    /// What was seen of it so far.
    pub(crate) observed: Observed,
    /// Held as long as the request is in flight.
    admitted: Option<Admitted>,
    has_ended: bool,
}

/// The status in logs and metrics of a request whose client went away.
const CLIENT_CLOSED: u16 = 499;

impl<S: Subgraphs> Exchange<S> {
    /// Begins to answer a request from `peer` with this head.
    pub(crate) fn begin(
        version: Arc<Version<S>>,
        observers: &Arc<Observers>,
        head: Parts,
        peer: Option<SocketAddr>,
    ) -> Self {
        let mut context = version.context(head, peer);
        let observed = Observed::begin(observers, &version, &mut context);
        Self { version, context: Arc::new(context), observed, admitted: None, has_ended: false }
    }

    /// Waits for a permit to run, and says whether it got one in time.
    pub(crate) async fn admit(&mut self, admission: &Arc<Admission>) -> bool {
        self.admitted = admission.admit(self.version.config.max_concurrent_requests, self.context.deadline).await;
        self.admitted.is_some()
    }

    /// Finds out who asks. Must be called before the context is shared.
    pub(crate) async fn identify(&mut self) -> Result<(), Refusal> {
        let Some(authenticator) = &self.version.authenticator else { return Ok(()) };
        let context = own(&mut self.context)?;
        let certificate = context.extensions.get::<Arc<ClientCertificate>>().map(|certificate| &**certificate);
        let identity = authenticator.authenticate(&context.headers, certificate, context.deadline).await;
        context.identity = identity.map_err(|error| Refusal {
            challenge: (error.status() == StatusCode::UNAUTHORIZED).then(|| authenticator.challenge(error)),
            ..Refusal::fixed(error.status(), error.code(), error.to_string())
        })?;
        self.observed.identified(&context.identity);
        self.version.gateway.identified(context);
        Ok(())
    }

    /// Takes over who asks, which is known already. Must be called before the context is shared.
    pub(crate) fn identify_as(&mut self, identity: Identity) -> Result<(), Refusal> {
        let context = own(&mut self.context)?;
        context.identity = identity;
        self.version.gateway.identified(context);
        Ok(())
    }

    /// Finds out which graph is asked. Who asks must be known, and the context not be shared yet. If credentials are refused, it is the graph that
    /// is asked without them.
    pub(crate) fn choose_graph(&mut self) -> Result<(), Refusal> {
        self.version.choose_graph(own(&mut self.context)?)
    }

    /// Checks the rate limits that need nothing of the operation: those of the graph that is asked. Must be called before the context is shared.
    pub(crate) async fn limit(&mut self) -> Result<(), Refusal> {
        let Some(limits) = self.version.limits_of(&self.context) else { return Ok(()) };
        let context = own(&mut self.context)?;
        let limits = Arc::new(limits.begin());
        context.extensions.insert(limits.clone());
        Ok(limits.check_head(context, 1).await?)
    }
}

impl<S> Exchange<S> {
    /// The response is a stream from now on, and no request in flight any more.
    pub(crate) fn into_stream(mut self, front: &Arc<Front<S>>, opened: OpenedStream) -> StreamExchange<S> {
        self.has_ended = true;
        self.admitted = None;
        let mut observed = self.observed.take();
        observed.opened(opened, &self.version, &self.context);
        StreamExchange { front: front.clone(), context: self.context.clone(), observed }
    }
}

/// The rest of an exchange whose response is a stream. It keeps no version, which may be gone before the stream ends.
pub(crate) struct StreamExchange<S> {
    front: Arc<Front<S>>,
    context: Arc<RequestContext>,
    observed: Observed,
}

impl<S> StreamExchange<S> {
    /// When the client's credentials end.
    pub(crate) fn expires(&self) -> Option<SystemTime> {
        self.context.identity.principal()?.expires
    }

    /// How long the stream goes on after the router was told to stop.
    pub(crate) fn last_wait(&self) -> Duration {
        self.front.streams.last_wait()
    }

    /// An event was sent.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.observed.sent(bytes);
    }

    /// The stream has ended, and so many events were dropped for the client.
    pub(crate) fn end(&mut self, ended: &Ended, dropped: u64) {
        self.observed.end_stream(&self.front.current(), &self.context, ended, dropped);
    }
}

/// The context, while nobody else has it.
pub(crate) fn own(context: &mut Arc<RequestContext>) -> Result<&mut RequestContext, Refusal> {
    Arc::get_mut(context).ok_or_else(|| {
        let message = "The request could not be checked.";
        Refusal::fixed(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR", message)
    })
}

impl<S> Exchange<S> {
    /// The response was handed over: so many bytes with this status.
    pub(crate) fn end(&mut self, status: StatusCode, bytes: u64) {
        self.has_ended = true;
        self.admitted = None;
        self.observed.end(&self.version, &self.context, status, bytes);
    }
}

impl<S> Drop for Exchange<S> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.end(StatusCode::from_u16(CLIENT_CLOSED).unwrap_or(StatusCode::BAD_REQUEST), 0);
        }
    }
}
