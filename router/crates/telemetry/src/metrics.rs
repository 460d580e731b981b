//! Metrics for Prometheus. Counters that requests use are looked up by label once, not per request. Knows no GraphQL.

mod answers;
mod cache;
mod cached;
mod coprocessor;
mod graphs;
mod hooks;
mod invalidation;
mod limits;
mod outcome;
mod schema_usage;
mod streams;
mod subgraph;
mod upstream;

use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
pub use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::codes::{ForeignCodes, LIMITS};

pub use answers::AnswerMetrics;
pub use cache::CacheMetrics;
use cached::CachedItemFamilies;
pub use cached::CachedItemMetrics;
pub use coprocessor::CoprocessorMetrics;
use graphs::GraphFamilies;
pub use graphs::GraphMetrics;
pub use hooks::{HookMetrics, HookStageMetrics};
use invalidation::Invalidated;
pub use invalidation::{InvalidationOutcome, InvalidationWay};
use limits::LimitFamilies;
pub use limits::{RateLimitMetrics, RedisMetrics};
pub use outcome::CallOutcome;
pub use schema_usage::SchemaUsageMetrics;
pub use streams::{StreamLimit, StreamMetrics};
use subgraph::SubgraphFamilies;
pub use subgraph::SubgraphMetrics;
use upstream::UpstreamFamilies;
pub use upstream::{Dropped, UpstreamMetrics};

/// The metrics of a router.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Requests in flight.
    pub active_requests: Gauge,
    /// Open connections from clients.
    pub connections: Gauge,
    requests: [Counter; 5],
    request_duration: Histogram,
    overhead: Histogram,
    errors: Family<Code, Counter>,
    foreign_codes: ForeignCodes,
    limits: Family<Code, Counter>,
    authenticated: Family<Credentials, Counter>,
    unauthorized: Counter,
    would_be_unauthorized: Counter,
    policy_server_failures: Counter,
    cost_estimated: Histogram,
    cost_actual: Histogram,
    too_expensive: Counter,
    would_be_too_expensive: Counter,
    /// Requests whose operation was in the cache.
    pub cache_hits: Counter,
    /// Requests whose operation had to be compiled.
    pub cache_misses: Counter,
    /// Operations in the cache.
    pub cache_operations: Gauge,
    /// The estimated size of the operations in the cache, in bytes.
    pub cache_bytes: Gauge,
    /// The time to compile an operation.
    pub compile_duration: Histogram,
    /// The part of that time that planning takes.
    pub plan_duration: Histogram,
    documents: [Counter; DocumentOutcome::ALL.len()],
    /// Operations in the list of persisted operations.
    pub listed_operations: Gauge,
    operation_list_reloads: Family<Outcome, Counter>,
    /// The size of the texts that clients have registered, in bytes.
    pub automatic_queries_bytes: Gauge,
    reloads: Family<Outcome, Counter>,
    /// When the schema in use was put in use, as a Unix timestamp in seconds.
    pub schema_since: Gauge,
    subgraphs: SubgraphFamilies,
    upstream: UpstreamFamilies,
    rate_limits: LimitFamilies,
    /// Calls to the coprocessor.
    pub coprocessor: CoprocessorMetrics,
    /// Calls to WebAssembly hooks.
    pub hooks: HookMetrics,
    cached_items: CachedItemFamilies,
    invalidations: Family<Invalidated, Counter>,
    /// Answers that are not executed for the one who asks.
    pub answers: AnswerMetrics,
    /// Streams to clients, and the subscriptions behind them.
    pub streams: StreamMetrics,
    /// What is kept of subgraphs' answers.
    pub cache: CacheMetrics,
    /// The fields that clients ask for.
    pub schema_usage: SchemaUsageMetrics,
    graphs: GraphFamilies,
    /// Access log lines that were dropped because standard error was too slow.
    pub access_lines_dropped: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Status {
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Code {
    code: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Credentials {
    credentials: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: ReloadOutcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Document {
    outcome: DocumentOutcome,
}

/// What came of a request's id, or of looking for its text in the list of persisted operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum DocumentOutcome {
    /// The list has the id.
    Listed,
    /// The list has the text.
    ListedText,
    /// The text was registered by its hash, and is in memory.
    Automatic,
    /// The text was registered by its hash, and is in Redis.
    AutomaticShared,
    /// The text was sent with its hash, to be registered.
    Registered,
    /// The text was sent with another hash.
    Mismatch,
    /// No text has the id.
    NotFound,
    /// The text is not listed; it was executed and logged.
    Unlisted,
    /// The text is not listed, or was sent without an id; it was refused.
    Refused,
    /// The text is not listed, or was sent without an id, by a client that may do so.
    Exempt,
}

impl DocumentOutcome {
    const ALL: [Self; 10] = [
        Self::Listed,
        Self::ListedText,
        Self::Automatic,
        Self::AutomaticShared,
        Self::Registered,
        Self::Mismatch,
        Self::NotFound,
        Self::Unlisted,
        Self::Refused,
        Self::Exempt,
    ];
}

/// The outcome of a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum ReloadOutcome {
    /// The new version is in use.
    Swapped,
    /// Nothing has changed.
    Unchanged,
    /// The new version can't be used; the old one stays in use.
    Failed,
}

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The place of the class of a status in [`CLASSES`].
fn class_of(status: http::StatusCode) -> usize {
    usize::from(status.as_u16() / 100).clamp(1, 5) - 1
}

const BUCKETS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// A cost has no unit.
const COSTS: [f64; 12] = [1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 10_000.0, 100_000.0];

fn seconds() -> Histogram {
    Histogram::new(BUCKETS)
}

impl Default for Metrics {
    fn default() -> Self {
        let requests: Family<Status, Counter> = Family::default();
        let documents: Family<Document, Counter> = Family::default();
        let mut metrics = Self {
            registry: Registry::with_prefix("braid"),
            active_requests: Gauge::default(),
            connections: Gauge::default(),
            requests: CLASSES.map(|status| requests.get_or_create(&Status { status }).clone()),
            request_duration: seconds(),
            overhead: seconds(),
            errors: Family::default(),
            foreign_codes: ForeignCodes::default(),
            limits: Family::default(),
            authenticated: Family::default(),
            unauthorized: Counter::default(),
            would_be_unauthorized: Counter::default(),
            policy_server_failures: Counter::default(),
            cost_estimated: Histogram::new(COSTS),
            cost_actual: Histogram::new(COSTS),
            too_expensive: Counter::default(),
            would_be_too_expensive: Counter::default(),
            cache_hits: Counter::default(),
            cache_misses: Counter::default(),
            cache_operations: Gauge::default(),
            cache_bytes: Gauge::default(),
            compile_duration: seconds(),
            plan_duration: seconds(),
            documents: DocumentOutcome::ALL.map(|outcome| documents.get_or_create(&Document { outcome }).clone()),
            listed_operations: Gauge::default(),
            operation_list_reloads: Family::default(),
            automatic_queries_bytes: Gauge::default(),
            reloads: Family::default(),
            schema_since: Gauge::default(),
            subgraphs: SubgraphFamilies::default(),
            upstream: UpstreamFamilies::default(),
            rate_limits: LimitFamilies::default(),
            coprocessor: CoprocessorMetrics::default(),
            hooks: HookMetrics::default(),
            cached_items: CachedItemFamilies::default(),
            invalidations: Family::default(),
            answers: AnswerMetrics::default(),
            streams: StreamMetrics::default(),
            cache: CacheMetrics::default(),
            schema_usage: SchemaUsageMetrics::default(),
            graphs: GraphFamilies::default(),
            access_lines_dropped: Counter::default(),
        };
        metrics.register(requests);
        metrics.register_persisted_operations(documents);
        metrics
    }
}

impl Metrics {
    fn register(&mut self, requests: Family<Status, Counter>) {
        let registry = &mut self.registry;
        registry.register("http_server_active_requests", "Requests in flight", self.active_requests.clone());
        registry.register("http_server_connections", "Open connections from clients", self.connections.clone());
        registry.register("http_server_requests", "Requests by class of HTTP status", requests);
        let duration = self.request_duration.clone();
        registry.register_with_unit("http_server_request_duration", "Duration of requests", Unit::Seconds, duration);
        let help = "Duration of requests without the time spent waiting for subgraphs";
        registry.register_with_unit("router_overhead", help, Unit::Seconds, self.overhead.clone());
        registry.register("graphql_errors", "GraphQL errors by code", self.errors.clone());
        let (help, family) = ("Requests by what says who asks", self.authenticated.clone());
        registry.register("authentication_requests", help, family);
        let (help, counter) = ("Requests for something their client may not see", self.unauthorized.clone());
        registry.register("authorization_refused", help, counter);
        let help = "Requests that would be refused something if authorization were not a dry run";
        registry.register("authorization_would_refuse", help, self.would_be_unauthorized.clone());
        let help = "Requests whose policies the policy server could not decide";
        registry.register("policy_server_failures", help, self.policy_server_failures.clone());
        let help = "Cost of operations, as it is estimated before they run";
        registry.register("operation_cost_estimated", help, self.cost_estimated.clone());
        let help = "Cost of operations, by what the subgraphs gave";
        registry.register("operation_cost_actual", help, self.cost_actual.clone());
        let help = "Requests that were refused all or a part because of their cost";
        registry.register("demand_control_refused", help, self.too_expensive.clone());
        let help = "Requests that would be refused all or a part if costs were enforced";
        registry.register("demand_control_would_refuse", help, self.would_be_too_expensive.clone());
        registry.register("limits_hit", "Limits that were exceeded, by error code", self.limits.clone());
        registry.register("operation_cache_hits", "Requests whose operation was in the cache", self.cache_hits.clone());
        registry.register(
            "operation_cache_misses",
            "Requests whose operation had to be compiled",
            self.cache_misses.clone(),
        );
        registry.register("operation_cache_operations", "Operations in the cache", self.cache_operations.clone());
        registry.register(
            "operation_cache_size",
            "Estimated size of the operations in the cache in bytes",
            self.cache_bytes.clone(),
        );
        let compile = self.compile_duration.clone();
        registry.register_with_unit(
            "operation_compile_duration",
            "Time to compile an operation",
            Unit::Seconds,
            compile,
        );
        let plan = self.plan_duration.clone();
        registry.register_with_unit("operation_plan_duration", "Time to plan an operation", Unit::Seconds, plan);
        registry.register(
            "schema_reloads",
            "Reloads of schema, configuration and certificates by outcome",
            self.reloads.clone(),
        );
        registry.register(
            "schema_since_seconds",
            "Unix timestamp at which the schema was put in use",
            self.schema_since.clone(),
        );
        self.subgraphs.register(registry);
        self.upstream.register(registry);
        self.rate_limits.register(registry);
        self.coprocessor.register(registry);
        self.hooks.register(registry);
        self.cached_items.register(registry);
        let help = "Requests and messages with invalidations, by how they came and what came of them";
        registry.register("cache_invalidation_messages", help, self.invalidations.clone());
        self.answers.register(registry);
        self.streams.register(registry);
        self.cache.register(registry);
        self.schema_usage.register(registry);
        self.graphs.register(registry);
        registry.register(
            "access_log_dropped",
            "Access log lines that were dropped",
            self.access_lines_dropped.clone(),
        );
    }

    fn register_persisted_operations(&mut self, documents: Family<Document, Counter>) {
        let registry = &mut self.registry;
        let help =
            "Requests with the id of a persisted operation, and texts that were looked for in the list, by outcome";
        registry.register("persisted_operations_requests", help, documents);
        let (help, gauge) = ("Ids in the list of persisted operations", self.listed_operations.clone());
        registry.register("persisted_operations_listed", help, gauge);
        let help = "Reloads of the list of persisted operations by outcome";
        registry.register("persisted_operations_reloads", help, self.operation_list_reloads.clone());
        let help = "Size of the texts that clients have registered in bytes";
        registry.register("persisted_operations_registered_size", help, self.automatic_queries_bytes.clone());
    }

    /// Counts what came of a request's document.
    pub fn document(&self, outcome: DocumentOutcome) {
        self.documents[outcome as usize].inc();
    }

    /// Counts a reload of the list of persisted operations.
    pub fn operation_list_reload(&self, outcome: ReloadOutcome) {
        self.operation_list_reloads.get_or_create(&Outcome { outcome }).inc();
    }

    /// Counts a request.
    pub fn request(&self, status: http::StatusCode, took: Duration, overhead: Option<Duration>) {
        self.requests[class_of(status)].inc();
        self.request_duration.observe(took.as_secs_f64());
        if let Some(overhead) = overhead {
            self.overhead.observe(overhead.as_secs_f64());
        }
    }

    /// Counts a request by what says who asks: `none`, `jwt` and so on.
    pub fn authenticated(&self, credentials: &'static str) {
        self.authenticated.get_or_create(&Credentials { credentials }).inc();
    }

    /// Counts a request for something that its client may not see.
    pub fn unauthorized(&self, dry_run: bool) {
        if dry_run { &self.would_be_unauthorized } else { &self.unauthorized }.inc();
    }

    /// Counts a request whose policies the policy server could not decide.
    pub fn policy_server_failed(&self) {
        self.policy_server_failures.inc();
    }

    /// Adds the cost of an operation as it is estimated.
    pub fn cost_estimated(&self, cost: u64) {
        self.cost_estimated.observe(cost as f64);
    }

    /// Adds the cost of an operation by what the subgraphs gave.
    pub fn cost_actual(&self, cost: u64) {
        self.cost_actual.observe(cost as f64);
    }

    /// Counts a request of which all or a part costs too much.
    pub fn too_expensive(&self, is_measured: bool) {
        if is_measured { &self.would_be_too_expensive } else { &self.too_expensive }.inc();
    }

    /// Counts an error of a response. Subgraphs can send any code, so only a limited number of codes get a label.
    pub fn error(&self, code: &str) {
        let code = Code { code: self.foreign_codes.label(code).to_owned() };
        if LIMITS.contains(&code.code.as_str()) {
            self.limits.get_or_create(&code).inc();
        }
        self.errors.get_or_create(&code).inc();
    }

    /// Counts a reload.
    pub fn reload(&self, outcome: ReloadOutcome) {
        self.reloads.get_or_create(&Outcome { outcome }).inc();
    }

    /// The metrics of one subgraph. `codes` are the codes with which requests to it can fail.
    pub fn subgraph(&self, name: &str, codes: impl IntoIterator<Item = &'static str>) -> SubgraphMetrics {
        self.subgraphs.of(name, codes)
    }

    /// The metrics of the connections that bring the events of a subgraph.
    pub fn upstream(&self, name: &str) -> UpstreamMetrics {
        self.upstream.of(name, self.streams.dropped.clone())
    }

    /// The metrics of one of several graphs.
    pub fn graph(&self, name: &str) -> GraphMetrics {
        self.graphs.of(name)
    }

    /// The metrics of a rate limit, for the requests to one of several graphs or for all others.
    pub fn rate_limit(&self, graph: Option<&str>, rule: &str) -> RateLimitMetrics {
        self.rate_limits.rate_limit(graph, rule)
    }

    /// The metrics of what is kept of a type of a subgraph.
    pub fn cached_items(&self, subgraph: &str, ty: &str) -> CachedItemMetrics {
        self.cached_items.of(subgraph, ty)
    }

    /// Counts a request or message with invalidations.
    pub fn invalidation(&self, way: InvalidationWay, outcome: InvalidationOutcome) {
        self.invalidations.get_or_create(&Invalidated { way, outcome }).inc();
    }

    /// The metrics of a Redis server that is used for this.
    pub fn redis(&self, purpose: &'static str) -> RedisMetrics {
        self.rate_limits.redis(purpose)
    }

    /// All metrics as text.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a string can't fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}
