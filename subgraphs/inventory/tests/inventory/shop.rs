//! The inventory of one test, on each database, and how to query it.

use std::future::Future;

use async_graphql::{Request, Variables};
use inventory::InventorySchema;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use service::testing::TestDatabase;
use service::{Config, Database, EventBus, User, Viewer};

/// An inventory with the sample data.
#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) schema: InventorySchema,
    pub(crate) database: Database,
    pub(crate) events: EventBus,
}

/// Runs a test on every available database.
pub(crate) async fn on_each<F: Future<Output = ()>>(test: impl Fn(Shop) -> F) {
    for database in TestDatabase::each().await.unwrap() {
        let mut config = Config::new(&inventory::INFO);
        config.database = database.config.clone();
        config.sample_data = Some(true);
        config.auth.internal_token = Some("between us".to_owned());
        let opened = inventory::open(&config).await.unwrap();
        let events = EventBus::in_process();
        let schema = inventory::schema(&config, &opened, events.clone());
        let shop = Shop { schema, database: opened.clone(), events };
        test(shop).await;
        opened.close().await.unwrap();
        database.drop_it().await.unwrap();
    }
}

pub(crate) fn admin() -> Viewer {
    Viewer::User(User { id: "1".to_owned(), roles: vec!["admin".to_owned()] })
}

pub(crate) fn customer() -> Viewer {
    Viewer::User(User { id: "2".to_owned(), roles: vec!["customer".to_owned()] })
}

impl Shop {
    /// The whole response.
    pub(crate) async fn ask(&self, viewer: Viewer, query: &str, variables: Value) -> Value {
        let request = Request::new(query).variables(Variables::from_json(variables)).data(viewer);
        serde_json::to_value(self.schema.execute(request).await).unwrap()
    }

    /// The data of a response without errors.
    pub(crate) async fn data(&self, viewer: Viewer, query: &str, variables: Value) -> Value {
        let mut answer = self.ask(viewer, query, variables).await;
        assert_eq!(answer.get("errors"), None, "{query}");
        answer["data"].take()
    }

    /// The code of the only error of a response.
    pub(crate) async fn code(&self, viewer: Viewer, query: &str, variables: Value) -> String {
        let answer = self.ask(viewer, query, variables).await;
        let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("no error: {answer}"));
        assert_eq!(errors.len(), 1, "{answer}");
        errors[0]["extensions"]["code"].as_str().unwrap().to_owned()
    }

    /// Creates a product with this stock in the first warehouses, and returns its id.
    pub(crate) async fn product(&self, sku: &str, stock: &[i32]) -> String {
        let input = json!({
            "sku": sku, "name": format!("Thing {sku}"), "description": "A thing.", "category": "Things",
            "price": "12.50 EUR", "cost": "5.00 EUR", "weightGrams": 700,
        });
        let create = "mutation($input: CreateProductInput!) { createProduct(input: $input) { id } }";
        let product = self.data(admin(), create, json!({ "input": input })).await;
        let id = product["createProduct"]["id"].as_str().unwrap().to_owned();
        let warehouses = self.data(Viewer::Anonymous, "{ warehouses { id } }", json!({})).await;
        for (delta, warehouse) in stock.iter().zip(warehouses["warehouses"].as_array().unwrap()) {
            let input = json!({ "productId": id, "warehouseId": warehouse["id"], "delta": delta });
            let adjust = "mutation($input: AdjustStockInput!) { adjustStock(input: $input) { id } }";
            self.data(admin(), adjust, json!({ "input": input })).await;
        }
        id
    }

    /// How many units of the product can be ordered, according to the database.
    pub(crate) async fn stock(&self, product: &str) -> i64 {
        self.number("SELECT CAST(COALESCE(SUM(quantity), 0) AS BIGINT) AS n FROM stock WHERE product_id = $1", product)
            .await
    }

    /// How many units of the product are held or sold, according to the database.
    pub(crate) async fn taken(&self, product: &str) -> i64 {
        self.number(
            "SELECT CAST(COALESCE(SUM(l.quantity), 0) AS BIGINT) AS n FROM reservation_lines l \
             JOIN reservations r ON r.idempotency_key = l.idempotency_key \
             WHERE l.product_id = $1 AND r.status <> 'RELEASED'",
            product,
        )
        .await
    }

    async fn number(&self, sql: &str, value: &str) -> i64 {
        let backend = self.database.reader().get_database_backend();
        let statement = Statement::from_sql_and_values(backend, sql, [value.into()]);
        self.database.reader().query_one_raw(statement).await.unwrap().unwrap().try_get("", "n").unwrap()
    }

    pub(crate) async fn reserve(&self, key: &str, lines: &[(&str, i32)]) -> Value {
        self.data(Viewer::Service, RESERVE, reserve_variables(key, lines)).await["reserveStock"].take()
    }

    pub(crate) async fn release(&self, key: &str) -> Value {
        let query =
            "mutation($key: String!) { releaseStock(idempotencyKey: $key) { id status expiresAt lines { quantity } } }";
        self.data(Viewer::Service, query, json!({ "key": key })).await["releaseStock"].take()
    }

    pub(crate) async fn commit(&self, key: &str) -> Value {
        self.data(Viewer::Service, COMMIT, json!({ "key": key })).await["commitStock"].take()
    }
}

pub(crate) fn reserve_variables(key: &str, lines: &[(&str, i32)]) -> Value {
    let lines: Vec<_> =
        lines.iter().map(|(product, quantity)| json!({ "productId": product, "quantity": quantity })).collect();
    json!({ "input": { "idempotencyKey": key, "lines": lines } })
}

pub(crate) const RESERVE: &str = "mutation($input: ReserveStockInput!) {
  reserveStock(input: $input) {
    __typename
    ... on StockReservation { id idempotencyKey status expiresAt lines { product { id } quantity unitPrice } }
    ... on InsufficientStock { lines { product { id } requested available } }
    ... on UnknownProduct { productIds }
    ... on ReservationClosed { idempotencyKey }
  }
}";

pub(crate) const COMMIT: &str = "mutation($key: String!) {
  commitStock(idempotencyKey: $key) {
    __typename
    ... on StockReservation { id status expiresAt }
    ... on ReservationClosed { idempotencyKey }
  }
}";
