//! What costs too much is refused before a subgraph is asked, and what was asked is added up.
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
use braid_demand_control::config::{CostHeaders, DemandControlConfig, Mode, SubgraphBudget};
use braid_executor::{SubgraphError, SubgraphRequest, SubgraphResponse, SubgraphService};
use braid_gateway::refusal::Refusal;
use braid_gateway::request::GraphQLRequest;
use braid_gateway::{Accepts, Executed, Gateway, GatewayConfig, GatewayError, OperationCost, answer};
use braid_request_context::SubgraphContext;
use braid_request_context::headers::SubgraphHeaders;
use braid_request_context::identity::{CredentialKind, Identity, Principal};
use braid_supergraph::{SubgraphId, Supergraph};
use braid_telemetry::metrics::Metrics;
use bytes::Bytes;
use http::HeaderMap;
use serde_json::value::RawValue;
use serde_json::{Value, json};

const LINK: &str = r#"
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@cost", "@listSize"])
"#;

const PRODUCTS: &str = r#"
    type Query {
        products(first: Int): [Product] @listSize(slicingArguments: ["first"])
    }
    type Product @key(fields: "id") { id: ID!  name: String  margin: Int @cost(weight: 4)  maker: Maker }
    union Maker = Person | Company
    type Person { name: String }
    type Company @cost(weight: 3) { name: String }
"#;

const STOCK: &str = r#"
    type Product @key(fields: "id") { id: ID!  places: [Place] @listSize(assumedSize: 5) }
    type Place { name: String }
"#;

/// Two products; a place of each.
#[derive(Debug, Default)]
struct Shop {
    asked: Mutex<Vec<SubgraphId>>,
}

impl SubgraphService for Shop {
    type Context = SubgraphContext;
    type Meta = SubgraphHeaders;

    async fn call(
        &self,
        request: SubgraphRequest,
        _: &SubgraphContext,
    ) -> Result<SubgraphResponse<SubgraphHeaders>, SubgraphError> {
        self.asked.lock().unwrap().push(request.subgraph);
        let text = String::from_utf8(request.body.to_vec()).unwrap();
        let data = if text.contains("_entities") {
            let entity = json!({ "places": [{ "name": "Shelf" }] });
            json!({ "_entities": [entity, entity] })
        } else {
            let company = json!({ "__typename": "Company", "name": "Acme" });
            let person = json!({ "__typename": "Person", "name": "Ann" });
            let product = |id, maker| {
                let product =
                    json!({ "__typename": "Product", "id": id, "name": "Chair", "margin": 1, "maker": maker });
                let wanted = |key: &str| key == "__typename" || text.contains(key);
                let Value::Object(product) = product else { panic!("not an object") };
                Value::Object(product.into_iter().filter(|(key, _)| wanted(key)).collect())
            };
            json!({ "products": [product("1", company), product("2", person)] })
        };
        let body = Bytes::from(json!({ "data": data }).to_string());
        Ok(SubgraphResponse::new(200, body, SubgraphHeaders::default()))
    }
}

fn gateway(demand_control: DemandControlConfig) -> Result<Arc<Gateway<Shop>>, GatewayError> {
    let subgraph = |name: &str, sdl: &str| SubgraphSdl {
        name: name.to_owned(),
        sdl: format!("{LINK}{sdl}"),
        ..SubgraphSdl::default()
    };
    let composed = compose(&[subgraph("products", PRODUCTS), subgraph("stock", STOCK)]);
    let composed = composed.result.expect("the subgraphs compose");
    let supergraph = Arc::new(Supergraph::read(&composed.supergraph_sdl).unwrap());
    let config = GatewayConfig { demand_control, ..GatewayConfig::default() };
    Gateway::new(supergraph, Shop::default(), &config, &Arc::new(Metrics::default())).map(Arc::new)
}

fn enforce() -> DemandControlConfig {
    DemandControlConfig { mode: Mode::Enforce, max: Some(1_000), max_anonymous: Some(100), ..Default::default() }
}

fn somebody() -> Identity {
    let claims = serde_json::Map::new();
    Identity::Known(Arc::new(Principal { claims, source: "test".into(), kind: CredentialKind::Jwt, expires: None }))
}

async fn ask(gateway: &Arc<Gateway<Shop>>, query: &str, first: u64, identity: Identity) -> Result<Executed, Refusal> {
    gateway.subgraphs.asked.lock().unwrap().clear();
    let (head, ()) = http::Request::new(()).into_parts();
    let mut context = gateway.context(head, None, Duration::from_secs(60));
    context.identity = identity;
    let query = Some(serde_json::to_string(query).unwrap().into());
    let variables = RawValue::from_string(json!({ "n": first }).to_string()).unwrap();
    let variables = Some(std::borrow::Cow::Owned(variables));
    let request = GraphQLRequest { query, variables, ..GraphQLRequest::default() };
    answer(gateway, &request, &Arc::new(context), Accepts::WHOLE).await?.executed()
}

const QUERY: &str = "query($n: Int) { products(first: $n) { name places { name } } }";

#[tokio::test]
async fn what_costs_too_much_is_refused_and_asked_of_nobody() {
    let gateway = gateway(enforce()).unwrap();
    // n products, as many entities, and five places of each.
    let executed = ask(&gateway, QUERY, 14, Identity::Anonymous).await.unwrap();
    assert_eq!(executed.cost, Some(OperationCost { estimated: 98, actual: 2 + 2 + 2, max: Some(100) }));
    let refusal = ask(&gateway, QUERY, 15, Identity::Anonymous).await.unwrap_err();
    assert!(gateway.subgraphs.asked.lock().unwrap().is_empty());
    assert_eq!(refusal.errors[0].code(), Some("COST_ESTIMATED_TOO_EXPENSIVE"));
    assert_eq!(refusal.errors[0].extensions["costEstimated"], 105);
    assert_eq!(refusal.errors[0].extensions["costMax"], 100);
    // Whoever says who they are may ask for more, of the same compiled operation.
    let executed = ask(&gateway, QUERY, 15, somebody()).await.unwrap();
    assert!(executed.cached);
    assert_eq!(executed.cost.unwrap().max, Some(1_000));
    assert!(ask(&gateway, QUERY, 1_000, somebody()).await.is_err());
    // As many arguments of a list that needs one.
    let refusal = ask(&gateway, "{ products { name } }", 0, somebody()).await.unwrap_err();
    assert_eq!(refusal.errors[0].code(), Some("COST_INVALID_SLICING_ARGUMENTS"));
    assert!(refusal.errors[0].message.starts_with("Query.products needs exactly one"), "{refusal:?}");
}

#[tokio::test]
async fn what_subgraphs_give_is_added_up() {
    let gateway = gateway(enforce()).unwrap();
    let query = "query($n: Int) { products(first: $n) { margin maker { __typename ... on Company { name } } } }";
    let executed = ask(&gateway, query, 2, Identity::Anonymous).await.unwrap();
    // Two products with a margin; a company and a person. A maker is estimated as the more expensive of both.
    let cost = executed.cost.unwrap();
    assert_eq!((cost.estimated, cost.actual), (2 * (1 + 4 + 3), 2 * (1 + 4) + 3 + 1));
    let query = "query($n: Int, $no: Boolean = false) { products(first: $n) { name margin @include(if: $no) } }";
    assert_eq!(ask(&gateway, query, 2, Identity::Anonymous).await.unwrap().cost.unwrap().estimated, 2);
}

#[tokio::test]
async fn measuring_refuses_nothing() {
    let gateway = gateway(DemandControlConfig {
        mode: Mode::Measure,
        headers: CostHeaders {
            estimated: Some("x-cost-estimated".to_owned()),
            actual: Some("x-cost-actual".to_owned()),
            max: Some("x-cost-max".to_owned()),
        },
        subgraphs: [("stock".to_owned(), SubgraphBudget { max: 1 })].into(),
        ..enforce()
    });
    let gateway = gateway.unwrap();
    let executed = ask(&gateway, QUERY, 1_000, Identity::Anonymous).await.unwrap();
    assert_eq!(executed.response.errors, 0);
    let mut headers = HeaderMap::new();
    executed.write_headers(&gateway, &mut headers);
    let header = |name: &str| headers[name].to_str().unwrap();
    assert_eq!([header("x-cost-estimated"), header("x-cost-actual"), header("x-cost-max")], ["7000", "6", "100"]);
    // Of a batch, the headers have the sums.
    executed.write_headers(&gateway, &mut headers);
    assert_eq!(headers["x-cost-estimated"], "14000");
    assert!(ask(&gateway, "{ products { name } }", 0, Identity::Anonymous).await.is_ok());
}

#[tokio::test]
async fn a_subgraph_over_its_budget_is_not_asked() {
    let subgraphs = [("stock".to_owned(), SubgraphBudget { max: 60 })].into();
    let gateway = gateway(DemandControlConfig { subgraphs, ..enforce() }).unwrap();
    let executed = ask(&gateway, QUERY, 10, Identity::Anonymous).await.unwrap();
    assert_eq!(executed.response.errors, 0);
    let executed = ask(&gateway, QUERY, 11, Identity::Anonymous).await.unwrap();
    let response: Value = serde_json::from_slice(&executed.response.bytes).unwrap();
    assert_eq!(response["data"]["products"][1], json!({ "name": "Chair", "places": null }));
    assert_eq!(response["errors"][0]["extensions"]["code"], "SUBGRAPH_COST_ESTIMATED_TOO_EXPENSIVE");
    let products = gateway.supergraph.subgraph_named("products").unwrap();
    assert_eq!(*gateway.subgraphs.asked.lock().unwrap(), [products]);
}

#[test]
fn what_is_set_wrong_is_refused() {
    let subgraphs = [("stok".to_owned(), SubgraphBudget { max: 60 })].into();
    let headers = CostHeaders { max: Some("x cost".to_owned()), ..CostHeaders::default() };
    for (config, expected) in [
        (DemandControlConfig { subgraphs, ..enforce() }, "no subgraph \"stok\""),
        (DemandControlConfig { headers, ..enforce() }, "\"x cost\" is not a header name"),
    ] {
        let error = gateway(config).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
