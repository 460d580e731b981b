//! What the router keeps of the shop, what throws it out, and who never sees it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::running::Running;

const PRODUCT: &str = "query($sku: String!) { product(by: { sku: $sku }) { id name price { amount } stock } }";
const LIST: &str = "{ products(first: 3, sort: PRICE_ASC) { nodes { sku name price { amount } } } }";
const MINE: &str = "{ me { username orders(first: 3) { nodes { id total { amount } buyer { username } } } } }";

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
    running.change("inventory", &format!("UPDATE products SET name = 'Unseen' WHERE sku = '{sku}'")).await;
    assert_eq!(running.product(&sku).await, first);

    let token = running.sign_in("ada").await;
    let cheap = json!({ "amount": "0.01" });
    let update =
        "mutation($input: UpdateProductInput!) { updateProduct(input: $input) { product { price { amount } } } }";
    let input = json!({ "id": id, "price": { "amount": "0.01", "currency": "EUR" } });
    let (_, answer) = running.ask(Some(&token), json!({ "query": update, "variables": { "input": input } })).await;
    assert_eq!(answer["data"]["updateProduct"]["product"]["price"], cheap, "{answer}");
    let now = running.product(&sku).await;
    assert_eq!((&now["price"], &now["name"]), (&cheap, &json!("Unseen")));
    // Lists too: it is the cheapest now.
    assert_eq!(running.list().await[0], json!({ "sku": sku, "name": "Unseen", "price": cheap }));
    running.federation.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_seen_in_the_stock() {
    let running = Running::start().await;
    let (id, sku) = running.available().await;
    let before = running.product(&sku).await["stock"].as_i64().unwrap();
    let token = running.sign_in("grace").await;
    for number in 1..=3 {
        let quote = running.quote(&token, &id, 1).await;
        running.place(&token, &format!("cached-{number}"), &quote).await;
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
