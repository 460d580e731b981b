//! Two subgraphs that answer by rules, a gateway before them, and a client that takes answers in parts.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use braid_composition::{SubgraphSdl, compose};
use braid_executor::{
    PartsFormat, SubgraphError, SubgraphErrorKind, SubgraphRequest, SubgraphResponse, SubgraphService,
};
use braid_gateway::incremental::Begun;
use braid_gateway::refusal::Refusal;
use braid_gateway::request::GraphQLRequest;
use braid_gateway::subscriptions::{EndCause, Event};
use braid_gateway::{Accepts, Answer, Gateway, GatewayConfig, answer};
use braid_request_context::SubgraphContext;
use braid_request_context::headers::SubgraphHeaders;
use braid_request_context::identity::Identity;
use braid_supergraph::{SubgraphId, Supergraph};
use braid_telemetry::metrics::Metrics;
use futures_util::StreamExt;
use http::HeaderMap;

pub const PRODUCTS: &str = r#"
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
    type Query { product: Product products: [Product!] slow: String slowest: String! }
    type Mutation { rename: Product }
    type Product @key(fields: "id") { id: ID! name: String maker: Maker }
    type Maker { name: String! }
"#;

pub const REVIEWS: &str = r#"
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
    type Query { latest: String }
    type Product @key(fields: "id") { id: ID! reviews: [Review!] stars: Int! }
    type Review { text: String! }
"#;

/// Subgraphs that answer requests by what their text has, after a time.
#[derive(Debug, Default)]
pub struct Shop {
    /// What a request has, how long it takes, and the answer; `None` fails.
    pub rules: Vec<(&'static str, Duration, Option<&'static str>)>,
    pub asked: AtomicUsize,
    pub answered: AtomicUsize,
    /// Who was asked last.
    pub last: Mutex<Option<SubgraphId>>,
    /// Of the gateway.
    pub metrics: Arc<Metrics>,
}

impl SubgraphService for Shop {
    type Context = SubgraphContext;
    type Meta = SubgraphHeaders;

    async fn call(
        &self,
        request: SubgraphRequest,
        _: &SubgraphContext,
    ) -> Result<SubgraphResponse<SubgraphHeaders>, SubgraphError> {
        let text = String::from_utf8(request.body.to_vec()).unwrap();
        self.asked.fetch_add(1, Ordering::Relaxed);
        *self.last.lock().unwrap() = Some(request.subgraph);
        assert!(!text.contains("@defer") && !text.contains("@stream"), "{text}");
        let rule = self.rules.iter().find(|(has, ..)| text.contains(has));
        let (_, time, answer) = *rule.unwrap_or_else(|| panic!("no rule for {text}"));
        tokio::time::sleep(time).await;
        self.answered.fetch_add(1, Ordering::Relaxed);
        let kind = SubgraphErrorKind::Malformed;
        let body = answer.ok_or(SubgraphError { kind, message: "gone".to_owned(), retryable: false })?.into();
        Ok(SubgraphResponse::new(200, body, SubgraphHeaders::default()))
    }
}

pub fn gateway(shop: Shop, change: impl FnOnce(&mut GatewayConfig)) -> Arc<Gateway<Arc<Shop>>> {
    gateway_of(shop, PRODUCTS, REVIEWS, change)
}

pub fn gateway_of(
    shop: Shop,
    products: &str,
    reviews: &str,
    change: impl FnOnce(&mut GatewayConfig),
) -> Arc<Gateway<Arc<Shop>>> {
    let subgraphs = [("products", products), ("reviews", reviews)].map(|(name, sdl)| SubgraphSdl {
        name: name.to_owned(),
        sdl: sdl.to_owned(),
        ..SubgraphSdl::default()
    });
    let supergraph = Supergraph::read(&compose(&subgraphs).result.unwrap().supergraph_sdl).unwrap();
    let mut config = GatewayConfig::default();
    change(&mut config);
    let metrics = Arc::clone(&shop.metrics);
    Arc::new(Gateway::new(Arc::new(supergraph), Arc::new(shop), &config, &metrics).unwrap())
}

pub fn rules(rules: &[(&'static str, u64, &'static str)]) -> Shop {
    let rule = |(has, millis, answer): &(&'static str, u64, &'static str)| {
        (*has, Duration::from_millis(*millis), Some(*answer).filter(|answer| !answer.is_empty()))
    };
    Shop { rules: rules.iter().map(rule).collect(), ..Shop::default() }
}

/// The messages of an answer, each with the milliseconds until it came.
pub async fn messages(
    gateway: &Arc<Gateway<Arc<Shop>>>,
    query: &str,
    variables: &str,
    format: PartsFormat,
) -> Result<Vec<(u128, String)>, Refusal> {
    messages_within(gateway, query, variables, format, Duration::from_secs(10)).await
}

pub async fn messages_within(
    gateway: &Arc<Gateway<Arc<Shop>>>,
    query: &str,
    variables: &str,
    format: PartsFormat,
    time: Duration,
) -> Result<Vec<(u128, String)>, Refusal> {
    Client { time, ..Client::new(format) }.ask(gateway, query, variables).await
}

/// Who asks, and how.
pub struct Client {
    pub format: PartsFormat,
    pub time: Duration,
    pub headers: HeaderMap,
    pub identity: Identity,
}

impl Client {
    pub fn new(format: PartsFormat) -> Self {
        let time = Duration::from_secs(10);
        Self { format, time, headers: HeaderMap::new(), identity: Identity::Anonymous }
    }

    /// The messages of an answer, each with the milliseconds until it came.
    pub async fn ask(
        &self,
        gateway: &Arc<Gateway<Arc<Shop>>>,
        query: &str,
        variables: &str,
    ) -> Result<Vec<(u128, String)>, Refusal> {
        let body = format!(r#"{{"query":{},"variables":{variables}}}"#, serde_json::to_string(query).unwrap());
        let request = GraphQLRequest::from_json(body.as_bytes()).unwrap();
        let mut head = http::Request::post("/").body(()).unwrap().into_parts().0;
        head.headers = self.headers.clone();
        let mut context = gateway.context(head, None, self.time);
        context.identity = self.identity.clone();
        let started = Instant::now();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let mut found = Vec::new();
        match answer(gateway, &request, &Arc::new(context), Accepts::ALL).await? {
            Answer::Incremental(incremental) => match incremental.begin(gateway, self.format).await {
                Begun::Whole(executed) => found.push((started.elapsed().as_millis(), text(&executed.response.bytes))),
                Begun::Parts(mut parts) => {
                    while let Some(event) = parts.next().await {
                        match event {
                            Event::Next(bytes) => found.push((started.elapsed().as_millis(), text(&bytes))),
                            Event::Ended(ended) => assert_eq!(ended.cause, EndCause::Completed),
                        }
                    }
                }
            },
            Answer::Executed(executed) => found.push((started.elapsed().as_millis(), text(&executed.response.bytes))),
            Answer::Subscription(_) => panic!("a subscription"),
        }
        Ok(found)
    }
}

/// The same without the times.
pub async fn texts(shop: Shop, query: &str, variables: &str, format: PartsFormat) -> Vec<String> {
    let found = messages(&gateway(shop, |_| {}), query, variables, format).await.unwrap();
    found.into_iter().map(|(_, text)| text).collect()
}
