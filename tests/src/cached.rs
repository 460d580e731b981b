//! A router with a cache, whose subgraphs are in this process. Knows no world that changes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use braid_cache::config::CacheConfig;
use braid_cache::{Cached, Describes};
use braid_cache_store::Store;
use braid_executor::{SubgraphError, SubgraphErrorKind, SubgraphRequest, SubgraphResponse, SubgraphService};
use braid_gateway::config::LabelRule;
use braid_gateway::request::GraphQLRequest;
use braid_gateway::{Accepts, Gateway, GatewayConfig, answer};
use braid_request_context::SubgraphContext;
use braid_request_context::header_rules::{HeaderRules, HeadersConfig, Propagate, RequestRule};
use braid_request_context::headers::SubgraphHeaders;
use braid_supergraph::{SubgraphId, Supergraph};
use braid_telemetry::metrics::Metrics;
use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderValue};
use serde_json::value::to_raw_value;
use serde_json::{Map, Value};

use crate::subgraph::Request;
use crate::world::{Running, labels};

/// The header that says who looks.
pub const VIEWER: &str = "x-viewer";

/// A router with a cache.
pub struct CachedRouter {
    gateway: Arc<Gateway<Cached<InProcess>>>,
    asked: Arc<AtomicUsize>,
}

/// Subgraphs by the supergraph's numbers. What has a private field is private.
struct InProcess {
    world: Arc<Running>,
    by_number: Vec<usize>,
    private: BTreeSet<String>,
    asked: Arc<AtomicUsize>,
}

impl CachedRouter {
    /// A router for the subgraphs of a world, in which fields with these names are private. Must be called on a runtime.
    pub fn new(supergraph: &str, world: &Arc<Running>, private: &BTreeSet<String>, cache: &CacheConfig) -> Self {
        let supergraph = Arc::new(Supergraph::read(supergraph).unwrap());
        let number = |known: &braid_supergraph::Subgraph| {
            world.subgraphs.iter().position(|subgraph| subgraph.name() == known.name).unwrap()
        };
        let asked = Arc::new(AtomicUsize::new(0));
        let subgraphs = InProcess {
            world: world.clone(),
            by_number: supergraph.subgraphs.iter().map(number).collect(),
            private: private.clone(),
            asked: asked.clone(),
        };
        let metrics = Arc::new(Metrics::default());
        let subgraphs =
            Cached::new(subgraphs, cache, &supergraph, |_| false, Describes::default(), &metrics, None).unwrap();
        let viewer = Propagate { name: Some(VIEWER.to_owned()), prefix: None, rename: None, default: None };
        let rules = HeaderRules { request: vec![RequestRule::Propagate(viewer)], response: Vec::new() };
        let headers = HeadersConfig { all: rules, ..HeadersConfig::default() };
        let mut config = GatewayConfig { has_cache: true, headers, ..GatewayConfig::default() };
        config.exposure.subgraph_errors = true;
        config.override_labels.labels.extend(labels().into_iter().map(|label| (label, LabelRule::Always)));
        Self { gateway: Arc::new(Gateway::new(supergraph, subgraphs, &config, &metrics).unwrap()), asked }
    }

    /// The schema that clients see.
    pub fn supergraph(&self) -> &Arc<Supergraph> {
        &self.gateway.supergraph
    }

    /// Where the router keeps things.
    pub fn store(&self) -> &Arc<Store> {
        self.gateway.subgraphs.store().unwrap()
    }

    /// How many requests the subgraphs got.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// The response to an operation of a viewer, as text; a refusal is an error.
    pub async fn ask(&self, query: &str, variables: &Map<String, Value>, viewer: u64) -> Result<String, String> {
        let (mut head, ()) = http::Request::new(()).into_parts();
        head.headers.insert(VIEWER, HeaderValue::from(viewer));
        let context = Arc::new(self.gateway.context(head, None, Duration::from_secs(60)));
        let query = serde_json::to_string(query).unwrap();
        let variables = to_raw_value(variables).unwrap();
        let request = GraphQLRequest {
            query: Some(query.into()),
            variables: Some(std::borrow::Cow::Owned(variables)),
            ..GraphQLRequest::default()
        };
        let answer = answer(&self.gateway, &request, &context, Accepts::WHOLE).await;
        let executed = answer.and_then(|answer| answer.executed()).map_err(|refusal| format!("{refusal:?}"))?;
        Ok(String::from_utf8_lossy(&executed.response.bytes).into_owned())
    }
}

impl SubgraphService for InProcess {
    type Context = SubgraphContext;
    type Meta = SubgraphHeaders;

    async fn call(
        &self,
        request: SubgraphRequest,
        context: &SubgraphContext,
    ) -> Result<SubgraphResponse<SubgraphHeaders>, SubgraphError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let malformed =
            |message: String| SubgraphError { kind: SubgraphErrorKind::Malformed, message, retryable: false };
        let mut body: Map<String, Value> =
            serde_json::from_slice(&request.body).map_err(|error| malformed(error.to_string()))?;
        let Some(Value::String(query)) = body.remove("query") else {
            return Err(malformed("the body has no query".to_owned()));
        };
        let variables = match body.remove("variables") {
            Some(Value::Object(variables)) => variables,
            _ => Map::new(),
        };
        let viewer = context.headers(request.subgraph).and_then(|headers| headers.get(VIEWER)?.to_str().ok());
        self.world.look_as(viewer.and_then(|viewer| viewer.parse().ok()).unwrap_or_default());
        let mut names = query.split(|c: char| !c.is_alphanumeric() && c != '_');
        let is_private = names.any(|name| self.private.contains(name));
        let subgraph = &self.world.subgraphs[self.by_number[request.subgraph.index()]];
        let answer = subgraph.execute(Request { query, variables });
        let control = if is_private { "private, max-age=3600" } else { "public, max-age=3600" };
        let headers = HeaderMap::from_iter([(CACHE_CONTROL, HeaderValue::from_static(control))]);
        Ok(SubgraphResponse::new(200, Bytes::from(answer.to_string()), SubgraphHeaders::new(headers)))
    }

    fn seen_of(&self, subgraph: SubgraphId, context: &SubgraphContext) -> Option<Vec<u8>> {
        let headers = context.headers(subgraph)?;
        Some(headers.get(VIEWER)?.as_bytes().to_vec())
    }
}
