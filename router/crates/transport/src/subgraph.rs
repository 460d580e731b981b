//! One subgraph: the stages that a request to it passes, in order. Knows no plan and no schema.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use braid_executor::{SubgraphError, SubgraphErrorKind, SubgraphRequest, SubgraphState};
use braid_graphql::OperationType;
use braid_net::Counted;
use braid_net::tls::Fingerprint;
use braid_request_context::SubgraphContext;
use braid_supergraph::SubgraphId;
use braid_telemetry::metrics::{Metrics, SubgraphMetrics};
use braid_telemetry::otlp::Span;
use http::header::{self, HeaderMap, HeaderValue};

use crate::config::Traffic;
use crate::deduplicate::Deduplicate;
use crate::exchange::Exchange;
use crate::retry::RetryBudget;
use crate::{Outcome, TransportError};

/// A subgraph. Kept over reloads as long as nothing about it changes.
#[derive(Debug)]
pub(crate) struct Subgraph {
    name: String,
    url: String,
    traffic: Traffic,
    certificates: Fingerprint,
    deduplicate: Option<Deduplicate>,
    budget: RetryBudget,
    exchange: Exchange,
    base_headers: HeaderMap,
    in_flight: AtomicUsize,
    failed_in_a_row: AtomicUsize,
    metrics: SubgraphMetrics,
}

impl Subgraph {
    pub(crate) fn new(name: &str, url: &str, traffic: Traffic, metrics: &Metrics) -> Result<Self, TransportError> {
        if url.is_empty() {
            return Err(TransportError::NoUrl { subgraph: name.to_owned() });
        }
        let certificates = Fingerprint::of(traffic.client.tls.files());
        let exchange =
            Exchange::new(url, &traffic).map_err(|source| TransportError::Url { subgraph: name.to_owned(), source })?;
        Ok(Self {
            name: name.to_owned(),
            url: url.to_owned(),
            certificates,
            deduplicate: traffic.deduplicate.then(Deduplicate::default),
            budget: RetryBudget::new(traffic.retry.clone()),
            exchange,
            base_headers: base_headers(&traffic),
            in_flight: AtomicUsize::new(0),
            failed_in_a_row: AtomicUsize::new(0),
            metrics: metrics.subgraph(name, SubgraphErrorKind::ALL.map(SubgraphErrorKind::code)),
            traffic,
        })
    }

    /// Whether a new one would be set up in the same way, with the same content of certificates.
    pub(crate) fn is_for(&self, name: &str, url: &str, traffic: &Traffic) -> bool {
        let is_same = self.name == name && self.url == url && self.traffic == *traffic;
        is_same && self.certificates == Fingerprint::of(traffic.client.tls.files())
    }

    pub(crate) fn state(&self) -> SubgraphState {
        SubgraphState {
            under_way: self.in_flight.load(Ordering::Relaxed),
            failed_in_a_row: self.failed_in_a_row.load(Ordering::Relaxed),
        }
    }

    /// Makes a request, or joins an equal query in flight.
    pub(crate) async fn call(self: &Arc<Self>, request: SubgraphRequest, context: &SubgraphContext) -> Outcome {
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

    /// Makes a request if not too many are in flight, and records it.
    async fn fetch(&self, request: SubgraphRequest, context: &SubgraphContext) -> Outcome {
        let _admitted = self.admit()?;
        let mut span = context.trace().map(|trace| trace.fetch(&self.name));
        let started = Instant::now();
        let (outcome, attempts) = self.retry(&request, context, span.as_ref()).await;
        self.record(&outcome, started.elapsed());
        if let Some(span) = span.as_mut().filter(|span| span.is_recorded()) {
            describe(span, &outcome, attempts);
        }
        outcome
    }

    /// Attempts a request, and queries that failed again. Returns also the number of attempts.
    ///
    /// The client's deadline drops this future: it is no failure of the subgraph.
    async fn retry(&self, request: &SubgraphRequest, context: &SubgraphContext, span: Option<&Span>) -> (Outcome, u32) {
        let deadline = Instant::now() + self.traffic.timeout;
        let useful_until = request.deadline.map_or(deadline, |client| client.min(deadline));
        self.budget.earn();
        let mut attempts = 0;
        loop {
            let headers = self.headers(request.subgraph, context, span);
            let outcome = self.exchange.call(request, headers, context, deadline).await;
            attempts += 1;
            let again = request.kind == OperationType::Query && is_retryable(&outcome) && self.budget.spend(attempts);
            let pause = self.budget.pause(attempts);
            if !again || Instant::now() + pause >= useful_until {
                return (outcome, attempts);
            }
            self.metrics.retries.inc();
            tokio::time::sleep(pause).await;
        }
    }

    fn headers(&self, subgraph: SubgraphId, context: &SubgraphContext, span: Option<&Span>) -> HeaderMap {
        let mut headers = self.base_headers.clone();
        if let Some(forwarded) = context.headers(subgraph) {
            // Rules can't set headers that are there already.
            for (name, value) in forwarded {
                headers.append(name.clone(), value.clone());
            }
        }
        if let Some(span) = span {
            span.context().write(&mut headers);
        }
        headers
    }

    fn admit(&self) -> Result<Counted<'_>, SubgraphError> {
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
            span.set("http.response.body.size", response.body.len() as i64);
        }
        Err(error) => span.fail(error.kind.code()),
    }
}

fn is_retryable(outcome: &Outcome) -> bool {
    match outcome {
        Ok(response) => matches!(response.status, 502..=504),
        Err(error) => error.retryable,
    }
}
