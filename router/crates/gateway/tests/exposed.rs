//! How the parts of an answer were made, with the parts: each tells of the fetches that ended since the one before.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::sync::Arc;

use braid_authorization::config::ErrorPlace;
use braid_executor::PartsFormat;
use braid_gateway::Gateway;
use pretty_assertions::assert_eq;
use serde_json::{Value, json};
use support::{Client, REVIEWS, Shop, gateway, gateway_of, rules};

const PRODUCT: (&str, u64, &str) =
    ("{product{", 0, r#"{"data":{"product":{"__typename":"Product","id":"1","name":"Lamp"}}}"#);
const STARS: (&str, u64, &str) = ("stars", 40, r#"{"data":{"_entities":[{"stars":5}]}}"#);
const QUERY: &str = "{ product { name ... @defer { stars } } }";

async fn parts(gateway: &Arc<Gateway<Arc<Shop>>>, query: &str, format: PartsFormat, expose: &str) -> Vec<Value> {
    let mut client = Client::new(format);
    client.headers.insert("braid-expose", expose.parse().unwrap());
    let found = client.ask(gateway, query, "{}").await.unwrap();
    found.into_iter().map(|(_, text)| serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))).collect()
}

/// Takes what is exposed out of a part.
fn take(part: &mut Value) -> Value {
    part.as_object_mut().unwrap().remove("extensions").unwrap_or_default()["braid"].take()
}

fn fetches(braid: &Value) -> Vec<u64> {
    let fetches = braid["timings"]["fetches"].as_array().unwrap();
    fetches.iter().map(|fetch| fetch["fetch"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn each_part_tells_of_the_fetches_before_it() {
    let gateway = gateway(rules(&[PRODUCT, STARS]), |config| {
        (config.exposure.plan, config.exposure.exchanges) = (true, true);
    });
    for format in [PartsFormat::Pending, PartsFormat::Path] {
        let mut plain = parts(&gateway, QUERY, format, "").await;
        plain.iter_mut().for_each(|part| drop(take(part)));
        let mut parts = parts(&gateway, QUERY, format, "plan, explain, timings, exchanges").await;
        let [first, second] = parts.as_mut_slice() else { panic!("{parts:?}") };
        let (of_first, of_second) = (take(first), take(second));
        assert_eq!(parts, plain, "all else is the same");
        assert!(of_first["plan"].as_str().unwrap().starts_with("QueryPlan {"));
        assert_eq!(of_first["explain"]["fetches"].as_array().unwrap().len(), 2);
        assert_eq!((&of_first["timings"]["made"], fetches(&of_first)), (&json!("executed"), vec![0]));
        assert_eq!(of_first["exchanges"][0]["response"], serde_json::from_str::<Value>(PRODUCT.2).unwrap());
        assert_eq!((of_second.get("plan"), of_second.get("explain")), (None, None), "what is said once");
        assert_eq!((of_second["timings"].get("made"), fetches(&of_second)), (None, vec![1]));
        let exchanges = of_second["exchanges"].as_array().unwrap();
        assert_eq!((exchanges.len(), &exchanges[0]["fetch"], &exchanges[0]["entities"]), (1, &json!(1), &json!(1)));
        assert_eq!(exchanges[0]["response"], serde_json::from_str::<Value>(STARS.2).unwrap());
        let took = of_second["timings"]["fetches"][0]["tookMs"].as_f64().unwrap();
        let time = |braid: &Value| braid["timings"]["executeMs"].as_f64().unwrap();
        assert!(took >= 40.0 && time(&of_second) >= took && time(&of_first) < time(&of_second), "{of_second}");
    }
}

#[tokio::test]
async fn only_what_is_asked_for_and_may_be_seen_is_told() {
    let shop = || rules(&[PRODUCT, STARS]);
    let closed = gateway(shop(), |_| {});
    let plans = gateway(shop(), |config| config.exposure.plan = true);
    for (gateway, expose) in [(&closed, "plan, timings, exchanges"), (&plans, ""), (&plans, "nothing")] {
        let parts = parts(gateway, QUERY, PartsFormat::Pending, expose).await;
        assert!(parts.iter().all(|part| part["extensions"]["braid"].as_object().is_none_or(|braid| braid.is_empty())));
    }
    let mut parts = parts(&plans, QUERY, PartsFormat::Pending, "timings, exchanges").await;
    let braid = take(&mut parts[1]);
    assert_eq!((fetches(&braid), braid.get("exchanges")), (vec![1], None), "exchanges need a setting of their own");
}

#[tokio::test]
async fn the_first_part_numbers_its_errors() {
    const FAILS: (&str, u64, &str) = (
        "{product{",
        0,
        r#"{"data":{"product":{"__typename":"Product","id":"1","name":null}},"errors":[{"message":"dark","path":["product","name"]}]}"#,
    );
    let gateway = gateway(rules(&[FAILS, STARS]), |config| config.exposure.plan = true);
    let mut parts = parts(&gateway, QUERY, PartsFormat::Pending, "timings").await;
    assert_eq!(parts[0]["errors"].as_array().unwrap().len(), 1);
    assert_eq!(take(&mut parts[0])["timings"]["fetches"][0]["errors"], json!([0]));
}

#[tokio::test]
async fn it_stands_beside_what_the_client_may_not_see() {
    let products = r#"
        extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@authenticated"])
        type Query { product: Product }
        type Product @key(fields: "id") { id: ID! name: String secret: String @authenticated }"#;
    let gateway = gateway_of(rules(&[PRODUCT, STARS]), products, REVIEWS, |config| {
        config.exposure.plan = true;
        config.authorization.errors = ErrorPlace::Extensions;
    });
    let query = "{ product { name secret ... @defer { stars } } }";
    let parts = parts(&gateway, query, PartsFormat::Pending, "timings").await;
    let extensions = &parts[0]["extensions"];
    assert_eq!(extensions["authorizationErrors"].as_array().unwrap().len(), 1, "{parts:?}");
    assert_eq!((fetches(&extensions["braid"]), &parts[0]["hasNext"]), (vec![0], &json!(true)));
}
