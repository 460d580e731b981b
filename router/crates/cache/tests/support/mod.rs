//! A gateway with a cache before two subgraphs of this process, which note what they are asked.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "in tests a panic is the report"
)]

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use braid_cache::config::CacheConfig;
use braid_cache::{Cached, Describes};
use braid_cache_store::Invalidation;
use braid_composition::{SubgraphSdl, compose};
use braid_executor::{SubgraphError, SubgraphErrorKind, SubgraphRequest, SubgraphResponse, SubgraphService};
use braid_gateway::request::GraphQLRequest;
use braid_gateway::{Accepts, Gateway, GatewayConfig, answer};
use braid_graphql::compiler::ast::{Definition, Document, Selection, Value as Literal};
use braid_request_context::SubgraphContext;
use braid_request_context::header_rules::{HeaderRules, HeadersConfig, Propagate, RequestRule};
use braid_request_context::headers::SubgraphHeaders;
use braid_supergraph::{SubgraphId, Supergraph};
use braid_telemetry::metrics::Metrics;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

const LINK: &str =
    r#"extend schema @link(url: "https://specs.apollo.dev/federation/v2.12", import: ["@key", "@cacheTag"])"#;

const CATALOG: &str = r#"
    type Query { product(id: ID!): Product @cacheTag(format: "one-{$args.id}") products: [Product!]! }
    type Mutation { first: Product }
    type Product @key(fields: "id") { id: ID! }
"#;

const PRICES: &str = r#"
    type Mutation { raise: Int }
    type Product @key(fields: "id") @cacheTag(format: "price-{$key.id}") { id: ID! price: Int }
"#;

/// How the prices are given.
#[derive(Debug, Default)]
pub struct Prices {
    pub control: String,
    pub header: Option<(&'static str, &'static str)>,
    /// Added to each price.
    pub more: i64,
    pub fails: bool,
    /// The product whose price is an error.
    pub refuses: Option<String>,
    pub tags: Option<Value>,
    pub delay: Duration,
}

#[derive(Debug, Default)]
struct World {
    prices: Mutex<Prices>,
    sent: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct InProcess {
    world: Arc<World>,
    names: Vec<String>,
}

pub struct Shop {
    gateway: Arc<Gateway<Cached<InProcess>>>,
    world: Arc<World>,
}

/// A shop whose cache is on, with these settings beside that.
pub fn shop(settings: Value) -> Shop {
    let world = Arc::new(World::default());
    world.prices.lock().unwrap().control = "max-age=60".to_owned();
    version(settings, world, PRICES, None)
}

/// A version of a shop in which the subgraph of prices has this schema.
fn version(settings: Value, world: Arc<World>, prices: &str, previous: Option<&Cached<InProcess>>) -> Shop {
    let mut config = json!({ "enabled": true });
    config.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let cache: CacheConfig = serde_json::from_value(config).unwrap();
    let subgraph = |name: &str, sdl: &str| SubgraphSdl {
        name: name.into(),
        url: format!("http://{name}.test"),
        sdl: format!("{LINK}\n{sdl}"),
        ..SubgraphSdl::default()
    };
    let composed = compose(&[subgraph("catalog", CATALOG), subgraph("prices", prices)]).result.unwrap();
    let supergraph = Arc::new(Supergraph::read(&composed.supergraph_sdl).unwrap());
    let names = supergraph.subgraphs.iter().map(|subgraph| subgraph.name.clone()).collect();
    let subgraphs = InProcess { world: world.clone(), names };
    let metrics = Arc::new(Metrics::default());
    let subgraphs = Cached::new(subgraphs, &cache, &supergraph, |_| false, Describes::default(), &metrics, previous);
    let forwarded = ["authorization", "x-language", "x-user"].map(|name| {
        RequestRule::Propagate(Propagate { name: Some(name.to_owned()), prefix: None, rename: None, default: None })
    });
    let rules = HeaderRules { request: forwarded.to_vec(), response: Vec::new() };
    let headers = HeadersConfig { all: rules, ..HeadersConfig::default() };
    let mut config = GatewayConfig { has_cache: true, headers, ..GatewayConfig::default() };
    config.exposure.subgraph_errors = true;
    Shop { gateway: Arc::new(Gateway::new(supergraph, subgraphs.unwrap(), &config, &metrics).unwrap()), world }
}

impl Shop {
    pub async fn ask(&self, query: &str) -> String {
        self.ask_with(query, &[]).await
    }

    pub async fn ask_with(&self, query: &str, headers: &[(&'static str, &str)]) -> String {
        let (mut head, ()) = http::Request::new(()).into_parts();
        for (name, value) in headers {
            head.headers.insert(HeaderName::from_static(name), HeaderValue::try_from(*value).unwrap());
        }
        let context = Arc::new(self.gateway.context(head, None, Duration::from_secs(60)));
        let query = Some(Cow::Owned(serde_json::to_string(query).unwrap()));
        let request = GraphQLRequest { query, ..GraphQLRequest::default() };
        let accepts = Accepts { mutations: true, ..Accepts::WHOLE };
        let executed = answer(&self.gateway, &request, &context, accepts).await.unwrap().executed().unwrap();
        String::from_utf8_lossy(&executed.response.bytes).into_owned()
    }

    /// The next version of the shop, in which the price is of another type.
    pub fn reloaded(&self, price: &str) -> Self {
        let prices = PRICES.replace("price: Int", &format!("price: {price}"));
        version(json!({}), self.world.clone(), &prices, Some(&self.gateway.subgraphs))
    }

    pub fn set(&self, change: impl FnOnce(&mut Prices)) {
        change(&mut self.world.prices.lock().unwrap());
    }

    /// What was asked of subgraphs since the last call.
    pub fn sent(&self) -> Vec<String> {
        std::mem::take(&mut self.world.sent.lock().unwrap())
    }

    /// Whether a subgraph was asked since the last call of [`Self::sent`].
    pub fn has_sent(&self, subgraph: &str) -> bool {
        self.world.sent.lock().unwrap().iter().any(|sent| sent.starts_with(subgraph))
    }

    pub async fn invalidate(&self, invalidation: Invalidation) {
        self.gateway.subgraphs.store().unwrap().invalidate(&[invalidation]).await.unwrap();
    }
}

impl SubgraphService for InProcess {
    type Context = SubgraphContext;
    type Meta = SubgraphHeaders;

    async fn call(
        &self,
        request: SubgraphRequest,
        _: &SubgraphContext,
    ) -> Result<SubgraphResponse<SubgraphHeaders>, SubgraphError> {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        match &*self.names[request.subgraph.index()] {
            "catalog" => {
                let (said, data) = catalog(&body);
                self.world.sent.lock().unwrap().push(format!("catalog: {said}"));
                Ok(response(&json!({ "data": data }), "max-age=60, public", None))
            }
            _ => self.prices(&body).await,
        }
    }

    fn seen_of(&self, subgraph: SubgraphId, context: &SubgraphContext) -> Option<Vec<u8>> {
        Some(format!("{:?}", context.headers(subgraph)).into_bytes())
    }
}

impl InProcess {
    async fn prices(&self, body: &Value) -> Result<SubgraphResponse<SubgraphHeaders>, SubgraphError> {
        let representations = body["variables"]["representations"].as_array().cloned().unwrap_or_default();
        let ids: Vec<String> = representations.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
        self.world.sent.lock().unwrap().push(format!("prices: {}", ids.join(" ")));
        let delay = self.world.prices.lock().unwrap().delay;
        let answered = {
            let prices = self.world.prices.lock().unwrap();
            let price = |id: &String| {
                (Some(id) != prices.refuses.as_ref()).then(|| 10 * id.parse::<i64>().unwrap_or(7) + prices.more)
            };
            let items: Vec<Value> = ids.iter().map(|id| json!({ "price": price(id) })).collect();
            let mut answer = match ids.is_empty() {
                true => json!({ "data": { "raise": 1 }, "extensions": { "cacheTags": ["price-1"] } }),
                false => json!({ "data": { "_entities": items } }),
            };
            if let Some(at) = ids.iter().position(|id| Some(id) == prices.refuses.as_ref()) {
                answer["errors"] = json!([{ "message": "no price", "path": ["_entities", at, "price"] }]);
            }
            if let Some(tags) = prices.tags.clone().filter(|_| !ids.is_empty()) {
                answer["extensions"] = tags;
            }
            response(&answer, &prices.control, prices.header)
        };
        tokio::time::sleep(delay).await;
        if self.world.prices.lock().unwrap().fails {
            let message = "down".to_owned();
            return Err(SubgraphError { kind: SubgraphErrorKind::Transport, message, retryable: false });
        }
        Ok(answered)
    }
}

fn response(body: &Value, control: &str, more: Option<(&'static str, &str)>) -> SubgraphResponse<SubgraphHeaders> {
    let mut headers = HeaderMap::new();
    if !control.is_empty() {
        headers.insert(http::header::CACHE_CONTROL, HeaderValue::try_from(control).unwrap());
    }
    if let Some((name, value)) = more {
        headers.insert(HeaderName::from_static(name), HeaderValue::try_from(value).unwrap());
    }
    SubgraphResponse::new(200, Bytes::from(body.to_string()), SubgraphHeaders::new(headers))
}

/// What a request for root fields says, for the log, and the data that it gets.
fn catalog(body: &Value) -> (String, Value) {
    let document = Document::parse(body["query"].as_str().unwrap(), "request.graphql").unwrap();
    let Some(Definition::OperationDefinition(operation)) = document.definitions.first() else { panic!("{body}") };
    let product = |id: &str| json!({ "__typename": "Product", "id": id });
    let (mut said, mut data) = (Vec::new(), serde_json::Map::new());
    for selection in &operation.selection_set {
        let Selection::Field(field) = selection else { panic!("{body}") };
        let alias = field.alias.as_ref().map(|alias| format!("{alias}=")).unwrap_or_default();
        let key = field.alias.as_ref().unwrap_or(&field.name).to_string();
        if field.name == "first" {
            said.push("first".to_owned());
            data.insert(key, product("1"));
            continue;
        }
        if field.name == "products" {
            said.push(format!("{alias}products"));
            data.insert(key, ["1", "2", "3"].map(product).into());
            continue;
        }
        let literal = |literal: &Literal| match literal {
            Literal::Int(number) => number.as_str().to_owned(),
            Literal::String(text) => text.clone(),
            other => panic!("{other:?}"),
        };
        let id = match &*field.arguments[0].value {
            Literal::Variable(name) => match &body["variables"][name.as_str()] {
                Value::Null => {
                    let variable = operation.variables.iter().find(|variable| variable.name == *name).unwrap();
                    literal(variable.default_value.as_ref().unwrap())
                }
                value => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
            },
            value => literal(value),
        };
        said.push(format!("{alias}product {id}"));
        data.insert(key, product(&id));
    }
    (said.join(", "), Value::Object(data))
}
