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
    /// By name of the subgraph: settings that differ.
    pub subgraphs: IndexMap<String, SubgraphTraffic>,
}

/// Traffic to a subgraph. What is not set is taken from `all`, then from the defaults.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SubgraphTraffic {
    /// Where it is reached, instead of the address in the supergraph. `http://`, `https://`, or `unix:///socket?path=/graphql`.
    pub url: Option<String>,
    /// How long opening a connection may take (default 5s).
    pub connect_timeout: Option<Duration>,
    /// How long the first byte of an answer may take (default 30s).
    pub first_byte_timeout: Option<Duration>,
    /// How long a whole request may take (default 30s).
    pub timeout: Option<Duration>,
    /// The most bytes of an answer, unpacked (default 64MiB).
    pub max_response_bytes: Option<ByteSize>,
    /// The most requests under way at once, those that wait for a connection included; more fail at once (default 10000).
    pub max_concurrent_requests: Option<usize>,
    /// The most connections in HTTP/1.1; further requests wait for one, those of the oldest client requests first (default 256).
    pub max_connections: Option<usize>,
    /// How many idle connections are kept (default 512).
    pub max_idle_connections: Option<usize>,
    /// How long an idle connection is kept (default 60s).
    pub idle_timeout: Option<Duration>,
    /// Whether equal queries under way are sent once (default true). Mutations never are.
    pub deduplicate: Option<bool>,
    /// Which version of HTTP is spoken (default http1).
    pub protocol: Option<Protocol>,
    /// Whether compressed answers are asked for (default false: networks between services are fast).
    pub compression: Option<bool>,
    /// Repeats queries that brought no answer.
    pub retry: Option<RetryConfig>,
    /// Certificates.
    pub tls: Option<TlsClientConfig>,
}

/// Retries of queries, never of mutations, out of a budget that grows with successes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetryConfig {
    /// Whether queries are repeated.
    pub enabled: bool,
    /// The most repetitions of one query.
    pub max: u32,
    /// Retries per second that are always allowed.
    pub min_per_second: f64,
    /// Further retries, as a share of requests.
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
        let (default, half_a_minute) = (ClientConfig::default(), std::time::Duration::from_secs(30));
        Traffic {
            // One address for all subgraphs would be a mistake: only a subgraph's own counts.
            url: own.and_then(|own| own.url.clone()),
            client: ClientConfig {
                connect_timeout: duration(setting!(connect_timeout), default.connect_timeout),
                max_connections: setting!(max_connections).unwrap_or(default.max_connections).max(1),
                max_idle_connections: setting!(max_idle_connections).unwrap_or(default.max_idle_connections),
                idle_timeout: duration(setting!(idle_timeout), default.idle_timeout),
                protocol: setting!(protocol).unwrap_or_default(),
                tls: setting!(tls).unwrap_or_default(),
            },
            first_byte_timeout: duration(setting!(first_byte_timeout), half_a_minute),
            timeout: duration(setting!(timeout), half_a_minute),
            max_response_bytes: setting!(max_response_bytes).map_or(64 << 20, |size| size.0),
            max_concurrent_requests: setting!(max_concurrent_requests).unwrap_or(10_000),
            deduplicate: setting!(deduplicate).unwrap_or(true),
            compression: setting!(compression).unwrap_or(false),
            retry: setting!(retry).unwrap_or_default(),
        }
    }
}
