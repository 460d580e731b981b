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

/// Runs a test on every available database, with the sample data.
pub(crate) async fn on_each<F: Future<Output = ()>>(test: impl Fn(Shop) -> F) {
    run(test, true).await;
}

/// Runs a test on every available database, without any data.
pub(crate) async fn on_each_empty<F: Future<Output = ()>>(test: impl Fn(Shop) -> F) {
    run(test, false).await;
}

async fn run<F: Future<Output = ()>>(test: impl Fn(Shop) -> F, sample_data: bool) {
    for database in TestDatabase::each().await.unwrap() {
        let mut config = Config::new(&inventory::INFO);
        config.database = database.config.clone();
        config.sample_data = Some(sample_data);
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

    /// The payload of a mutation of an administrator's with this selection, without user errors.
    pub(crate) async fn change(&self, mutation: &str, input: Value, selection: &str) -> Value {
        let payload = self.payload(mutation, input.clone(), selection).await;
        assert_eq!(payload["userErrors"], json!([]), "{mutation} {input}");
        payload
    }

    /// The code and the path of the only user error of a mutation of an administrator's.
    pub(crate) async fn mistake(&self, mutation: &str, input: Value) -> (String, Value) {
        let mut payload = self.payload(mutation, input.clone(), "__typename").await;
        let errors = payload["userErrors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{mutation} {input}: {payload}");
        let code = errors[0]["code"].as_str().unwrap().to_owned();
        (code, payload["userErrors"][0]["field"].take())
    }

    async fn payload(&self, mutation: &str, input: Value, selection: &str) -> Value {
        let mut data = self.data(admin(), &mutation_of(mutation, selection), json!({ "input": input })).await;
        data[mutation].take()
    }

    /// The ids of the warehouses, by code.
    pub(crate) async fn warehouses(&self) -> Vec<String> {
        let found = self.data(Viewer::Anonymous, "{ warehouses { id } }", json!({})).await;
        let ids = found["warehouses"]
            .as_array()
            .unwrap()
            .iter()
            .map(|warehouse| warehouse["id"].as_str().unwrap().to_owned());
        ids.collect()
    }

    /// The id of the category with this slug.
    pub(crate) async fn category(&self, slug: &str) -> String {
        let found = self
            .data(Viewer::Anonymous, "query($s: String!) { category(slug: $s) { id } }", json!({ "s": slug }))
            .await;
        found["category"]["id"].as_str().unwrap().to_owned()
    }

    /// Creates a product with this stock in the first warehouses, and returns its id.
    pub(crate) async fn product(&self, sku: &str, stock: &[i32]) -> String {
        let input = json!({
            "sku": sku, "name": format!("Thing {sku}"), "description": "A thing.", "categoryId": self.category("tools").await,
            "price": money("12.50"), "cost": money("5.00"), "weightGrams": 700,
        });
        let created = self.change("createProduct", input, "product { id }").await;
        let id = created["product"]["id"].as_str().unwrap().to_owned();
        for (quantity, warehouse) in stock.iter().zip(self.warehouses().await) {
            self.receive(&id, &warehouse, *quantity).await;
        }
        id
    }

    /// Receives units under a new key.
    pub(crate) async fn receive(&self, product: &str, warehouse: &str, quantity: i32) {
        let key = uuid::Uuid::new_v4();
        let input =
            json!({ "idempotencyKey": key, "productId": product, "warehouseId": warehouse, "quantity": quantity });
        self.change("receiveStock", input, "product { id }").await;
    }

    /// How many units of the product can be ordered, according to the database.
    pub(crate) async fn stock(&self, product: &str) -> i64 {
        let sql = "SELECT CAST(COALESCE(SUM(on_hand - reserved), 0) AS BIGINT) AS n FROM stock WHERE product_id = $1";
        self.number(sql, bare(product)).await
    }

    /// How many units of the product are held or sold, according to the database.
    pub(crate) async fn taken(&self, product: &str) -> i64 {
        self.number(
            "SELECT CAST(COALESCE(SUM(l.quantity), 0) AS BIGINT) AS n FROM reservation_lines l \
             JOIN reservations r ON r.idempotency_key = l.idempotency_key \
             WHERE l.product_id = $1 AND r.status <> 'RELEASED'",
            bare(product),
        )
        .await
    }

    /// The stock levels that differ from the sum of their movements, or from what is held of them. There must be none.
    pub(crate) async fn differences(&self) -> i64 {
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) AS n FROM stock s WHERE
             s.on_hand <> (SELECT COALESCE(SUM(m.delta), 0) FROM stock_movements m
               WHERE m.product_id = s.product_id AND m.warehouse_id = s.warehouse_id)
             OR s.reserved <> (SELECT COALESCE(SUM(a.quantity), 0) FROM allocations a
               JOIN reservations r ON r.idempotency_key = a.idempotency_key
               WHERE r.status = 'HELD' AND a.product_id = s.product_id AND a.warehouse_id = s.warehouse_id)";
        let backend = self.database.reader().get_database_backend();
        let row = self.database.reader().query_one_raw(Statement::from_string(backend, sql)).await.unwrap().unwrap();
        row.try_get("", "n").unwrap()
    }

    async fn number(&self, sql: &str, id: uuid::Uuid) -> i64 {
        let backend = self.database.reader().get_database_backend();
        let statement = Statement::from_sql_and_values(backend, sql, [id.into()]);
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

    /// Takes units back under a key of its own: what is answered, or the code of the error.
    pub(crate) async fn take_back(&self, key: &str, reservation: &str, lines: &[(&str, i32)]) -> String {
        let mut variables = reserve_variables(key, lines);
        variables["input"]["reservationKey"] = json!(reservation);
        let answer = self.ask(Viewer::Service, TAKE_BACK, variables).await;
        let code = answer["errors"][0]["extensions"]["code"].as_str();
        code.or_else(|| answer["data"]["takeBackStock"]["__typename"].as_str()).unwrap().to_owned()
    }

    pub(crate) async fn commit(&self, key: &str) -> Value {
        self.data(Viewer::Service, COMMIT, json!({ "key": key })).await["commitStock"].take()
    }
}

/// A mutation with one input, and what it has to correct.
pub(crate) fn mutation_of(mutation: &str, selection: &str) -> String {
    let input = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
    format!(
        "mutation($input: {input}!) {{ {mutation}(input: $input) {{ {selection} userErrors {{ code field message }} }} }}"
    )
}

/// An amount of euros.
pub(crate) fn money(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

/// The id that the database has.
pub(crate) fn bare(id: &str) -> uuid::Uuid {
    id.split('_').next_back().unwrap().parse().unwrap()
}

pub(crate) fn reserve_variables(key: &str, lines: &[(&str, i32)]) -> Value {
    let lines: Vec<_> =
        lines.iter().map(|(product, quantity)| json!({ "productId": product, "quantity": quantity })).collect();
    json!({ "input": { "idempotencyKey": key, "lines": lines } })
}

pub(crate) const RESERVE: &str = "mutation($input: ReserveStockInput!) {
  reserveStock(input: $input) {
    __typename
    ... on StockReservation { id idempotencyKey status expiresAt lines { product { id } quantity unitPrice { amount currency } } }
    ... on InsufficientStock { lines { product { id } requested available } }
    ... on UnknownProduct { productIds }
    ... on DiscontinuedProducts { productIds }
    ... on ReservationClosed { idempotencyKey }
  }
}";

pub(crate) const TAKE_BACK: &str = "mutation($input: TakeBackStockInput!) {
  takeBackStock(input: $input) { __typename ... on StockReservation { status } }
}";

pub(crate) const COMMIT: &str = "mutation($key: String!) {
  commitStock(idempotencyKey: $key) {
    __typename
    ... on StockReservation { id status expiresAt }
    ... on ReservationClosed { idempotencyKey }
  }
}";
