//! The shop's subscriptions, as a client of the router sees them.

use std::time::Duration;

use local::examples;
use serde_json::{Value, json};

use super::running::Running;

/// A subscription over server-sent events.
struct Watching {
    response: reqwest::Response,
    received: String,
}

impl Running {
    async fn watch(&self, token: Option<&str>, body: Value) -> Watching {
        let mut request = self.http.post(self.url()).header("accept", "text/event-stream").json(&body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        let watching = Watching { response, received: String::new() };
        // The subscription reaches its service after the response has begun.
        tokio::time::sleep(Duration::from_millis(500)).await;
        watching
    }
}

impl Watching {
    /// The next event that is no comment.
    async fn next(&mut self) -> Value {
        let next = async {
            loop {
                while let Some((event, rest)) = self.received.split_once("\n\n") {
                    let data = event.lines().find_map(|line| line.strip_prefix("data: ")).map(str::to_owned);
                    self.received = rest.to_owned();
                    if let Some(data) = data {
                        return serde_json::from_str(&data).unwrap();
                    }
                }
                let chunk = self.response.chunk().await.unwrap().expect("the stream goes on");
                self.received.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        };
        tokio::time::timeout(Duration::from_secs(20), next).await.expect("an event in time")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_watches_an_order_and_everybody_the_stock() {
    let running = Running::start().await;
    let token = running.sign_in("grace").await;
    let (product, sku) = running.available().await;
    let mut orders = running.watch(Some(&token), json!({ "query": examples::WATCH_MY_ORDERS.query })).await;
    let stock = include_str!("../../../../schema/operations/watch-stock.graphql");
    let mut stock = running.watch(None, json!({ "query": stock, "variables": { "skus": [sku] } })).await;
    let quote = running.quote(&token, &product, 1).await;
    let placed = running.place(&token, "watched", &quote).await;
    let mut statuses = Vec::new();
    while statuses.last() != Some(&json!("PLACED")) {
        let event = orders.next().await;
        let order = &event["data"]["myOrders"];
        assert_eq!((&order["id"], &order["buyer"]["name"]), (&placed["id"], &json!("Grace Hopper")), "{event}");
        statuses.push(order["status"].clone());
    }
    let changed = stock.next().await;
    assert_eq!(changed["data"]["stockChanged"]["sku"], json!(sku), "{changed}");
    assert_eq!(changed["data"]["stockChanged"]["stock"], placed["lines"][0]["product"]["stock"], "{changed}");
    // One order, with its history: cancelled.
    let id = placed["id"].as_str().unwrap();
    let query = "subscription($id: ID!) { orderChanged(id: $id) { status } }";
    let mut one = running.watch(Some(&token), json!({ "query": query, "variables": { "id": id } })).await;
    let cancel = "mutation($id: ID!) { cancelOrder(input: { id: $id }) { userErrors { message } } }";
    let (_, answer) = running.ask(Some(&token), json!({ "query": cancel, "variables": { "id": id } })).await;
    assert_eq!(answer["data"]["cancelOrder"]["userErrors"], json!([]), "{answer}");
    assert_eq!(one.next().await, json!({ "data": { "orderChanged": { "status": "CANCELLED" } } }));
    // Somebody else's order can't be watched, nor anything by nobody.
    let other = running.sign_in("alan").await;
    let mut refused = running.watch(Some(&other), json!({ "query": query, "variables": { "id": id } })).await;
    let answer = refused.next().await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "NOT_FOUND", "{answer}");
    let mut anonymous = running.watch(None, json!({ "query": examples::WATCH_MY_ORDERS.query })).await;
    let answer = anonymous.next().await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHORIZED_FIELD_OR_TYPE", "{answer}");
    drop((orders, stock, one));
    running.federation.stop().await.unwrap();
}
