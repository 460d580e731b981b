//! Spans for an OpenTelemetry collector: recorded if their trace is sampled, and sent in batches over OTLP. Knows no GraphQL.
//!
//! Spans are passed explicitly instead of through `tracing`: each router has its own exporter instead of one per process, and
//! without one a request only checks an empty option.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};

use http::HeaderValue;
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState,
    Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, Span as SdkSpan,
};
use prometheus_client::metrics::counter::Counter;

use crate::collector::{Collector, CollectorError};
use crate::config::OtlpConfig;
use crate::drops::Drops;
use crate::trace::TraceContext;

/// Sends spans to a collector.
#[derive(Debug, Clone)]
pub struct Exporter {
    collector: Collector,
    provider: SdkTracerProvider,
    recorder: Recorder,
    dropped: Counter,
}

/// Starts spans.
#[derive(Clone)]
pub(super) struct Recorder(SdkTracer);

/// A span: the context that is propagated, and what is recorded. It ends when it is dropped.
#[derive(Debug)]
pub struct Span {
    context: TraceContext,
    recorded: Option<SdkSpan>,
}

/// Why spans can't be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExporterError {
    /// The collector can't be called.
    #[error(transparent)]
    Collector(#[from] CollectorError),
    /// The settings can't be used.
    #[error(transparent)]
    Build(#[from] ExporterBuildError),
}

impl Exporter {
    /// An exporter to the collector at `url`. Must be called on a Tokio runtime, which does the sending.
    pub fn new(config: &OtlpConfig, url: &str) -> Result<Self, ExporterError> {
        let collector = Collector::new(url, config)?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(collector.clone())
            .with_endpoint(url)
            .with_timeout(config.timeout.0)
            .with_protocol(Protocol::HttpBinary)
            .build()?;
        let max_queue = config.max_queue.max(1);
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(max_queue)
            .with_max_export_batch_size(config.max_batch.clamp(1, max_queue))
            .with_scheduled_delay(config.delay.0)
            .build();
        let drops = Drops::new(max_queue);
        let dropped = drops.dropped.clone();
        let queue = BatchSpanProcessor::builder(drops.exporter(exporter)).with_batch_config(batches).build();
        // The configuration contains the environment variables already, and takes precedence over them.
        let attributes = config.resource.iter().map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
        let resource = Resource::builder_empty()
            .with_detector(Box::new(TelemetryResourceDetector))
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attributes(attributes)
            .with_service_name(config.service_name.clone());
        let share = Sampler::TraceIdRatioBased(config.sampling);
        let sampler = if config.follow_client { Sampler::ParentBased(Box::new(share)) } else { share };
        let provider = SdkTracerProvider::builder()
            .with_span_processor(drops.processor(queue))
            .with_sampler(sampler)
            .with_resource(resource.build())
            .build();
        let recorder = Recorder(provider.tracer("braid"));
        Ok(Self { collector, provider, recorder, dropped })
    }

    pub(super) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// A span that begins a trace: of work that no request has asked for.
    pub fn root(&self, name: &'static str) -> Span {
        self.recorder.begin(SpanBuilder::from_name(name), SpanKind::Internal, &Context::new(), None)
    }

    /// How many spans were lost: the queue was full, or the collector did not take them.
    pub fn dropped(&self) -> &Counter {
        &self.dropped
    }

    /// Reads the certificates for the collector again. If they can't be used, the old ones stay in use.
    pub fn renew_certificates(&self) -> Result<(), ExporterError> {
        Ok(self.collector.renew()?)
    }

    /// Sends the spans in the queue, and waits until they were sent. For a process that stands still afterwards.
    pub async fn flush(&self) {
        let provider = self.provider.clone();
        // As in `shut_down`.
        let sent = tokio::task::spawn_blocking(move || provider.force_flush()).await;
        if let Ok(Err(error)) = sent {
            tracing::warn!(%error, "Spans could not be sent");
        }
    }

    /// Sends the spans in the queue, for at most `time`.
    pub async fn shut_down(self, time: Duration) {
        // The exporter's thread waits for requests that this runtime sends.
        let stopped = tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(time)).await;
        if let Ok(Err(error)) = stopped {
            tracing::warn!(%error, "The last spans could not be sent");
        }
    }
}

impl Recorder {
    /// The span of a client's request, in the client's trace if it has one.
    pub(super) fn request(&self, client: Option<TraceContext>) -> Span {
        let parent = client.as_ref().map_or_else(Context::new, |client| client.as_parent(true));
        let state = client.and_then(|client| client.state);
        self.begin(SpanBuilder::from_name("request"), SpanKind::Server, &parent, state)
    }

    /// A call that began so long ago.
    pub(super) fn call(&self, parent: &TraceContext, name: Cow<'static, str>, ago: Duration) -> Span {
        self.child(parent, name, SpanKind::Client, ago)
    }

    /// Code that began to run so long ago.
    pub(super) fn ran(&self, parent: &TraceContext, name: Cow<'static, str>, ago: Duration) -> Span {
        self.child(parent, name, SpanKind::Internal, ago)
    }

    fn child(&self, parent: &TraceContext, name: Cow<'static, str>, kind: SpanKind, ago: Duration) -> Span {
        let mut builder = SpanBuilder::from_name(name);
        if !ago.is_zero() {
            builder = builder.with_start_time(SystemTime::now() - ago);
        }
        self.begin(builder, kind, &parent.as_parent(false), parent.state.clone())
    }

    pub(super) fn event(&self, parent: &TraceContext) -> Span {
        self.child(parent, "event".into(), SpanKind::Internal, Duration::ZERO)
    }

    /// Records that compiling ended now and took `took`, with planning at its end. `code` is the error of the last step.
    pub(super) fn compiled(
        &self,
        parent: &TraceContext,
        took: Duration,
        planned_in: Option<Duration>,
        code: Option<&str>,
    ) {
        let ended = SystemTime::now();
        let planned_in = planned_in.map(|planned_in| planned_in.min(took));
        let parsed = ended - planned_in.unwrap_or_default();
        self.step(parent, "parse", (ended - took, parsed), code.filter(|_| planned_in.is_none()));
        if planned_in.is_some() {
            self.step(parent, "plan", (parsed, ended), code);
        }
    }

    fn step(
        &self,
        parent: &TraceContext,
        name: &'static str,
        (began, ended): (SystemTime, SystemTime),
        code: Option<&str>,
    ) {
        let builder = SpanBuilder::from_name(name).with_start_time(began);
        let mut span = self.0.build_with_context(builder, &parent.as_parent(false));
        if let Some(code) = code {
            span.set_status(Status::error(code.to_owned()));
        }
        span.end_with_timestamp(ended);
    }

    fn begin(&self, builder: SpanBuilder, kind: SpanKind, parent: &Context, state: Option<HeaderValue>) -> Span {
        let span = self.0.build_with_context(builder.with_kind(kind), parent);
        let ids = span.span_context();
        let context = TraceContext {
            trace: ids.trace_id().to_bytes(),
            span: ids.span_id().to_bytes(),
            flags: ids.trace_flags().to_u8(),
            state,
            recorder: span.is_recording().then(|| self.clone()),
        };
        let recorded = span.is_recording().then_some(span);
        Span { context, recorded }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorder")
    }
}

impl Span {
    pub(super) fn unrecorded(context: TraceContext) -> Self {
        Self { context, recorded: None }
    }

    /// The context that is propagated to subgraphs.
    pub fn context(&self) -> &TraceContext {
        &self.context
    }

    /// Whether it is recorded.
    pub fn is_recorded(&self) -> bool {
        self.recorded.is_some()
    }

    /// Changes its name.
    pub fn rename(&mut self, name: String) {
        if let Some(span) = &mut self.recorded {
            span.update_name(name);
        }
    }

    /// Records an attribute.
    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(span) = &mut self.recorded {
            span.set_attribute(KeyValue::new(key, value));
        }
    }

    /// Records that it failed with the code of an error.
    pub fn fail(&mut self, code: &str) {
        if let Some(span) = &mut self.recorded {
            span.set_status(Status::error(code.to_owned()));
        }
    }
}

impl TraceContext {
    fn as_parent(&self, is_remote: bool) -> Context {
        let state = self.state.as_ref().and_then(|state| state.to_str().ok()?.parse::<TraceState>().ok());
        let (trace, span) = (TraceId::from_bytes(self.trace), SpanId::from_bytes(self.span));
        let flags = TraceFlags::new(self.flags);
        let parent = SpanContext::new(trace, span, flags, is_remote, state.unwrap_or_default());
        Context::new().with_remote_span_context(parent)
    }
}
