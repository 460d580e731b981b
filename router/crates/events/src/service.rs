//! Subgraphs, with brokers for the fields whose events come from there. Knows no message.

use std::sync::Arc;

use braid_executor::{
    OpenResponse, SubgraphError, SubgraphEvents, SubgraphRequest, SubgraphResponse, SubgraphService, SubgraphState,
};
use braid_request_context::SubgraphContext;
use braid_supergraph::{SubgraphId, Supergraph};
use indexmap::IndexMap;

use crate::broker::Broker;
use crate::config::BrokerConfig;
use crate::declare::{Events, EventsError};
use crate::nats::Nats;
use crate::source::Source;

/// Subgraphs of which some stand for the events of brokers.
#[derive(Debug)]
pub struct WithEvents<S> {
    /// All others.
    pub subgraphs: S,
    /// By the number of the subgraph.
    sources: Vec<Option<Arc<Source>>>,
    brokers: IndexMap<String, Connected>,
}

#[derive(Debug, Clone)]
struct Connected {
    config: BrokerConfig,
    broker: Arc<dyn Broker>,
}

impl<S> WithEvents<S> {
    /// The subgraphs of `supergraph`, in which `events` were declared. Brokers of `previous` that are configured in the same way are
    /// kept, with their connections. Nothing is connected before it is needed.
    pub fn new(
        subgraphs: S,
        events: &Events,
        supergraph: &Arc<Supergraph>,
        previous: Option<&Self>,
    ) -> Result<Self, EventsError> {
        let connected = |(name, config): (&String, &BrokerConfig)| {
            let kept = previous.and_then(|previous| previous.brokers.get(name)).filter(|kept| kept.config == *config);
            let connected = kept.cloned().unwrap_or_else(|| {
                let BrokerConfig::Nats(nats) = config;
                Connected { config: config.clone(), broker: Arc::new(Nats::new(name, nats)) }
            });
            (name.clone(), connected)
        };
        let brokers: IndexMap<_, _> = events.brokers.iter().map(connected).collect();
        let mut sources = vec![None; supergraph.subgraphs.len()];
        for declared in &events.fields {
            // Both were made by `declare`.
            let Some(connected) = brokers.get(&declared.broker) else { continue };
            let Some(place) = sources.get_mut(declared.field.subgraph.index()) else { continue };
            let coordinate = || declared.coordinate.clone();
            let source = Source::new(declared.field, supergraph, &declared.config, connected.broker.clone())
                .map_err(|source| EventsError::Template { coordinate: coordinate(), source })?;
            if let Some(argument) = source.unknown_arguments().into_iter().next() {
                return Err(EventsError::Argument { coordinate: coordinate(), argument });
            }
            *place = Some(Arc::new(source));
        }
        Ok(Self { subgraphs, sources, brokers })
    }

    fn source(&self, subgraph: SubgraphId) -> Option<&Arc<Source>> {
        self.sources.get(subgraph.index())?.as_ref()
    }
}

impl<S: SubgraphService<Context = SubgraphContext>> SubgraphService for WithEvents<S> {
    type Context = S::Context;
    type Meta = S::Meta;

    fn call(
        &self,
        request: SubgraphRequest,
        context: &S::Context,
    ) -> impl Future<Output = Result<SubgraphResponse<S::Meta>, SubgraphError>> + Send {
        self.subgraphs.call(request, context)
    }

    fn open(
        &self,
        request: SubgraphRequest,
        context: &S::Context,
    ) -> impl Future<Output = Result<OpenResponse<S::Meta>, SubgraphError>> + Send {
        self.subgraphs.open(request, context)
    }

    async fn subscribe(&self, request: SubgraphRequest, context: &S::Context) -> Result<SubgraphEvents, SubgraphError> {
        match self.source(request.subgraph) {
            Some(source) => source.clone().subscribe(&request, context.identity()).await,
            None => self.subgraphs.subscribe(request, context).await,
        }
    }

    fn seen_of(&self, subgraph: SubgraphId, context: &S::Context) -> Option<Vec<u8>> {
        match self.source(subgraph) {
            Some(source) => Some(source.seen_of(context.identity())),
            None => self.subgraphs.seen_of(subgraph, context),
        }
    }

    fn is_same(&self, subgraph: SubgraphId, other: &Self, in_other: SubgraphId) -> bool {
        match (self.source(subgraph), other.source(in_other)) {
            (Some(source), Some(other)) => source.is_same(other),
            (None, None) => self.subgraphs.is_same(subgraph, &other.subgraphs, in_other),
            _ => false,
        }
    }

    fn state(&self, subgraph: SubgraphId) -> Option<SubgraphState> {
        self.subgraphs.state(subgraph)
    }
}
