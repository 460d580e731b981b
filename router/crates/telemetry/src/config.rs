//! Configuration of logs, metrics and traces. Knows no file and no environment.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use braid_net::config::TlsClientConfig;
use braid_settings::Duration;

/// What operators see.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// The access log.
    pub access_log: AccessLogConfig,
    /// Metrics for Prometheus.
    pub metrics: MetricsConfig,
    /// Traces, with W3C trace context.
    pub trace: TraceConfig,
    /// The id by which a request is found: in the access log, in the response, and in the logs of subgraphs.
    pub request_id: RequestIdConfig,
}

/// The id of each request. In the access log it is `requestId`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RequestIdConfig {
    /// The header that has it.
    pub header: String,
    /// Whether a request keeps the id that it comes with in this header, up to 128 visible characters: for a router behind a proxy that gives ids. Otherwise the id is the
    /// router's own, and what a client sends is in the access log alone, as `clientRequestId`.
    pub from_client: bool,
    /// Whether responses to clients have it.
    pub to_clients: bool,
    /// Whether requests to subgraphs have it. A header rule that sets the same header goes first.
    pub to_subgraphs: bool,
}

impl Default for RequestIdConfig {
    fn default() -> Self {
        Self { header: "x-request-id".to_owned(), from_client: false, to_clients: true, to_subgraphs: false }
    }
}

/// One JSON line per request, on standard error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccessLogConfig {
    /// Whether the log is written.
    pub enabled: bool,
    /// The request header with the client's name.
    pub client_name_header: String,
    /// The request header with the client's version.
    pub client_version_header: String,
    /// Claims of the client that the line has, by their names in it: `user: sub`, or `roles: realm_access.roles`.
    pub claims: IndexMap<String, String>,
}

impl Default for AccessLogConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            client_name_header: "graphql-client-name".to_owned(),
            client_version_header: "graphql-client-version".to_owned(),
            claims: IndexMap::new(),
        }
    }
}

/// Metrics in the OpenMetrics text format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// Whether metrics are served.
    pub enabled: bool,
    /// The path at which they are served.
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
    /// Whether a client's trace is continued and passed on to subgraphs.
    pub propagate: bool,
    /// Whether requests without a trace start one; if spans are exported, they always do.
    pub begin: bool,
    /// Spans for a collector.
    pub otlp: OtlpConfig,
}

impl Default for TraceConfig {
    fn default() -> Self {
        Self { propagate: true, begin: false, otlp: OtlpConfig::default() }
    }
}

/// Spans of requests, compilation and fetches, in protobuf over HTTP (OTLP). Changes need a restart, except for the content of certificates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OtlpConfig {
    /// The collector's URL for traces, such as `http://127.0.0.1:4318/v1/traces`. If it is not set, nothing is recorded.
    pub endpoint: Option<String>,
    /// The share of traces that are recorded, from 0 to 1.
    pub sampling: f64,
    /// Whether a client's trace is recorded exactly if the client records it, regardless of `sampling`.
    pub follow_client: bool,
    /// The router's name in traces.
    pub service_name: String,
    /// Additional resource attributes of the router, by name.
    pub resource: IndexMap<String, String>,
    /// Headers for the collector, by name.
    pub headers: IndexMap<String, String>,
    /// The time for the collector to respond.
    pub timeout: Duration,
    /// The maximum number of spans in the queue; further ones are dropped.
    pub max_queue: usize,
    /// The maximum number of spans per request to the collector.
    pub max_batch: usize,
    /// How long spans are collected before they are sent.
    pub delay: Duration,
    /// TLS, for a collector at `https://`.
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
