//! What one buyer does: asks for a quote, orders, repeats what was not answered, changes their mind now and then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use service::graphql::id;
use service::sample::{Dice, products};
use uuid::Uuid;

use crate::services::Services;

/// How many products are in demand.
const PRODUCTS: usize = 100;

/// What came of a buyer's requests.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) placed: usize,
    pub(crate) cancelled: usize,
    pub(crate) out_of_stock: usize,
    pub(crate) unanswered: usize,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.placed += other.placed;
        self.cancelled += other.cancelled;
        self.out_of_stock += other.out_of_stock;
        self.unanswered += other.unanswered;
    }
}

struct Buyer {
    services: Arc<Services>,
    http: reqwest::Client,
    token: String,
    requests: u64,
    tally: Tally,
}

/// Buys until it is over. What was begun is finished.
pub(crate) async fn shop(number: u64, token: String, services: Arc<Services>, over: Arc<AtomicBool>) -> Tally {
    let mut dice = Dice::new(&format!("buyer {number}"));
    let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
    let mut buyer = Buyer { services, http, token, requests: number, tally: Tally::default() };
    let products: Vec<Value> =
        products().iter().take(PRODUCTS).map(|product| json!(id::global("Product", product.id).as_str())).collect();
    while !over.load(Ordering::SeqCst) {
        let mut lines: Vec<Value> = Vec::new();
        for _ in 0..=dice.below(3) {
            let product = &products[dice.below(PRODUCTS as u64) as usize];
            if lines.iter().all(|line| line["productId"] != *product) {
                lines.push(json!({ "productId": product, "quantity": 1 + dice.below(2) }));
            }
        }
        let Some(order) = buyer.buy(&lines).await else { continue };
        if dice.below(8) == 0 {
            buyer.cancel(&order).await;
        }
    }
    buyer.tally
}

impl Buyer {
    /// Orders the lines; the order's id if it was placed.
    async fn buy(&mut self, lines: &[Value]) -> Option<Value> {
        let key = Uuid::new_v4();
        let deadline = Instant::now() + Duration::from_secs(180);
        let address = json!({ "name": "A Buyer", "line1": "1 Main Street", "postalCode": "10115", "city": "Berlin", "countryCode": "DE" });
        let quoted = self.insist(deadline, QUOTE, json!({ "lines": lines, "shippingAddress": address })).await;
        let quote = quoted["quote"]["id"].as_str().unwrap_or_else(|| panic!("{quoted}")).to_owned();
        let input = json!({ "idempotencyKey": key, "quoteId": quote, "paymentMethod": "pm_card_visa" });
        loop {
            let done = self.insist(deadline, PLACE, input.clone()).await;
            match (done["order"]["status"].as_str(), done["userErrors"][0]["code"].as_str()) {
                (Some("PENDING"), _) => tokio::time::sleep(Duration::from_millis(100)).await,
                (Some("PLACED"), _) => {
                    self.tally.placed += 1;
                    return Some(done["order"]["id"].clone());
                }
                (_, Some("OUT_OF_STOCK")) => {
                    self.tally.out_of_stock += 1;
                    return None;
                }
                _ => panic!("{done}"),
            }
        }
    }

    async fn cancel(&mut self, order: &Value) {
        let deadline = Instant::now() + Duration::from_secs(180);
        let done = self.insist(deadline, CANCEL, json!({ "id": order, "reason": "Changed my mind" })).await;
        assert_eq!(done["order"]["status"], "CANCELLED", "{done}");
        self.tally.cancelled += 1;
    }

    /// Sends a mutation until it is answered; its payload.
    async fn insist(&mut self, deadline: Instant, query: &str, input: Value) -> Value {
        let body = json!({ "query": query, "variables": { "input": input } });
        loop {
            self.requests += 1;
            let url = format!("http://{}/graphql", self.services.orders(self.requests));
            let sent = self.http.post(url).bearer_auth(&self.token).json(&body).send().await;
            let answer: Option<Value> = match sent {
                Ok(answer) => answer.json().await.ok(),
                Err(_) => None,
            };
            if let Some(answer) = answer {
                if answer["data"]["done"].is_object() {
                    return answer["data"]["done"].clone();
                }
                let code = answer["errors"][0]["extensions"]["code"].as_str();
                assert!(matches!(code, Some("UNAVAILABLE" | "INTERNAL")), "{answer}");
            }
            self.tally.unanswered += 1;
            assert!(Instant::now() < deadline, "a request is not answered in time");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

const QUOTE: &str =
    "mutation($input: QuoteOrderInput!) { done: quoteOrder(input: $input) { quote { id } userErrors { message } } }";
const PLACE: &str = "mutation($input: PlaceOrderInput!) {
    done: placeOrder(input: $input) { order { id status } userErrors { code message } }
}";
const CANCEL: &str = "mutation($input: CancelOrderInput!) { done: cancelOrder(input: $input) { order { status } userErrors { message } } }";
