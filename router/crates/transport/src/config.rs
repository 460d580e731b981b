//! Configuration of traffic to subgraphs. Knows no file and no environment.

mod check;
mod subscriptions;

pub use check::TrafficError;
pub use subscriptions::{
    CallbackConfig, InitPayload, ReconnectConfig, SubscriptionProtocol, SubscriptionTrafficConfig,
};

use braid_net::config::{ClientConfig, Protocol, TlsClientConfig};
use braid_settings::{ByteSize, Duration};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The largest number of URLs of a subgraph.
pub(crate) const MAX_URLS: usize = 64;

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
    /// Several URLs at which the same subgraph runs, instead of `url`. Each request goes to the one with the fewest requests in flight of
    /// two that are drawn at random. Only for one subgraph, not in `all`.
    pub urls: Option<Vec<String>>,
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
    /// The maximum number of HTTP/1.1 connections to a URL; further requests are queued, oldest client requests first.
    pub max_connections: Option<usize>,
    /// The maximum number of idle connections to a URL.
    pub max_idle_connections: Option<usize>,
    /// The time an idle connection is kept alive.
    pub idle_timeout: Option<Duration>,
    /// Whether equal queries in flight share one request. Mutations never do.
    pub deduplicate: Option<bool>,
    /// The version of HTTP.
    pub protocol: Option<Protocol>,
    /// Claims of the client that are sent along in the body of each request, as `extensions.claims`: `sub`, `realm_access.roles`. Clients
    /// with equal claims share requests, others don't.
    pub forward_claims: Option<Vec<String>>,
    /// Whether to accept compressed responses; on fast networks this costs more than it saves.
    pub compression: Option<bool>,
    /// Retries of failed queries.
    pub retry: Option<RetryConfig>,
    /// A circuit breaker: while too many requests fail, the subgraph is not asked, and requests fail at once with
    /// `SUBREQUEST_CIRCUIT_OPEN`. There is none unless this section is given; `circuit_breaker: {}` is one with the defaults.
    pub circuit_breaker: Option<CircuitBreakerConfig>,
    /// Which of several `urls` are left out for a while because requests to them fail.
    pub ejection: Option<EjectionConfig>,
    /// Hedging: a query that takes long is sent a second time, to another URL if there is one, and the first good response counts.
    /// Mutations are never sent twice. Nothing is hedged unless this section is given; `hedge: {}` hedges with the defaults.
    pub hedge: Option<HedgeConfig>,
    /// TLS, for a subgraph at `https://`.
    pub tls: Option<TlsClientConfig>,
    /// Subscriptions at the subgraph. Retries, hedging and the limits of requests and connections are not for them; while the circuit
    /// breaker is open, no new ones are made.
    pub subscriptions: Option<SubscriptionTrafficConfig>,
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

/// When a subgraph is not asked because requests to it fail. A response of 5xx, none in time, and no connection are failures; an error
/// in a response of 200 is none, and a request that its client gave up says nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CircuitBreakerConfig {
    /// Whether there is a circuit breaker: `false` for a subgraph without one, where `traffic.all` has one.
    pub enabled: bool,
    /// The time over which requests are counted.
    pub window: Duration,
    /// The number of requests in the window below which the circuit never opens.
    pub min_requests: u32,
    /// The share of them that must fail for the circuit to open, above 0 and up to 1.
    pub failure_ratio: f64,
    /// How long the circuit stays open. Then it is half-open: a few requests are let through as probes.
    pub open_time: Duration,
    /// The number of probes. If all succeed, the circuit closes; if one fails, it opens again. Probes are neither retried nor hedged.
    pub probes: u32,
}

impl Default for CircuitBreakerConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            window: Duration::seconds(10),
            min_requests: 20,
            failure_ratio: 0.5,
            open_time: Duration::seconds(10),
            probes: 3,
        }
    }
}

/// When one of several URLs is left out. What counts as a failure is as for `circuit_breaker`, but each attempt counts, retries too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EjectionConfig {
    /// Whether URLs are left out.
    pub enabled: bool,
    /// A URL is left out after this number of failures in a row. The first failure after it has come back is enough.
    pub consecutive_failures: u32,
    /// The time over which the share of failures is counted.
    pub window: Duration,
    /// The number of attempts in the window below which the share does not count.
    pub min_requests: u32,
    /// A URL is left out when this share of its attempts fails, above 0 and up to 1.
    pub failure_ratio: f64,
    /// How long it is left out: this time at first, twice as long each time that it fails again soon after.
    pub base_time: Duration,
    /// The longest time that it is left out.
    pub max_time: Duration,
    /// The largest share of the URLs that are left out at the same time, from 0 to 1. One may always be, and one always stays.
    pub max_ejected: f64,
}

impl Default for EjectionConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            consecutive_failures: 5,
            window: Duration::seconds(10),
            min_requests: 20,
            failure_ratio: 0.5,
            base_time: Duration::seconds(10),
            max_time: Duration::seconds(300),
            max_ejected: 0.5,
        }
    }
}

/// When a query is sent a second time. The second one is taken from a budget that grows with the number of requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HedgeConfig {
    /// Whether queries are hedged: `false` for a subgraph where they are not, though `traffic.all` has it.
    pub enabled: bool,
    /// The time without a response after which the query is sent again. If it is not set, `percentile` says it.
    pub delay: Option<Duration>,
    /// The percentage of queries that have been answered by then, as measured: with 95, one in twenty queries would be sent again.
    pub percentile: f64,
    /// The share of queries that can be sent a second time, from 0 to 1.
    pub ratio: f64,
}

impl Default for HedgeConfig {
    fn default() -> Self {
        Self { enabled: true, delay: None, percentile: 95.0, ratio: 0.05 }
    }
}

/// The options for one subgraph, with all defaults filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Traffic {
    /// The URLs, if they are not the one in the supergraph.
    pub urls: Vec<String>,
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
    /// The claims of the client that are sent along.
    pub forward_claims: Vec<String>,
    /// Whether compressed responses are accepted.
    pub compression: bool,
    /// Retries.
    pub retry: RetryConfig,
    /// The circuit breaker, if there is one.
    pub circuit_breaker: Option<CircuitBreakerConfig>,
    /// The ejection of URLs, if there is any.
    pub ejection: Option<EjectionConfig>,
    /// Hedging, if there is any.
    pub hedge: Option<HedgeConfig>,
    /// Subscriptions.
    pub subscriptions: SubscriptionTrafficConfig,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            client: ClientConfig::default(),
            first_byte_timeout: std::time::Duration::from_secs(30),
            timeout: std::time::Duration::from_secs(30),
            max_response_bytes: 64 << 20,
            max_concurrent_requests: 10_000,
            deduplicate: true,
            forward_claims: Vec::new(),
            compression: false,
            retry: RetryConfig::default(),
            circuit_breaker: None,
            ejection: Some(EjectionConfig::default()),
            hedge: None,
            subscriptions: SubscriptionTrafficConfig::default(),
        }
    }
}

impl SubgraphTraffic {
    /// The options of a subgraph for which none are set, and what sections that have to be given mean when they are empty.
    pub fn defaults() -> Self {
        let traffic = Traffic::default();
        let client = traffic.client;
        Self {
            url: None,
            urls: None,
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
            forward_claims: Some(traffic.forward_claims),
            compression: Some(traffic.compression),
            retry: Some(traffic.retry),
            circuit_breaker: Some(CircuitBreakerConfig::default()),
            ejection: traffic.ejection,
            hedge: Some(HedgeConfig::default()),
            tls: Some(client.tls),
            subscriptions: Some(traffic.subscriptions),
        }
    }

    fn all_urls(&self) -> Vec<String> {
        self.url.iter().chain(self.urls.iter().flatten()).cloned().collect()
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
            // One URL for all subgraphs would be a mistake, so only a subgraph's own count.
            urls: own.map(SubgraphTraffic::all_urls).unwrap_or_default(),
            client: ClientConfig {
                connect_timeout: duration(setting!(connect_timeout), client.connect_timeout),
                max_connections: setting!(max_connections).unwrap_or(client.max_connections).max(1),
                max_idle_connections: setting!(max_idle_connections).unwrap_or(client.max_idle_connections),
                idle_timeout: duration(setting!(idle_timeout), client.idle_timeout),
                protocol: setting!(protocol).unwrap_or(client.protocol),
                keepalive: client.keepalive,
                tls: setting!(tls).unwrap_or(client.tls),
            },
            first_byte_timeout: duration(setting!(first_byte_timeout), default.first_byte_timeout),
            timeout: duration(setting!(timeout), default.timeout),
            max_response_bytes: setting!(max_response_bytes).map_or(default.max_response_bytes, |size| size.0),
            max_concurrent_requests: setting!(max_concurrent_requests).unwrap_or(default.max_concurrent_requests),
            deduplicate: setting!(deduplicate).unwrap_or(default.deduplicate),
            forward_claims: setting!(forward_claims).unwrap_or(default.forward_claims),
            compression: setting!(compression).unwrap_or(default.compression),
            retry: setting!(retry).unwrap_or(default.retry),
            circuit_breaker: setting!(circuit_breaker).or(default.circuit_breaker).filter(|config| config.enabled),
            ejection: setting!(ejection).or(default.ejection).filter(|config| config.enabled),
            hedge: setting!(hedge).or(default.hedge).filter(|config| config.enabled),
            subscriptions: setting!(subscriptions).unwrap_or(default.subscriptions),
        }
    }
}
