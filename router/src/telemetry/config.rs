//! What can be set about logs, metrics and traces. Knows no file and no environment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Whether a trace is begun for requests that bring none.
    pub begin: bool,
}

impl Default for TraceConfig {
    fn default() -> Self {
        Self { propagate: true, begin: false }
    }
}
