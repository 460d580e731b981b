//! Requests through a gateway whose subgraphs are in this process.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use braid_composition::{SubgraphSdl, compose};
use braid_executor::{SubgraphError, SubgraphRequest, SubgraphResponse, SubgraphService};
use braid_gateway::config::LabelRule;
use braid_gateway::refusal::Refusal;
use braid_gateway::request::GraphQLRequest;
use braid_gateway::{Accepts, Executed, Gateway, GatewayConfig, answer};
use braid_request_context::SubgraphContext;
use braid_request_context::headers::SubgraphHeaders;
use braid_settings::ByteSize;
use braid_supergraph::Supergraph;
use braid_telemetry::metrics::Metrics;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

const OLD: &str = r#"
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
    type Query { product: Product ping: Int }
    type Mutation { pay: Int }
    type Subscription { ticks: Int }
    type Product @key(fields: "id") { id: ID! price: Int stock: Int name: String }
"#;

const NEW: &str = r#"
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@override"])
    type Product @key(fields: "id") {
        id: ID!
        price: Int @override(from: "old", label: "new-prices")
        stock: Int @override(from: "old", label: "new-stock")
    }
"#;

/// Notes who was asked, and answers with the same all the time.
#[derive(Debug, Default)]
struct Canned {
    asked: Mutex<Vec<usize>>,
}

impl SubgraphService for Canned {
    type Context = SubgraphContext;
    type Meta = SubgraphHeaders;

    async fn call(
        &self,
        request: SubgraphRequest,
        _: &SubgraphContext,
    ) -> Result<SubgraphResponse<SubgraphHeaders>, SubgraphError> {
        self.asked.lock().unwrap().push(request.subgraph.index());
        let product = r#""product":{"__typename":"Product","id":"1","price":1,"stock":1,"name":"a"}"#;
        let entities = r#""_entities":[{"__typename":"Product","price":2,"stock":2}]"#;
        let body = format!("{{\"data\":{{{product},{entities},\"pay\":1,\"ping\":1}}}}");
        Ok(SubgraphResponse::new(200, Bytes::from(body), SubgraphHeaders::default()))
    }
}

fn gateway(configure: impl FnOnce(&mut GatewayConfig)) -> Arc<Gateway<Canned>> {
    let subgraph = |name: &str, sdl: &str| SubgraphSdl { name: name.into(), sdl: sdl.into(), ..SubgraphSdl::default() };
    let composed = compose(&[subgraph("new", NEW), subgraph("old", OLD)]).result.expect("the subgraphs compose");
    let supergraph = Arc::new(Supergraph::read(&composed.supergraph_sdl).unwrap());
    let mut config = GatewayConfig::default();
    configure(&mut config);
    Arc::new(Gateway::new(supergraph, Canned::default(), &config, &Arc::new(Metrics::default())).unwrap())
}

fn request(query: &str) -> GraphQLRequest<'static> {
    let query = Some(serde_json::to_string(query).unwrap().into());
    GraphQLRequest { query, ..GraphQLRequest::default() }
}

async fn ask(
    gateway: &Arc<Gateway<Canned>>,
    query: &str,
    headers: HeaderMap,
    may_mutate: bool,
) -> Result<Executed, Refusal> {
    let (mut head, ()) = http::Request::new(()).into_parts();
    head.headers = headers;
    let context = gateway.context(head, None, Duration::from_secs(60));
    let accepts = Accepts { mutations: may_mutate, ..Accepts::WHOLE };
    answer(gateway, &request(query), &Arc::new(context), accepts).await?.executed()
}

fn code<T>(result: Result<T, Refusal>) -> String {
    let Err(refusal) = result else { panic!("it is not refused") };
    refusal.errors[0].code().unwrap().to_owned()
}

#[tokio::test]
async fn labels_choose_the_subgraph_of_each_request() {
    let beta = |value: &'static str| {
        HeaderMap::from_iter([(http::HeaderName::from_static("x-beta"), HeaderValue::from_static(value))])
    };
    let gateway = gateway(|config| {
        let header = LabelRule::Header { name: "x-beta".to_owned(), value: Some("yes".to_owned()) };
        config.override_labels.labels.insert("new-prices".to_owned(), header);
    });
    let prices = "{ product { price } }";
    for (value, price, cached) in [("no", 1, false), ("yes", 2, false), ("no", 1, true), ("yes", 2, true)] {
        let executed = ask(&gateway, prices, beta(value), true).await.unwrap();
        let expected = format!("{{\"data\":{{\"product\":{{\"price\":{price}}}}}}}");
        assert_eq!((executed.response.bytes, executed.cached), (Bytes::from(expected), cached), "{value}");
    }
    // What no label concerns is compiled once for all.
    let names = "{ product { name } }";
    assert!(!ask(&gateway, names, beta("no"), true).await.unwrap().cached);
    assert!(ask(&gateway, names, beta("yes"), true).await.unwrap().cached);
    // So is what only another label concerns, which is off.
    let stock = "{ product { stock } }";
    assert!(!ask(&gateway, stock, beta("no"), true).await.unwrap().cached);
    assert!(ask(&gateway, stock, beta("yes"), true).await.unwrap().cached);
}

#[tokio::test]
async fn an_operation_that_is_larger_than_its_share_of_the_cache_is_compiled_once() {
    let gateway = gateway(|config| config.limits.operation_cache = ByteSize(64 << 10));
    let fields: String = (0..150).map(|number| format!("a{number}: product {{ price stock name }} ")).collect();
    let huge = format!("{{ {fields} }}");
    let first = ask(&gateway, &huge, HeaderMap::new(), true).await.unwrap();
    assert!(first.operation.result.as_ref().unwrap().weight() > 64 << 10, "it is larger than the whole cache");
    assert!(!first.cached);
    assert!(ask(&gateway, &huge, HeaderMap::new(), true).await.unwrap().cached);
}

#[tokio::test]
async fn what_may_not_be_run_is_not_planned() {
    let gateway = gateway(|config| {
        config.exposure.introspection = false;
        config.subscriptions.enabled = false;
    });
    let pay = "mutation { pay }";
    assert_eq!(code(ask(&gateway, pay, HeaderMap::new(), false).await), "MUTATION_NOT_ALLOWED_OVER_HTTP_GET");
    // That was due to how it was sent.
    assert!(!ask(&gateway, pay, HeaderMap::new(), true).await.unwrap().cached);
    assert_eq!(code(ask(&gateway, pay, HeaderMap::new(), false).await), "MUTATION_NOT_ALLOWED_OVER_HTTP_GET");
    for (query, expected) in [
        ("subscription { ticks }", "SUBSCRIPTION_NOT_SUPPORTED"),
        ("{ __schema { types { name } } }", "INTROSPECTION_DISABLED"),
    ] {
        let (operation, _) = gateway.prepare(&request(query)).await.unwrap();
        assert_eq!(operation.planned_in, None, "{query}");
        assert_eq!(code(ask(&gateway, query, HeaderMap::new(), true).await), expected);
    }
    assert_eq!(*gateway.subgraphs.asked.lock().unwrap(), [1], "only the one mutation was run");
}
