//! Subgraphs over HTTP: the executor's [`SubgraphService`] on a pool of connections each. Knows no plan, no schema and no rule about
//! headers.

pub mod config;
mod dedupe;
mod retry;
mod subgraph;

use std::sync::Arc;

use braid_executor::{
    SubgraphError, SubgraphErrorKind, SubgraphRequest, SubgraphResponse, SubgraphService, SubgraphState,
};
use braid_request_context::SubgraphContext;
use braid_request_context::headers::SubgraphHeaders;
use braid_supergraph::{Subgraph, SubgraphId, Supergraph};
use braid_telemetry::metrics::Metrics;

use config::TrafficConfig;
pub use dedupe::Deduplicated;
use subgraph::SubgraphClient;

/// All subgraphs of one supergraph, in its order. Equal queries in flight are sent once to those that are configured so.
#[derive(Debug)]
pub struct HttpSubgraphs {
    clients: Arc<Clients>,
    deduplicated: Deduplicated<Clients>,
}

#[derive(Debug)]
struct Clients(Vec<Arc<SubgraphClient>>);

impl HttpSubgraphs {
    /// Clients for all subgraphs. Those of `previous` whose settings are the same go on, with their connections.
    pub fn new(
        supergraph: &Supergraph,
        config: &TrafficConfig,
        metrics: &Metrics,
        previous: Option<&Self>,
    ) -> Result<Self, String> {
        let client = |subgraph: &Subgraph| {
            let name = &subgraph.name;
            let traffic = config.for_subgraph(name);
            let url = traffic.url.as_deref().unwrap_or(&subgraph.url).to_owned();
            let previous = previous.map_or(&[][..], |previous| &previous.clients.0);
            match previous.iter().find(|old| old.is_for(name, &url, &traffic)) {
                Some(old) => Ok(old.clone()),
                None => SubgraphClient::new(name, &url, traffic, metrics)
                    .map(Arc::new)
                    .map_err(|problem| format!("subgraph \"{name}\": {problem}")),
            }
        };
        let clients = supergraph.subgraphs.iter().map(client).collect::<Result<_, String>>()?;
        let clients = Arc::new(Clients(clients));
        Ok(Self { deduplicated: Deduplicated::new(clients.clone()), clients })
    }
}

impl SubgraphService for HttpSubgraphs {
    type Context = SubgraphContext;
    type Meta = SubgraphHeaders;

    async fn call(
        &self,
        request: SubgraphRequest,
        context: &SubgraphContext,
    ) -> Result<SubgraphResponse<SubgraphHeaders>, SubgraphError> {
        if self.clients.get(request.subgraph).is_some_and(|client| client.deduplicates()) {
            self.deduplicated.call(request, context).await
        } else {
            self.clients.call(request, context).await
        }
    }

    fn state(&self, subgraph: SubgraphId) -> Option<SubgraphState> {
        self.clients.get(subgraph).map(|client| client.state())
    }
}

impl Clients {
    fn get(&self, subgraph: SubgraphId) -> Option<&SubgraphClient> {
        self.0.get(subgraph.index()).map(|client| &**client)
    }
}

impl SubgraphService for Clients {
    type Context = SubgraphContext;
    type Meta = SubgraphHeaders;

    async fn call(
        &self,
        request: SubgraphRequest,
        context: &SubgraphContext,
    ) -> Result<SubgraphResponse<SubgraphHeaders>, SubgraphError> {
        let Some(client) = self.get(request.subgraph) else {
            let message = "the subgraph is not in this version of the schema".to_owned();
            return Err(SubgraphError { kind: SubgraphErrorKind::Transport, message, retryable: false });
        };
        client.call(request, context).await
    }
}
