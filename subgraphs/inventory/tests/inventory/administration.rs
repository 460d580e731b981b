//! The mutations of products for administrators, and that nobody else may run any of theirs.

use serde_json::{Value, json};
use service::Viewer;

use super::shop::{Shop, admin, customer, money, mutation_of, on_each};

const SELECTION: &str =
    "product { id sku name price { amount currency } cost { amount } stock inStock weightGrams category { slug } }";

async fn product(shop: &Shop, change: Value) -> Value {
    let mut input = json!({
        "sku": "NEW-1", "name": "Weather vane", "description": "Shows where the wind comes from.",
        "categoryId": shop.category("garden").await, "price": money("49.90"), "cost": money("20"), "weightGrams": 1200,
    });
    input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    input
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_made_found_and_changed() {
    on_each(|shop| async move {
        let made = shop.change("createProduct", product(&shop, json!({})).await, SELECTION).await["product"].take();
        assert_eq!(made["price"], json!({ "amount": "49.90", "currency": "EUR" }));
        assert_eq!(made["cost"]["amount"], "20.00");
        assert_eq!((&made["stock"], &made["inStock"]), (&json!(0), &json!(false)));
        assert_eq!(found(&shop, "weather").await, json!(["NEW-1"]));

        let input = json!({ "id": made["id"], "name": "Wind rooster", "price": money("39.00") });
        let changed = shop.change("updateProduct", input, SELECTION).await;
        let expected = json!({
            "id": made["id"], "sku": "NEW-1", "name": "Wind rooster", "price": { "amount": "39.00", "currency": "EUR" },
            "cost": { "amount": "20.00" }, "weightGrams": 1200, "stock": 0, "inStock": false,
            "category": { "slug": "garden" },
        });
        assert_eq!(changed["product"], expected);
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
async fn options_and_images_are_kept_in_their_order() {
    on_each(|shop| async move {
        let selection = "product { id options { name value } images { url alt } }";
        let options = json!([{ "name": "Size", "value": "XL" }, { "name": "Colour", "value": "أزرق" }]);
        let images = json!([{ "url": "https://img.example/2.png", "alt": "Front 🙂" }, { "url": "http://img.example/1.png", "alt": "" }]);
        let input = product(&shop, json!({ "options": options, "images": images })).await;
        let made = shop.change("createProduct", input, selection).await["product"].take();
        assert_eq!((&made["options"], &made["images"]), (&options, &images));
        let fewer = json!([{ "name": "Colour", "value": "red" }]);
        let input = json!({ "id": made["id"], "options": fewer });
        let changed = shop.change("updateProduct", input, selection).await["product"].take();
        assert_eq!((&changed["options"], &changed["images"]), (&fewer, &images));
        for (change, field) in [
            (json!({ "options": [{ "name": "A", "value": "1" }, { "name": "A", "value": "2" }] }), json!(["input", "options", "1", "name"])),
            (json!({ "options": [{ "name": "A", "value": " " }] }), json!(["input", "options", "0", "value"])),
            (json!({ "images": [{ "url": "javascript:alert(1)" }] }), json!(["input", "images", "0", "url"])),
            (json!({ "images": [{ "url": "https://" }] }), json!(["input", "images", "0", "url"])),
            (json!({ "images": [{ "url": "https://a b" }] }), json!(["input", "images", "0", "url"])),
            (json!({ "images": vec![json!({ "url": "https://a" }); 51] }), json!(["input", "images"])),
        ] {
            let mut input = change;
            input["id"] = made["id"].clone();
            assert_eq!(shop.mistake("updateProduct", input.clone()).await, ("BAD_USER_INPUT".to_owned(), field), "{input}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_products_are_refused_by_field() {
    on_each(|shop| async move {
        for (change, code, field) in [
            (json!({ "sku": "KIT-0101" }), "CONFLICT", "sku"),
            (json!({ "sku": "" }), "BAD_USER_INPUT", "sku"),
            (json!({ "sku": "---" }), "BAD_USER_INPUT", "sku"),
            (json!({ "sku": "lower" }), "BAD_USER_INPUT", "sku"),
            (json!({ "name": "  " }), "BAD_USER_INPUT", "name"),
            (json!({ "name": "x".repeat(201) }), "BAD_USER_INPUT", "name"),
            (json!({ "description": "x".repeat(1 << 20) }), "BAD_USER_INPUT", "description"),
            (json!({ "price": money("-1.00") }), "BAD_USER_INPUT", "price"),
            (json!({ "price": money("1.999") }), "BAD_USER_INPUT", "price"),
            (json!({ "price": money("99999999999999999999") }), "BAD_USER_INPUT", "price"),
            (json!({ "cost": money("-0.01") }), "BAD_USER_INPUT", "cost"),
            (json!({ "cost": { "amount": "1", "currency": "euro" } }), "BAD_USER_INPUT", "cost"),
            (json!({ "weightGrams": -1 }), "BAD_USER_INPUT", "weightGrams"),
            (json!({ "categoryId": "nonsense" }), "NOT_FOUND", "categoryId"),
            (json!({ "categoryId": uuid::Uuid::nil() }), "NOT_FOUND", "categoryId"),
        ] {
            let input = product(&shop, change.clone()).await;
            assert_eq!(
                shop.mistake("createProduct", input).await,
                (code.to_owned(), json!(["input", field])),
                "{change}"
            );
        }
        for id in ["nonsense", "Product_0", "Category_00000000000000000000000000000000", &uuid::Uuid::nil().to_string()]
        {
            assert_eq!(shop.mistake("updateProduct", json!({ "id": id })).await.0, "NOT_FOUND");
        }
        let nul = product(&shop, json!({ "description": "nul \u{0}" })).await;
        let create = mutation_of("createProduct", "product { id }");
        assert_eq!(shop.code(admin(), &create, json!({ "input": nul })).await, "BAD_USER_INPUT");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discontinued_product_is_listed_only_when_asked_for_and_not_sold() {
    on_each(|shop| async move {
        let id = shop.product("OLD-1", &[5]).await;
        shop.reserve("before", &[(&id, 1)]).await;
        let selection = "product { discontinued inStock stock }";
        let gone = shop.change("discontinueProduct", json!({ "id": id }), selection).await;
        assert_eq!(gone["product"], json!({ "discontinued": true, "inStock": false, "stock": 4 }));
        let list = "query($f: ProductFilter) { products(filter: $f) { totalCount nodes { sku } } }";
        let count = async |filter: Value| {
            let answer = shop.data(Viewer::Anonymous, list, json!({ "f": filter })).await;
            let nodes = answer["products"]["nodes"].as_array().unwrap().len();
            assert_eq!(answer["products"]["totalCount"], json!(nodes), "{filter}");
            nodes
        };
        assert_eq!(count(json!({ "search": "OLD-1" })).await, 0);
        assert_eq!(count(json!({ "search": "OLD-1", "discontinued": null })).await, 1);
        assert_eq!(count(json!({ "discontinued": true })).await, 1);
        assert_eq!(count(json!({ "discontinued": true, "inStock": true })).await, 0);
        assert_eq!(count(json!({ "discontinued": true, "inStock": false })).await, 1);
        let refused = shop.reserve("after", &[(&id, 1)]).await;
        assert_eq!(refused, json!({ "__typename": "DiscontinuedProducts", "productIds": [id] }));
        // What was reserved before is still sold.
        assert_eq!(shop.commit("before").await["status"], "COMMITTED");
        shop.change("discontinueProduct", json!({ "id": id, "discontinued": false }), selection).await;
        assert_eq!(count(json!({ "search": "OLD-1" })).await, 1);
        assert_eq!(shop.reserve("after", &[(&id, 1)]).await["status"], "HELD");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_may() {
    on_each(|shop| async move {
        let change = json!({ "idempotencyKey": "k", "productId": "1", "warehouseId": "1" });
        let with = |more: Value| {
            let mut input = change.clone();
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            input
        };
        let transfer = json!({ "idempotencyKey": "k", "productId": "1", "fromWarehouseId": "1", "toWarehouseId": "2", "quantity": 1 });
        let warehouse = json!({ "code": "X", "name": "X", "city": "X", "country": "DE" });
        for (mutation, input) in [
            ("createProduct", product(&shop, json!({})).await),
            ("updateProduct", json!({ "id": "1" })),
            ("discontinueProduct", json!({ "id": "1" })),
            ("createCategory", json!({ "name": "X", "slug": "x" })),
            ("updateCategory", json!({ "id": "1" })),
            ("createWarehouse", warehouse),
            ("updateWarehouse", json!({ "id": "1" })),
            ("deactivateWarehouse", json!({ "id": "1" })),
            ("reactivateWarehouse", json!({ "id": "1" })),
            ("receiveStock", with(json!({ "quantity": 1 }))),
            ("countStock", with(json!({ "quantity": 1 }))),
            ("adjustStock", with(json!({ "delta": 1, "reason": "r" }))),
            ("transferStock", transfer),
        ] {
            for (viewer, code) in
                [(Viewer::Anonymous, "UNAUTHENTICATED"), (customer(), "FORBIDDEN"), (Viewer::Service, "FORBIDDEN")]
            {
                let answer = shop.ask(viewer, &mutation_of(mutation, "__typename"), json!({ "input": input })).await;
                assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{mutation}: {answer}");
                assert_eq!(answer["data"], json!({ mutation: null }));
            }
        }
        let movements = "{ products(first: 1) { nodes { sku stockMovements { nodes { id } } } } }";
        for (viewer, code) in [(Viewer::Anonymous, "UNAUTHENTICATED"), (customer(), "FORBIDDEN")] {
            assert_eq!(shop.code(viewer, movements, json!({})).await, code);
        }
    })
    .await;
}

/// Several changes at the same time, of different fields of one product: none undoes another.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_at_the_same_time_all_hold() {
    on_each(|shop| async move {
        let garden = shop.category("garden").await;
        for round in 0..12 {
            let sku = format!("BOTH-{round}");
            let id = shop.product(&sku, &[]).await;
            let (name, description) = (format!("Pinwheel {round}"), format!("Breeze {round}"));
            let changes = [
                json!({ "price": money("1.00") }),
                json!({ "cost": money("0.50") }),
                json!({ "weightGrams": 77 }),
                json!({ "name": name }),
                json!({ "description": description }),
                json!({ "categoryId": garden }),
            ];
            let changes = changes.into_iter().map(|mut input| {
                let shop = shop.clone();
                input["id"] = json!(id);
                tokio::spawn(async move { shop.change("updateProduct", input, "product { id }").await })
            });
            for change in changes.collect::<Vec<_>>() {
                change.await.unwrap();
            }
            let query = "query($id: ID!) {
              product(by: { id: $id }) { sku name description category { slug } price { amount } cost { amount } weightGrams }
            }";
            let expected = json!({
                "sku": sku, "name": name, "description": description, "category": { "slug": "garden" },
                "price": { "amount": "1.00" }, "cost": { "amount": "0.50" }, "weightGrams": 77,
            });
            assert_eq!(shop.data(admin(), query, json!({ "id": id })).await["product"], expected);
            assert_eq!(found(&shop, &format!("pinwheel breeze {round} garden")).await, json!([sku]));
        }
    })
    .await;
}
