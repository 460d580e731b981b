//! The configured graphs as the gateway and the front have them. Knows no request.

use std::sync::Arc;

use braid_contracts::Source;
use braid_gateway::graphs::Graph;
use braid_graphql::view::Elements;
use braid_server::graphs::GraphSetup;
use braid_supergraph::Supergraph;

use crate::assemble::VersionError;
use braid_config::Config;

/// The graphs, with what each hides of the supergraph.
pub(crate) fn of(config: &Config, supergraph: &Supergraph) -> Result<Vec<Graph>, VersionError> {
    if config.graphs.is_empty() {
        return Ok(Vec::new());
    }
    let api = &supergraph.api_schema;
    let elements = Arc::new(Elements::of(api));
    let source = Source::new(&supergraph.source);
    let graph = |(name, graph): (&String, &braid_config::GraphConfig)| {
        let view = graph.contract.as_ref().map(|filter| source.view(filter, api, &elements)).transpose();
        let view = view.map_err(|source| VersionError::Contract { graph: name.clone(), source })?;
        for tag in view.iter().flat_map(|view| &view.unknown_tags) {
            tracing::warn!(graph = name, tag, "A contract has a tag that no element of the supergraph has");
        }
        Ok(Graph {
            name: name.as_str().into(),
            hidden: view.map(|view| Arc::new(view.hidden)),
            limits: graph.limits.over(&config.limits),
            introspection: graph.introspection.unwrap_or(config.exposure.introspection),
        })
    };
    config.graphs.iter().map(graph).collect()
}

/// Which requests are for which graph.
pub(crate) fn setups(config: &Config) -> Vec<GraphSetup> {
    let setup = |(name, graph): (&String, &braid_config::GraphConfig)| GraphSetup {
        name: name.as_str().into(),
        matches: graph.matches.clone(),
        page: graph.playground.clone(),
    };
    config.graphs.iter().map(setup).collect()
}
