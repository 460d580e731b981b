//! What the router keeps of the shop, what throws it out, and who never sees it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::running::Running;

const PRODUCT: &str = "query($sku: String!) { product(sku: $sku) { id name price stock } }";
const LIST: &str = "{ products(first: 3, sort: PRICE_ASC) { nodes { sku name price } } }";
const MINE: &str = "{ me { username orders(first: 3) { nodes { id total buyer { username } } } } }";

impl Running {
    async fn product(&self, sku: &str) -> Value {
        let (_, answer) = self.ask(None, json!({ "query": PRODUCT, "variables": { "sku": sku } })).await;
        assert_eq!(answer["errors"], Value::Null, "{answer}");
        answer["data"]["product"].clone()
    }

    async fn list(&self) -> Value {
        let (_, answer) = self.ask(None, json!({ "query": LIST })).await;
        assert_eq!(answer["errors"], Value::Null, "{answer}");
        answer["data"]["products"]["nodes"].clone()
    }

    /// A product of which there are some, as id and SKU.
    async fn available(&self) -> (String, String) {
        let sql = "SELECT p.id, p.sku FROM products p JOIN stock s ON s.product_id = p.id WHERE s.quantity > 5 ORDER BY p.sku LIMIT 1";
        let row = &self.rows("inventory", sql).await[0];
        (row.try_get("", "id").unwrap(), row.try_get("", "sku").unwrap())
    }
}

/// Asks until the answer is as expected, for much less than the time for which products may be kept.
async fn soon<F: Future<Output = Value>>(ask: impl Fn() -> F, expected: &Value) {
    let began = Instant::now();
    loop {
        let found = ask().await;
        if found == *expected {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{found} instead of {expected}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_kept_and_a_new_price_is_seen_at_once() {
    let running = Running::start().await;
    let (id, sku) = running.available().await;
    let first = running.product(&sku).await;
    running.list().await;
    // Inventory is not asked again: this change goes unseen.
    running.change("inventory", &format!("UPDATE products SET name = 'Unseen' WHERE id = '{id}'")).await;
    assert_eq!(running.product(&sku).await, first);

    let token = running.sign_in("ada").await;
    let update = "mutation($id: ID!) { updateProduct(id: $id, input: { price: \"0.01 EUR\" }) { price } }";
    let (_, answer) = running.ask(Some(&token), json!({ "query": update, "variables": { "id": id } })).await;
    assert_eq!(answer["data"]["updateProduct"]["price"], "0.01 EUR", "{answer}");
    let now = running.product(&sku).await;
    assert_eq!((&now["price"], &now["name"]), (&json!("0.01 EUR"), &json!("Unseen")));
    // Lists too: it is the cheapest now.
    assert_eq!(running.list().await[0], json!({ "sku": sku, "name": "Unseen", "price": "0.01 EUR" }));
    running.federation.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_seen_in_the_stock() {
    let running = Running::start().await;
    let (id, sku) = running.available().await;
    let before = running.product(&sku).await["stock"].as_i64().unwrap();
    let token = running.sign_in("grace").await;
    let place = include_str!("../../../../schema/operations/place-order.graphql");
    for number in 1..=3 {
        let input =
            json!({ "idempotencyKey": format!("cached-{number}"), "lines": [{ "productId": id, "quantity": 1 }] });
        let (_, answer) = running.ask(Some(&token), json!({ "query": place, "variables": { "input": input } })).await;
        assert_eq!(answer["data"]["placeOrder"]["__typename"], "PlacedOrder", "{answer}");
        soon(|| async { running.product(&sku).await["stock"].clone() }, &json!(before - number)).await;
    }
    running.federation.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_what_is_anothers() {
    let running = Running::start().await;
    let (grace, ada) = (running.sign_in("grace").await, running.sign_in("ada").await);
    for _ in 0..3 {
        for (token, username) in [(&grace, "grace"), (&ada, "ada")] {
            let (_, answer) = running.ask(Some(token), json!({ "query": MINE })).await;
            let me = &answer["data"]["me"];
            assert_eq!(me["username"], username, "{answer}");
            for order in me["orders"]["nodes"].as_array().unwrap() {
                assert_eq!(order["buyer"]["username"], username, "{answer}");
            }
        }
        let (_, answer) = running.ask(None, json!({ "query": MINE })).await;
        assert_eq!(answer["data"]["me"], Value::Null, "{answer}");
        assert!(!answer.to_string().contains("total"), "{answer}");
    }
    running.federation.stop().await.unwrap();
}
