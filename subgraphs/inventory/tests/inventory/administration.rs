//! The mutations for administrators, and that nobody else may run them.

use serde_json::{Value, json};
use service::Viewer;

use super::shop::{Shop, admin, customer, on_each};

const CREATE: &str = "mutation($input: CreateProductInput!) {
  createProduct(input: $input) { id sku name price cost stock inStock createdAt updatedAt }
}";
const UPDATE: &str = "mutation($id: ID!, $input: UpdateProductInput!) {
  updateProduct(id: $id, input: $input) { sku name price cost weightGrams }
}";
const ADJUST: &str = "mutation($input: AdjustStockInput!) { adjustStock(input: $input) { stock } }";

fn product(change: Value) -> Value {
    let mut input = json!({
        "sku": "NEW-1", "name": "Weather vane", "description": "Shows where the wind comes from.", "category": "Garden",
        "price": "49.90 EUR", "cost": "20 EUR", "weightGrams": 1200,
    });
    input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    json!({ "input": input })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_made_found_and_changed() {
    on_each(|shop| async move {
        let made = shop.data(admin(), CREATE, product(json!({}))).await["createProduct"].take();
        assert_eq!(made["price"], "49.90 EUR");
        assert_eq!(made["cost"], "20.00 EUR");
        assert_eq!((&made["stock"], &made["inStock"]), (&json!(0), &json!(false)));
        assert_eq!(found(&shop, "weather").await, json!(["NEW-1"]));

        let input = json!({ "name": "Wind rooster", "price": "39.00 EUR" });
        let changed = shop.data(admin(), UPDATE, json!({ "id": made["id"], "input": input })).await;
        let expected = json!({
            "sku": "NEW-1", "name": "Wind rooster", "price": "39.00 EUR", "cost": "20.00 EUR", "weightGrams": 1200,
        });
        assert_eq!(changed["updateProduct"], expected);
        assert_eq!(found(&shop, "weather").await, json!([]));
        assert_eq!(found(&shop, "rooster").await, json!(["NEW-1"]));
    })
    .await;
}

async fn found(shop: &Shop, text: &str) -> Value {
    let query = "query($text: String!) { products(filter: { search: $text }) { nodes { sku } } }";
    let answer = shop.data(Viewer::Anonymous, query, json!({ "text": text })).await;
    answer["products"]["nodes"].as_array().unwrap().iter().map(|node| node["sku"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_products_are_refused() {
    on_each(|shop| async move {
        for (change, code) in [
            (json!({ "sku": "KIT-0101" }), "CONFLICT"),
            (json!({ "sku": "" }), "BAD_USER_INPUT"),
            (json!({ "sku": "---" }), "BAD_USER_INPUT"),
            (json!({ "sku": "lower" }), "BAD_USER_INPUT"),
            (json!({ "name": "  " }), "BAD_USER_INPUT"),
            (json!({ "name": "x".repeat(201) }), "BAD_USER_INPUT"),
            (json!({ "description": "nul \u{0}" }), "BAD_USER_INPUT"),
            (json!({ "price": "-1.00 EUR" }), "BAD_USER_INPUT"),
            (json!({ "price": 19.99 }), "BAD_USER_INPUT"),
            (json!({ "price": "1.999 EUR" }), "BAD_USER_INPUT"),
            (json!({ "weightGrams": -1 }), "BAD_USER_INPUT"),
        ] {
            assert_eq!(shop.code(admin(), CREATE, product(change.clone())).await, code, "{change}");
        }
        let nobody = json!({ "id": uuid::Uuid::nil(), "input": {} });
        assert_eq!(shop.code(admin(), UPDATE, nobody).await, "NOT_FOUND");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_is_adjusted_but_never_below_zero() {
    on_each(|shop| async move {
        let id = shop.product("ADJ-1", &[5]).await;
        let warehouses = shop.data(Viewer::Anonymous, "{ warehouses { id } }", json!({})).await;
        let (first, second) = (&warehouses["warehouses"][0]["id"], &warehouses["warehouses"][1]["id"]);
        let input = |warehouse: &Value, delta: i32| {
            json!({ "input": { "productId": id, "warehouseId": warehouse, "delta": delta } })
        };
        assert_eq!(shop.data(admin(), ADJUST, input(second, 3)).await["adjustStock"]["stock"], 8);
        assert_eq!(shop.data(admin(), ADJUST, input(first, -5)).await["adjustStock"]["stock"], 3);
        assert_eq!(shop.code(admin(), ADJUST, input(first, -1)).await, "CONFLICT");
        assert_eq!(shop.code(admin(), ADJUST, input(first, i32::MIN)).await, "CONFLICT");
        assert_eq!(shop.stock(&id).await, 3);
        let nowhere = json!("00000000-0000-0000-0000-000000000000");
        assert_eq!(shop.code(admin(), ADJUST, input(&nowhere, 1)).await, "NOT_FOUND");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_may() {
    on_each(|shop| async move {
        let adjust = json!({ "input": { "productId": "1", "warehouseId": "1", "delta": 1 } });
        let requests = [(CREATE, product(json!({}))), (UPDATE, json!({ "id": "1", "input": {} })), (ADJUST, adjust)];
        for (query, variables) in requests {
            for (viewer, code) in
                [(Viewer::Anonymous, "UNAUTHENTICATED"), (customer(), "FORBIDDEN"), (Viewer::Service, "FORBIDDEN")]
            {
                assert_eq!(shop.code(viewer, query, variables.clone()).await, code, "{query}");
            }
        }
    })
    .await;
}

/// Several changes at the same time, of different fields of one product: none undoes another.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_at_the_same_time_all_hold() {
    on_each(|shop| async move {
        for round in 0..12 {
            let sku = format!("BOTH-{round}");
            let id = shop.product(&sku, &[]).await;
            let (name, category) = (format!("Pinwheel {round}"), format!("Breeze {round}"));
            let changes = [
                json!({ "price": "1.00 EUR" }),
                json!({ "cost": "0.50 EUR" }),
                json!({ "weightGrams": 77 }),
                json!({ "name": name }),
                json!({ "category": category }),
            ];
            let changes = changes.into_iter().map(|input| {
                let (shop, id) = (shop.clone(), id.clone());
                tokio::spawn(async move { shop.data(admin(), UPDATE, json!({ "id": id, "input": input })).await })
            });
            for change in changes.collect::<Vec<_>>() {
                change.await.unwrap();
            }
            let query = "query($id: ID) { product(id: $id) { sku name category price cost weightGrams } }";
            let expected = json!({
                "sku": sku, "name": name, "category": category, "price": "1.00 EUR", "cost": "0.50 EUR", "weightGrams": 77,
            });
            assert_eq!(shop.data(admin(), query, json!({ "id": id })).await["product"], expected);
            assert_eq!(found(&shop, &format!("pinwheel breeze {round}")).await, json!([sku]));
        }
    })
    .await;
}
