//! Every operation of `schema/operations`, a few times and never with the same values: how long it takes, and how its statements find their rows.

use std::path::Path;
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};
use service::graphql::id;
use service::testing::Recording;
use uuid::Uuid;

use crate::databases::Databases;
use crate::fill::{Rows, sku, username};
use crate::plans::Plans;
use crate::report::{median, ms};
use crate::shop::{Client, Shop};

/// How often each operation runs.
const TIMES: u32 = 12;
/// What people search for instead of a lamp.
const WORDS: [&str; 12] =
    ["lamp", "kettle", "chair", "shelf", "blanket", "tent", "pump", "spade", "saw", "notebook", "oak", "gen"];

/// The operations with what is needed to run them.
struct Trial<'a> {
    shop: &'a Shop,
    rows: &'a Rows,
    grace: Client,
    customers: Vec<Client>,
    orders: Vec<Value>,
    products: Vec<Value>,
    quotes: Vec<Value>,
}

/// Runs all of them.
pub(crate) async fn check(shop: &Shop, databases: &Databases, recording: &Recording, rows: &Rows) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema/operations");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap().trim_end_matches(".graphql").to_owned())
        .collect();
    // An order needs a quote.
    names.sort_by_key(|name| (name == "place-order", name.starts_with("watch"), name.clone()));
    let mut trial = Trial::new(shop, databases, rows).await;
    let mut plans = Plans::default();
    let mut slow = Vec::new();
    println!("{:<16} {:>9} {:>9} {:>11} {:>9} {:>9}", "operation", "median", "slowest", "statements", "SQL", "slowest");
    for name in &names {
        let text = std::fs::read_to_string(folder.join(format!("{name}.graphql"))).unwrap();
        let (mut took, mut sql, mut counts) = (Vec::new(), Vec::new(), Vec::new());
        for time in 0..TIMES {
            recording.take();
            took.push(trial.run(name, &text, time).await);
            let sent = recording.take();
            sql.push(sent.iter().map(|sent| sent.elapsed).sum::<Duration>());
            counts.push(sent.len());
            plans.check(name, &sent).await;
        }
        // The first may have opened connections and read from disk.
        let (middle, count) = (median(&took), median(&counts));
        println!(
            "{name:<16} {:>9} {:>9} {count:>11} {:>9} {:>9}",
            ms(middle),
            ms(took[1..].iter().copied().max().unwrap()),
            ms(median(&sql)),
            ms(sql[1..].iter().copied().max().unwrap()),
        );
        if text.contains("query ") && median(&sql) >= Duration::from_millis(10) {
            slow.push(name);
        }
    }
    println!("{} different statements were explained\n", plans.statements);
    assert!(plans.statements > 30, "the statements of the services are recorded");
    assert!(plans.found.is_empty(), "{}", plans.found.join("\n"));
    let is_measured = std::env::var_os("SHOP_ROWS").is_some() && !cfg!(debug_assertions);
    assert!(!is_measured || slow.is_empty(), "these take 10 ms or more: {slow:?}");
    plans.close().await;
}

impl<'a> Trial<'a> {
    async fn new(shop: &'a Shop, databases: &Databases, rows: &'a Rows) -> Self {
        let grace = shop.user(1, "grace").await;
        let mut customers = Vec::new();
        for number in 1..=TIMES {
            // Each hundredth, from the first on, has orders that are grace's here.
            customers.push(shop.user(1, &username(1 + number)).await);
        }
        let of_grace = format!(
            "SELECT id FROM orders WHERE buyer_id = '{}' ORDER BY id LIMIT {TIMES}",
            service::sample::id("user", "grace")
        );
        let in_stock = format!(
            "SELECT id FROM products p WHERE sku LIKE 'GEN-%' AND NOT discontinued AND EXISTS (SELECT 1 FROM stock WHERE product_id = p.id AND on_hand > 100) ORDER BY id LIMIT {}",
            3 * TIMES
        );
        let ids = async |service: &str, type_name: &str, sql: String| {
            let database = databases.of(service).await;
            let rows = database.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap();
            database.close().await.unwrap();
            let ids = rows.iter().map(|row| row.try_get_by_index::<Uuid>(0).unwrap());
            ids.map(|id| json!(id::global(type_name, id).as_str())).collect::<Vec<_>>()
        };
        let orders = ids("orders", "Order", of_grace).await;
        let products = ids("inventory", "Product", in_stock).await;
        Self { shop, rows, grace, customers, orders, products, quotes: Vec::new() }
    }

    /// Runs an operation; how long the answer took.
    async fn run(&mut self, name: &str, text: &str, time: u32) -> Duration {
        let (at, anybody) = (time as usize, self.shop.client(2));
        let product = sku(1 + time * (self.rows.products / TIMES) % self.rows.products);
        let began = Instant::now();
        match name {
            "best-sellers" => {
                let other = text.replace("\"lamp\"", &format!("\"{}\"", WORDS[at]));
                let data = anybody.data(&other, json!({})).await;
                assert_eq!(data["products"]["nodes"].as_array().unwrap().len(), 5, "{other}");
            }
            "sign-in" => {
                let other = text.replace("grace", &username(100 + time));
                let data = anybody.data(&other, json!({})).await;
                assert!(data["login"]["session"]["accessToken"].is_string(), "{data}");
            }
            "my-orders" => {
                let data = self.customers[at].data(text, json!({})).await;
                assert_ne!(data["me"]["orders"]["nodes"], json!([]), "{data}");
            }
            "order-history" => {
                let data = self.grace.data(text, json!({ "id": self.orders[at] })).await;
                assert!(data["order"]["history"].as_array().unwrap().len() >= 3, "{data}");
            }
            "product-page" => {
                let data = anybody.data(text, json!({ "sku": product })).await;
                assert_eq!(data["product"]["sku"], product);
            }
            "quote-order" => {
                let quote = self.quote(text, at).await;
                self.quotes.push(quote);
            }
            "place-order" => {
                let quote = self.quotes.pop().unwrap();
                self.place(text, &quote).await;
            }
            "watch-my-orders" => {
                let quote = self.quote(QUOTE, at).await;
                let event = self.grace.first_event(text, json!({}), self.place(PLACE, &quote)).await;
                assert!(event["myOrders"]["id"].is_string(), "{event}");
            }
            "watch-stock" => {
                let quote = self.quote(QUOTE, at).await;
                let query = "query($id: ID!) { product(by: { id: $id }) { sku } }";
                let found = anybody.data(query, json!({ "id": self.products[3 * at] })).await;
                let variables = json!({ "skus": [found["product"]["sku"]] });
                let event = anybody.first_event(text, variables, self.place(PLACE, &quote)).await;
                assert_eq!(event["stockChanged"]["sku"], found["product"]["sku"]);
            }
            other => panic!("schema/operations/{other}.graphql is new: say here how to run it"),
        }
        began.elapsed()
    }

    /// Three products.
    async fn quote(&self, text: &str, at: usize) -> Value {
        let products = self.products[3 * at..3 * at + 3].iter();
        let lines: Vec<Value> = products.map(|id| json!({ "productId": id, "quantity": 1 })).collect();
        let data = self.grace.data(text, json!({ "input": { "lines": lines, "shippingAddress": address() } })).await;
        assert!(data["quoteOrder"]["quote"]["id"].is_string(), "{data}");
        data["quoteOrder"]["quote"]["id"].clone()
    }

    async fn place(&self, text: &str, quote: &Value) {
        let input = json!({ "idempotencyKey": Uuid::new_v4(), "quoteId": quote, "paymentMethod": "pm_card_visa" });
        let data = self.grace.data(text, json!({ "input": input })).await;
        assert_eq!(data["placeOrder"]["order"]["status"], "PLACED", "{data}");
    }
}

pub(crate) fn address() -> Value {
    json!({ "name": "A Buyer", "line1": "1 Main Street", "postalCode": "10115", "city": "Berlin", "countryCode": "DE" })
}

pub(crate) const QUOTE: &str = include_str!("../../../../schema/operations/quote-order.graphql");
pub(crate) const PLACE: &str = include_str!("../../../../schema/operations/place-order.graphql");
