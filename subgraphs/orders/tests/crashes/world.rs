//! Orders, inventory, their databases, and a client; and the count of everything at the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};
use service::Database;
use service::testing::{TestDatabase, TestIssuer};
use uuid::Uuid;

use crate::payments;
use crate::process::{self, Process};
use crate::proxy::Proxy;

/// Everything that a test has.
pub(crate) struct World {
    pub(crate) proxy: Arc<Proxy>,
    orders: Database,
    inventory: Database,
    places: (TestDatabase, TestDatabase),
    issuer: TestIssuer,
    http: reqwest::Client,
    /// The variables with which orders runs.
    environment: Vec<(&'static str, String)>,
    /// The stock of every product at the beginning.
    stock: BTreeMap<String, i64>,
}

/// The worlds to test in: one on each kind of database that there is.
pub(crate) async fn each() -> Vec<World> {
    let orders = TestDatabase::each().await.unwrap();
    let inventory = TestDatabase::each().await.unwrap();
    futures_util::future::join_all(orders.into_iter().zip(inventory).map(World::start)).await
}

impl World {
    async fn start(places: (TestDatabase, TestDatabase)) -> Self {
        let issuer = TestIssuer::new(service::Config::new(&orders::INFO).auth).unwrap();
        let keys = issuer.serve_keys().await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let others = format!("http://{}", listener.local_addr().unwrap());
        let internal_token = Uuid::new_v4().to_string();

        let (url, token) = (places.1.config.url.clone(), internal_token.clone());
        let inventory = Process::new(move |listen| process::inventory(listen, &url, &token));
        let environment = vec![
            ("DATABASE_URL", places.0.config.url.clone()),
            ("SAMPLE_DATA", "false".to_owned()),
            ("JWKS_URL", keys),
            ("INTERNAL_TOKEN", internal_token),
            ("INVENTORY_URL", format!("{others}/graphql")),
            ("PAYMENT_URL", others),
            ("PAYMENT_SECRET", payments::SECRET.to_owned()),
            ("RECONCILE_INTERVAL", "0.05".to_owned()),
            ("RECONCILE_LEASE", "1".to_owned()),
        ];
        let variables = environment.clone();
        let orders = Process::new(move |listen| {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_orders"));
            command.env("LISTEN", listen.to_string()).envs(variables.iter().map(|(name, value)| (name, value)));
            command
        });
        let proxy = Proxy::new(orders, inventory);
        proxy.serve(listener);
        proxy.inventory.ensure().await;
        proxy.orders.ensure().await;
        let mut world = Self {
            proxy,
            orders: Database::connect(&places.0.config).await.unwrap(),
            inventory: Database::connect(&places.1.config).await.unwrap(),
            places,
            issuer,
            http: reqwest::Client::builder().timeout(Duration::from_secs(60)).build().unwrap(),
            environment,
            stock: BTreeMap::new(),
        };
        world.stock = world.stock_now().await;
        world
    }

    /// A product of which there were so many at the beginning, and how many.
    pub(crate) fn product_with(&self, units: std::ops::RangeInclusive<i64>) -> (Uuid, i64) {
        let (product, stock) = self.stock.iter().find(|(_, stock)| units.contains(stock)).unwrap();
        (product.parse().unwrap(), *stock)
    }

    /// How many units of a product there are.
    pub(crate) async fn stock_of(&self, product: Uuid) -> i64 {
        self.stock_now().await[&product.simple().to_string()]
    }

    /// The products of which there were some at the beginning.
    pub(crate) fn products_in_stock(&self) -> Vec<Uuid> {
        self.stock.iter().filter(|(_, units)| **units > 10).map(|(product, _)| product.parse().unwrap()).collect()
    }

    /// The variables with which orders runs.
    pub(crate) fn environment(&self) -> Vec<(&str, &str)> {
        self.environment.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// The header by which a user is known.
    pub(crate) fn bearer(&self, user: Uuid) -> String {
        format!("Bearer {}", self.issuer.token(user, &["customer"]).unwrap())
    }

    /// How many orders are under way.
    pub(crate) async fn under_way(&self) -> i64 {
        self.orders_count("WHERE step <> 'DONE'").await
    }

    /// One request to orders; nothing when it was not answered.
    pub(crate) async fn ask(&self, user: Uuid, query: &str, variables: &Value) -> Option<Value> {
        let address = self.proxy.orders.address()?;
        let request = self
            .http
            .post(format!("http://{address}/graphql"))
            .bearer_auth(self.issuer.token(user, &["customer"]).unwrap())
            .json(&json!({ "query": query, "variables": variables }));
        request.send().await.ok()?.json().await.ok()
    }

    /// Asks once for an order of so many units of the product, at what it costs now.
    pub(crate) async fn place_once(
        &self,
        user: Uuid,
        key: &str,
        product: Uuid,
        quantity: i64,
        method: &str,
    ) -> Option<Value> {
        let order = json!({
            "lines": [{ "productId": product, "quantity": quantity }],
            "shippingAddress": { "name": "Grace", "line1": "Lange Str. 7", "city": "Berlin", "countryCode": "DE" },
        });
        let quoted = payload(self.ask(user, QUOTE, &json!({ "input": order })).await?, "quoteOrder")?;
        let mut input = order;
        input["idempotencyKey"] = json!(key);
        input["paymentMethod"] = json!(method);
        input["expectedTotal"] = quoted["quote"]["total"].clone();
        payload(self.ask(user, PLACE, &json!({ "input": input })).await?, "placeOrder")
    }

    /// Asks for it until it is decided, through crashes and losses.
    pub(crate) async fn place(&self, user: Uuid, key: &str, product: Uuid, quantity: i64, method: &str) -> Value {
        let deadline = Deadline::new("placing an order");
        loop {
            let result = self.place_once(user, key, product, quantity, method).await;
            match result {
                Some(result) if result["order"]["status"] != "PENDING" => return result,
                _ => deadline.wait().await,
            }
            self.revive().await;
        }
    }

    /// Cancels the order, through crashes and losses.
    pub(crate) async fn cancel(&self, user: Uuid, order: &Value) {
        let deadline = Deadline::new("cancelling an order");
        loop {
            let answer = self.ask(user, CANCEL, &json!({ "input": { "id": order } })).await;
            match answer {
                Some(answer) if answer["data"]["cancelOrder"]["order"]["status"] == "CANCELLED" => return,
                Some(answer) => panic!("{answer}"),
                None => deadline.wait().await,
            }
            self.revive().await;
        }
    }

    /// Starts again what is dead.
    pub(crate) async fn revive(&self) {
        self.proxy.inventory.ensure().await;
        self.proxy.orders.ensure().await;
    }

    /// Waits until nothing is under way any more.
    pub(crate) async fn settle(&self) {
        let deadline = Deadline::new("settling");
        self.revive().await;
        while self.proxy.has_late_requests()
            || self.orders_count("WHERE step <> 'DONE'").await > 0
            || self.orders_count("JOIN refunds r ON r.order_id = o.id WHERE r.status = 'PENDING'").await > 0
        {
            deadline.wait().await;
            self.revive().await;
        }
    }

    /// The two databases and the payment provider must agree to the unit and the cent. Nothing may be under way.
    pub(crate) async fn check_books(&self) {
        for (what, wrong) in [
            ("pending", "status = 'PENDING'"),
            (
                "a total that is not its parts'",
                "total_minor <> shipping_minor + tax_minor + (SELECT SUM(quantity * unit_price_minor) FROM order_lines l WHERE l.order_id = o.id)",
            ),
            ("placed and not paid", "status = 'PLACED' AND (captured_minor <> total_minor OR refunded_minor <> 0)"),
            ("cancelled and not paid back", "status = 'CANCELLED' AND captured_minor <> refunded_minor"),
            ("rejected and not paid back", "status = 'REJECTED' AND captured_minor <> refunded_minor"),
            (
                "otherwise in the ledger",
                "captured_minor - refunded_minor <> (SELECT COALESCE(SUM(CASE kind WHEN 'CAPTURE' THEN amount_minor WHEN 'REFUND' THEN -amount_minor ELSE 0 END), 0) FROM ledger g WHERE g.order_id = o.id)",
            ),
            (
                "without an event of its status",
                "NOT EXISTS (SELECT 1 FROM order_events e WHERE e.order_id = o.id AND kind = o.status)",
            ),
        ] {
            assert_eq!(self.orders_count(&format!("WHERE {wrong}")).await, 0, "orders that are {what}");
        }
        self.check_payments().await;
        // What is not in stock any more is in placed orders, unit by unit; and that is what is counted as sold.
        let product = hex(&self.orders, "product_id");
        let sold = pairs(&self.orders, &format!("SELECT {product}, CAST(SUM(quantity) AS bigint) FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE status = 'PLACED' GROUP BY product_id")).await;
        let counted =
            pairs(&self.orders, &format!("SELECT {product}, units FROM product_sales WHERE units <> 0")).await;
        assert_eq!(counted, sold);
        let now = self.stock_now().await;
        for (product, before) in &self.stock {
            let sold = sold.get(product).copied().unwrap_or(0);
            assert_eq!(now[product], before - sold, "stock of {product}, of which {sold} were sold");
        }
        // And inventory knows each placed order as sold, and no other.
        let id = hex(&self.orders, "id");
        let placed =
            pairs(&self.orders, &format!("SELECT {id}, CAST(1 AS bigint) FROM orders WHERE status = 'PLACED'")).await;
        let reservations = async |status: &str| {
            let sql = format!(
                "SELECT replace(idempotency_key, '-', ''), CAST(1 AS bigint) FROM reservations WHERE status = '{status}'"
            );
            pairs(&self.inventory, &sql).await
        };
        assert_eq!(reservations("COMMITTED").await, placed);
        let held = reservations("HELD").await;
        assert!(held.is_empty(), "reservations leaked: {held:?}");
    }

    /// No order has two payments, none is left set aside, and the sums are those of the orders.
    async fn check_payments(&self) {
        let sums = "SELECT CAST(number AS text), captured_minor - refunded_minor FROM orders";
        let orders = pairs(&self.orders, sums).await;
        let intents = self.proxy.payments.intents();
        for (number, taken) in &orders {
            let own: Vec<_> = intents.values().filter(|intent| intent.order == *number).collect();
            assert!(own.len() <= 1, "paid twice: {own:?}");
            assert!(own.iter().all(|intent| intent.status != "requires_capture"), "still set aside: {own:?}");
            assert_eq!(own.iter().map(|intent| intent.captured - intent.refunded).sum::<i64>(), *taken, "{own:?}");
        }
    }

    /// The orders of a key.
    pub(crate) async fn orders_of_key(&self, key: &str) -> i64 {
        self.orders_count(&format!("WHERE idempotency_key = '{key}'")).await
    }

    /// Stops all and removes the databases.
    pub(crate) async fn end(self) {
        self.proxy.orders.kill();
        self.proxy.inventory.kill();
        self.orders.close().await.unwrap();
        self.inventory.close().await.unwrap();
        self.places.0.drop_it().await.unwrap();
        self.places.1.drop_it().await.unwrap();
    }

    async fn orders_count(&self, condition: &str) -> i64 {
        let rows =
            pairs(&self.orders, &format!("SELECT 'count', CAST(COUNT(*) AS bigint) FROM orders o {condition}")).await;
        rows["count"]
    }

    async fn stock_now(&self) -> BTreeMap<String, i64> {
        let id = hex(&self.inventory, "product_id");
        let sql = format!("SELECT {id}, CAST(SUM(on_hand - reserved) AS bigint) FROM stock GROUP BY product_id");
        pairs(&self.inventory, &sql).await
    }
}

/// The payload of a mutation; nothing if a service was away.
fn payload(answer: Value, field: &str) -> Option<Value> {
    let payload = &answer["data"][field];
    if payload.is_object() {
        return Some(payload.clone());
    }
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{answer}");
    None
}

/// A UUID's column as 32 digits: PostgreSQL has a type for UUIDs, in SQLite they are bytes.
fn hex(database: &Database, column: &str) -> String {
    match database.reader().get_database_backend() {
        DbBackend::Postgres => format!("replace(CAST({column} AS text), '-', '')"),
        _ => format!("lower(hex({column}))"),
    }
}

async fn pairs(database: &Database, sql: &str) -> BTreeMap<String, i64> {
    let backend = database.reader().get_database_backend();
    let rows = database.reader().query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
    rows.iter().map(|row| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())).collect()
}

/// Lets a test fail rather than hang.
struct Deadline {
    what: &'static str,
    end: Instant,
}

impl Deadline {
    fn new(what: &'static str) -> Self {
        Self { what, end: Instant::now() + Duration::from_secs(120) }
    }

    async fn wait(&self) {
        assert!(Instant::now() < self.end, "{} takes too long", self.what);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

const QUOTE: &str = "mutation($input: QuoteOrderInput!) {
    quoteOrder(input: $input) { quote { total { amount currency } } userErrors { code } }
}";

const PLACE: &str = "mutation($input: PlaceOrderInput!) {
    placeOrder(input: $input) { order { id status } shortages { requested available } userErrors { code message } }
}";

const CANCEL: &str = "mutation($input: CancelOrderInput!) {
    cancelOrder(input: $input) { order { id status } userErrors { code message } }
}";
