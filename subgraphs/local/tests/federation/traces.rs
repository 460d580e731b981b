//! One trace of the router and the services.

use serde_json::json;
use service::testing::{TestCollector, TestSpan};

use super::running::Running;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_one_trace_from_the_router_to_inventory() {
    let collector = TestCollector::start().await.unwrap();
    let shop = Running::start_with(|traces| {
        traces.endpoint = Some(collector.url.clone());
        traces.delay = braid_settings::Duration::millis(50);
    })
    .await;
    let token = shop.sign_in("grace").await;
    let (product, _) = shop.available().await;
    let query = include_str!("../../../../schema/operations/quote-order.graphql");
    let address = json!({
        "name": "Grace Hopper", "line1": "1 Main Street", "postalCode": "10115", "city": "Berlin", "countryCode": "DE",
    });
    let input = json!({ "lines": [{ "productId": product, "quantity": 1 }], "shippingAddress": address });
    let request = shop.http.post(shop.url()).json(&json!({ "query": query, "variables": { "input": input } }));
    let request = request.bearer_auth(token).header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"));
    let answer: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
    assert!(answer["data"]["quoteOrder"]["quote"]["id"].is_string(), "{answer}");

    let is_router = |span: &TestSpan| span.service == "braid" && span.parent == "00f067aa0ba902b7";
    let spans = collector.spans_of(TRACE, |spans| spans.iter().any(is_router)).await;
    let parent =
        |span: &TestSpan| spans.iter().find(|other| other.id == span.parent).unwrap_or_else(|| panic!("{spans:?}"));
    // From the far end: inventory's request, by orders' call, in orders' request, by the router's fetch, in the router's request.
    let call = spans.iter().find(|span| span.name == "call inventory").unwrap_or_else(|| panic!("{spans:?}"));
    let inventory = spans.iter().find(|span| span.parent == call.id).unwrap_or_else(|| panic!("{spans:?}"));
    assert_eq!((call.service.as_str(), inventory.service.as_str()), ("orders", "inventory"));
    let orders = parent(call);
    assert_eq!((orders.service.as_str(), orders.attribute("graphql.operation.type").as_str()), ("orders", "mutation"));
    let fetch = parent(orders);
    assert_eq!((fetch.service.as_str(), fetch.name.as_str()), ("braid", "fetch orders"));
    assert!(is_router(parent(fetch)), "{spans:?}");
    let statements = spans.iter().filter(|span| !span.attribute("db.query.text").is_empty());
    assert!(statements.clone().any(|span| span.parent == inventory.id), "{spans:?}");
    shop.federation.stop().await.unwrap();
}
