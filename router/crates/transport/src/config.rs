//! What can be set about traffic to subgraphs. Knows no file and no environment.

use braid_net::config::{ClientConfig, Protocol, TlsClientConfig};
use braid_settings::{ByteSize, Duration};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Traffic to subgraphs: settings for all, and by name those that differ.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrafficConfig {
    /// Settings for all subgraphs.
    pub all: SubgraphTraffic,
    /// Settings that differ, by name of the subgraph.
    pub subgraphs: IndexMap<String, SubgraphTraffic>,
}

/// Traffic to a subgraph. What is not set is taken from `all`, then from the defaults.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SubgraphTraffic {
    /// The subgraph's URL, instead of the one in the supergraph: `http://`, `https://`, or `unix:///socket?path=/graphql`.
    pub url: Option<String>,
    /// The time to open a connection.
    pub connect_timeout: Option<Duration>,
    /// The time to the first byte of a response.
    pub first_byte_timeout: Option<Duration>,
    /// The time for a whole request, retries included.
    pub timeout: Option<Duration>,
    /// The maximum size of a response, uncompressed.
    pub max_response_bytes: Option<ByteSize>,
    /// The maximum number of requests in progress or queued; further ones fail immediately.
    pub max_concurrent_requests: Option<usize>,
    /// The maximum number of HTTP/1.1 connections; further requests are queued, oldest client requests first.
    pub max_connections: Option<usize>,
    /// The maximum number of idle connections.
    pub max_idle_connections: Option<usize>,
    /// The time an idle connection is kept alive.
    pub idle_timeout: Option<Duration>,
    /// Whether equal queries in progress share one request. Mutations never do.
    pub deduplicate: Option<bool>,
    /// The version of HTTP.
    pub protocol: Option<Protocol>,
    /// Whether to accept compressed responses; on fast networks this costs more than it saves.
    pub compression: Option<bool>,
    /// Retries of queries that failed.
    pub retry: Option<RetryConfig>,
    /// TLS, for a subgraph at `https://`.
    pub tls: Option<TlsClientConfig>,
}

/// Retries of queries, never of mutations, from a budget that grows with the number of requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetryConfig {
    /// Whether failed queries are retried.
    pub enabled: bool,
    /// The maximum number of retries of one query.
    pub max: u32,
    /// The number of retries per second that is always allowed.
    pub min_per_second: f64,
    /// The share of requests that can be retried beyond that.
    pub ratio: f64,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self { enabled: true, max: 2, min_per_second: 10.0, ratio: 0.1 }
    }
}

/// [`SubgraphTraffic`] with nothing left open.
#[derive(Debug, Clone, PartialEq)]
pub struct Traffic {
    /// Where it is reached, when not as the supergraph says.
    pub url: Option<String>,
    /// How connections are made.
    pub client: ClientConfig,
    /// How long the first byte may take.
    pub first_byte_timeout: std::time::Duration,
    /// How long a request may take.
    pub timeout: std::time::Duration,
    /// The most bytes of an answer.
    pub max_response_bytes: usize,
    /// The most requests at once.
    pub max_concurrent_requests: usize,
    /// Whether equal queries under way are sent once.
    pub deduplicate: bool,
    /// Whether compressed answers are asked for.
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
    /// The settings of a subgraph for which none are given.
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
    /// The settings for one subgraph.
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
            // One address for all subgraphs would be a mistake: only a subgraph's own counts.
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
