//! The role between customers and administrators, across the services: staff run the shop from day to day, and decide nothing about prices, money and people.

use serde_json::{Value, json};
use service::graphql::id;

use super::running::Running;

impl Running {
    /// Makes a sample user one of the staff; their new token.
    pub(crate) async fn hire(&self, username: &str) -> String {
        let grant =
            "mutation($input: RoleInput!) { done: grantRole(input: $input) { user { roles } userErrors { code } } }";
        let input = json!({ "userId": id::global("User", service::sample::id("user", username)), "role": "STAFF" });
        let ada = self.sign_in("ada").await;
        let hired = self.done(&ada, grant, input).await;
        assert_eq!(hired["user"]["roles"], json!(["CUSTOMER", "STAFF"]));
        self.sign_in(username).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_send_orders_and_keep_stock() {
    let running = Running::start().await;
    let (grace, alan) = (running.sign_in("grace").await, running.hire("alan").await);
    let (product, _) = running.available().await;
    let quote = running.quote(&grace, &product, 1).await;
    let order = running.place(&grace, "of grace", &quote).await["id"].take();

    // The list has everybody's orders, with what a parcel needs; of the buyer, only what all see.
    let list = "{ orders(first: 1) { nodes { id shippingAddress { city } buyer { name email } } } stuckOrders(first: 1) { totalCount } }";
    let (_, answer) = running.ask(Some(&alan), json!({ "query": list })).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    let found = json!({ "id": order, "shippingAddress": { "city": "Berlin" }, "buyer": { "name": "Grace Hopper", "email": null } });
    assert_eq!(answer["data"]["orders"]["nodes"][0], found);

    let send = "mutation($input: FulfillOrderInput!) { done: fulfillOrder(input: $input) { fulfillment { id } userErrors { code } } }";
    let sent = running.done(&alan, send, json!({ "orderId": order, "idempotencyKey": "p", "carrier": "DHL" })).await;
    let arrived = "mutation($input: MarkDeliveredInput!) { done: markDelivered(input: $input) { fulfillment { deliveredAt } userErrors { code } } }";
    let input = json!({ "fulfillmentId": sent["fulfillment"]["id"] });
    assert!(running.done(&alan, arrived, input).await["fulfillment"]["deliveredAt"].is_string());
    let quote = running.quote(&grace, &product, 1).await;
    let other = running.place(&grace, "of grace, too", &quote).await["id"].take();
    let cancel = "mutation($input: CancelOrderInput!) { done: cancelOrder(input: $input) { order { status } userErrors { code } } }";
    assert_eq!(running.done(&alan, cancel, json!({ "id": other })).await["order"]["status"], "CANCELLED");

    let (_, answer) = running.ask(Some(&alan), json!({ "query": "{ warehouses { id } }" })).await;
    let stock = |key: &str| json!({ "idempotencyKey": key, "productId": product, "warehouseId": answer["data"]["warehouses"][0]["id"] });
    for (mutation, kind, more) in [
        ("receiveStock", "ReceiveStockInput", json!({ "quantity": 3 })),
        ("adjustStock", "AdjustStockInput", json!({ "delta": -1, "reason": "broken" })),
        ("countStock", "CountStockInput", json!({ "quantity": 1000 })),
    ] {
        let mut input = stock(mutation);
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let fields =
            "product { stockLevels { onHand reserved } stockMovements(first: 1) { nodes { id } } } userErrors { code }";
        let query = format!("mutation($input: {kind}!) {{ done: {mutation}(input: $input) {{ {fields} }} }}");
        let changed = running.done(&alan, &query, input).await;
        assert!(changed["product"]["stockLevels"][0]["onHand"].is_i64(), "{changed}");
        let movement = &changed["product"]["stockMovements"]["nodes"][0]["id"];
        let node = json!({ "query": "query($id: ID!) { node(id: $id) { id } }", "variables": { "id": movement } });
        assert_eq!(running.ask(Some(&alan), node.clone()).await.1["data"]["node"]["id"], *movement);
        assert_eq!(running.ask(Some(&grace), node).await.1["data"]["node"], Value::Null);
    }
    running.federation.stop().await.unwrap();
}
