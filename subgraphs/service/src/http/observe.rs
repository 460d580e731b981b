//! What is seen of each request: a span, a line in the log, and numbers at `/metrics`. Knows no GraphQL but the name of an operation.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use tower_http::request_id::RequestId;
use tracing::Instrument;

use crate::metrics::{Metrics, SECONDS};

/// The name of the operation that was answered, as part of a response.
#[derive(Debug, Clone)]
pub(super) struct OperationName(pub(super) String);

/// Sees the requests of a service. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Observer {
    service: &'static str,
    /// Whether each request is a line in the log.
    logs: bool,
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
    pub(super) fn new(service: &'static str, logs: bool, metrics: &Metrics) -> Self {
        let observer = Self {
            service,
            logs,
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
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok()).map(str::to_owned);
    let method = request.method().clone();
    let span = tracing::info_span!("request", service = observer.service, id, %method, path);
    let mut observed = Observed::begin(observer);
    async {
        let response = next.run(request).await;
        observed.status = response.status().as_u16();
        observed.operation = response.extensions().get::<OperationName>().map(|name| name.0.clone());
        drop(observed);
        response
    }
    .instrument(span)
    .await
}

/// A request until it is answered, or until its client goes away.
struct Observed {
    observer: Arc<Observer>,
    began: Instant,
    status: u16,
    operation: Option<String>,
}

impl Observed {
    fn begin(observer: Arc<Observer>) -> Self {
        observer.in_flight.inc();
        Self { observer, began: Instant::now(), status: CLIENT_CLOSED, operation: None }
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
            tracing::info!(status = self.status, ms, operation = self.operation, "Answered");
        }
    }
}
