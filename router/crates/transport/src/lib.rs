//! Subgraphs over HTTP: the executor's [`SubgraphService`]. Knows no plan, no schema and no rule about headers.
//!
//! ```text
//! HttpSubgraphs ──▶ Subgraph: deduplicate ──▶ circuit ──▶ admit, observe ──▶ retry ──▶ hedge ──▶ endpoints ──▶ exchange ──▶ net
//!                                                └▶ window                    └▶ budget ◀┘          └▶ ejection ▶ window
//! ```
//!
//! Subscriptions take a way of their own (`subscribe`), and so do requests whose response is used as it arrives (`open`).
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
mod open;
mod retry;
mod secret;
mod seen;
mod subgraph;
mod subscribe;
mod upload;
mod window;

use std::sync::Arc;

use braid_executor::{
    OpenResponse, SubgraphError, SubgraphErrorKind, SubgraphEvents, SubgraphRequest, SubgraphResponse, SubgraphService,
    SubgraphState,
};
use braid_net::UrlError;
use braid_request_context::SubgraphContext;
use braid_request_context::headers::SubgraphHeaders;
use braid_supergraph::{SubgraphId, Supergraph};
use braid_telemetry::metrics::Metrics;

use config::TrafficConfig;
use subgraph::Subgraph;
pub use subscribe::callback::Callbacks;

/// The outcome of a request to a subgraph.
type Outcome = Result<SubgraphResponse<SubgraphHeaders>, SubgraphError>;

/// All subgraphs of a supergraph, in its order.
#[derive(Debug)]
pub struct HttpSubgraphs {
    all: Vec<Arc<Subgraph>>,
    callbacks: Arc<Callbacks>,
}

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
        let callbacks = previous.map(|previous| previous.callbacks.clone()).unwrap_or_default();
        let previous = previous.map_or(&[][..], |previous| &previous.all);
        let subgraph = |subgraph: &braid_supergraph::Subgraph| {
            let name = &subgraph.name;
            let traffic = config.for_subgraph(name);
            let urls = match traffic.urls.as_slice() {
                [] => vec![subgraph.url.clone()],
                own => own.to_vec(),
            };
            match previous.iter().find(|old| old.is_for(name, &urls, &traffic)) {
                Some(old) => Ok(old.clone()),
                None => Subgraph::new(name, urls, traffic, metrics, callbacks.clone()).map(Arc::new),
            }
        };
        // Brokers come after all others.
        let services = supergraph.subgraphs.iter().filter(|subgraph| !subgraph.is_broker);
        let all = services.map(subgraph).collect::<Result<_, _>>()?;
        Ok(Self { all, callbacks })
    }

    /// What subgraphs call that send events by the protocol `callback`: the same for all versions.
    pub fn callbacks(&self) -> &Arc<Callbacks> {
        &self.callbacks
    }

    fn get(&self, subgraph: SubgraphId) -> Option<&Arc<Subgraph>> {
        self.all.get(subgraph.index())
    }

    fn known(&self, subgraph: SubgraphId) -> Result<&Arc<Subgraph>, SubgraphError> {
        self.get(subgraph).ok_or_else(|| {
            let message = "this version of the schema does not have the subgraph".to_owned();
            SubgraphError { kind: SubgraphErrorKind::Transport, message, retryable: false }
        })
    }
}

impl SubgraphService for HttpSubgraphs {
    type Context = SubgraphContext;
    type Meta = SubgraphHeaders;

    async fn call(&self, request: SubgraphRequest, context: &SubgraphContext) -> Outcome {
        self.known(request.subgraph)?.call(request, context).await
    }

    async fn open(
        &self,
        request: SubgraphRequest,
        context: &SubgraphContext,
    ) -> Result<OpenResponse<SubgraphHeaders>, SubgraphError> {
        self.known(request.subgraph)?.open(request, context).await
    }

    async fn subscribe(
        &self,
        request: SubgraphRequest,
        context: &SubgraphContext,
    ) -> Result<SubgraphEvents, SubgraphError> {
        self.known(request.subgraph)?.subscribe(request, context).await
    }

    fn seen_of(&self, subgraph: SubgraphId, context: &SubgraphContext) -> Option<Vec<u8>> {
        Some(self.get(subgraph)?.seen_of(subgraph, context))
    }

    fn is_same(&self, subgraph: SubgraphId, other: &Self, in_other: SubgraphId) -> bool {
        match (self.get(subgraph), other.get(in_other)) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    fn state(&self, subgraph: SubgraphId) -> Option<SubgraphState> {
        self.get(subgraph).map(|subgraph| subgraph.state())
    }
}
