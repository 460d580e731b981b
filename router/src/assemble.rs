//! Puts the parts together: a version from a supergraph and a configuration, and a front that serves it. Knows no request.

use std::sync::Arc;

use braid_authentication::Authenticator;
use braid_authentication::config::Exceptions;
use braid_cache::{CacheError, Cached, Describes};
use braid_contracts::ContractError;
use braid_coprocessor::{Coprocessor, CoprocessorError};
use braid_events::{Events, EventsError, WithEvents};
use braid_executor::LongWork;
use braid_gateway::answers::AnswersSetup;
use braid_gateway::config::AnonymousConfig;
use braid_gateway::{DocumentError, Documents, Gateway, GatewayConfig, GatewayError, PolicyAuthorizer};
use braid_mcp::McpError;
use braid_persisted_operations::OperationStore;
use braid_plugin::{Plugins, WithRequestStage, WithResponseStage};
use braid_policy_server::{PolicyServer, PolicyServerError};
use braid_rate_limit::{LimitsByGraph, RateLimitError};
use braid_server::Observers;
use braid_server::config::SettingsError;
use braid_stand_in::{StandIns, WithStandIns};
use braid_supergraph::Supergraph;
use braid_telemetry::access_log::AccessLog;
use braid_telemetry::metrics::Metrics;
use braid_telemetry::otlp::{Exporter, ExporterError};
use braid_transport::{HttpSubgraphs, TransportError};
use braid_usage::{Publish, Usage, UsageError};
use futures_util::future::BoxFuture;
use tokio::net::TcpListener;

use crate::agents;
use crate::callback::CallbackRoute;
use crate::graphs;
use crate::hooks::{HookPrograms, HooksError};
use braid_config::Config;

/// The subgraphs over HTTP, with stand-ins for some of them in development, and brokers for the events that come from there.
type WithBrokers = WithEvents<WithStandIns<HttpSubgraphs>>;

/// The subgraphs, and a cache before them, with the stages of plugins on both sides of it.
pub type Subgraphs = WithRequestStage<Cached<WithResponseStage<WithBrokers>>>;

/// The cache in front of the subgraphs.
pub(crate) fn cache(of: &Subgraphs) -> &Cached<WithResponseStage<WithBrokers>> {
    &of.subgraphs
}

/// The subgraphs themselves, with those that are brokers.
fn with_events(of: &Subgraphs) -> &WithBrokers {
    &cache(of).subgraphs.subgraphs
}

/// What a program adds to what the configuration says.
#[derive(Debug, Clone, Default)]
pub struct Additions {
    /// Plugins. Hooks and the coprocessor, if there are any, are asked after them on the way in, and before them on the way out.
    pub plugins: Plugins,
    /// The components of hooks that are compiled already.
    pub hooks: HookPrograms,
    /// What answers for subgraphs that are not there.
    pub stand_ins: StandIns,
}

/// A version with such subgraphs.
pub type Version = braid_server::Version<Subgraphs>;

/// A front that serves such versions.
pub type Front = braid_server::Front<Subgraphs>;

/// Builds a version that has this list of persisted operations. Connections of `previous` are kept where nothing about them has changed.
pub fn version(
    config: &Config,
    supergraph_sdl: &str,
    operations: Option<Arc<OperationStore>>,
    metrics: &Arc<Metrics>,
    previous: Option<&Version>,
) -> Result<Version, VersionError> {
    version_with(Additions::default(), config, supergraph_sdl, operations, metrics, previous)
}

/// The same with additions.
pub fn version_with(
    additions: Additions,
    config: &Config,
    supergraph_sdl: &str,
    operations: Option<Arc<OperationStore>>,
    metrics: &Arc<Metrics>,
    previous: Option<&Version>,
) -> Result<Version, VersionError> {
    let Additions { plugins, hooks, stand_ins } = additions;
    let hooks = hooks.hooks(&config.wasm, metrics)?;
    let plugins = hooks.after(plugins);
    let plugins = match Coprocessor::new(&config.coprocessor, supergraph_sdl, metrics)? {
        Some(coprocessor) => plugins.with(coprocessor),
        None => plugins,
    };
    let mut supergraph = read(supergraph_sdl, previous.map(|previous| &*previous.gateway.supergraph))?;
    unknown_names(config, &supergraph)?;
    let events = Events::declare(&mut supergraph, &config.events)?;
    let supergraph = Arc::new(supergraph);
    let older = previous.map(|previous| &previous.gateway.subgraphs);
    let older_subgraphs = older.map(with_events);
    let older_http = older_subgraphs.map(|older| &older.subgraphs.subgraphs);
    let http = HttpSubgraphs::new(&supergraph, &config.traffic, metrics, older_http)?;
    let subgraphs = WithStandIns::new(http, &stand_ins, &supergraph);
    let subgraphs = WithEvents::new(subgraphs, &events, &supergraph, older_subgraphs)?;
    let subgraphs = WithResponseStage::new(subgraphs, &plugins, &supergraph);
    let forwards_claims = |name: &str| !config.traffic.for_subgraph(name).forward_claims.is_empty();
    let answers = &config.cache.answers;
    let describes = Describes { tags: answers.headers && answers.surrogate_keys.is_some(), dependencies: answers.keep };
    let older = older.map(cache);
    let subgraphs = Cached::new(subgraphs, &config.cache, &supergraph, forwards_claims, describes, metrics, older)?;
    let answers = subgraphs.store().map(|store| AnswersSetup {
        config: answers.clone(),
        vary: config.cache.vary.clone(),
        store: store.clone(),
    });
    let subgraphs = WithRequestStage::new(subgraphs, &plugins, &supergraph);
    let policy_server = PolicyServer::new(&config.policy_server, metrics)?;
    let gateway_config = GatewayConfig {
        policy_authorizer: hooks.before(policy_server.map(|server| Arc::new(server) as Arc<dyn PolicyAuthorizer>)),
        limits: config.limits.clone(),
        exposure: config.exposure.clone(),
        headers: config.headers.clone(),
        override_labels: config.override_labels.clone(),
        authorization: config.authorization.clone(),
        demand_control: config.demand_control.clone(),
        subscriptions: config.subscriptions.clone(),
        incremental: config.incremental.clone(),
        has_cache: config.cache.enabled,
        share_executions: config.server.deduplicate,
        answers,
        plugins,
        usage: usage(config, metrics, previous)?,
        graphs: graphs::of(config, &supergraph)?,
        long_work: LongWork::of_this_runtime(),
        anonymous: config.authentication.required.then(|| anonymous(&config.authentication.exceptions)),
    };
    let older = previous.map(|previous| &previous.gateway.documents);
    let documents = Documents::new(&config.persisted_operations, operations, older, metrics)?;
    let gateway = Gateway::new(supergraph, subgraphs, &gateway_config, metrics)?.with_documents(documents);
    let older = previous.and_then(|previous| previous.authenticator.as_ref());
    let authenticator = Authenticator::new(&config.authentication, older).map_err(VersionError::Authentication)?;
    let older = previous.and_then(|previous| previous.rate_limits.as_ref());
    let of_graphs =
        config.graphs.iter().map(|(name, graph)| (name.as_str(), graph.rate_limits.over(&config.rate_limits)));
    let rate_limits = LimitsByGraph::new(&config.rate_limits, of_graphs, metrics, older)?;
    let version = Version::new(gateway, config.server.clone(), config.telemetry.clone())?;
    let version = version.with_graphs(&graphs::setups(config), metrics)?;
    let agents = agents::endpoint(config, &version.gateway)?;
    Ok(version.with_authenticator(authenticator).with_rate_limits(rate_limits).with_endpoint(agents))
}

/// What records the use of the graph. Versions with the same settings have the same.
fn usage(
    config: &Config,
    metrics: &Arc<Metrics>,
    previous: Option<&Version>,
) -> Result<Option<Arc<Usage>>, UsageError> {
    let config = &config.usage;
    let older = previous.and_then(|previous| previous.gateway.usage.as_ref());
    match older.filter(|older| older.config() == config) {
        _ if !config.is_on() => Ok(None),
        Some(older) => Ok(Some(older.clone())),
        None => {
            let (metrics, max) = (metrics.clone(), config.metrics.max_series);
            let publish: Publish = Box::new(move |field, client, version, requests| {
                metrics.schema_usage.add([field, client, version], requests, max);
            });
            Usage::new(config, config.metrics.enabled.then_some(publish)).map(Arc::new).map(Some)
        }
    }
}

fn anonymous(exceptions: &Exceptions) -> AnonymousConfig {
    AnonymousConfig { introspection: exceptions.introspection, fields: exceptions.fields.clone() }
}

/// Parses a supergraph, if the router can serve it.
pub(crate) fn read(supergraph_sdl: &str, older: Option<&Supergraph>) -> Result<Supergraph, VersionError> {
    let supergraph = Supergraph::read_after(supergraph_sdl, older).map_err(VersionError::Supergraph)?;
    for tag in &supergraph.cache_tags.ignored {
        tracing::warn!(tag, "A cache tag of the supergraph has no effect");
    }
    match supergraph.demanded_features().first() {
        Some(feature) => Err(VersionError::Feature(feature.clone())),
        None => Ok(supergraph),
    }
}

/// A front that starts with `version`. Must be called on a Tokio runtime, which sends spans.
pub fn front(config: &Config, version: Version, metrics: Arc<Metrics>) -> Result<Front, FrontError> {
    let telemetry = &config.telemetry;
    let dropped = metrics.access_lines_dropped.clone();
    let access_log = telemetry.access_log.enabled.then(|| AccessLog::to_stderr(dropped)).transpose()?;
    let otlp = &telemetry.trace.otlp;
    let exporter = match &otlp.endpoint {
        None => None,
        Some(url) => Some(Exporter::new(otlp, url)?),
    };
    // Later versions have the same.
    let http = &with_events(&version.gateway.subgraphs).subgraphs.subgraphs;
    let callbacks = CallbackRoute(http.callbacks().clone());
    Ok(Front::new(version, Observers { metrics, access_log, exporter }).with_route(Arc::new(callbacks)))
}

/// Serves the front until `shutdown` completes ([`braid_server::serve`]).
///
/// A boxed future: an `async fn` is compiled where it is awaited, so without the box the server would be compiled again in each
/// program that serves.
pub fn serve(listener: TcpListener, front: Arc<Front>, shutdown: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
    Box::pin(braid_server::serve(listener, front, shutdown))
}

/// Why a front can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum FrontError {
    /// The thread that writes the access log can't be started.
    #[error("the access log can't be written")]
    AccessLog(#[from] std::io::Error),
    /// Spans can't be exported.
    #[error("telemetry.trace.otlp can't be used")]
    Exporter(#[from] ExporterError),
}

/// Why a version can't be built.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// The supergraph is invalid.
    #[error("the supergraph can't be used")]
    Supergraph(#[source] braid_supergraph::SupergraphError),
    /// The supergraph requires something that this router does not support, and that may matter for security.
    #[error(
        "the supergraph requires {0}, which this router does not support; compose without it, or upgrade the router"
    )]
    Feature(String),
    /// A subgraph can't be called.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Events can't come from a broker.
    #[error(transparent)]
    Events(#[from] EventsError),
    /// The cache can't be set up.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// Rate limits can't be set up.
    #[error(transparent)]
    RateLimits(#[from] RateLimitError),
    /// The gateway can't be set up.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// The policy server can't be asked.
    #[error(transparent)]
    PolicyServer(#[from] PolicyServerError),
    /// The coprocessor can't be asked.
    #[error(transparent)]
    Coprocessor(#[from] CoprocessorError),
    /// A WebAssembly hook can't be used.
    #[error(transparent)]
    Hooks(#[from] HooksError),
    /// Persisted operations can't be used.
    #[error(transparent)]
    Documents(#[from] DocumentError),
    /// Requests can't be authenticated.
    #[error("authentication.{0}")]
    Authentication(String),
    /// The use of the graph can't be recorded.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// A contract can't be served.
    #[error("graphs.{graph}.contract can't be served")]
    Contract {
        /// The graph.
        graph: String,
        /// The cause.
        source: ContractError,
    },
    /// There can't be tools for agents.
    #[error(transparent)]
    Mcp(#[from] McpError),
    /// Settings of the HTTP front can't be used.
    #[error(transparent)]
    Server(#[from] SettingsError),
    /// Building the version panicked, which is a bug.
    #[error("the schema can't be built because of a bug in the router; please report it")]
    Panicked(#[source] tokio::task::JoinError),
    /// The configuration refers to a subgraph that the supergraph does not have.
    #[error("{option} refers to the subgraph \"{name}\", which the supergraph does not have; it has {known}")]
    UnknownSubgraph {
        /// The option of the configuration.
        option: &'static str,
        /// The name.
        name: String,
        /// The names of the subgraphs.
        known: String,
    },
}

/// Refuses names of subgraphs that do not exist: a misspelt name would mean a rule that never applies.
fn unknown_names(config: &Config, supergraph: &Supergraph) -> Result<(), VersionError> {
    let named = config.traffic.subgraphs.keys().map(|name| ("traffic.subgraphs", name));
    let named = named.chain(config.headers.subgraphs.keys().map(|name| ("headers.subgraphs", name)));
    let named = named.chain(config.cache.subgraphs.keys().map(|name| ("cache.subgraphs", name)));
    let named =
        named.chain(config.exposure.subgraph_errors_of.iter().map(|name| ("exposure.subgraph_errors_of", name)));
    for (option, name) in named {
        if supergraph.subgraph_named(name).is_none() {
            let known: Vec<_> = supergraph.subgraphs.iter().map(|subgraph| format!("\"{}\"", subgraph.name)).collect();
            return Err(VersionError::UnknownSubgraph { option, name: name.clone(), known: known.join(", ") });
        }
    }
    Ok(())
}
