//! How the parts of an answer and the events of a subscription were made, as clients see it over HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use braid::config::Config;
use braid_composition::{SubgraphSdl, compose};
use serde_json::{Value, json};
use support::{Answer, Subgraph, TestRouter, http, post, router};

const STREAM: &str = "accept: text/event-stream\r\nbraid-expose: plan, timings, exchanges\r\n";

/// The data of each server-sent event.
fn events(answer: &Answer) -> Vec<Value> {
    let data = answer.text().lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

fn fetches(event: &Value) -> Vec<&Value> {
    let fetches = event["extensions"]["braid"]["timings"]["fetches"].as_array();
    fetches.unwrap_or_else(|| panic!("{event}")).iter().map(|fetch| &fetch["subgraph"]).collect()
}

#[tokio::test]
async fn each_part_of_an_answer_tells_of_its_fetches() {
    let (router, _users, _orders) = router(Config::for_development).await;
    let query = json!({ "query": "{ me { name ... @defer { orders { id total } } } }" }).to_string();
    let answer = router.send(&post(&query, STREAM)).await;
    let parts = events(&answer);
    assert_eq!(parts.len(), 2, "{}", answer.text());
    assert_eq!((fetches(&parts[0]), fetches(&parts[1])), (vec![&json!("users")], vec![&json!("orders")]));
    assert!(parts[0]["extensions"]["braid"]["plan"].is_string());
    assert_eq!(parts[1]["extensions"]["braid"]["exchanges"][0]["entities"], 1);
    assert_eq!(parts[1]["hasNext"], false);
    // The other format, and parts of a multipart body.
    let headers = "accept: multipart/mixed;deferSpec=20220824\r\nbraid-expose: timings\r\n";
    let answer = router.send(&post(&query, headers)).await;
    let parts: Vec<Value> = answer.text().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert_eq!((fetches(&parts[0]), fetches(&parts[1])), (vec![&json!("users")], vec![&json!("orders")]));
    assert_eq!(parts[1]["incremental"][0]["path"], json!(["me"]));
}

const USERS: &str = r#"extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
type Query { me: User } type Subscription { changed: User } type User @key(fields: "id") { id: ID! name: String }"#;
const ORDERS: &str = r#"extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
type User @key(fields: "id") { id: ID! total: Int }"#;

#[tokio::test]
async fn each_event_of_a_subscription_tells_of_its_fetches() {
    let users = Subgraph::raw(|_| async {
        let event = |id: u8| {
            let data = json!({ "data": { "changed": { "__typename": "User", "id": id.to_string(), "name": "Ada" } } });
            format!("event: next\ndata: {data}\n\n")
        };
        let body = [event(1), event(2), "event: complete\ndata:\n\n".to_owned()].concat();
        http("200 OK", "text/event-stream", body.as_bytes(), "")
    })
    .await;
    let orders = Subgraph::json(|seen| {
        let total = if seen.body.contains("\"id\":\"2\"") { 20 } else { 10 };
        json!({ "data": { "_entities": [{ "total": total }] } }).to_string()
    })
    .await;
    let subgraph = |name: &str, url: String, sdl: &str| SubgraphSdl {
        name: name.to_owned(),
        url,
        sdl: sdl.to_owned(),
        ..SubgraphSdl::default()
    };
    let subgraphs = [subgraph("users", users.url(), USERS), subgraph("orders", orders.url(), ORDERS)];
    let sdl = compose(&subgraphs).result.unwrap().supergraph_sdl;
    let router = TestRouter::start(sdl, Config::for_development).await;
    let query = json!({ "query": "subscription { changed { name total } }" }).to_string();
    let answer = router.send(&post(&query, STREAM)).await;
    let events = events(&answer);
    assert_eq!(events.len(), 2, "{}", answer.text());
    for (event, total) in events.iter().zip([10, 20]) {
        assert_eq!(event["data"]["changed"]["total"], total);
        assert_eq!(fetches(event), [&json!("users"), &json!("orders")]);
        let exchanges = event["extensions"]["braid"]["exchanges"].as_array().unwrap();
        assert_eq!(exchanges.len(), 2);
        assert_eq!(exchanges[0]["response"]["data"]["changed"]["name"], "Ada", "the event itself");
        assert_eq!(exchanges[1]["response"]["data"]["_entities"][0]["total"], total);
    }
    let has_plan = |event: &Value| event["extensions"]["braid"]["plan"].is_string();
    assert!(has_plan(&events[0]) && !has_plan(&events[1]), "the plan comes once");
    let plain = router.send(&post(&query, "accept: text/event-stream\r\n")).await;
    assert!(!plain.text().contains("extensions"), "{}", plain.text());
}
