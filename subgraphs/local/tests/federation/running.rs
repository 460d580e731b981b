//! The shop in this process, on free ports and with databases of its own.

use std::net::SocketAddr;
use std::path::Path;

use braid_telemetry::config::OtlpConfig;
use local::{Federation, Ports, Storage};
use sea_orm::{ConnectionTrait, Database, DbBackend, QueryResult, Statement};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The shop while it runs.
pub(crate) struct Running {
    pub(crate) federation: Federation,
    pub(crate) data: TempDir,
    pub(crate) http: reqwest::Client,
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With a collector of spans.
    pub(crate) async fn start_with(traces: impl FnOnce(&mut OtlpConfig)) -> Self {
        let mut otlp = OtlpConfig::default();
        traces(&mut otlp);
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let ports = Ports { router: free, users: free, orders: free, inventory: free };
        let data = tempfile::tempdir().unwrap();
        let operations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema/operations");
        let storage = Storage { data: data.path().to_owned(), postgres: None, operations: Some(operations) };
        let federation = local::start(ports, &storage, &otlp).await.unwrap();
        Self { federation, data, http: reqwest::Client::new() }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/graphql", self.federation.ports.router)
    }

    pub(crate) async fn ask(&self, token: Option<&str>, body: Value) -> (u16, Value) {
        let mut request = self.http.post(self.url()).json(&body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub(crate) async fn sign_in(&self, username: &str) -> String {
        let query = "mutation($input: LoginInput!) { login(input: $input) { session { accessToken } } }";
        let input = json!({ "username": username, "password": service::sample::PASSWORD });
        let (_, answer) = self.ask(None, json!({ "query": query, "variables": { "input": input } })).await;
        let token = answer["data"]["login"]["session"]["accessToken"].as_str();
        token.unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// What a mutation that is called `done` has done.
    pub(crate) async fn done(&self, token: &str, query: &str, input: Value) -> Value {
        let body = json!({ "query": query, "variables": { "input": input } });
        let (_, mut answer) = self.ask(Some(token), body).await;
        assert_eq!(answer["data"]["done"]["userErrors"], json!([]), "{query}: {answer}");
        answer["data"]["done"].take()
    }

    /// What so many units of a product would cost: the id of the quote.
    pub(crate) async fn quote(&self, token: &str, product: &str, quantity: u32) -> String {
        let query = include_str!("../../../../schema/operations/quote-order.graphql");
        let address = json!({
            "name": "Grace Hopper", "line1": "1 Main Street", "postalCode": "10115", "city": "Berlin", "countryCode": "DE",
        });
        let lines = json!([{ "productId": product, "quantity": quantity }]);
        let input = json!({ "lines": lines, "shippingAddress": address });
        let (_, answer) = self.ask(Some(token), json!({ "query": query, "variables": { "input": input } })).await;
        answer["data"]["quoteOrder"]["quote"]["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Orders what was quoted; the order.
    pub(crate) async fn place(&self, token: &str, key: &str, quote: &str) -> Value {
        let query = include_str!("../../../../schema/operations/place-order.graphql");
        let input = json!({ "idempotencyKey": key, "quoteId": quote, "paymentMethod": "pm_card_visa" });
        let (_, answer) = self.ask(Some(token), json!({ "query": query, "variables": { "input": input } })).await;
        assert_eq!(answer["data"]["placeOrder"]["order"]["status"], "PLACED", "{answer}");
        answer["data"]["placeOrder"]["order"].clone()
    }

    /// A product of which there are some, as id and SKU.
    pub(crate) async fn available(&self) -> (String, String) {
        let sql = "SELECT lower(hex(p.id)) AS id, p.sku FROM products p JOIN stock s ON s.product_id = p.id \
                   WHERE s.on_hand - s.reserved > 5 ORDER BY p.sku LIMIT 1";
        let row = &self.rows("inventory", sql).await[0];
        (format!("Product_{}", row.try_get::<String>("", "id").unwrap()), row.try_get("", "sku").unwrap())
    }

    /// Changes a database behind the back of its service, which tells nobody.
    pub(crate) async fn change(&self, service: &str, sql: &str) {
        let database = Database::connect(format!("sqlite://{}", file(self.data.path(), service))).await.unwrap();
        database.execute_unprepared(sql).await.unwrap();
        database.close().await.unwrap();
    }

    pub(crate) async fn rows(&self, service: &str, sql: &str) -> Vec<QueryResult> {
        let database = Database::connect(format!("sqlite://{}", file(self.data.path(), service))).await.unwrap();
        let rows = database.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap();
        database.close().await.unwrap();
        rows
    }
}

fn file(data: &Path, service: &str) -> String {
    data.join(format!("{service}.db")).display().to_string()
}
