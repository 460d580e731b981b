//! What can be set about logs, metrics and traces. Knows no file and no environment.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use braid_net::config::TlsClientConfig;
use braid_settings::Duration;

/// What operators see.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// One line per request.
    pub access_log: AccessLogConfig,
    /// Numbers for Prometheus.
    pub metrics: MetricsConfig,
    /// W3C trace context.
    pub trace: TraceConfig,
}

/// One JSON line per request, on standard error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccessLogConfig {
    /// Whether lines are written.
    pub enabled: bool,
    /// The header that names the client.
    pub client_name_header: String,
    /// The header that has the client's version.
    pub client_version_header: String,
}

impl Default for AccessLogConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            client_name_header: "graphql-client-name".to_owned(),
            client_version_header: "graphql-client-version".to_owned(),
        }
    }
}

/// Metrics in the OpenMetrics text form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// Whether they are served.
    pub enabled: bool,
    /// The path they are served at.
    pub path: String,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self { enabled: true, path: "/metrics".to_owned() }
    }
}

/// Traces across services (`traceparent`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TraceConfig {
    /// Whether a client's trace goes on into subgraphs.
    pub propagate: bool,
    /// Whether a trace is begun for requests that bring none; where spans are exported, it always is.
    pub begin: bool,
    /// Sends spans to a collector.
    pub otlp: OtlpConfig,
}

impl Default for TraceConfig {
    fn default() -> Self {
        Self { propagate: true, begin: false, otlp: OtlpConfig::default() }
    }
}

/// Spans of requests, compilations and fetches, in protobuf over HTTP (OTLP). Taken up at the start, not by a reload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OtlpConfig {
    /// Where the collector takes traces, as in `http://127.0.0.1:4318/v1/traces`. Without it nothing is recorded.
    pub endpoint: Option<String>,
    /// The share of traces that are recorded, from 0 to 1.
    pub sampling: f64,
    /// Whether a trace that a client brings is recorded if the client records it, whatever `sampling` is.
    pub follow_client: bool,
    /// The router's name in traces.
    pub service_name: String,
    /// Further attributes of the router in traces, by name.
    pub resource: IndexMap<String, String>,
    /// Headers that the collector wants, by name.
    pub headers: IndexMap<String, String>,
    /// How long the collector may take.
    pub timeout: Duration,
    /// The most spans that wait to be sent; further ones are dropped.
    pub max_queue: usize,
    /// The most spans that are sent at once.
    pub max_batch: usize,
    /// How long spans wait for others to be sent with.
    pub delay: Duration,
    /// Certificates for a collector at `https://`.
    pub tls: TlsClientConfig,
}

impl Default for OtlpConfig {
    fn default() -> Self {
        Self {
            endpoint: None,
            sampling: 1.0,
            follow_client: true,
            service_name: "braid".to_owned(),
            resource: IndexMap::new(),
            headers: IndexMap::new(),
            timeout: Duration::seconds(10),
            max_queue: 8192,
            max_batch: 512,
            delay: Duration::seconds(5),
            tls: TlsClientConfig::default(),
        }
    }
}
