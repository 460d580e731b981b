//! Answers in parts keep to what is checked of every operation: what it costs, what its client may see, and which subgraph a label chooses.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use braid_authorization::config::Mode as Authorization;
use braid_demand_control::config::{DemandControlConfig, Mode, SubgraphBudget};
use braid_executor::PartsFormat;
use braid_gateway::config::LabelRule;
use braid_gateway::refusal::Refusal;
use braid_gateway::{Gateway, GatewayConfig};
use braid_request_context::identity::{CredentialKind, Identity, Principal};
use http::{HeaderMap, HeaderName, HeaderValue};
use pretty_assertions::assert_eq;
use serde_json::{Value, json};
use support::{Client, PRODUCTS, REVIEWS, Shop, gateway, gateway_of, rules};

fn demand(max: u64, change: impl FnOnce(&mut DemandControlConfig)) -> impl FnOnce(&mut GatewayConfig) {
    move |config| {
        config.demand_control = DemandControlConfig {
            mode: Mode::Enforce,
            max: Some(max),
            max_anonymous: Some(max),
            list_size: 10,
            ..Default::default()
        };
        change(&mut config.demand_control);
    }
}

/// The messages as JSON.
fn parsed(messages: &[(u128, String)]) -> Vec<Value> {
    messages.iter().map(|(_, text)| serde_json::from_str(text).unwrap()).collect()
}

fn costs(gateway: &Gateway<Arc<Shop>>, family: &str) -> (u64, u64) {
    let text = gateway.subgraphs.metrics.encode();
    let of = |suffix: &str| {
        let line = text.lines().find(|line| line.starts_with(&format!("braid_operation_cost_{family}_{suffix}")));
        line.unwrap_or_else(|| panic!("no {family} {suffix}")).rsplit(' ').next().unwrap().parse::<f64>().unwrap()
            as u64
    };
    (of("count"), of("sum"))
}

fn asked(gateway: &Gateway<Arc<Shop>>) -> usize {
    gateway.subgraphs.asked.load(Ordering::Relaxed)
}

fn refused(answer: Result<Vec<(u128, String)>, Refusal>) -> (String, Value) {
    let error = answer.unwrap_err().errors.remove(0);
    (error.code().unwrap().to_owned(), error.extensions.get("costEstimated").cloned().unwrap_or_default())
}

const PRODUCT: (&str, u64, &str) =
    ("{product{", 0, r#"{"data":{"product":{"__typename":"Product","id":"1","name":"Lamp"}}}"#);
const REVIEWED: (&str, u64, &str) =
    ("reviews", 0, r#"{"data":{"_entities":[{"reviews":[{"text":"good"},{"text":"bad"}]}]}}"#);
const LATE: &str = "{ product { name ... @defer { reviews { text } } } }";

#[tokio::test]
async fn what_is_deferred_costs_as_much() {
    // The product, the product as an entity, and ten reviews.
    for format in [PartsFormat::Pending, PartsFormat::Path] {
        let gateway = gateway(rules(&[PRODUCT, REVIEWED]), demand(12, |_| {}));
        let found = Client::new(format).ask(&gateway, LATE, "{}").await.unwrap();
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(costs(&gateway, "estimated"), (1, 12));
        // One product, one entity, two reviews, known when the last part has come.
        assert_eq!(costs(&gateway, "actual"), (1, 4));
    }
}

#[tokio::test]
async fn what_costs_too_much_is_refused_before_anything_is_sent() {
    let gateway = gateway(rules(&[PRODUCT, REVIEWED]), demand(11, |_| {}));
    let client = Client::new(PartsFormat::Pending);
    assert_eq!(refused(client.ask(&gateway, LATE, "{}").await), ("COST_ESTIMATED_TOO_EXPENSIVE".into(), 12.into()));
    assert_eq!(asked(&gateway), 0);
    // Also once it is known how it is answered in parts.
    assert_eq!(refused(client.ask(&gateway, LATE, "{}").await).1, 12);
    // Somebody known may ask for more, of the same operation.
    let gateway = support::gateway(rules(&[PRODUCT, REVIEWED]), demand(11, |costs| costs.max = Some(12)));
    assert_eq!(refused(client.ask(&gateway, LATE, "{}").await).1, 12);
    assert_eq!(somebody().ask(&gateway, LATE, "{}").await.unwrap().len(), 2);
}

fn somebody() -> Client {
    let (claims, kind) = (serde_json::Map::new(), CredentialKind::Jwt);
    let identity = Identity::Known(Arc::new(Principal { claims, source: "test".into(), kind, expires: None }));
    Client { identity, ..Client::new(PartsFormat::Pending) }
}

#[tokio::test]
async fn what_variables_defer_costs_by_how_it_is_asked() {
    // Deferred, the name needs a request of its own: the product and an entity.
    let shop = || {
        rules(&[
            ("_entities", 0, r#"{"data":{"_entities":[{"name":"Lamp"}]}}"#),
            ("name", 0, r#"{"data":{"product":{"id":"1","name":"Lamp"}}}"#),
            ("{product{", 0, r#"{"data":{"product":{"__typename":"Product","id":"1"}}}"#),
        ])
    };
    let query = "query($late: Boolean!) { product { id ... @defer(if: $late) { name } } }";
    let gateway = gateway(shop(), demand(1, |_| {}));
    let client = Client::new(PartsFormat::Pending);
    assert_eq!(client.ask(&gateway, query, r#"{"late":false}"#).await.unwrap().len(), 1);
    assert_eq!(refused(client.ask(&gateway, query, r#"{"late":true}"#).await).1, 2);
}

#[tokio::test]
async fn items_that_come_later_are_counted_once() {
    let list = r#"{"data":{"products":[{"__typename":"Product","id":"1"},{"__typename":"Product","id":"2"},{"__typename":"Product","id":"3"}]}}"#;
    let shop = || {
        let rest = r#"{"data":{"_entities":[{"stars":2},{"stars":3}]}}"#;
        let first = r#"{"data":{"_entities":[{"stars":1}]}}"#;
        rules(&[(r#""id":"1""#, 0, first), (r#""id":"2""#, 0, rest), ("products", 0, list)])
    };
    let query = "{ products @stream(initialCount: 1) { id stars } }";
    // Ten products, and as many entities, however they come.
    let gateway = gateway(shop(), demand(20, |_| {}));
    assert_eq!(Client::new(PartsFormat::Pending).ask(&gateway, query, "{}").await.unwrap().len(), 2);
    assert_eq!((costs(&gateway, "estimated"), costs(&gateway, "actual")), ((1, 20), (1, 6)));
    let gateway = support::gateway(shop(), demand(19, |_| {}));
    assert_eq!(refused(Client::new(PartsFormat::Pending).ask(&gateway, query, "{}").await).1, 20);
    assert_eq!(asked(&gateway), 0);
}

#[tokio::test]
async fn a_subgraph_over_its_budget_is_an_error_of_its_part() {
    let budget = |costs: &mut DemandControlConfig| {
        costs.subgraphs.insert("reviews".into(), SubgraphBudget { max: 10 });
    };
    let gateway = gateway(rules(&[PRODUCT]), demand(100, budget));
    let found = Client::new(PartsFormat::Pending).ask(&gateway, LATE, "{}").await.unwrap();
    let found = parsed(&found);
    assert_eq!((&found[0]["data"], found[0].get("errors")), (&json!({ "product": { "name": "Lamp" } }), None));
    let part = &found[1]["incremental"][0];
    assert_eq!(part["data"], json!({ "reviews": null }));
    assert_eq!(part["errors"][0]["extensions"]["code"], "SUBGRAPH_COST_ESTIMATED_TOO_EXPENSIVE");
    assert_eq!(asked(&gateway), 1);
}

#[tokio::test]
async fn labels_choose_who_is_asked_for_a_part() {
    let products = PRODUCTS.replace("name: String maker", "name: String price: Int maker");
    let reviews = REVIEWS
        .replace("\"@key\"", "\"@key\", \"@override\"")
        .replace("stars: Int!", "stars: Int! price: Int @override(from: \"products\", label: \"new-prices\")");
    let shop = rules(&[
        ("_entities", 0, r#"{"data":{"_entities":[{"price":2}]}}"#),
        ("price", 0, r#"{"data":{"product":{"__typename":"Product","id":"1","price":1}}}"#),
        ("{product{", 0, r#"{"data":{"product":{"__typename":"Product","id":"1"}}}"#),
    ]);
    let gateway = gateway_of(shop, &products, &reviews, |config| {
        let header = LabelRule::Header { name: "x-beta".to_owned(), value: None };
        config.override_labels.labels.insert("new-prices".to_owned(), header);
    });
    let beta = HeaderMap::from_iter([(HeaderName::from_static("x-beta"), HeaderValue::from_static("yes"))]);
    let (old, new) = (Client::new(PartsFormat::Path), Client { headers: beta, ..Client::new(PartsFormat::Path) });
    let query = "{ product { id ... @defer { price } } }";
    for round in 0..2 {
        for (client, subgraph) in [(&old, "products"), (&new, "reviews")] {
            let found = parsed(&client.ask(&gateway, query, "{}").await.unwrap());
            assert_eq!(found[0]["data"], json!({ "product": { "id": "1" } }));
            assert_eq!(found[1]["incremental"][0]["data"], json!({ "price": 2 }), "round {round}");
            assert_eq!(*gateway.subgraphs.last.lock().unwrap(), gateway.supergraph.subgraph_named(subgraph));
        }
    }
}

/// Reviews are for those who have signed in; so is a product's name.
fn guarded(change: impl FnOnce(&mut GatewayConfig)) -> Arc<Gateway<Arc<Shop>>> {
    let signed = |sdl: &str| sdl.replace("\"@key\"", "\"@key\", \"@authenticated\"");
    let products = signed(PRODUCTS).replace("name: String maker", "name: String @authenticated maker");
    let reviews = signed(REVIEWS).replace("stars: Int!", "stars: Int! @authenticated");
    let shop = rules(&[
        ("stars", 0, r#"{"data":{"_entities":[{"reviews":[{"text":"good"}],"stars":5}]}}"#),
        ("reviews", 0, r#"{"data":{"_entities":[{"reviews":[{"text":"good"}]}]}}"#),
        ("products", 0, r#"{"data":{"products":[{"__typename":"Product","id":"1","name":"Lamp"}]}}"#),
        ("{product{", 0, r#"{"data":{"product":{"__typename":"Product","id":"1","name":"Lamp"}}}"#),
    ]);
    gateway_of(shop, &products, &reviews, change)
}

#[tokio::test]
async fn a_part_that_may_not_be_null_fails_alone() {
    let gateway = guarded(|_| {});
    let query =
        "{ product { id ... @defer(label: \"stars\") { stars } ... @defer(label: \"reviews\") { reviews { text } } } }";
    let found = parsed(&Client::new(PartsFormat::Pending).ask(&gateway, query, "{}").await.unwrap());
    let completed: Vec<&Value> = found.iter().filter_map(|message| message["completed"].as_array()).flatten().collect();
    let failed: Vec<_> = completed.iter().filter(|part| part.get("errors").is_some()).collect();
    assert_eq!((completed.len(), failed.len()), (2, 1), "{found:?}");
    assert_eq!(failed[0]["errors"][0]["extensions"]["code"], "UNAUTHORIZED_FIELD_OR_TYPE");
    assert_eq!(failed[0]["errors"][0]["path"], json!(["product", "stars"]));
    // Whoever has signed in gets both, of an operation that is compiled for them.
    let found = parsed(&somebody().ask(&gateway, query, "{}").await.unwrap());
    assert!(found.iter().all(|message| !message.to_string().contains("errors")), "{found:?}");
    assert!(found.iter().any(|message| message.to_string().contains("\"stars\":5")), "{found:?}");
}

#[tokio::test]
async fn what_may_not_be_seen_of_later_items_is_an_error_of_theirs() {
    let list = r#"{"data":{"products":[{"id":"1"},{"id":"2"}]}}"#;
    let products = PRODUCTS
        .replace("\"@key\"", "\"@key\", \"@authenticated\"")
        .replace("name: String maker", "name: String @authenticated maker");
    let gateway = gateway_of(rules(&[("products", 0, list)]), &products, REVIEWS, |_| {});
    let query = "{ products @stream(initialCount: 1) { id name } }";
    let found = parsed(&Client::new(PartsFormat::Pending).ask(&gateway, query, "{}").await.unwrap());
    assert_eq!(found[0]["data"], json!({ "products": [{ "id": "1", "name": null }] }));
    assert_eq!(found[0]["errors"][0]["path"], json!(["products", 0, "name"]));
    assert_eq!(found[1]["incremental"][0]["items"], json!([{ "id": "2", "name": null }]), "{found:?}");
    assert_eq!(found[1]["incremental"][0]["errors"][0]["path"], json!(["products", 1, "name"]), "{found:?}");
}

#[tokio::test]
async fn what_is_refused_as_a_whole_has_no_parts() {
    let gateway = guarded(|config| config.authorization.mode = Authorization::Reject);
    let query = "{ product { id ... @defer { reviews { text } stars } } }";
    let client = Client::new(PartsFormat::Pending);
    for _ in 0..2 {
        assert_eq!(refused(client.ask(&gateway, query, "{}").await).0, "UNAUTHORIZED_OPERATION");
    }
    assert_eq!(asked(&gateway), 0);
    assert_eq!(somebody().ask(&gateway, query, "{}").await.unwrap().len(), 2);
}
