//! The trace that a task is part of: W3C trace context that comes with a request and goes on with calls, and spans for a collector.
//! Knows no GraphQL.
//!
//! Who makes a call or sends a statement is deep in the code of a service, so the trace belongs to the task. A task that is spawned is part
//! of none, unless it takes that of another one along.

use std::future::Future;

use axum::http::{HeaderMap, HeaderValue};
use braid_telemetry::config::{OtlpConfig, TraceConfig};
use braid_telemetry::environment;
use braid_telemetry::otlp::{Exporter, ExporterError, Span};
use braid_telemetry::trace::TraceContext;
use reqwest::{RequestBuilder, Response};

use crate::metrics::Metrics;

/// Where spans go, and which.
#[derive(Debug, Clone)]
pub struct TraceSettings {
    /// The collector, and what it is told. If `service_name` is empty, the service has its own name.
    pub otlp: OtlpConfig,
    /// The variables that are ignored, with the reasons.
    pub ignored: Vec<String>,
}

impl TraceSettings {
    /// The settings that the standard variables of OpenTelemetry have.
    pub(crate) fn of(env: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut settings = Self::default();
        settings.ignored = environment::apply(&mut settings.otlp, &serde_json::Value::Null, env);
        settings
    }

    /// The exporter of a service, which is seen in its metrics; none without a collector. Must be called on a Tokio runtime.
    pub(crate) fn exporter(&self, service: &str, metrics: &Metrics) -> Result<Option<Exporter>, ExporterError> {
        for reason in &self.ignored {
            tracing::warn!(service, reason, "A variable of OpenTelemetry is ignored");
        }
        let Some(url) = &self.otlp.endpoint else { return Ok(None) };
        let mut otlp = self.otlp.clone();
        if otlp.service_name.is_empty() {
            otlp.service_name = service.to_owned();
        }
        let exporter = Exporter::new(&otlp, url)?;
        let dropped = exporter.dropped().clone();
        metrics.add("spans_dropped", "Spans that the collector did not take, or that found the queue full", dropped);
        Ok(Some(exporter))
    }
}

impl Default for TraceSettings {
    /// No collector.
    fn default() -> Self {
        Self { otlp: OtlpConfig { service_name: String::new(), ..OtlpConfig::default() }, ignored: Vec::new() }
    }
}

/// What a task is part of. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Current {
    exporter: Option<Exporter>,
    context: Option<TraceContext>,
    request_id: Option<HeaderValue>,
}

tokio::task_local! {
    static CURRENT: Current;
}

impl Current {
    /// Part of no trace yet.
    pub(crate) fn new(exporter: Option<Exporter>) -> Self {
        Self { exporter, context: None, request_id: None }
    }

    /// That of the running task.
    pub(crate) fn of_task() -> Self {
        CURRENT.try_with(Clone::clone).unwrap_or_default()
    }

    /// The span of a request with these headers, if it belongs to a trace, and what the task that answers it is part of.
    pub(crate) fn of_request(
        config: &TraceConfig,
        headers: &HeaderMap,
        request_id: Option<HeaderValue>,
        exporter: Option<&Exporter>,
    ) -> (Option<Span>, Self) {
        let span = TraceContext::of_request(config, headers, exporter);
        let context = span.as_ref().map(|span| span.context().clone());
        (span, Self { exporter: exporter.cloned(), context, request_id })
    }

    /// Does the work as a part of this.
    pub(crate) fn within<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, work)
    }
}

/// The id of the request that the running task answers.
pub(crate) fn request_id() -> Option<String> {
    CURRENT.try_with(|current| Some(current.request_id.as_ref()?.to_str().ok()?.to_owned())).ok().flatten()
}

/// Does a piece of work that no request has asked for, such as of a worker, as a trace of its own.
pub async fn background<T>(name: &'static str, work: impl Future<Output = T>) -> T {
    let current = Current::of_task();
    let Some(exporter) = current.exporter else { return work.await };
    let span = exporter.root(name);
    let context = Some(span.context().clone());
    CURRENT.scope(Current { exporter: Some(exporter), context, request_id: None }, work).await
}

/// Sends a request to another program, `to`, as a part of the trace: the request says which, and a span how long the headers of the response
/// took. The id of the request that is being answered goes along.
pub async fn send(to: &'static str, request: RequestBuilder) -> reqwest::Result<Response> {
    let current = Current::of_task();
    let mut headers = HeaderMap::new();
    if let Some(id) = current.request_id {
        headers.insert(REQUEST_ID, id);
    }
    let mut span = current.context.map(|context| context.call(|| format!("call {to}")));
    if let Some(span) = &span {
        span.context().write(&mut headers);
    }
    let (client, request) = request.headers(headers).build_split();
    let request = request?;
    if let Some(span) = span.as_mut().filter(|span| span.is_recorded()) {
        span.set("peer.service", to);
        span.set("http.request.method", request.method().as_str().to_owned());
        // Without the path and the query, which may have ids and secrets.
        span.set("server.address", request.url().host_str().unwrap_or_default().to_owned());
        span.set("server.port", i64::from(request.url().port_or_known_default().unwrap_or_default()));
    }
    let response = client.execute(request).await;
    if let Some(span) = span.as_mut().filter(|span| span.is_recorded()) {
        match &response {
            Ok(response) => {
                let status = response.status();
                span.set("http.response.status_code", i64::from(status.as_u16()));
                if status.is_client_error() || status.is_server_error() {
                    span.fail(status.as_str());
                }
            }
            Err(error) => span.fail(if error.is_timeout() { "timeout" } else { "no response" }),
        }
    }
    response
}

/// Records a statement that was sent to the database just now.
pub(crate) fn statement(sent: &sea_orm::metric::Info<'_>) {
    let record = |current: &Current| {
        let mut span = current.context.as_ref()?.called("sql", sent.elapsed)?;
        let system = match sent.statement.db_backend {
            sea_orm::DbBackend::Postgres => "postgresql",
            sea_orm::DbBackend::MySql => "mysql",
            _ => "sqlite",
        };
        span.set("db.system.name", system);
        let text = &sent.statement.sql;
        let word = text.split_whitespace().next().unwrap_or_default();
        if word.chars().all(|char| char.is_ascii_alphabetic()) {
            span.rename(word.to_owned());
            span.set("db.operation.name", word.to_owned());
        }
        // Values are sent beside the text.
        span.set("db.query.text", text.clone());
        if sent.failed {
            span.fail("failed");
        }
        Some(())
    };
    let _ = CURRENT.try_with(record);
}

const REQUEST_ID: &str = "x-request-id";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_variables_say_where_spans_go() {
        let variables = |name: &str| {
            let value = match name {
                "OTEL_EXPORTER_OTLP_ENDPOINT" => "http://collector:4318",
                "OTEL_TRACES_SAMPLER" => "parentbased_traceidratio",
                "OTEL_TRACES_SAMPLER_ARG" => "0.5",
                "OTEL_EXPORTER_OTLP_TIMEOUT" => "soon",
                _ => return None,
            };
            Some(value.to_owned())
        };
        let TraceSettings { otlp, ignored } = TraceSettings::of(&variables);
        assert_eq!(otlp.endpoint.as_deref(), Some("http://collector:4318/v1/traces"));
        assert_eq!((otlp.sampling, otlp.follow_client, otlp.service_name.as_str()), (0.5, true, ""));
        assert!(ignored.len() == 1 && ignored[0].contains("OTEL_EXPORTER_OTLP_TIMEOUT"), "{ignored:?}");
        assert_eq!(TraceSettings::of(&|_| None).otlp.endpoint, None);
    }
}
