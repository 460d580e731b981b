//! One version of everything that a request depends on: schema, operations, subgraphs, configuration. Built beside the one in use,
//! never changed, swapped whole. Knows no connection.

use std::sync::Arc;
use std::time::SystemTime;

use braid_executor::SubgraphErrors;
use braid_supergraph::{SubgraphId, Supergraph};

use crate::compile::Compiler;
use crate::config::Config;
use crate::operation_cache::OperationCache;
use crate::server::rules::HttpRules;
use crate::subgraphs::{Service, Subgraphs};
use crate::telemetry::metrics::Metrics;

/// A version.
#[derive(Debug)]
pub struct Version {
    /// What can be set.
    pub config: Arc<Config>,
    /// The supergraph as text: by it a change is seen.
    pub supergraph_sdl: String,
    /// The schema.
    pub supergraph: Arc<Supergraph>,
    /// Compiled operations.
    pub operations: OperationCache,
    /// Subgraphs.
    pub service: Service,
    /// Whose errors clients may read.
    pub subgraph_errors: SubgraphErrors,
    /// Which requests the front takes.
    pub rules: HttpRules,
    /// The router's numbers, the same for all its versions.
    pub metrics: Arc<Metrics>,
    /// When it was built.
    pub since: SystemTime,
}

impl Version {
    /// Builds a version out of a supergraph. Connections of `previous` go on where nothing about them has changed.
    pub fn new(
        config: Arc<Config>,
        supergraph_sdl: String,
        metrics: &Arc<Metrics>,
        previous: Option<&Self>,
    ) -> Result<Self, VersionError> {
        let supergraph = Arc::new(Supergraph::read(&supergraph_sdl).map_err(VersionError::Supergraph)?);
        if let Some(feature) = supergraph.demanded_features().first() {
            return Err(VersionError::Feature(feature.clone()));
        }
        let older = previous.map(|previous| &**previous.service.subgraphs());
        let subgraphs = Subgraphs::new(&supergraph, &config.traffic, &config.headers, metrics, older)
            .map_err(VersionError::Setting)?;
        unknown_names(&config, &supergraph)?;
        Ok(Self {
            operations: OperationCache::new(Compiler::new(supergraph.clone(), config.limits.clone()), metrics.clone()),
            service: Service::new(Arc::new(subgraphs)),
            subgraph_errors: subgraph_errors(&config, &supergraph),
            rules: HttpRules::new(&config.server).map_err(VersionError::Setting)?,
            metrics: metrics.clone(),
            since: SystemTime::now(),
            config,
            supergraph_sdl,
            supergraph,
        })
    }
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

fn subgraph_errors(config: &Config, supergraph: &Supergraph) -> SubgraphErrors {
    if config.exposure.subgraph_errors {
        return SubgraphErrors::Shown;
    }
    let shown: Vec<SubgraphId> =
        config.exposure.subgraph_errors_of.iter().filter_map(|name| supergraph.subgraph_named(name)).collect();
    if shown.is_empty() { SubgraphErrors::Hidden } else { SubgraphErrors::ShownFor(shown.into()) }
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
