//! The metrics of rate limits, and of the Redis servers that the router can do without. Knows no other metric.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The metrics of a rate limit.
#[derive(Debug, Clone)]
pub struct RateLimitMetrics {
    /// Requests that it let pass.
    pub passed: Counter,
    /// Requests that it refused.
    pub refused: Counter,
    /// Requests that it would have refused if it were no dry run.
    pub would_be_refused: Counter,
}

/// The metrics of a Redis server.
#[derive(Debug, Clone)]
pub struct RedisMetrics {
    /// Whether it is used: 1, or 0 while it is away.
    pub up: Gauge,
    /// Requests to it that failed or took too long.
    pub failures: Counter,
}

/// The metrics of all of them.
#[derive(Debug, Default)]
pub(crate) struct LimitFamilies {
    requests: Family<RateLimit, Counter>,
    redis_up: Family<Purpose, Gauge>,
    redis_failures: Family<Purpose, Counter>,
}

/// The rule, the outcome, and the graph where there are several.
type RateLimit = Vec<(&'static str, String)>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Purpose {
    purpose: &'static str,
}

impl LimitFamilies {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "Requests that a rate limit applied to, by what it said";
        registry.register("rate_limit_requests", help, self.requests.clone());
        let help = "Whether a Redis server is used: 1, or 0 while it is away";
        registry.register("redis_up", help, self.redis_up.clone());
        let help = "Requests to a Redis server that failed or took too long";
        registry.register("redis_failures", help, self.redis_failures.clone());
    }

    pub(crate) fn rate_limit(&self, graph: Option<&str>, rule: &str) -> RateLimitMetrics {
        let of = |outcome: &str| {
            let mut labels = vec![("rule", rule.to_owned()), ("outcome", outcome.to_owned())];
            labels.extend(graph.map(|graph| ("graph", graph.to_owned())));
            self.requests.get_or_create(&labels).clone()
        };
        RateLimitMetrics { passed: of("Passed"), refused: of("Refused"), would_be_refused: of("WouldBeRefused") }
    }

    pub(crate) fn redis(&self, purpose: &'static str) -> RedisMetrics {
        let purpose = Purpose { purpose };
        RedisMetrics {
            up: self.redis_up.get_or_create(&purpose).clone(),
            failures: self.redis_failures.get_or_create(&purpose).clone(),
        }
    }
}
