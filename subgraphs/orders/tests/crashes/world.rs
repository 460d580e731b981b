//! Orders, inventory, their databases, and a client; and the count of everything at the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use service::Database;
use service::testing::TestDatabase;
use uuid::Uuid;

use crate::process::{self, Process};
use crate::proxy::Proxy;
use crate::token;

/// Everything that a test has.
pub(crate) struct World {
    pub(crate) proxy: Arc<Proxy>,
    orders: Database,
    inventory: Database,
    places: (TestDatabase, TestDatabase),
    http: reqwest::Client,
    /// The stock of every product at the beginning.
    stock: BTreeMap<String, i64>,
}

/// The worlds to test in: one on each kind of database that there is.
pub(crate) async fn each() -> Vec<World> {
    let orders = TestDatabase::each().await.unwrap();
    let inventory = TestDatabase::each().await.unwrap();
    let mut worlds = Vec::new();
    for places in orders.into_iter().zip(inventory) {
        worlds.push(World::start(places).await);
    }
    worlds
}

impl World {
    async fn start(places: (TestDatabase, TestDatabase)) -> Self {
        let keys = token::serve_keys().await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inventory_url = format!("http://{}/graphql", listener.local_addr().unwrap());
        let internal_token = Uuid::new_v4().to_string();

        let (url, token) = (places.1.config.url.clone(), internal_token.clone());
        let inventory = Process::new(move |listen| process::inventory(listen, &url, &token));
        let url = places.0.config.url.clone();
        let orders = Process::new(move |listen| {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_orders"));
            command
                .env("LISTEN", listen.to_string())
                .env("DATABASE_URL", &url)
                .env("SAMPLE_DATA", "false")
                .env("JWKS_URL", format!("http://{keys}/jwks"))
                .env("INTERNAL_TOKEN", &internal_token)
                .env("INVENTORY_URL", &inventory_url)
                .env("RECONCILE_INTERVAL", "0.1")
                .env("RECONCILE_LEASE", "2");
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
            http: reqwest::Client::builder().timeout(Duration::from_secs(60)).build().unwrap(),
            stock: BTreeMap::new(),
        };
        world.stock = world.stock_now().await;
        world
    }

    /// Leaves so many units of the product in all, before any order.
    pub(crate) async fn set_stock(&mut self, product: Uuid, units: i64) {
        let one = format!("(SELECT MIN(warehouse_id) FROM stock WHERE product_id = '{product}')");
        let sql = format!(
            "UPDATE stock SET quantity = CASE WHEN warehouse_id = {one} THEN {units} ELSE 0 END WHERE product_id = '{product}'"
        );
        self.inventory.reader().execute_unprepared(&sql).await.unwrap();
        self.stock = self.stock_now().await;
    }

    /// How many units of a product there are.
    pub(crate) async fn stock_of(&self, product: Uuid) -> i64 {
        self.stock_now().await[&product.to_string()]
    }

    /// The products of which there were some at the beginning.
    pub(crate) fn products_in_stock(&self) -> Vec<Uuid> {
        self.stock.iter().filter(|(_, units)| **units > 10).map(|(product, _)| product.parse().unwrap()).collect()
    }

    /// One request to orders; nothing when it was not answered.
    pub(crate) async fn ask(&self, user: Uuid, query: &str, variables: &Value) -> Option<Value> {
        let address = self.proxy.orders.address()?;
        let request = self
            .http
            .post(format!("http://{address}/graphql"))
            .bearer_auth(token::of(user))
            .json(&json!({ "query": query, "variables": variables }));
        request.send().await.ok()?.json().await.ok()
    }

    /// Asks once for an order of so many units of the product.
    pub(crate) async fn place_once(&self, user: Uuid, key: &str, product: Uuid, quantity: i64) -> Option<Value> {
        let input = json!({ "idempotencyKey": key, "lines": [{ "productId": product, "quantity": quantity }] });
        let answer = self.ask(user, PLACE, &json!({ "input": input })).await?;
        let result = &answer["data"]["placeOrder"];
        if result.is_object() {
            return Some(result.clone());
        }
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{answer}");
        None
    }

    /// Asks for it until it is decided, through crashes and losses.
    pub(crate) async fn place(&self, user: Uuid, key: &str, product: Uuid, quantity: i64) -> Value {
        let deadline = Deadline::new("placing an order");
        loop {
            let result = self.place_once(user, key, product, quantity).await;
            match result {
                Some(result) if result["__typename"] != "PendingOrder" => return result,
                _ => deadline.wait().await,
            }
            self.revive().await;
        }
    }

    /// Cancels the order, through crashes and losses.
    pub(crate) async fn cancel(&self, user: Uuid, order: &Value) {
        let deadline = Deadline::new("cancelling an order");
        loop {
            let answer = self.ask(user, CANCEL, &json!({ "id": order })).await;
            match answer {
                Some(answer) if answer["data"]["cancelOrder"]["status"] == "CANCELLED" => return,
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
        while self.proxy.has_late_requests() || self.orders_count("WHERE step <> 'DONE'").await > 0 {
            deadline.wait().await;
            self.revive().await;
        }
    }

    /// The two databases must agree to the unit and the cent. Nothing may be under way.
    pub(crate) async fn check_books(&self) {
        // Whether an order has taken money is what its status says; never twice, by the ledger's primary key.
        for (what, wrong) in [
            ("pending", "status = 'PENDING'"),
            (
                "a total that is not its lines'",
                "total_minor <> (SELECT SUM(quantity * unit_price_minor) FROM order_lines l WHERE l.order_id = o.id)",
            ),
            (
                "placed or refunded without a charge of its total",
                "status = 'PLACED' AND NOT EXISTS (SELECT 1 FROM ledger g WHERE g.order_id = o.id AND kind = 'CHARGE' AND amount_minor = total_minor)",
            ),
            (
                "placed and refunded",
                "status = 'PLACED' AND EXISTS (SELECT 1 FROM ledger g WHERE g.order_id = o.id AND kind = 'REFUND')",
            ),
            (
                "cancelled and not refunded to the cent",
                "status = 'CANCELLED' AND (SELECT COALESCE(SUM(CASE kind WHEN 'CHARGE' THEN amount_minor ELSE -amount_minor END), 0) FROM ledger g WHERE g.order_id = o.id) <> 0",
            ),
            ("rejected and charged", "status = 'REJECTED' AND EXISTS (SELECT 1 FROM ledger g WHERE g.order_id = o.id)"),
            (
                "without an event of its status",
                "NOT EXISTS (SELECT 1 FROM order_events e WHERE e.order_id = o.id AND kind = o.status)",
            ),
        ] {
            assert_eq!(self.orders_count(&format!("WHERE {wrong}")).await, 0, "orders that are {what}");
        }
        // What is not in stock any more is in placed orders, unit by unit.
        let sold = pairs(&self.orders, "SELECT product_id, CAST(SUM(quantity) AS bigint) FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE status = 'PLACED' GROUP BY product_id").await;
        let now = self.stock_now().await;
        for (product, before) in &self.stock {
            let sold = sold.get(product).copied().unwrap_or(0);
            assert_eq!(now[product], before - sold, "stock of {product}, of which {sold} were sold");
        }
        // And inventory knows each placed order as sold, and no other.
        let placed = pairs(&self.orders, "SELECT id, CAST(1 AS bigint) FROM orders WHERE status = 'PLACED'").await;
        let committed = pairs(
            &self.inventory,
            "SELECT idempotency_key, CAST(1 AS bigint) FROM reservations WHERE status = 'COMMITTED'",
        )
        .await;
        assert_eq!(committed, placed);
        let held =
            pairs(&self.inventory, "SELECT idempotency_key, CAST(1 AS bigint) FROM reservations WHERE status = 'HELD'")
                .await;
        assert!(held.is_empty(), "reservations leaked: {held:?}");
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
        pairs(&self.inventory, "SELECT product_id, CAST(SUM(quantity) AS bigint) FROM stock GROUP BY product_id").await
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

const PLACE: &str = "mutation($input: PlaceOrderInput!) {
    placeOrder(input: $input) {
        __typename
        ... on PlacedOrder { order { id status } }
        ... on PendingOrder { order { id status } }
        ... on OutOfStock { order { id status } lines { requested available } }
        ... on RefusedOrder { order { id status } reason }
    }
}";

const CANCEL: &str = "mutation($id: ID!) { cancelOrder(id: $id) { id status } }";
