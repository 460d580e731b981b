//! Subgraphs, with stand-ins for some of them, as a service around another one. Does not know how a stand-in answers.

use std::sync::Arc;

use braid_executor::{
    OpenResponse, SubgraphError, SubgraphEvents, SubgraphRequest, SubgraphResponse, SubgraphService, SubgraphState,
};
use braid_request_context::SubgraphContext;
use braid_request_context::headers::SubgraphHeaders;
use braid_supergraph::{SubgraphId, Supergraph};
use futures_util::future::Either;

use crate::events;
use crate::stand_in::{StandIns, Standing, Step, mocked};

/// Subgraphs of which some have a stand-in.
#[derive(Debug)]
pub struct WithStandIns<S> {
    /// The subgraphs themselves.
    pub subgraphs: S,
    /// By the number of the subgraph; empty if none has one.
    standing: Vec<Option<Arc<Standing>>>,
}

type Outcome = Result<SubgraphResponse<SubgraphHeaders>, SubgraphError>;

impl<S> WithStandIns<S> {
    /// The subgraphs of `supergraph` with these stand-ins.
    pub fn new(subgraphs: S, stand_ins: &StandIns, supergraph: &Supergraph) -> Self {
        let standing = |name: &String| Some(Arc::new(Standing::new(name, stand_ins.get(name)?.clone())));
        let standing = match stand_ins.is_empty() {
            true => Vec::new(),
            false => supergraph.subgraphs.iter().map(|subgraph| standing(&subgraph.name)).collect(),
        };
        Self { subgraphs, standing }
    }

    fn standing(&self, subgraph: SubgraphId) -> Option<&Arc<Standing>> {
        self.standing.get(subgraph.index())?.as_ref()
    }
}

impl<S: SubgraphService<Context = SubgraphContext, Meta = SubgraphHeaders>> WithStandIns<S> {
    async fn answer(&self, standing: &Standing, request: SubgraphRequest, context: &SubgraphContext) -> Outcome {
        match standing.first(&request).await {
            Step::Answer(response) => Ok(response),
            Step::Mock(mock) => mocked(&mock, &request).await,
            Step::Ask => match self.subgraphs.call(request.clone(), context).await {
                Ok(response) => {
                    standing.answered(&request, &response).await;
                    Ok(response)
                }
                Err(error) => match standing.instead(&error) {
                    Some(mock) => mocked(&mock, &request).await,
                    None => Err(error),
                },
            },
        }
    }
}

impl<S: SubgraphService<Context = SubgraphContext, Meta = SubgraphHeaders>> SubgraphService for WithStandIns<S> {
    type Context = SubgraphContext;
    type Meta = SubgraphHeaders;

    fn call(&self, request: SubgraphRequest, context: &SubgraphContext) -> impl Future<Output = Outcome> + Send {
        match self.standing(request.subgraph) {
            None => Either::Left(self.subgraphs.call(request, context)),
            Some(standing) => Either::Right(Box::pin(self.answer(standing, request, context))),
        }
    }

    /// What a stand-in gives, or what is recorded, is whole.
    fn open(
        &self,
        request: SubgraphRequest,
        context: &SubgraphContext,
    ) -> impl Future<Output = Result<OpenResponse<SubgraphHeaders>, SubgraphError>> + Send {
        match self.standing(request.subgraph) {
            None => Either::Left(self.subgraphs.open(request, context)),
            Some(standing) => Either::Right(Box::pin(async move {
                self.answer(standing, request, context).await.map(OpenResponse::Whole)
            })),
        }
    }

    async fn subscribe(
        &self,
        request: SubgraphRequest,
        context: &SubgraphContext,
    ) -> Result<SubgraphEvents, SubgraphError> {
        let Some(standing) = self.standing(request.subgraph) else {
            return self.subgraphs.subscribe(request, context).await;
        };
        match standing.first_of_events(&request).await {
            Step::Answer(events) => Ok(events),
            Step::Mock(mock) => Ok(events::mocked(mock, request.body)),
            Step::Ask => match self.subgraphs.subscribe(request.clone(), context).await {
                Ok(events) => Ok(standing.begun(request, events)),
                Err(error) => match standing.instead(&error) {
                    Some(mock) => Ok(events::mocked(mock, request.body)),
                    None => Err(error),
                },
            },
        }
    }

    fn seen_of(&self, subgraph: SubgraphId, context: &SubgraphContext) -> Option<Vec<u8>> {
        self.subgraphs.seen_of(subgraph, context)
    }

    /// A mock may have become another one.
    fn is_same(&self, subgraph: SubgraphId, other: &Self, in_other: SubgraphId) -> bool {
        let is_free = self.standing(subgraph).is_none() && other.standing(in_other).is_none();
        is_free && self.subgraphs.is_same(subgraph, &other.subgraphs, in_other)
    }

    fn state(&self, subgraph: SubgraphId) -> Option<SubgraphState> {
        self.subgraphs.state(subgraph)
    }
}
