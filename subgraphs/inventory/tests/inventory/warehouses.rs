//! Warehouses: an empty shop is filled, and a warehouse is closed only when it is empty.

use serde_json::json;
use service::Viewer::Anonymous;

use super::shop::{money, on_each, on_each_empty};

const SELECTION: &str = "warehouse { id code name city country active }";

#[tokio::test(flavor = "multi_thread")]
async fn a_warehouse_is_opened_changed_closed_and_opened_again() {
    on_each(|shop| async move {
        let new = json!({ "code": "LIS-2", "name": "Lisboa Norte", "city": "Lisbon", "country": "PT" });
        let made = shop.change("createWarehouse", new, SELECTION).await["warehouse"].take();
        assert_eq!((&made["code"], &made["active"]), (&json!("LIS-2"), &json!(true)));
        let id = made["id"].as_str().unwrap();
        let changed = shop.change("updateWarehouse", json!({ "id": id, "city": "Loures" }), SELECTION).await;
        assert_eq!((&changed["warehouse"]["city"], &changed["warehouse"]["code"]), (&json!("Loures"), &json!("LIS-2")));

        let product = shop.product("WH-1", &[]).await;
        shop.receive(&product, id, 3).await;
        shop.reserve("order", &[(&product, 1)]).await;
        shop.commit("order").await;
        let closed = json!({ "id": id });
        assert_eq!(shop.mistake("deactivateWarehouse", closed.clone()).await, ("CONFLICT".to_owned(), json!(["input", "id"])));
        let other = shop.warehouses().await.remove(0);
        let transfer = json!({ "idempotencyKey": "t", "productId": product, "fromWarehouseId": id, "toWarehouseId": other, "quantity": 2 });
        shop.change("transferStock", transfer, "product { id }").await;
        let done = shop.change("deactivateWarehouse", closed.clone(), SELECTION).await;
        assert_eq!(done["warehouse"]["active"], false);
        let receive = json!({ "idempotencyKey": "r", "productId": product, "warehouseId": id, "quantity": 1 });
        assert_eq!(
            shop.mistake("receiveStock", receive.clone()).await,
            ("CONFLICT".to_owned(), json!(["input", "warehouseId"]))
        );
        // What a buyer sends back is there, and can be sold again.
        shop.release("order").await;
        assert_eq!((shop.stock(&product).await, shop.differences().await), (3, 0));
        shop.change("reactivateWarehouse", closed, SELECTION).await;
        shop.change("receiveStock", receive, "product { id }").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_warehouses_are_refused_by_field() {
    on_each(|shop| async move {
        let first = shop.warehouses().await.remove(0);
        for (change, code, field) in [
            (json!({ "code": "GDN" }), "CONFLICT", "code"),
            (json!({ "code": "gdn" }), "BAD_USER_INPUT", "code"),
            (json!({ "code": "" }), "BAD_USER_INPUT", "code"),
            (json!({ "name": " " }), "BAD_USER_INPUT", "name"),
            (json!({ "city": "x".repeat(101) }), "BAD_USER_INPUT", "city"),
            (json!({ "country": "Germany" }), "BAD_USER_INPUT", "country"),
            (json!({ "country": "de" }), "BAD_USER_INPUT", "country"),
            (json!({ "id": "Product_00000000000000000000000000000000" }), "NOT_FOUND", "id"),
        ] {
            let mut input = json!({ "id": first });
            input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            assert_eq!(
                shop.mistake("updateWarehouse", input).await,
                (code.to_owned(), json!(["input", field])),
                "{change}"
            );
        }
    })
    .await;
}

/// Without sample data there is nothing; everything that a shop needs can be made by mutations.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_shop_is_filled() {
    on_each_empty(|shop| async move {
        let all = "{ warehouses { id } categories { id } products { totalCount nodes { sku inStock } } }";
        let nothing = json!({ "warehouses": [], "categories": [], "products": { "totalCount": 0, "nodes": [] } });
        assert_eq!(shop.data(Anonymous, all, json!({})).await, nothing);
        let warehouse = json!({ "code": "A", "name": "A", "city": "A", "country": "DE" });
        shop.change("createWarehouse", warehouse, SELECTION).await;
        shop.change("createCategory", json!({ "name": "Tools", "slug": "tools" }), "category { id }").await;
        let product = json!({
            "sku": "ONE-1", "name": "One", "description": "The first.", "categoryId": shop.category("tools").await,
            "price": money("1"), "cost": money("1"), "weightGrams": 1,
        });
        let made = shop.change("createProduct", product, "product { id }").await;
        let warehouse = shop.warehouses().await.remove(0);
        shop.receive(made["product"]["id"].as_str().unwrap(), &warehouse, 1).await;
        let found = shop.data(Anonymous, all, json!({})).await["products"].take();
        assert_eq!(found, json!({ "totalCount": 1, "nodes": [{ "sku": "ONE-1", "inStock": true }] }));
    })
    .await;
}
