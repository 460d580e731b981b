//! Counts the spans that are lost between their end and the collector. The batch processor counts those of a full queue for its own log only,
//! and those that the collector does not take nowhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};
use prometheus_client::metrics::counter::Counter;

/// What is known of a queue from both of its ends. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Drops {
    pub(crate) dropped: Counter,
    /// How many spans are in the queue.
    waiting: Arc<AtomicUsize>,
    max: usize,
}

impl Drops {
    /// Of a queue that takes so many spans.
    pub(crate) fn new(max: usize) -> Self {
        Self { dropped: Counter::default(), waiting: Arc::default(), max }
    }

    /// The end at which spans come in.
    pub(crate) fn processor<P>(&self, queue: P) -> Entrance<P> {
        Entrance { drops: self.clone(), queue }
    }

    /// The end at which batches go out.
    pub(crate) fn exporter<E>(&self, exporter: E) -> Exit<E> {
        Exit { drops: self.clone(), exporter }
    }
}

#[derive(Debug)]
pub(crate) struct Entrance<P> {
    drops: Drops,
    queue: P,
}

#[derive(Debug)]
pub(crate) struct Exit<E> {
    drops: Drops,
    exporter: E,
}

impl<P: SpanProcessor> SpanProcessor for Entrance<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.queue.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        // Never more than the queue takes, so it loses none.
        if self.drops.waiting.fetch_add(1, Ordering::Relaxed) < self.drops.max {
            return self.queue.on_end(span);
        }
        self.drops.waiting.fetch_sub(1, Ordering::Relaxed);
        self.drops.dropped.inc();
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.queue.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.queue.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.queue.set_resource(resource);
    }
}

impl<E: SpanExporter> SpanExporter for Exit<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        self.drops.waiting.fetch_sub(count, Ordering::Relaxed);
        let taken = self.exporter.export(batch).await;
        if taken.is_err() {
            self.drops.dropped.inc_by(count as u64);
        }
        taken
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
