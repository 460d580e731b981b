//! Subgraphs over HTTP: the executor's [`SubgraphService`] on a pool of connections each. Knows no plan and no schema.

mod client;
pub mod config;
mod connect;
mod endpoint;
pub mod headers;
mod pool;
mod receive;
mod retry;
mod subgraph;
mod tls;

use std::sync::Arc;

use braid_executor::{Deduplicated, Forwarded, SubgraphError, SubgraphRequest, SubgraphResponse, SubgraphService};
use braid_supergraph::{Subgraph, SubgraphId, Supergraph};
use http::HeaderMap;

use crate::telemetry::metrics::Metrics;
use crate::telemetry::trace::TraceContext;
use config::TrafficConfig;
pub(crate) use endpoint::Endpoint;
use headers::HeadersConfig;
use subgraph::SubgraphClient;
pub use subgraph::SubgraphState;
pub(crate) use tls::server_config as tls_for_clients;

/// All subgraphs of one supergraph, in its order.
#[derive(Debug)]
pub struct Subgraphs {
    clients: Vec<Arc<SubgraphClient>>,
}

/// What of a client's request subgraphs may get.
#[derive(Debug, Clone)]
pub struct ClientContext(Arc<ClientParts>);

#[derive(Debug)]
struct ClientParts {
    headers: HeaderMap,
    trace: Option<TraceContext>,
    subgraphs: Arc<Subgraphs>,
}

impl ClientContext {
    /// `headers` are the client's; they can be empty when no rule looks at them.
    pub fn new(headers: HeaderMap, trace: Option<TraceContext>, subgraphs: Arc<Subgraphs>) -> Self {
        Self(Arc::new(ClientParts { headers, trace, subgraphs }))
    }

    /// The trace that the request belongs to.
    pub fn trace(&self) -> Option<&TraceContext> {
        self.0.trace.as_ref()
    }

    fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }
}

impl Forwarded for ClientContext {
    /// The trace is left out: requests of several traces may share an answer.
    fn write_forwarded(&self, subgraph: SubgraphId, out: &mut Vec<u8>) {
        let client = self.0.subgraphs.clients.get(subgraph.index());
        for (name, value) in
            client.filter(|client| client.reads_client_headers()).map(|client| client.forwarded(self)).iter().flatten()
        {
            for part in [name.as_str().as_bytes(), value.as_bytes()] {
                out.extend_from_slice(&part.len().to_le_bytes());
                out.extend_from_slice(part);
            }
        }
    }
}

/// The headers of a subgraph's answer, when a rule looks at them.
pub type AnswerHeaders = Option<Arc<HeaderMap>>;

impl Subgraphs {
    /// Clients for all subgraphs. Those of `previous` whose settings are the same go on, with their connections.
    pub fn new(
        supergraph: &Supergraph,
        traffic: &TrafficConfig,
        headers: &HeadersConfig,
        metrics: &Metrics,
        previous: Option<&Self>,
    ) -> Result<Self, String> {
        let client = |subgraph: &Subgraph| {
            let name = &subgraph.name;
            let traffic = traffic.for_subgraph(name);
            let url = traffic.url.as_deref().unwrap_or(&subgraph.url).to_owned();
            let plans = headers.plans(name).map_err(|problem| format!("headers: {problem}"))?;
            let kept =
                previous.and_then(|previous| previous.clients.iter().find(|old| old.is_for(name, &url, &traffic)));
            let client = match kept {
                Some(old) => old.with_headers(plans),
                None => SubgraphClient::new(name, &url, traffic, plans, metrics)
                    .map_err(|problem| format!("subgraph \"{name}\": {problem}"))?,
            };
            Ok(Arc::new(client))
        };
        Ok(Self { clients: supergraph.subgraphs.iter().map(client).collect::<Result<_, String>>()? })
    }

    /// Whether any rule looks at what the client sent.
    pub fn reads_client_headers(&self) -> bool {
        self.clients.iter().any(|client| client.reads_client_headers())
    }

    /// Whether any rule passes headers of subgraphs to the client.
    pub fn writes_client_headers(&self) -> bool {
        self.clients.iter().any(|client| client.writes_client_headers())
    }

    /// The client's headers out of those of the answers, in the order they came.
    pub fn merge_headers(&self, answers: &[(SubgraphId, AnswerHeaders)], out: &mut HeaderMap) {
        for (subgraph, headers) in answers {
            if let (Some(client), Some(headers)) = (self.clients.get(subgraph.index()), headers) {
                client.merge_headers(headers, out);
            }
        }
    }

    /// How each subgraph is doing, by name.
    pub fn states(&self) -> impl Iterator<Item = (&str, SubgraphState)> {
        self.clients.iter().map(|client| (client.name(), client.state()))
    }

    /// The name of a subgraph.
    pub fn name(&self, subgraph: SubgraphId) -> &str {
        self.clients.get(subgraph.index()).map_or("", |client| client.name())
    }
}

impl SubgraphService for Subgraphs {
    type Context = ClientContext;
    type Meta = AnswerHeaders;

    async fn call(
        &self,
        request: SubgraphRequest,
        context: &ClientContext,
    ) -> Result<SubgraphResponse<AnswerHeaders>, SubgraphError> {
        let Some(client) = self.clients.get(request.subgraph.index()) else {
            return Err(subgraph::transport("the subgraph is not in this version of the schema".to_owned(), false));
        };
        client.call(request, context).await
    }
}

/// [`Subgraphs`], where equal queries under way are sent once for those that are configured so.
#[derive(Debug)]
pub struct Service {
    direct: Arc<Subgraphs>,
    deduplicated: Deduplicated<Subgraphs>,
}

impl Service {
    /// A service over the subgraphs.
    pub fn new(subgraphs: Arc<Subgraphs>) -> Self {
        Self { deduplicated: Deduplicated::new(subgraphs.clone()), direct: subgraphs }
    }

    /// The subgraphs.
    pub fn subgraphs(&self) -> &Arc<Subgraphs> {
        &self.direct
    }
}

impl SubgraphService for Service {
    type Context = ClientContext;
    type Meta = AnswerHeaders;

    async fn call(
        &self,
        request: SubgraphRequest,
        context: &ClientContext,
    ) -> Result<SubgraphResponse<AnswerHeaders>, SubgraphError> {
        if self.direct.clients.get(request.subgraph.index()).is_some_and(|client| client.deduplicates()) {
            self.deduplicated.call(request, context).await
        } else {
            self.direct.call(request, context).await
        }
    }
}
