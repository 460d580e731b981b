//! All that answers requests: the version in use, and what outlives it. Knows no request.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use braid_gateway::{Subgraphs, Subscriptions};
use braid_telemetry::metrics::Metrics;
use braid_telemetry::otlp::Exporter;

use crate::admission::Admission;
use crate::observe::Observers;
use crate::route::Route;
use crate::streams::Streams;
use crate::version::Version;

/// How long whoever flushes waits for standard error.
const MAX_FLUSH: Duration = Duration::from_secs(1);

/// All that answers requests: the version in use, and what outlives it.
#[derive(Debug)]
pub struct Front<S> {
    current: ArcSwap<Version<S>>,
    pub(crate) admission: Arc<Admission>,
    /// The subscriptions, whichever version they began with.
    pub(crate) subscriptions: Subscriptions<S>,
    /// The streams that clients get.
    pub(crate) streams: Arc<Streams>,
    pub(crate) observers: Arc<Observers>,
    pub(crate) route: Option<Arc<dyn Route>>,
}

impl<S: Subgraphs> Front<S> {
    /// A front that begins with `version`.
    pub fn new(version: Version<S>, observers: Observers) -> Self {
        let observers = Arc::new(observers);
        let subscriptions = Subscriptions::new(version.gateway.clone());
        let streams = Streams::new(&observers.metrics);
        let (current, admission) = (ArcSwap::from_pointee(version), Admission::new());
        let front = Self { current, observers, admission, subscriptions, streams, route: None };
        front.note_since();
        front
    }

    /// The same, where `route` answers what nothing else does.
    #[must_use]
    pub fn with_route(self, route: Arc<dyn Route>) -> Self {
        Self { route: Some(route), ..self }
    }

    /// Takes a new version up. Requests in flight end with the one they began with; subscriptions move to it.
    pub fn swap(&self, version: Version<S>) {
        let gateway = version.gateway.clone();
        self.current.store(Arc::new(version));
        self.subscriptions.swap(gateway);
        self.note_since();
    }

    /// The router's numbers.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.observers.metrics
    }

    /// Where spans go, if they are exported.
    pub fn exporter(&self) -> Option<&Exporter> {
        self.observers.exporter.as_ref()
    }

    /// Writes the lines and sends the spans of the requests so far. For a process that stands still between requests.
    pub async fn flush(&self) {
        let observers = self.observers.clone();
        let writing = tokio::task::spawn_blocking(move || {
            if let Some(log) = &observers.access_log {
                log.flush(MAX_FLUSH);
            }
        });
        if let Some(exporter) = self.exporter() {
            exporter.flush().await;
        }
        let _ = writing.await;
    }

    fn note_since(&self) {
        let since = self.current.load().since.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        self.metrics().schema_since.set(since.as_secs() as i64);
    }

    pub(crate) fn stop(&self) {
        self.admission.stop();
    }
}

impl<S> Front<S> {
    /// The version in use. A request takes it once and keeps it to its end.
    pub fn current(&self) -> Arc<Version<S>> {
        self.current.load_full()
    }
}
