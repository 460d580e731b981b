//! Buyers who ask for a quote and order, again and again, and where the time goes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use service::graphql::id;
use service::sample::Dice;
use uuid::Uuid;

use crate::fill::{product, username};
use crate::operations::{PLACE, QUOTE, address};
use crate::report::{Usage, percentiles};
use crate::shop::{Client, Shop};

/// So many buyers at the same time, each with an account and an address of their own.
pub(crate) async fn buy(shop: &Shop, buyers: u32, time: Duration) {
    let on_sale: Arc<Vec<Value>> = Arc::new(
        (1..=2_000)
            .filter(|p| p % 40 != 3 && p % 1000 != 0)
            .map(|p| json!(id::global("Product", product(p)).as_str()))
            .collect(),
    );
    let mut ready = Vec::new();
    for number in 0..buyers {
        ready.push((number, shop.user(200 + number, &username(1 + number)).await));
    }
    let before = Usage::now(shop).await;
    let began = Instant::now();
    let shopping = ready
        .into_iter()
        .map(|(number, client)| tokio::spawn(shop_until(number, client, Arc::clone(&on_sale), began + time)));
    let mut took = Vec::new();
    for buyer in shopping.collect::<Vec<_>>() {
        took.extend(buyer.await.unwrap());
    }
    let elapsed = began.elapsed();
    let used = Usage::now(shop).await.since(&before);
    let orders = took.len();
    println!(
        "{buyers} buyers: {orders} orders in {elapsed:.1?}, {:.0} a minute",
        orders as f64 / elapsed.as_secs_f64() * 60.0
    );
    println!("quote and order: {}", percentiles(took));
    println!("{}", used.report(orders, elapsed));
    assert!(orders > 0);
}

async fn shop_until(number: u32, client: Client, on_sale: Arc<Vec<Value>>, end: Instant) -> Vec<Duration> {
    let mut dice = Dice::new(&format!("scale {number}"));
    let mut took = Vec::new();
    while Instant::now() < end {
        let mut lines: Vec<Value> = Vec::new();
        for _ in 0..=dice.below(3) {
            let product = dice.pick(&on_sale).unwrap();
            if lines.iter().all(|line| line["productId"] != *product) {
                lines.push(json!({ "productId": product, "quantity": 1 + dice.below(2) }));
            }
        }
        let began = Instant::now();
        let quoted = client.data(QUOTE, json!({ "input": { "lines": lines, "shippingAddress": address() } })).await;
        let quote = &quoted["quoteOrder"]["quote"]["id"];
        let input = json!({ "idempotencyKey": Uuid::new_v4(), "quoteId": quote, "paymentMethod": "pm_card_visa" });
        let placed = client.data(PLACE, json!({ "input": input })).await;
        assert_eq!(placed["placeOrder"]["order"]["status"], "PLACED", "{quoted} {placed}");
        took.push(began.elapsed());
    }
    took
}
