//! One subgraph: the stages that a request to it passes, in order. Knows no plan and no schema.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use braid_executor::{SubgraphError, SubgraphErrorKind, SubgraphEvents, SubgraphRequest, SubgraphState};
use braid_graphql::OperationType;
use braid_net::Counted;
use braid_net::tls::Fingerprint;
use braid_request_context::SubgraphContext;
use braid_supergraph::SubgraphId;
use braid_telemetry::metrics::{Metrics, SubgraphMetrics};
use braid_telemetry::otlp::Span;
use http::header::{self, HeaderMap, HeaderValue};
use serde_json::{Map, Value};

use crate::circuit::{CircuitBreaker, Passage};
use crate::claims::{ForwardedClaims, with_extensions};
use crate::config::{CircuitBreakerConfig, Traffic};
use crate::deduplicate::Deduplicate;
use crate::endpoints::{Endpoints, Tried};
use crate::exchange::Attempt;
use crate::hedge::Hedge;
use crate::retry::Retries;
use crate::subscribe::callback::Callbacks;
use crate::subscribe::{Asked, Subscriber, live};
use crate::upload::Upload;
use crate::{Outcome, TransportError, seen};

/// A subgraph. Kept over reloads as long as nothing about it changes.
#[derive(Debug)]
pub(crate) struct Subgraph {
    pub(crate) name: String,
    urls: Vec<String>,
    pub(crate) traffic: Traffic,
    certificates: Fingerprint,
    claims: Option<ForwardedClaims>,
    deduplicate: Option<Deduplicate>,
    circuit_breaker: Option<CircuitBreaker>,
    pub(crate) retries: Retries,
    hedge: Option<Hedge>,
    pub(crate) endpoints: Endpoints,
    pub(crate) subscriber: Subscriber,
    base_headers: HeaderMap,
    in_flight: AtomicUsize,
    failed_in_a_row: AtomicUsize,
    pub(crate) metrics: SubgraphMetrics,
}

/// What all attempts at a request have in common.
pub(crate) struct Sending<'a> {
    pub(crate) request: &'a SubgraphRequest,
    pub(crate) context: &'a SubgraphContext,
    pub(crate) span: Option<&'a Span>,
    pub(crate) deadline: Instant,
}

impl Subgraph {
    pub(crate) fn new(
        name: &str,
        urls: Vec<String>,
        traffic: Traffic,
        metrics: &Metrics,
        callbacks: Arc<Callbacks>,
    ) -> Result<Self, TransportError> {
        if urls.iter().any(String::is_empty) {
            return Err(TransportError::NoUrl { subgraph: name.to_owned() });
        }
        let claims = ForwardedClaims::new(&traffic.forward_claims)
            .map_err(|problem| TransportError::Claim { subgraph: name.to_owned(), problem })?;
        let now = Instant::now();
        let certificates = Fingerprint::of(traffic.client.tls.files());
        let subscriber = Subscriber::new(name, &urls, &traffic, metrics.upstream(name), callbacks);
        let metrics = metrics.subgraph(name, SubgraphErrorKind::ALL.map(SubgraphErrorKind::code));
        // What the metrics say may be of a version that was set up in another way.
        metrics.circuit_state.set(0);
        metrics.urls_ejected.set(0);
        let endpoints = Endpoints::new(name, &urls, &traffic, &metrics, now)
            .map_err(|source| TransportError::Url { subgraph: name.to_owned(), source })?;
        let breaker = |config: &CircuitBreakerConfig| CircuitBreaker::new(name, config.clone(), metrics.clone(), now);
        Ok(Self {
            name: name.to_owned(),
            urls,
            certificates,
            claims,
            deduplicate: traffic.deduplicate.then(Deduplicate::default),
            circuit_breaker: traffic.circuit_breaker.as_ref().map(breaker),
            retries: Retries::new(traffic.retry.clone()),
            hedge: traffic.hedge.as_ref().map(|config| Hedge::new(config, metrics.clone())),
            endpoints,
            subscriber,
            base_headers: base_headers(&traffic),
            in_flight: AtomicUsize::new(0),
            failed_in_a_row: AtomicUsize::new(0),
            metrics,
            traffic,
        })
    }

    /// Whether a new one would be set up in the same way, with the same content of certificates.
    pub(crate) fn is_for(&self, name: &str, urls: &[String], traffic: &Traffic) -> bool {
        let is_same = self.name == name && self.urls == urls && self.traffic == *traffic;
        is_same && self.certificates == Fingerprint::of(traffic.client.tls.files())
    }

    pub(crate) fn state(&self) -> SubgraphState {
        SubgraphState {
            under_way: self.in_flight.load(Ordering::Relaxed),
            failed_in_a_row: self.failed_in_a_row.load(Ordering::Relaxed),
            is_circuit_open: self.circuit_breaker.as_ref().is_some_and(CircuitBreaker::is_open),
        }
    }

    /// Makes a request, or joins an equal query in flight.
    pub(crate) async fn call(self: &Arc<Self>, request: SubgraphRequest, context: &SubgraphContext) -> Outcome {
        let request = self.with_extensions(request, context);
        if context.uploads().is_some()
            && let Some(upload) = Upload::of(&request, context)?
        {
            return Box::pin(self.upload(request, upload, context)).await;
        }
        match &self.deduplicate {
            Some(deduplicate) if request.kind == OperationType::Query => {
                let send = |request, context| {
                    let subgraph = Arc::clone(self);
                    async move { subgraph.fetch(request, &context).await }
                };
                deduplicate.call(request, context, send).await
            }
            _ => self.fetch(request, context).await,
        }
    }

    /// The request, with what the subgraph is told beside what is asked.
    pub(crate) fn with_extensions(&self, request: SubgraphRequest, context: &SubgraphContext) -> SubgraphRequest {
        match self.extensions(context) {
            Some(extensions) => SubgraphRequest { body: with_extensions(&request.body, extensions), ..request },
            None => request,
        }
    }

    /// What the subgraph is told in `extensions`: claims of the client, and what plugins add.
    fn extensions(&self, context: &SubgraphContext) -> Option<Map<String, Value>> {
        let claims = self.claims.as_ref().and_then(|claims| claims.given(context));
        match (context.extensions().cloned(), claims) {
            (Some(mut extensions), Some(claims)) => {
                extensions.extend(claims);
                Some(extensions)
            }
            (extensions, claims) => extensions.or(claims),
        }
    }

    /// Subscribes, if the circuit is closed. How a subscription ends says nothing about requests, so it is not counted for the circuit.
    pub(crate) async fn subscribe(
        self: &Arc<Self>,
        request: SubgraphRequest,
        context: &SubgraphContext,
    ) -> Result<SubgraphEvents, SubgraphError> {
        // Nor does it hold the place of a probe.
        drop(self.pass(Instant::now())?);
        let mut span = context.trace().map(|trace| trace.fetch(&self.name));
        let asked = Asked {
            extensions: self.extensions(context).unwrap_or_default(),
            headers: context.headers(request.subgraph).cloned().unwrap_or_default(),
            id: context.request_id().clone(),
            seen: self.seen_of(request.subgraph, context),
            body: request.body,
        };
        let events = live::subscribe(self.clone(), asked, span.as_ref()).await;
        if let Err(error) = &events {
            self.metrics.failed(error.kind.code());
            span.iter_mut().for_each(|span| span.fail(error.kind.code()));
        }
        events
    }

    /// All that the subgraph sees of a client: headers and extensions.
    pub(crate) fn seen_of(&self, subgraph: SubgraphId, context: &SubgraphContext) -> Vec<u8> {
        let mut seen = seen::headers(subgraph, context);
        if let Some(extensions) = self.extensions(context) {
            seen::append(&mut seen, Value::Object(extensions).to_string().as_bytes());
        }
        seen
    }

    /// Makes a request if the circuit is closed and not too many are in flight, and records it.
    async fn fetch(&self, request: SubgraphRequest, context: &SubgraphContext) -> Outcome {
        let started = Instant::now();
        let passage = self.pass(started)?;
        let _admitted = self.admit()?;
        let mut span = context.trace().map(|trace| trace.fetch(&self.name));
        let sending =
            Sending { request: &request, context, span: span.as_ref(), deadline: started + self.traffic.timeout };
        let is_probe = passage.as_ref().is_some_and(|passage| passage.is_probe);
        let (attempt, attempts) = self.retry(&sending, is_probe).await;
        self.ended(started, passage, span.as_mut(), attempt, attempts)
    }

    /// Sends a request with files: once, since they are gone then.
    async fn upload(&self, request: SubgraphRequest, upload: Upload, context: &SubgraphContext) -> Outcome {
        let started = Instant::now();
        let passage = self.pass(started)?;
        let _admitted = self.admit()?;
        let mut span = context.trace().map(|trace| trace.fetch(&self.name));
        let headers = self.headers(request.subgraph, context, span.as_ref());
        let (url, deadline) = (self.endpoints.choose(&mut Tried::default()), started + self.traffic.timeout);
        let attempt = self.endpoints.upload(url, &request, upload, headers, context, deadline).await;
        self.ended(started, passage, span.as_mut(), attempt, 1)
    }

    /// Records how a request ended, after so many attempts.
    pub(crate) fn ended(
        &self,
        started: Instant,
        passage: Option<Passage<'_>>,
        span: Option<&mut Span>,
        attempt: Attempt,
        attempts: u32,
    ) -> Outcome {
        let Attempt { outcome, is_failure } = attempt;
        if let Some(passage) = passage {
            passage.ended(Instant::now(), is_failure);
        }
        self.record(&outcome, started.elapsed());
        if let Some(span) = span.filter(|span| span.is_recorded()) {
            describe(span, &outcome, attempts);
        }
        outcome
    }

    /// Attempts a request, and queries that failed again. Returns the last attempt and the number of attempts.
    ///
    /// The client's deadline drops this future: it is no failure of the subgraph.
    async fn retry(&self, sending: &Sending<'_>, is_probe: bool) -> (Attempt, u32) {
        let Sending { request, deadline, .. } = *sending;
        let useful_until = request.deadline.map_or(deadline, |client| client.min(deadline));
        let is_repeatable = request.kind == OperationType::Query && !is_probe;
        self.retries.earn();
        let (mut tried, mut attempts) = (Tried::default(), 0);
        loop {
            let attempt = match &self.hedge {
                // Boxed, so that requests are no larger where nothing is hedged.
                Some(hedge) if is_repeatable => Box::pin(self.hedged(hedge, sending, &mut tried)).await,
                // Not by `send`: a future that a function returns is copied to where it is awaited.
                _ => {
                    let (url, headers) = self.next(sending, &mut tried);
                    self.endpoints.call(url, request, headers, sending.context, deadline).await
                }
            };
            attempts += 1;
            let again = is_repeatable && self.is_retryable(&attempt.outcome, tried) && self.retries.spend(attempts);
            let pause = self.retries.pause(attempts);
            if !again || Instant::now() + pause >= useful_until {
                return (attempt, attempts);
            }
            self.metrics.retries.inc();
            tokio::time::sleep(pause).await;
        }
    }

    /// Whether another attempt may succeed. After a timeout, only another URL can be faster.
    pub(crate) fn is_retryable(&self, outcome: &Outcome, tried: Tried) -> bool {
        match outcome {
            Ok(response) => matches!(response.status, 502..=504),
            Err(error) if error.kind == SubgraphErrorKind::Timeout => self.endpoints.has_untried(tried),
            Err(error) => error.retryable,
        }
    }

    /// One attempt, and a second one beside it if it takes long.
    async fn hedged(&self, hedge: &Hedge, sending: &Sending<'_>, tried: &mut Tried) -> Attempt {
        let first = self.send(sending, tried);
        hedge.race(first, || self.send(sending, tried)).await
    }

    /// One attempt, at a URL that was not tried yet if there is one.
    fn send<'a>(&'a self, sending: &'a Sending<'a>, tried: &mut Tried) -> impl Future<Output = Attempt> + use<'a> {
        let (url, headers) = self.next(sending, tried);
        self.endpoints.call(url, sending.request, headers, sending.context, sending.deadline)
    }

    /// The URL and the headers of the next attempt.
    pub(crate) fn next(&self, sending: &Sending<'_>, tried: &mut Tried) -> (usize, HeaderMap) {
        let headers = self.headers(sending.request.subgraph, sending.context, sending.span);
        (self.endpoints.choose(tried), headers)
    }

    fn headers(&self, subgraph: SubgraphId, context: &SubgraphContext, span: Option<&Span>) -> HeaderMap {
        let mut headers = self.base_headers.clone();
        if let Some(forwarded) = context.headers(subgraph) {
            // Rules can't set headers that are there already.
            for (name, value) in forwarded {
                headers.append(name.clone(), value.clone());
            }
        }
        context.request_id().write_request(&mut headers);
        if let Some(span) = span {
            span.context().write(&mut headers);
        }
        headers
    }

    /// Lets the request through if the circuit is closed or there is no circuit breaker.
    pub(crate) fn pass(&self, now: Instant) -> Result<Option<Passage<'_>>, SubgraphError> {
        let Some(breaker) = &self.circuit_breaker else { return Ok(None) };
        breaker.pass(now).map(Some).map_err(|open| {
            self.metrics.failed(SubgraphErrorKind::CircuitOpen.code());
            let wait = open.wait.as_secs_f64();
            let message = format!(
                "too many requests to the subgraph failed, so it is not asked for another {wait:.1} s (circuit_breaker)"
            );
            SubgraphError { kind: SubgraphErrorKind::CircuitOpen, message, retryable: false }
        })
    }

    pub(crate) fn admit(&self) -> Result<Counted<'_>, SubgraphError> {
        let max = self.traffic.max_concurrent_requests;
        Counted::add(&self.in_flight, max).ok_or_else(|| {
            self.metrics.failed(SubgraphErrorKind::Overloaded.code());
            let message = format!("{max} requests to the subgraph are in flight already (max_concurrent_requests)");
            SubgraphError { kind: SubgraphErrorKind::Overloaded, message, retryable: false }
        })
    }

    fn record(&self, outcome: &Outcome, took: Duration) {
        self.metrics.took(took);
        match outcome {
            Ok(_) => self.failed_in_a_row.store(0, Ordering::Relaxed),
            Err(error) => {
                self.failed_in_a_row.fetch_add(1, Ordering::Relaxed);
                self.metrics.failed(error.kind.code());
                tracing::warn!(
                    subgraph = self.name,
                    code = error.kind.code(),
                    error = error.message,
                    "A request to a subgraph failed"
                );
            }
        }
    }
}

/// Subgraphs may answer with either media type. Only with the first has a request error a status of its own.
const ACCEPT: &str = "application/graphql-response+json, application/json;q=0.9";

fn base_headers(traffic: &Traffic) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT, HeaderValue::from_static(ACCEPT));
    if traffic.compression {
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("br, gzip"));
    }
    headers
}

fn describe(span: &mut Span, outcome: &Outcome, attempts: u32) {
    if attempts > 1 {
        span.set("http.request.resend_count", i64::from(attempts - 1));
    }
    match outcome {
        Ok(response) => {
            span.set("http.response.status_code", i64::from(response.status));
            // Of a response that was passed on, the body is gone.
            if !response.body.is_empty() {
                span.set("http.response.body.size", response.body.len() as i64);
            }
        }
        Err(error) => span.fail(error.kind.code()),
    }
}
