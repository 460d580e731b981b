//! The whole federation in one process, on free ports, over databases of its own: what it answers is compared with what the
//! databases hold, read by SQL.

use std::net::SocketAddr;

use local::{Federation, Places, Ports};
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};
use serde_json::{Value, json};

struct Shop {
    federation: Federation,
    data: tempfile::TempDir,
    client: reqwest::Client,
    token: String,
}

impl Shop {
    async fn open() -> Self {
        let data = tempfile::tempdir().unwrap();
        let free: SocketAddr = ([127, 0, 0, 1], 0).into();
        let ports = Ports { router: free, users: free, orders: free, inventory: free };
        let federation = local::start(ports, &Places { data: data.path().to_owned() }).await.unwrap();
        let mut shop = Self { federation, data, client: reqwest::Client::new(), token: String::new() };
        let answer = shop.ask(include_str!("../../schema/operations/sign-in.graphql")).await;
        shop.token = answer["data"]["login"]["token"].as_str().unwrap_or_else(|| panic!("{answer:#}")).to_owned();
        shop
    }

    async fn ask(&self, query: &str) -> Value {
        let (status, answer) = self.post("application/json", &json!({ "query": query }).to_string()).await;
        assert_eq!(status, 200, "{answer:#}");
        answer
    }

    async fn post(&self, content_type: &str, body: &str) -> (u16, Value) {
        let url = format!("http://{}/graphql", self.federation.ports.router);
        let mut request = self.client.post(url).header("content-type", content_type).body(body.to_owned());
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
    }

    /// The only column of each row, which holds JSON.
    async fn rows(&self, database: &str, sql: &str) -> Vec<Value> {
        let file = self.data.path().join(format!("{database}.db"));
        let connection = Database::connect(format!("sqlite://{}?mode=ro", file.display())).await.unwrap();
        let rows = connection.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap();
        let text = |row: &sea_orm::QueryResult| row.try_get_by_index::<String>(0).unwrap();
        rows.iter().map(|row| serde_json::from_str(&text(row)).unwrap()).collect()
    }
}

/// An amount of a currency with two digits.
fn money(minor: &Value, currency: &Value) -> String {
    let minor = minor.as_i64().unwrap();
    format!("{}.{:02} {}", minor / 100, minor % 100, currency.as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn three_services_answer_as_one_what_their_databases_hold() {
    let shop = Shop::open().await;
    let answer = shop.ask(include_str!("../../schema/operations/my-orders.graphql")).await;
    assert!(answer.get("errors").is_none(), "{answer:#}");
    let me = &answer["data"]["me"];

    let users = shop
        .rows("users", "SELECT json_object('id', id, 'name', name, 'email', email) FROM users WHERE username = 'grace'")
        .await;
    let user = &users[0];
    assert_eq!((&me["name"], &me["email"]), (&user["name"], &user["email"]));
    let orders = format!(
        "SELECT json_object('id', id, 'status', status, 'total', total_minor, 'currency', currency,
           'placedAt', strftime('%Y-%m-%dT%H:%M:%S', placed_at / 1000, 'unixepoch'))
         FROM orders WHERE buyer_id = {} ORDER BY placed_at DESC, id DESC LIMIT 3",
        user["id"].to_string().replace('"', "'")
    );
    let orders = shop.rows("orders", &orders).await;
    let found = me["orders"]["nodes"].as_array().unwrap();
    assert!(!orders.is_empty());
    assert_eq!(found.len(), orders.len());
    for (found, order) in found.iter().zip(&orders) {
        let mut expected = json!({
            "id": order["id"], "status": order["status"], "placedAt": order["placedAt"],
            "total": money(&order["total"], &order["currency"]), "lines": [],
        });
        let mut found = found.clone();
        let placed_at = found["placedAt"].as_str().unwrap()[..19].to_owned();
        found["placedAt"] = json!(placed_at);
        let mut grams = 0;
        let lines = format!(
            "SELECT json_object('product', product_id, 'quantity', quantity, 'price', unit_price_minor)
             FROM order_lines WHERE order_id = '{}' ORDER BY position",
            order["id"].as_str().unwrap()
        );
        for line in shop.rows("orders", &lines).await {
            let product = format!(
                "SELECT json_object('sku', sku, 'name', name, 'grams', weight_grams, 'price', price_minor, 'currency', price_currency, 'stock',
                   (SELECT coalesce(sum(quantity), 0) FROM stock WHERE product_id = products.id))
                 FROM products WHERE id = '{}'",
                line["product"].as_str().unwrap()
            );
            let product = shop.rows("inventory", &product).await.remove(0);
            grams += product["grams"].as_i64().unwrap() * line["quantity"].as_i64().unwrap();
            expected["lines"].as_array_mut().unwrap().push(json!({
                "quantity": line["quantity"], "unitPrice": money(&line["price"], &order["currency"]),
                "product": {
                    "sku": product["sku"], "name": product["name"], "price": money(&product["price"], &product["currency"]),
                    "stock": product["stock"], "inStock": product["stock"].as_i64().unwrap() > 0,
                },
            }));
        }
        // Orders computes it from inventory's weights: 4.90 for two kilograms, and 0.90 for each further one begun.
        let further = (grams - 2000 + 999).max(0) / 1000;
        expected["shippingCost"] = json!(money(&json!(490 + 90 * further), &order["currency"]));
        assert_eq!(found, expected);
    }
    shop.federation.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_gets_a_status_and_a_code() {
    let shop = Shop::open().await;
    let deep = format!("{{ me {}id{} }}", "{ orders { nodes { buyer ".repeat(40), "} } }".repeat(40));
    let query = |text: &str| json!({ "query": text }).to_string();
    let large = query(&format!("{{ me {{ name }} }} # {}", "x".repeat(3 << 20)));
    let cases = [
        ("application/json", query("{ nope }"), 200, "GRAPHQL_VALIDATION_FAILED"),
        ("application/json", query("{ product(sku: 5) { id } }"), 200, "GRAPHQL_VALIDATION_FAILED"),
        ("application/json", query("{ me { idempotencyKey } }"), 200, "GRAPHQL_VALIDATION_FAILED"),
        ("application/json", query("{ me "), 200, "GRAPHQL_PARSE_FAILED"),
        ("application/json", query("query A { me { id } } query B { me { id } }"), 200, "OPERATION_RESOLUTION_FAILURE"),
        ("application/json", "{\"query\": ".to_owned(), 400, ""),
        ("text/plain", query("{ me { id } }"), 415, ""),
        ("application/json", large, 413, ""),
        ("application/json", query(&deep), 200, ""),
    ];
    for (content_type, body, status, code) in cases {
        let shown: String = body.chars().take(80).collect();
        let (found, answer) = shop.post(content_type, &body).await;
        assert_eq!(found, status, "{shown}: {answer}");
        let error = &answer["errors"][0];
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{shown}: {answer}");
        let found = error["extensions"]["code"].as_str();
        assert!(found.is_some_and(|found| code.is_empty() || found == code), "{shown}: {answer}");
        assert!(answer.get("data").is_none_or(Value::is_null), "{shown}: {answer}");
    }
    shop.federation.stop().await.unwrap();
}
