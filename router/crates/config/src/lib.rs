//! The configuration of the router: a struct of the configurations of its parts, and the only place that reads files and the
//! environment for it.

mod graphs;
pub mod reference;

use std::path::{Path, PathBuf};

use braid_authentication::config::AuthenticationConfig;
use braid_authorization::config::AuthorizationConfig;
use braid_cache::config::CacheConfig;
use braid_coprocessor::config::CoprocessorConfig;
use braid_demand_control::config::{DemandControlConfig, Mode};
use braid_events::config::{BrokerConfig, EventsConfig};
use braid_gateway::config::{ExposureConfig, IncrementalConfig, OverrideLabelsConfig};
use braid_gateway::limits::LimitsConfig;
use braid_gateway::subscriptions::config::SubscriptionsConfig;
use braid_mcp::config::McpConfig;
use braid_net::config::TlsClientConfig;
use braid_persisted_operations::config::PersistedOperationsConfig;
use braid_policy_server::config::PolicyServerConfig;
use braid_popular_operations::config::SharedOperationsConfig;
use braid_rate_limit::config::{RateLimitsConfig, RateLimitsConfigError};
use braid_request_context::header_rules::HeadersConfig;
use braid_request_context::headers::HeaderRuleError;
use braid_server::config::ServerConfig;
use braid_settings::expand::{self, ExpandError};
use braid_settings::{Duration, YamlError, from_yaml, is_blank};
use braid_telemetry::config::TelemetryConfig;
use braid_telemetry::environment;
use braid_transport::config::{TrafficConfig, TrafficError};
use braid_usage::config::UsageConfig;
use braid_wasm::config::WasmConfig;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use graphs::{GraphConfig, GraphLimits};

/// The content of `router.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the schema comes from.
    pub schema: SchemaSource,
    /// Several graphs over the schema, by their names: contracts and variants. A request is for the first of them that it matches; one that matches
    /// none is refused with 404. Without any, requests are for the whole graph.
    pub graphs: IndexMap<String, GraphConfig>,
    /// The HTTP server.
    pub server: ServerConfig,
    /// Who asks.
    pub authentication: AuthenticationConfig,
    /// How much a client may ask in which time.
    pub rate_limits: RateLimitsConfig,
    /// Requests to subgraphs.
    pub traffic: TrafficConfig,
    /// What subgraphs gave is kept and served again.
    pub cache: CacheConfig,
    /// Which headers are forwarded.
    pub headers: HeadersConfig,
    /// Limits on operations.
    pub limits: LimitsConfig,
    /// What clients can see of the router's internals.
    pub exposure: ExposureConfig,
    /// Which labels of `@override(label:)` are on: how a field moves from one subgraph to another gradually.
    pub override_labels: OverrideLabelsConfig,
    /// How `@authenticated`, `@requiresScopes` and `@policy` in the supergraph are enforced.
    pub authorization: AuthorizationConfig,
    /// Who decides policies (`@policy`) that nothing in `authorization` grants.
    pub policy_server: PolicyServerConfig,
    /// An HTTP service that takes part in requests.
    pub coprocessor: CoprocessorConfig,
    /// WebAssembly components that take part in requests.
    pub wasm: WasmConfig,
    /// What operations may cost.
    pub demand_control: DemandControlConfig,
    /// Operations that requests refer to by an id: lists that you publish, and texts that clients register (automatic persisted
    /// queries).
    pub persisted_operations: PersistedOperationsConfig,
    /// Tools for agents (MCP).
    pub mcp: McpConfig,
    /// Subscriptions.
    pub subscriptions: SubscriptionsConfig,
    /// Answers in parts (`@defer`, `@stream`).
    pub incremental: IncrementalConfig,
    /// Events of subscription fields that come from a message broker instead of a subgraph.
    pub events: EventsConfig,
    /// Logs, metrics and traces.
    pub telemetry: TelemetryConfig,
    /// What is recorded of the operations that clients send: for `braid usage` and `braid check --usage`.
    pub usage: UsageConfig,
    /// Reloading without a restart.
    pub reload: ReloadConfig,
}

/// Where the schema comes from: `supergraph` or `subgraphs`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SchemaSource {
    /// A composed supergraph.
    pub supergraph: Option<PathBuf>,
    /// A supergraph.yaml that lists the subgraphs; the router composes them.
    pub subgraphs: Option<PathBuf>,
    /// A file in which the router saves the last supergraph that it could use. If subgraphs can't be reached when the router starts,
    /// it logs a warning, starts with the saved supergraph, and keeps polling them.
    pub last_good: Option<PathBuf>,
}

/// Reloading of schema, configuration and certificates without a restart. The new version is built in the background; if that fails,
/// the old one stays in use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReloadConfig {
    /// Whether files are watched.
    pub watch: bool,
    /// How often subgraphs with `subgraph_url` are asked for their schema; `0s`: only at startup.
    pub poll: Duration,
    /// How many of the most used operations are compiled before a new schema is put in use. Those for which it changes nothing stay compiled.
    pub warm_up: usize,
    /// Where routers share which operations are used most, so that one that starts has compiled them before it serves.
    pub shared_operations: Option<SharedOperationsConfig>,
}

impl Default for ReloadConfig {
    fn default() -> Self {
        Self { watch: true, poll: Duration::seconds(10), warm_up: 200, shared_operations: None }
    }
}

/// Why a configuration file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It can't be read.
    #[error("{} can't be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// Its content is invalid.
    #[error("{}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: InvalidConfig,
    },
}

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum InvalidConfig {
    /// A `${…}` can't be replaced.
    #[error(transparent)]
    Expand(#[from] ExpandError),
    /// It is not the YAML that is expected.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// The schema has two sources.
    #[error("schema: set supergraph or subgraphs, not both")]
    TwoSources,
    /// The endpoint's path is not a path.
    #[error("server.path: \"{0}\" must start with / and have no query or fragment")]
    Path(String),
    /// Every site could act as the user.
    #[error("server.cors: any_origin with credentials would let every website act as the user; list the origins")]
    AnyOriginWithCredentials,
    /// The share of sampled traces is out of range.
    #[error("telemetry.trace.otlp.sampling: {0} is not a number from 0 to 1")]
    Sampling(f64),
    /// A setting of authentication can't be used.
    #[error("authentication.{0}")]
    Authentication(String),
    /// A rate limit can't be used.
    #[error(transparent)]
    RateLimits(#[from] RateLimitsConfigError),
    /// A rate limit counts costs that are not computed.
    #[error("rate_limits.rules: \"{0}\": weight: cost needs demand_control.mode: measure or enforce")]
    NoCosts(String),
    /// A setting of traffic can't be used.
    #[error(transparent)]
    Traffic(#[from] TrafficError),
    /// A setting of invalidation can't be used.
    #[error("cache.invalidation.{0}")]
    Invalidation(String),
    /// A setting of persisted operations can't be used.
    #[error("persisted_operations.{0}")]
    PersistedOperations(String),
    /// A setting of tools for agents can't be used.
    #[error("mcp.{0}")]
    Mcp(String),
    /// A setting of sharing operations can't be used.
    #[error("reload.shared_operations.{0}")]
    SharedOperations(String),
    /// A graph can't be served.
    #[error("{0}")]
    Graphs(String),
    /// A setting of hooks can't be used.
    #[error("wasm.{0}")]
    Wasm(String),
    /// A setting of the usage log can't be used.
    #[error("usage.{0}")]
    Usage(String),
    /// A header rule can't be used.
    #[error("headers: a rule can't be used")]
    Headers(#[from] HeaderRuleError),
}

impl Config {
    /// The configuration of this process: a file or the defaults, with the standard variables of OpenTelemetry. Also returns the
    /// variables that are ignored, with the reasons.
    pub fn of_process(path: Option<&Path>) -> Result<(Self, Vec<String>), ConfigError> {
        let (mut config, given) = path.map(Self::read).transpose()?.unwrap_or_default();
        let given = &given["telemetry"]["trace"]["otlp"];
        let otlp = &mut config.telemetry.trace.otlp;
        let ignored = environment::apply(otlp, given, &|name| std::env::var(name).ok());
        Ok((config, ignored))
    }

    /// Reads `router.yaml`. Paths in it are relative to its folder.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Ok(Self::read(path)?.0)
    }

    /// The configuration in a file, and the content of the file.
    fn read(path: &Path) -> Result<(Self, Value), ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut config = Self::parse(&text, &expand::Process(folder))
            .map_err(|source| ConfigError::Invalid { path: path.to_owned(), source })?;
        let SchemaSource { supergraph, subgraphs, last_good } = &mut config.schema;
        for file in [supergraph, subgraphs, last_good, &mut config.usage.file].into_iter().flatten() {
            *file = folder.join(&*file);
        }
        config.resolve_files(folder);
        let given = expand::expand(&text, &expand::Process(folder)).ok();
        let given = given.and_then(|text| from_yaml(&text).ok()).unwrap_or_default();
        Ok((config, given))
    }

    /// Parses the text of a configuration.
    pub fn parse(text: &str, values: &dyn expand::Values) -> Result<Self, InvalidConfig> {
        let expanded = expand::expand(text, values)?;
        let config: Self = if is_blank(&expanded) { Self::default() } else { from_yaml(&expanded)? };
        config.check()?;
        Ok(config)
    }

    /// Checks what the types can't express.
    pub fn check(&self) -> Result<(), InvalidConfig> {
        if self.schema.supergraph.is_some() && self.schema.subgraphs.is_some() {
            return Err(InvalidConfig::TwoSources);
        }
        if !self.server.path.starts_with('/') || self.server.path.contains(['?', '#']) {
            return Err(InvalidConfig::Path(self.server.path.clone()));
        }
        if self.server.cors.any_origin && self.server.cors.credentials {
            return Err(InvalidConfig::AnyOriginWithCredentials);
        }
        let sampling = self.telemetry.trace.otlp.sampling;
        if !(0.0..=1.0).contains(&sampling) {
            return Err(InvalidConfig::Sampling(sampling));
        }
        self.rate_limits.check()?;
        if let (Some(rule), Mode::Off) = (self.rate_limits.counts_costs(), self.demand_control.mode) {
            return Err(InvalidConfig::NoCosts(rule.to_owned()));
        }
        self.mcp.check(&self.server.path).map_err(InvalidConfig::Mcp)?;
        if self.mcp.max_cost.is_some() && self.demand_control.mode == Mode::Off {
            let problem = "max_cost: costs need demand_control.mode: measure or enforce";
            return Err(InvalidConfig::Mcp(problem.to_owned()));
        }
        if self.mcp.enabled && self.mcp.require_credentials && !self.authentication.knows_anybody() {
            let problem = "require_credentials: nobody could call a tool, since authentication knows no credentials";
            return Err(InvalidConfig::Mcp(problem.to_owned()));
        }
        self.traffic.check()?;
        self.authentication.check().map_err(InvalidConfig::Authentication)?;
        self.cache.invalidation.check(&self.events).map_err(InvalidConfig::Invalidation)?;
        let shared = self.reload.shared_operations.as_ref();
        shared.map_or(Ok(()), SharedOperationsConfig::check).map_err(InvalidConfig::SharedOperations)?;
        let agents = self.mcp.enabled.then_some(self.mcp.graph.as_deref());
        let has_costs = self.demand_control.mode != Mode::Off;
        graphs::check(&self.graphs, agents, &self.rate_limits, has_costs).map_err(InvalidConfig::Graphs)?;
        self.usage.check().map_err(InvalidConfig::Usage)?;
        self.wasm.check().map_err(InvalidConfig::Wasm)?;
        self.persisted_operations.check().map_err(InvalidConfig::PersistedOperations)?;
        let names = self.headers.subgraphs.keys().map(String::as_str).chain([""]);
        for name in names {
            self.headers.plans(name)?;
        }
        Ok(())
    }

    /// Changes what `--dev` changes: nothing is hidden.
    pub fn for_development(&mut self) {
        self.exposure.introspection = true;
        self.exposure.subgraph_errors = true;
        self.exposure.plan = true;
        self.exposure.exchanges = true;
        self.server.playground.enabled = true;
        self.server.playground.schema_tools = true;
    }

    /// The files with certificates, keys, hashes of keys, operations that are tools, and hooks. The configuration changes when their content does.
    pub fn certificates(&self) -> impl Iterator<Item = PathBuf> {
        let server = self.server.tls.iter().flat_map(|tls| tls.files());
        let traffic = std::iter::once(&self.traffic.all).chain(self.traffic.subgraphs.values());
        let subgraphs = traffic.filter_map(|traffic| traffic.tls.as_ref()).flat_map(|tls| tls.files());
        server
            .chain(subgraphs)
            .chain(self.authentication.files())
            .chain(self.rate_limits.files())
            .chain(self.policy_server.tls.files())
            .chain(self.coprocessor.tls.files())
            .chain(self.persisted_operations.certificates())
            .chain(self.events.certificates())
            .chain(self.cache.store.files())
            .chain(self.cache.invalidation.files())
            .chain(self.reload.shared_operations.iter().flat_map(|shared| shared.tls.files()))
            .chain(self.telemetry.trace.otlp.tls.files())
            .map(PathBuf::from)
            .chain(self.mcp.watched())
            .chain(self.wasm.files())
    }

    fn resolve_files(&mut self, folder: &Path) {
        let in_folder = |file: &mut String| *file = folder.join(&*file).to_string_lossy().into_owned();
        if let Some(tls) = &mut self.server.tls {
            in_folder(&mut tls.certificate);
            in_folder(&mut tls.key);
            tls.client_authorities.iter_mut().for_each(in_folder);
        }
        self.server.playground.folder.iter_mut().for_each(in_folder);
        self.authentication.files_mut().for_each(in_folder);
        self.rate_limits.files_mut().for_each(in_folder);
        self.cache.invalidation.files_mut().for_each(in_folder);
        self.persisted_operations.resolve_files(folder);
        self.mcp.resolve_files(folder);
        self.wasm.resolve_files(folder);
        let brokers = self.events.brokers.values_mut().map(|BrokerConfig::Nats(nats)| &mut nats.tls);
        let redis = self.cache.store.redis.iter_mut().map(|redis| &mut redis.tls);
        let shared = self.reload.shared_operations.iter_mut().map(|shared| &mut shared.tls);
        let own = [&mut self.telemetry.trace.otlp.tls, &mut self.policy_server.tls, &mut self.coprocessor.tls];
        for tls in own.into_iter().chain(brokers).chain(redis).chain(shared) {
            let TlsClientConfig { authorities, certificate, key } = tls;
            [authorities, certificate, key].into_iter().flatten().for_each(in_folder);
        }
        for traffic in std::iter::once(&mut self.traffic.all).chain(self.traffic.subgraphs.values_mut()) {
            if let Some(tls) = &mut traffic.tls {
                [&mut tls.authorities, &mut tls.certificate, &mut tls.key].into_iter().flatten().for_each(in_folder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(yaml: &str, expected: &[&str]) {
        let error = braid_net::chain(&Config::parse(yaml, &expand::Process(Path::new("."))).unwrap_err());
        for part in expected {
            assert!(error.contains(part), "{error}\nlacks {part}");
        }
    }

    #[test]
    fn defaults_are_complete() {
        assert_eq!(Config::parse("# nothing\n", &expand::Process(Path::new("."))).unwrap(), Config::default());
    }

    #[test]
    fn unknown_keys_are_refused_with_location_and_suggestion() {
        check("server:\n  lissten: 127.0.0.1:1\n", &["unknown field `lissten`", "line 2", "Did you mean \"listen\"?"]);
        check("limitz: {}\n", &["line 1", "Did you mean \"limits\"?"]);
    }

    #[test]
    fn errors_of_values_say_what_is_expected() {
        check("server:\n  header_timeout: soon\n", &["\"soon\" is not a duration", "line 2"]);
        check("server:\n  body_timeout: 10\n", &["write 10s or 10ms"]);
        check("server:\n  max_connections: many\n", &["line 2"]);
        check("schema: { supergraph: a, subgraphs: b }\n", &["not both"]);
        check("server: { cors: { any_origin: true, credentials: true } }\n", &["list the origins"]);
        let rule = "rules: [{ name: a, limit: 1, per: 1s, weight: cost }]";
        check(&format!("rate_limits: {{ {rule} }}"), &["\"a\": weight: cost needs demand_control.mode"]);
        check(
            "cache: { invalidation: { listen: \"0.0.0.0:4100\" } }\n",
            &["cache.invalidation.listen: anybody", "set secret"],
        );
        check(
            "cache: { invalidation: { nats: { subjects: [a] } } }\n",
            &["cache.invalidation.nats: there is no broker"],
        );
        check("headers: { all: { request: [{ insert: { name: \"a b\", value: x } }] } }\n", &["not a header name"]);
    }

    #[test]
    fn a_printed_configuration_can_be_parsed() {
        let config = Config::default();
        let yaml = serde_saphyr::to_string(&config).unwrap();
        assert_eq!(Config::parse(&yaml, &expand::Process(Path::new("."))).unwrap(), config);
    }
}
