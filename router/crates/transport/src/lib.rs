//! Subgraphs over HTTP: the executor's [`SubgraphService`]. Knows no plan, no schema and no rule about headers.
//!
//! ```text
//! HttpSubgraphs ──▶ Subgraph: deduplicate ──▶ circuit ──▶ admit, observe ──▶ retry ──▶ hedge ──▶ endpoints ──▶ exchange ──▶ net
//!                                                └▶ window                    └▶ budget ◀┘          └▶ ejection ▶ window
//! ```
//!
//! Each stage is called by the one before and knows only the one after it. A stage that is not configured is not there.

mod budget;
mod circuit;
mod claims;
pub mod config;
mod deduplicate;
mod ejection;
mod endpoints;
mod exchange;
mod hedge;
mod retry;
mod subgraph;
mod window;

use std::sync::Arc;

use braid_executor::{
    SubgraphError, SubgraphErrorKind, SubgraphRequest, SubgraphResponse, SubgraphService, SubgraphState,
};
use braid_net::UrlError;
use braid_request_context::SubgraphContext;
use braid_request_context::headers::SubgraphHeaders;
use braid_supergraph::{SubgraphId, Supergraph};
use braid_telemetry::metrics::Metrics;

use config::TrafficConfig;
use subgraph::Subgraph;

/// The outcome of a request to a subgraph.
type Outcome = Result<SubgraphResponse<SubgraphHeaders>, SubgraphError>;

/// All subgraphs of a supergraph, in its order.
#[derive(Debug)]
pub struct HttpSubgraphs(Vec<Arc<Subgraph>>);

/// Why a subgraph can't be called.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// Neither the supergraph nor the configuration has its URL.
    #[error(
        "the subgraph \"{subgraph}\" has no URL; set routing_url in supergraph.yaml, or traffic.subgraphs.{subgraph}.url in router.yaml"
    )]
    NoUrl {
        /// The subgraph.
        subgraph: String,
    },
    /// A claim is not named as it should be.
    #[error("traffic: forward_claims of the subgraph \"{subgraph}\": {problem}")]
    Claim {
        /// The subgraph.
        subgraph: String,
        /// What is wrong.
        problem: String,
    },
    /// Its URL or TLS settings can't be used.
    #[error("the subgraph \"{subgraph}\" can't be called")]
    Url {
        /// The subgraph.
        subgraph: String,
        /// The cause.
        source: UrlError,
    },
}

impl HttpSubgraphs {
    /// The subgraphs of `supergraph`. A subgraph of `previous` that would be set up in the same way is kept, with its connections and
    /// what it knows of their health.
    pub fn new(
        supergraph: &Supergraph,
        config: &TrafficConfig,
        metrics: &Metrics,
        previous: Option<&Self>,
    ) -> Result<Self, TransportError> {
        let previous = previous.map_or(&[][..], |previous| &previous.0);
        let subgraph = |subgraph: &braid_supergraph::Subgraph| {
            let name = &subgraph.name;
            let traffic = config.for_subgraph(name);
            let urls = match traffic.urls.as_slice() {
                [] => vec![subgraph.url.clone()],
                own => own.to_vec(),
            };
            match previous.iter().find(|old| old.is_for(name, &urls, &traffic)) {
                Some(old) => Ok(old.clone()),
                None => Subgraph::new(name, urls, traffic, metrics).map(Arc::new),
            }
        };
        // Brokers come after all others.
        let services = supergraph.subgraphs.iter().filter(|subgraph| !subgraph.is_broker);
        services.map(subgraph).collect::<Result<_, _>>().map(Self)
    }

    fn get(&self, subgraph: SubgraphId) -> Option<&Arc<Subgraph>> {
        self.0.get(subgraph.index())
    }
}

impl SubgraphService for HttpSubgraphs {
    type Context = SubgraphContext;
    type Meta = SubgraphHeaders;

    async fn call(&self, request: SubgraphRequest, context: &SubgraphContext) -> Outcome {
        match self.get(request.subgraph) {
            Some(subgraph) => subgraph.call(request, context).await,
            None => {
                let message = "this version of the schema does not have the subgraph".to_owned();
                Err(SubgraphError { kind: SubgraphErrorKind::Transport, message, retryable: false })
            }
        }
    }

    fn state(&self, subgraph: SubgraphId) -> Option<SubgraphState> {
        self.get(subgraph).map(|subgraph| subgraph.state())
    }
}
