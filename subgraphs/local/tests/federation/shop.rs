//! Responses are compared with the databases.

use local::examples;
use sea_orm::QueryResult;
use serde_json::{Value, json};

use super::running::Running;

/// Such as `19.99 EUR` for 1999.
fn euros(minor: i64) -> String {
    format!("{}.{:02} EUR", minor / 100, minor % 100)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_query_to_three_services_returns_what_the_databases_have() {
    let running = Running::start().await;
    let token = running.sign_in("grace").await;
    let (status, answer) = running.ask(Some(&token), json!({ "query": examples::MY_ORDERS.query })).await;
    assert_eq!((status, &answer["errors"]), (200, &Value::Null));
    let me = &answer["data"]["me"];

    let user = running.rows("users", "SELECT id, name, email FROM users WHERE username = 'grace'").await;
    let text = |row: &QueryResult, column: &str| row.try_get::<String>("", column).unwrap();
    assert_eq!(me["name"], text(&user[0], "name"));
    assert_eq!(me["email"], text(&user[0], "email"));

    let orders = format!(
        "SELECT id, total_minor FROM orders WHERE buyer_id = '{}' ORDER BY placed_at DESC, id DESC LIMIT 3",
        text(&user[0], "id")
    );
    let orders = running.rows("orders", &orders).await;
    let nodes = me["orders"]["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), orders.len());
    for (node, order) in nodes.iter().zip(&orders) {
        assert_eq!(node["id"], text(order, "id"));
        assert_eq!(node["total"], euros(order.try_get("", "total_minor").unwrap()));
        check_lines(&running, node).await;
    }
    running.federation.stop().await.unwrap();
}

/// The lines of an order, each with its product, and the shipping cost that follows from their weights.
async fn check_lines(running: &Running, order: &Value) {
    let id = order["id"].as_str().unwrap();
    let lines = running
        .rows(
            "orders",
            &format!(
                "SELECT sku, quantity, unit_price_minor FROM order_lines WHERE order_id = '{id}' ORDER BY position"
            ),
        )
        .await;
    let shown = order["lines"].as_array().unwrap();
    assert_eq!(shown.len(), lines.len());
    let mut grams = 0;
    for (shown, line) in shown.iter().zip(&lines) {
        let sku: String = line.try_get("", "sku").unwrap();
        let quantity: i32 = line.try_get("", "quantity").unwrap();
        let product = format!(
            "SELECT name, price_minor, weight_grams, (SELECT SUM(quantity) FROM stock WHERE product_id = id) AS stock \
             FROM products WHERE sku = '{sku}'"
        );
        let product = &running.rows("inventory", &product).await[0];
        let stock: i64 = product.try_get("", "stock").unwrap();
        let expected = json!({
            "quantity": quantity,
            "unitPrice": euros(line.try_get("", "unit_price_minor").unwrap()),
            "product": {
                "sku": sku,
                "name": product.try_get::<String>("", "name").unwrap(),
                "price": euros(product.try_get("", "price_minor").unwrap()),
                "stock": stock,
                "inStock": stock > 0,
            }
        });
        assert_eq!(*shown, expected);
        grams += i64::from(quantity) * i64::from(product.try_get::<i32>("", "weight_grams").unwrap());
    }
    // 4.90 for up to two kilograms, and 0.90 for each further kilogram or part of one.
    let further = (grams - 2_000).max(0).div_euclid(1_000) + i64::from((grams - 2_000).max(0) % 1_000 > 0);
    assert_eq!(order["shippingCost"], euros(490 + 90 * further));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_placed_across_services() {
    let running = Running::start().await;
    let token = running.sign_in("grace").await;
    let product = &running
        .rows("inventory", "SELECT p.id, s.quantity FROM products p JOIN stock s ON s.product_id = p.id WHERE s.quantity > 5 ORDER BY p.sku LIMIT 1")
        .await[0];
    let id: String = product.try_get("", "id").unwrap();
    let stock = format!("SELECT SUM(quantity) AS stock FROM stock WHERE product_id = '{id}'");
    let before: i64 = running.rows("inventory", &stock).await[0].try_get("", "stock").unwrap();
    let query = include_str!("../../../../schema/operations/place-order.graphql");
    let input = json!({ "idempotencyKey": "once", "lines": [{ "productId": id, "quantity": 2 }] });
    let body = json!({ "query": query, "variables": { "input": input } });
    // The second request is the same, so it does not order again.
    for _ in 0..2 {
        let (_, answer) = running.ask(Some(&token), body.clone()).await;
        let placed = &answer["data"]["placeOrder"];
        assert_eq!(placed["__typename"], "PlacedOrder", "{answer}");
        assert_eq!(placed["order"]["buyer"]["name"], "Grace Hopper");
        assert_eq!(placed["order"]["lines"][0]["product"]["stock"], before - 2);
    }
    running.federation.stop().await.unwrap();
}
