//! Responses are compared with the databases.

use local::examples;
use sea_orm::QueryResult;
use serde_json::{Value, json};

use super::running::Running;

/// Such as `19.99` for 1999.
fn euros(minor: i64) -> Value {
    json!({ "amount": format!("{}.{:02}", minor / 100, minor % 100) })
}

#[tokio::test(flavor = "multi_thread")]
async fn one_query_to_three_services_returns_what_the_databases_have() {
    let running = Running::start().await;
    let token = running.sign_in("grace").await;
    let (status, answer) = running.ask(Some(&token), json!({ "query": examples::MY_ORDERS.query })).await;
    assert_eq!((status, &answer["errors"]), (200, &Value::Null));
    let me = &answer["data"]["me"];

    let user = running.rows("users", "SELECT hex(id) AS id, name, email FROM users WHERE username = 'grace'").await;
    let text = |row: &QueryResult, column: &str| row.try_get::<String>("", column).unwrap();
    assert_eq!(me["name"], text(&user[0], "name"));
    assert_eq!(me["email"], text(&user[0], "email"));

    let of_grace = format!("FROM orders WHERE hex(buyer_id) = '{}'", text(&user[0], "id"));
    let count = running.rows("orders", &format!("SELECT COUNT(*) AS count {of_grace}")).await;
    assert_eq!(me["orders"]["totalCount"], count[0].try_get::<i64>("", "count").unwrap());
    let orders = format!(
        "SELECT lower(hex(id)) AS id, total_minor, shipping_minor {of_grace} ORDER BY placed_at DESC, orders.id DESC LIMIT 3"
    );
    let orders = running.rows("orders", &orders).await;
    let nodes = me["orders"]["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), orders.len());
    for (node, order) in nodes.iter().zip(&orders) {
        assert_eq!(node["id"], format!("Order_{}", text(order, "id")));
        assert_eq!(node["total"]["amount"], euros(order.try_get("", "total_minor").unwrap())["amount"]);
        assert_eq!(node["shipping"], euros(order.try_get("", "shipping_minor").unwrap()));
        check_lines(&running, node, &text(order, "id")).await;
    }
    running.federation.stop().await.unwrap();
}

/// The lines of an order, each with its product, and what it costs to send one of them, which follows from its weight.
async fn check_lines(running: &Running, order: &Value, id: &str) {
    let lines = format!(
        "SELECT sku, name, quantity, unit_price_minor FROM order_lines WHERE lower(hex(order_id)) = '{id}' ORDER BY position"
    );
    let lines = running.rows("orders", &lines).await;
    let shown = order["lines"].as_array().unwrap();
    assert_eq!(shown.len(), lines.len());
    for (shown, line) in shown.iter().zip(&lines) {
        let sku: String = line.try_get("", "sku").unwrap();
        let product = format!(
            "SELECT name, price_minor, weight_grams, (SELECT COALESCE(SUM(on_hand - reserved), 0) FROM stock WHERE product_id = products.id) AS stock \
             FROM products WHERE sku = '{sku}'"
        );
        let product = &running.rows("inventory", &product).await[0];
        let stock: i64 = product.try_get("", "stock").unwrap();
        let weight: i32 = product.try_get("", "weight_grams").unwrap();
        let mut shown = shown.clone();
        let estimate = shown["product"].as_object_mut().unwrap().remove("shippingEstimate").unwrap();
        // Up to two kilograms cost the same.
        assert_eq!(estimate == euros(490), weight <= 2_000, "{weight} g: {estimate}");
        let expected = json!({
            "quantity": line.try_get::<i32>("", "quantity").unwrap(),
            "name": line.try_get::<String>("", "name").unwrap(),
            "unitPrice": euros(line.try_get("", "unit_price_minor").unwrap()),
            "product": {
                "sku": sku,
                "name": product.try_get::<String>("", "name").unwrap(),
                "price": euros(product.try_get("", "price_minor").unwrap()),
                "stock": stock,
                "inStock": stock > 0,
            }
        });
        assert_eq!(shown, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_placed_across_services() {
    let running = Running::start().await;
    let token = running.sign_in("grace").await;
    let (product, sku) = running.available().await;
    let stock = format!(
        "SELECT SUM(on_hand - reserved) AS stock FROM stock JOIN products p ON p.id = product_id WHERE p.sku = '{sku}'"
    );
    let before: i64 = running.rows("inventory", &stock).await[0].try_get("", "stock").unwrap();
    let quote = running.quote(&token, &product, 2).await;
    // The second request is the same, so it does not order again.
    for _ in 0..2 {
        let order = running.place(&token, "once", &quote).await;
        assert_eq!(order["buyer"]["name"], "Grace Hopper");
        assert_eq!(order["lines"][0]["product"]["stock"], before - 2);
    }
    running.federation.stop().await.unwrap();
}

/// An id alone, of anything, in whatever service it is.
#[tokio::test(flavor = "multi_thread")]
async fn anything_is_found_by_its_id() {
    let running = Running::start().await;
    let token = running.sign_in("grace").await;
    let (product, sku) = running.available().await;
    let quote = running.quote(&token, &product, 1).await;
    let order = running.place(&token, "node", &quote).await["id"].clone();
    let query = "query($id: ID!) { node(id: $id) { __typename id ... on Product { sku } ... on Order { status buyer { name } } ... on User { name } } }";
    let node = async |id: &Value, token| {
        let (_, answer) = running.ask(token, json!({ "query": query, "variables": { "id": id } })).await;
        answer["data"]["node"].clone()
    };
    let expected =
        json!({ "__typename": "Order", "id": order, "status": "PLACED", "buyer": { "name": "Grace Hopper" } });
    assert_eq!(node(&order, Some(&*token)).await, expected);
    assert_eq!(node(&order, None).await, Value::Null, "somebody else's order");
    assert_eq!(node(&json!(product), None).await, json!({ "__typename": "Product", "id": product, "sku": sku }));
    let grace = service::graphql::id::global("User", service::sample::id("user", "grace"));
    let shown = json!({ "__typename": "User", "id": grace.as_str(), "name": "Grace Hopper" });
    assert_eq!(node(&json!(grace.as_str()), None).await, shown);
    for unknown in [
        "",
        "Nothing_00000000000040008000000000000000",
        "Product_00000000000040008000000000000000",
        "User_00000000000040008000000000000000",
    ] {
        assert_eq!(node(&json!(unknown), Some(&*token)).await, Value::Null, "{unknown}");
    }
    running.federation.stop().await.unwrap();
}

/// A purchase comes back: the shop sends it, the buyer returns a part, and what can be sold again is in stock.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_is_paid_for_and_in_stock() {
    let running = Running::start().await;
    let (grace, ada) = (running.sign_in("grace").await, running.sign_in("ada").await);
    let (product, _) = running.available().await;
    let quote = running.quote(&grace, &product, 2).await;
    let order = running.place(&grace, "return", &quote).await["id"].clone();
    let send = "mutation($input: FulfillOrderInput!) { done: fulfillOrder(input: $input) { userErrors { code } } }";
    running.done(&ada, send, json!({ "orderId": order, "idempotencyKey": "parcel" })).await;
    let ask = "mutation($input: RequestReturnInput!) { done: requestReturn(input: $input) { return { id } userErrors { code } } }";
    let lines = json!([{ "productId": product, "quantity": 1 }]);
    let input = json!({ "orderId": order, "idempotencyKey": "back", "lines": lines, "reason": "UNWANTED" });
    let id = running.done(&grace, ask, input).await["return"]["id"].take();
    let stock = async || {
        let sql = format!(
            "SELECT SUM(on_hand) AS units FROM stock WHERE lower(hex(product_id)) = '{}'",
            product.trim_start_matches("Product_")
        );
        running.rows("inventory", &sql).await[0].try_get::<i64>("", "units").unwrap()
    };
    let before = stock().await;
    let receive = "mutation($input: ReceiveReturnInput!) { done: receiveReturn(input: $input) {
        return { status refund { status } } order { paymentStatus } userErrors { code } } }";
    let received = running.done(&ada, receive, json!({ "id": id })).await;
    assert_eq!(received["return"], json!({ "status": "RECEIVED", "refund": { "status": "SUCCEEDED" } }));
    assert_eq!(received["order"]["paymentStatus"], "PARTIALLY_REFUNDED");
    assert_eq!(stock().await, before + 1);
    // The id alone leads to it.
    let query = "query($id: ID!) { node(id: $id) { id ... on Return { status order { buyer { name } } } } }";
    let (_, found) = running.ask(Some(&grace), json!({ "query": query, "variables": { "id": id } })).await;
    let expected = json!({ "id": id, "status": "RECEIVED", "order": { "buyer": { "name": "Grace Hopper" } } });
    assert_eq!(found["data"]["node"], expected, "{found}");
    running.federation.stop().await.unwrap();
}
