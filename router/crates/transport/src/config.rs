//! Configuration of traffic to subgraphs. Knows no file and no environment.

use braid_net::config::{ClientConfig, Protocol, TlsClientConfig};
use braid_settings::{ByteSize, Duration};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Traffic to subgraphs: options for all, and those that differ for some.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrafficConfig {
    /// Options for all subgraphs.
    pub all: SubgraphTraffic,
    /// Options for one subgraph, by its name.
    pub subgraphs: IndexMap<String, SubgraphTraffic>,
}

/// Traffic to a subgraph. Options that are not set are taken from `all`, then from the defaults.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SubgraphTraffic {
    /// The subgraph's URL, instead of the one in the supergraph: `http://`, `https://`, or `unix:///socket?path=/graphql`.
    pub url: Option<String>,
    /// The time to open a connection.
    pub connect_timeout: Option<Duration>,
    /// The time to the first byte of a response.
    pub first_byte_timeout: Option<Duration>,
    /// The time for a whole request, including retries.
    pub timeout: Option<Duration>,
    /// The maximum size of a response, uncompressed.
    pub max_response_bytes: Option<ByteSize>,
    /// The maximum number of requests in flight or queued; further ones fail immediately.
    pub max_concurrent_requests: Option<usize>,
    /// The maximum number of HTTP/1.1 connections; further requests are queued, oldest client requests first.
    pub max_connections: Option<usize>,
    /// The maximum number of idle connections.
    pub max_idle_connections: Option<usize>,
    /// The time an idle connection is kept alive.
    pub idle_timeout: Option<Duration>,
    /// Whether equal queries in flight share one request. Mutations never do.
    pub deduplicate: Option<bool>,
    /// The version of HTTP.
    pub protocol: Option<Protocol>,
    /// Whether to accept compressed responses; on fast networks this costs more than it saves.
    pub compression: Option<bool>,
    /// Retries of failed queries.
    pub retry: Option<RetryConfig>,
    /// TLS, for a subgraph at `https://`.
    pub tls: Option<TlsClientConfig>,
}

/// Retries of failed queries, never of mutations, from a budget that grows with the number of requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetryConfig {
    /// Whether failed queries are retried.
    pub enabled: bool,
    /// The maximum number of retries of one query.
    pub max: u32,
    /// The number of retries per second that is always allowed.
    pub min_per_second: f64,
    /// The share of requests that can be retried in addition to that, from 0 to 1.
    pub ratio: f64,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self { enabled: true, max: 2, min_per_second: 10.0, ratio: 0.1 }
    }
}

/// The options for one subgraph, with all defaults filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Traffic {
    /// The URL, if it is not the one in the supergraph.
    pub url: Option<String>,
    /// Connections.
    pub client: ClientConfig,
    /// The time to the first byte of a response.
    pub first_byte_timeout: std::time::Duration,
    /// The time for a request, including retries.
    pub timeout: std::time::Duration,
    /// The maximum size of a response.
    pub max_response_bytes: usize,
    /// The maximum number of requests in flight or queued.
    pub max_concurrent_requests: usize,
    /// Whether equal queries in flight share one request.
    pub deduplicate: bool,
    /// Whether compressed responses are accepted.
    pub compression: bool,
    /// Retries.
    pub retry: RetryConfig,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            url: None,
            client: ClientConfig::default(),
            first_byte_timeout: std::time::Duration::from_secs(30),
            timeout: std::time::Duration::from_secs(30),
            max_response_bytes: 64 << 20,
            max_concurrent_requests: 10_000,
            deduplicate: true,
            compression: false,
            retry: RetryConfig::default(),
        }
    }
}

impl SubgraphTraffic {
    /// The options of a subgraph for which none are set.
    pub fn defaults() -> Self {
        let traffic = Traffic::default();
        let client = traffic.client;
        Self {
            url: None,
            connect_timeout: Some(Duration(client.connect_timeout)),
            first_byte_timeout: Some(Duration(traffic.first_byte_timeout)),
            timeout: Some(Duration(traffic.timeout)),
            max_response_bytes: Some(ByteSize(traffic.max_response_bytes)),
            max_concurrent_requests: Some(traffic.max_concurrent_requests),
            max_connections: Some(client.max_connections),
            max_idle_connections: Some(client.max_idle_connections),
            idle_timeout: Some(Duration(client.idle_timeout)),
            deduplicate: Some(traffic.deduplicate),
            protocol: Some(client.protocol),
            compression: Some(traffic.compression),
            retry: Some(traffic.retry),
            tls: Some(client.tls),
        }
    }
}

impl TrafficConfig {
    /// The options for one subgraph.
    pub fn for_subgraph(&self, name: &str) -> Traffic {
        let own = self.subgraphs.get(name);
        let all = &self.all;
        macro_rules! setting {
            ($field:ident) => {
                own.and_then(|own| own.$field.clone()).or_else(|| all.$field.clone())
            };
        }
        let duration = |set: Option<Duration>, default| set.map_or(default, |set| set.0);
        let default = Traffic::default();
        let client = default.client;
        Traffic {
            // One URL for all subgraphs would be a mistake, so only a subgraph's own counts.
            url: own.and_then(|own| own.url.clone()),
            client: ClientConfig {
                connect_timeout: duration(setting!(connect_timeout), client.connect_timeout),
                max_connections: setting!(max_connections).unwrap_or(client.max_connections).max(1),
                max_idle_connections: setting!(max_idle_connections).unwrap_or(client.max_idle_connections),
                idle_timeout: duration(setting!(idle_timeout), client.idle_timeout),
                protocol: setting!(protocol).unwrap_or(client.protocol),
                tls: setting!(tls).unwrap_or(client.tls),
            },
            first_byte_timeout: duration(setting!(first_byte_timeout), default.first_byte_timeout),
            timeout: duration(setting!(timeout), default.timeout),
            max_response_bytes: setting!(max_response_bytes).map_or(default.max_response_bytes, |size| size.0),
            max_concurrent_requests: setting!(max_concurrent_requests).unwrap_or(default.max_concurrent_requests),
            deduplicate: setting!(deduplicate).unwrap_or(default.deduplicate),
            compression: setting!(compression).unwrap_or(default.compression),
            retry: setting!(retry).unwrap_or(default.retry),
        }
    }
}
