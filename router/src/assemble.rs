//! Puts the parts together: a version out of a supergraph and a configuration, and a front that serves it. Knows no request.

use std::sync::Arc;

use braid_gateway::{Gateway, GatewayConfig};
use braid_server::Observers;
use braid_supergraph::Supergraph;
use braid_telemetry::access_log::AccessLog;
use braid_telemetry::metrics::Metrics;
use braid_telemetry::otlp::Exporter;
use braid_transport::HttpSubgraphs;
use futures_util::future::BoxFuture;
use tokio::net::TcpListener;

use crate::collector::Collector;
use crate::config::Config;

/// A version whose subgraphs are asked over HTTP.
pub type Version = braid_server::Version<HttpSubgraphs>;

/// The front of such versions.
pub type Front = braid_server::Front<HttpSubgraphs>;

/// Builds a version. Connections of `previous` go on where nothing about them has changed.
pub fn version(
    config: &Config,
    supergraph_sdl: &str,
    metrics: &Arc<Metrics>,
    previous: Option<&Version>,
) -> Result<Version, VersionError> {
    let supergraph = read(supergraph_sdl)?;
    unknown_names(config, &supergraph)?;
    let older = previous.map(|previous| &previous.gateway.subgraphs);
    let subgraphs = HttpSubgraphs::new(&supergraph, &config.traffic, metrics, older).map_err(VersionError::Setting)?;
    let gateway_config = GatewayConfig {
        limits: config.limits.clone(),
        exposure: config.exposure.clone(),
        headers: config.headers.clone(),
        override_labels: config.override_labels.clone(),
    };
    let gateway = Gateway::new(supergraph, subgraphs, &gateway_config, metrics).map_err(VersionError::Setting)?;
    Version::new(gateway, config.server.clone(), config.telemetry.clone()).map_err(VersionError::Setting)
}

/// Reads a supergraph, if a router can serve it.
pub(crate) fn read(supergraph_sdl: &str) -> Result<Arc<Supergraph>, VersionError> {
    let supergraph = Arc::new(Supergraph::read(supergraph_sdl).map_err(VersionError::Supergraph)?);
    match supergraph.demanded_features().first() {
        Some(feature) => Err(VersionError::Feature(feature.clone())),
        None => Ok(supergraph),
    }
}

/// A front that begins with `version`. Must be called on a runtime, which sends spans.
pub fn front(config: &Config, version: Version, metrics: Arc<Metrics>) -> Result<Front, FrontError> {
    let telemetry = &config.telemetry;
    let dropped = metrics.access_lines_dropped.clone();
    let access_log = telemetry.access_log.enabled.then(|| AccessLog::to_stderr(dropped)).transpose()?;
    let otlp = &telemetry.trace.otlp;
    let exporter = match &otlp.endpoint {
        None => None,
        Some(url) => {
            let collector = Collector::new(url, otlp).map_err(FrontError::Collector)?;
            let exporter = Exporter::new(otlp, url, collector);
            Some(exporter.map_err(|error| FrontError::Collector(error.to_string()))?)
        }
    };
    Ok(Front::new(version, Observers { metrics, access_log, exporter }))
}

/// Serves the front until `shutdown` completes ([`braid_server::serve`]).
///
/// A boxed future: the code of an `async fn` is compiled where it is awaited, and so the server is compiled here, not in
/// each program that serves.
pub fn serve(listener: TcpListener, front: Arc<Front>, shutdown: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
    Box::pin(braid_server::serve(listener, front, shutdown))
}

/// Why there is no front.
#[derive(Debug, thiserror::Error)]
pub enum FrontError {
    /// The access log can't be written.
    #[error("the access log can't be written")]
    AccessLog(#[from] std::io::Error),
    /// Spans can't be sent.
    #[error("telemetry.trace.otlp: {0}")]
    Collector(String),
}

/// Why there is no version.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// The supergraph is no good.
    #[error("the supergraph can't be used")]
    Supergraph(#[source] braid_supergraph::SupergraphError),
    /// The supergraph demands something that this router does not do, and that may matter for security.
    #[error("the supergraph demands {0}, which this router does not have; compose without it, or upgrade the router")]
    Feature(String),
    /// A setting can't be obeyed.
    #[error("{0}")]
    Setting(String),
    /// The configuration speaks of a subgraph that the supergraph does not have.
    #[error("{place} names the subgraph \"{name}\", which the supergraph does not have; it has {known}")]
    UnknownSubgraph {
        /// Where in the configuration.
        place: &'static str,
        /// The name.
        name: String,
        /// The names there are.
        known: String,
    },
}

/// A misspelt name would otherwise mean a rule that never applies.
fn unknown_names(config: &Config, supergraph: &Supergraph) -> Result<(), VersionError> {
    let named = config.traffic.subgraphs.keys().map(|name| ("traffic.subgraphs", name));
    let named = named.chain(config.headers.subgraphs.keys().map(|name| ("headers.subgraphs", name)));
    let named =
        named.chain(config.exposure.subgraph_errors_of.iter().map(|name| ("exposure.subgraph_errors_of", name)));
    for (place, name) in named {
        if supergraph.subgraph_named(name).is_none() {
            let known: Vec<_> = supergraph.subgraphs.iter().map(|subgraph| format!("\"{}\"", subgraph.name)).collect();
            return Err(VersionError::UnknownSubgraph { place, name: name.clone(), known: known.join(", ") });
        }
    }
    Ok(())
}
