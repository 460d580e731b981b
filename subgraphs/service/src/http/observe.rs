//! What is seen of each request: spans for the log and for a collector, a line in the log, and numbers at `/metrics`. Of GraphQL, knows only
//! what an operation is called.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use braid_telemetry::config::TraceConfig;
use braid_telemetry::otlp::{Exporter, Span};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use tower_http::request_id::RequestId;
use tracing::Instrument;

use crate::error::Code;
use crate::metrics::{Metrics, SECONDS};
use crate::trace::Current;

/// The operation that was answered, as part of a response.
#[derive(Debug, Clone, Default)]
pub(super) struct Operation {
    pub(super) name: Option<String>,
    /// `query`, `mutation` or `subscription`.
    pub(super) kind: Option<&'static str>,
    /// The codes of its errors, each once.
    pub(super) codes: Vec<String>,
}

/// Sees the requests of a service. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Observer {
    service: &'static str,
    /// Whether each request is a line in the log.
    logs: bool,
    exporter: Option<Exporter>,
    traces: TraceConfig,
    requests: Family<Labels, Counter>,
    seconds: Histogram,
    in_flight: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    status: u16,
}

/// The status of a request whose client went away.
const CLIENT_CLOSED: u16 = 499;

impl Observer {
    /// One that is seen in these metrics.
    pub(super) fn new(service: &'static str, logs: bool, metrics: &Metrics, exporter: Option<Exporter>) -> Self {
        let observer = Self {
            service,
            logs,
            exporter,
            traces: TraceConfig::default(),
            requests: Family::default(),
            seconds: Histogram::new(SECONDS),
            in_flight: Gauge::default(),
        };
        metrics.add(
            "requests",
            "Requests that were answered, by HTTP status; 499 if the client went away",
            observer.requests.clone(),
        );
        metrics.add("request_seconds", "How long requests took", observer.seconds.clone());
        metrics.add("requests_in_flight", "Requests that are being answered", observer.in_flight.clone());
        observer
    }
}

/// Observes one request. Health checks and metrics are not worth a line, nor a place among the numbers.
pub(super) async fn observe(State(observer): State<Arc<Observer>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if path.starts_with("/health") || path == "/metrics" {
        return next.run(request).await;
    }
    let id = request.extensions().get::<RequestId>().map(|id| id.header_value().clone());
    let method = request.method().clone();
    let text = id.as_ref().and_then(|id| id.to_str().ok()).map(str::to_owned);
    let (mut span, current) = Current::of_request(&observer.traces, request.headers(), id, observer.exporter.as_ref());
    if let Some(span) = span.as_mut().filter(|span| span.is_recorded()) {
        describe(span, &request);
    }
    let trace = span.as_ref().map(|span| span.context().trace_id());
    let line = tracing::info_span!("request", service = observer.service, id = text, trace, %method, path);
    let mut observed = Observed::begin(observer, span);
    let answer = async {
        let mut response = next.run(request).await;
        observed.status = response.status().as_u16();
        observed.operation = response.extensions_mut().remove::<Operation>().unwrap_or_default();
        drop(observed);
        response
    };
    current.within(answer.instrument(line)).await
}

/// The name of a request's span, and what is known of the request before it is answered.
fn describe(span: &mut Span, request: &Request) {
    let method = request.method().as_str();
    // A path that nobody serves may be anything, so it is no name.
    match request.extensions().get::<MatchedPath>() {
        Some(route) => {
            span.rename(format!("{method} {}", route.as_str()));
            span.set("http.route", route.as_str().to_owned());
        }
        None => span.rename(method.to_owned()),
    }
    span.set("http.request.method", method.to_owned());
    span.set("url.path", request.uri().path().to_owned());
}

/// A request until it is answered, or until its client goes away.
struct Observed {
    observer: Arc<Observer>,
    began: Instant,
    status: u16,
    operation: Operation,
    span: Option<Span>,
}

impl Observed {
    fn begin(observer: Arc<Observer>, span: Option<Span>) -> Self {
        observer.in_flight.inc();
        Self { observer, began: Instant::now(), status: CLIENT_CLOSED, operation: Operation::default(), span }
    }

    /// Records what came of it.
    fn end_span(&mut self) {
        let Some(mut span) = self.span.take().filter(Span::is_recorded) else { return };
        span.set("http.response.status_code", i64::from(self.status));
        let Operation { name, kind, codes } = &self.operation;
        if let Some(kind) = kind {
            span.set("graphql.operation.type", *kind);
            span.rename(name.as_ref().map_or_else(|| (*kind).to_owned(), |name| format!("{kind} {name}")));
        }
        if let Some(name) = name {
            span.set("graphql.operation.name", name.clone());
        }
        if !codes.is_empty() {
            span.set("graphql.error.codes", codes.join(","));
        }
        // What a caller did wrong is no fault of this service.
        let internal = Code::Internal.as_str();
        if codes.iter().any(|code| code == internal) {
            span.fail(internal);
        } else if self.status >= 500 {
            span.fail(&self.status.to_string());
        }
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        let took = self.began.elapsed().as_secs_f64();
        let Observer { requests, seconds, in_flight, logs, .. } = &*self.observer;
        in_flight.dec();
        seconds.observe(took);
        requests.get_or_create(&Labels { status: self.status }).inc();
        if *logs {
            let ms = (took * 1000.0).round();
            tracing::info!(status = self.status, ms, operation = self.operation.name, "Answered");
        }
        self.end_span();
    }
}
