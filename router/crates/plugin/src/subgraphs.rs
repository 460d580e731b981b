//! The two stages of requests to subgraphs, as services around another one. Knows no plugin.
//!
//! The cache stands between them. What a plugin sets in a request must be known to the cache, since it decides whose an answer is; what it makes
//! of a response is what the cache keeps.

use std::sync::Arc;

use braid_executor::{
    OpenResponse, SubgraphError, SubgraphEvents, SubgraphRequest, SubgraphResponse, SubgraphService, SubgraphState,
};
use braid_request_context::headers::{SubgraphHeaders, may_pass};
use braid_request_context::{SubgraphChanges, SubgraphContext};
use braid_supergraph::{SubgraphId, Supergraph};
use braid_telemetry::trace::random;
use bytes::Bytes;
use futures_util::future::Either;
use http::HeaderMap;

use crate::plugins::Plugins;
use crate::refused::Refused;
use crate::stages::{Stage, SubgraphRequestStage, SubgraphResponseStage};

type Outcome = Result<SubgraphResponse<SubgraphHeaders>, SubgraphError>;

/// Subgraphs, with [`Stage::SubgraphRequest`] before each request.
#[derive(Debug)]
pub struct WithRequestStage<S> {
    /// What requests go on to.
    pub subgraphs: S,
    plugins: Plugins,
    names: Arc<Names>,
}

/// Subgraphs, with [`Stage::SubgraphResponse`] after each request.
#[derive(Debug)]
pub struct WithResponseStage<S> {
    /// What answers.
    pub subgraphs: S,
    plugins: Plugins,
    names: Arc<Names>,
}

/// The names and URLs of subgraphs.
#[derive(Debug)]
struct Names(Vec<(String, String)>);

impl Names {
    fn of(supergraph: &Supergraph) -> Arc<Self> {
        let name = |subgraph: &braid_supergraph::Subgraph| (subgraph.name.clone(), subgraph.url.clone());
        Arc::new(Self(supergraph.subgraphs.iter().map(name).collect()))
    }

    fn get(&self, subgraph: SubgraphId) -> (&str, &str) {
        self.0.get(subgraph.index()).map_or(("", ""), |(name, url)| (name, url))
    }
}

impl<S> WithRequestStage<S> {
    /// The stage before `subgraphs`.
    pub fn new(subgraphs: S, plugins: &Plugins, supergraph: &Supergraph) -> Self {
        Self { subgraphs, plugins: plugins.clone(), names: Names::of(supergraph) }
    }

    fn is_off(&self) -> bool {
        !self.plugins.take_part_in(Stage::SubgraphRequest)
    }

    /// The context of one request, as plugins change it; or what they answer instead.
    async fn ask(&self, request: &SubgraphRequest, context: &SubgraphContext) -> Result<SubgraphContext, Refused> {
        let (subgraph, url) = self.names.get(request.subgraph);
        let by_rules = context.headers(request.subgraph);
        let number = random();
        let mut changes =
            SubgraphChanges { headers: by_rules.cloned().unwrap_or_default(), ..SubgraphChanges::default() };
        let SubgraphChanges { headers, extensions } = &mut changes;
        let stage = SubgraphRequestStage {
            context: context.request(),
            subgraph,
            url,
            kind: request.kind,
            number,
            body: &request.body,
            headers,
            extensions,
        };
        self.plugins.subgraph_request(stage).await?;
        remove_own(&mut changes.headers);
        let is_changed = !changes.extensions.is_empty()
            || by_rules.map_or(!changes.headers.is_empty(), |rules| *rules != changes.headers);
        Ok(context.clone().for_fetch(number, is_changed.then_some(changes)))
    }
}

/// Removes the headers that are the transport's own.
fn remove_own(headers: &mut HeaderMap) {
    let own: Vec<_> = headers.keys().filter(|name| !may_pass(name)).cloned().collect();
    for name in own {
        headers.remove(name);
    }
}

impl<S> WithResponseStage<S> {
    /// The stage after `subgraphs`.
    pub fn new(subgraphs: S, plugins: &Plugins, supergraph: &Supergraph) -> Self {
        Self { subgraphs, plugins: plugins.clone(), names: Names::of(supergraph) }
    }

    fn is_off(&self) -> bool {
        !self.plugins.take_part_in(Stage::SubgraphResponse)
    }

    /// A response as plugins change it.
    async fn tell(
        &self,
        subgraph: SubgraphId,
        mut response: SubgraphResponse<SubgraphHeaders>,
        context: &SubgraphContext,
    ) -> SubgraphResponse<SubgraphHeaders> {
        let mut headers = response.meta.headers().cloned().unwrap_or_default();
        let stage = SubgraphResponseStage {
            context: context.request(),
            subgraph: self.names.get(subgraph).0,
            number: context.fetch(),
            status: &mut response.status,
            headers: &mut headers,
            body: &mut response.body,
        };
        match self.plugins.subgraph_response(stage).await {
            Ok(()) => SubgraphResponse { meta: response.meta.with_headers(headers), ..response },
            Err(refused) => instead(&refused),
        }
    }
}

/// The response that a plugin gives in place of a subgraph's.
fn instead(refused: &Refused) -> SubgraphResponse<SubgraphHeaders> {
    let body: Bytes = refused.body();
    SubgraphResponse::new(refused.status.as_u16(), body, SubgraphHeaders::new(refused.headers.clone()))
}

impl<S: SubgraphService<Context = SubgraphContext, Meta = SubgraphHeaders>> SubgraphService for WithRequestStage<S> {
    type Context = SubgraphContext;
    type Meta = SubgraphHeaders;

    fn call(&self, request: SubgraphRequest, context: &SubgraphContext) -> impl Future<Output = Outcome> + Send {
        if self.is_off() {
            return Either::Left(self.subgraphs.call(request, context));
        }
        Either::Right(Box::pin(async move {
            match self.ask(&request, context).await {
                Ok(context) => self.subgraphs.call(request, &context).await,
                Err(refused) => Ok(instead(&refused)),
            }
        }))
    }

    fn open(
        &self,
        request: SubgraphRequest,
        context: &SubgraphContext,
    ) -> impl Future<Output = Result<OpenResponse<SubgraphHeaders>, SubgraphError>> + Send {
        if self.is_off() {
            return Either::Left(self.subgraphs.open(request, context));
        }
        Either::Right(Box::pin(async move {
            match self.ask(&request, context).await {
                Ok(context) => self.subgraphs.open(request, &context).await,
                Err(refused) => Ok(OpenResponse::Whole(instead(&refused))),
            }
        }))
    }

    fn subscribe(
        &self,
        request: SubgraphRequest,
        context: &SubgraphContext,
    ) -> impl Future<Output = Result<SubgraphEvents, SubgraphError>> + Send {
        if self.is_off() {
            return Either::Left(self.subgraphs.subscribe(request, context));
        }
        Either::Right(Box::pin(async move {
            match self.ask(&request, context).await {
                Ok(context) => self.subgraphs.subscribe(request, &context).await,
                Err(refused) => {
                    let event = braid_executor::SubgraphEvent::Next(refused.body());
                    let events = futures_util::stream::once(std::future::ready(event));
                    Ok(Box::pin(events) as SubgraphEvents)
                }
            }
        }))
    }

    /// What plugins set is known only when they are asked, so that nothing is shared.
    fn seen_of(&self, subgraph: SubgraphId, context: &SubgraphContext) -> Option<Vec<u8>> {
        if self.is_off() { self.subgraphs.seen_of(subgraph, context) } else { None }
    }

    fn is_same(&self, subgraph: SubgraphId, other: &Self, in_other: SubgraphId) -> bool {
        self.subgraphs.is_same(subgraph, &other.subgraphs, in_other)
    }

    fn state(&self, subgraph: SubgraphId) -> Option<SubgraphState> {
        self.subgraphs.state(subgraph)
    }
}

impl<S: SubgraphService<Context = SubgraphContext, Meta = SubgraphHeaders>> SubgraphService for WithResponseStage<S> {
    type Context = SubgraphContext;
    type Meta = SubgraphHeaders;

    fn call(&self, request: SubgraphRequest, context: &SubgraphContext) -> impl Future<Output = Outcome> + Send {
        let subgraph = request.subgraph;
        let response = self.subgraphs.call(request, context);
        if self.is_off() {
            return Either::Left(response);
        }
        Either::Right(Box::pin(async move { Ok(self.tell(subgraph, response.await?, context).await) }))
    }

    /// A response that plugins look at is whole.
    fn open(
        &self,
        request: SubgraphRequest,
        context: &SubgraphContext,
    ) -> impl Future<Output = Result<OpenResponse<SubgraphHeaders>, SubgraphError>> + Send {
        if self.is_off() {
            return Either::Left(self.subgraphs.open(request, context));
        }
        Either::Right(Box::pin(async move { self.call(request, context).await.map(OpenResponse::Whole) }))
    }

    fn subscribe(
        &self,
        request: SubgraphRequest,
        context: &SubgraphContext,
    ) -> impl Future<Output = Result<SubgraphEvents, SubgraphError>> + Send {
        self.subgraphs.subscribe(request, context)
    }

    fn seen_of(&self, subgraph: SubgraphId, context: &SubgraphContext) -> Option<Vec<u8>> {
        self.subgraphs.seen_of(subgraph, context)
    }

    fn is_same(&self, subgraph: SubgraphId, other: &Self, in_other: SubgraphId) -> bool {
        self.subgraphs.is_same(subgraph, &other.subgraphs, in_other)
    }

    fn state(&self, subgraph: SubgraphId) -> Option<SubgraphState> {
        self.subgraphs.state(subgraph)
    }
}
