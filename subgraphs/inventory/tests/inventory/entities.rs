//! Entities by either key, as the router asks for them: one statement for all of them.

use serde_json::{Value, json};
use service::Viewer::{self, Anonymous};
use service::sample::products;

use super::shop::{Shop, admin, customer, on_each};

/// Asks for entities, and checks the number of statements.
async fn check(shop: &Shop, representations: Vec<Value>, selection: &str, statements: u64) -> Vec<Value> {
    let query = format!("query($r: [_Any!]!) {{ _entities(representations: $r) {{ {selection} }} }}");
    let before = shop.database.statements();
    let mut answer = shop.data(Anonymous, &query, json!({ "r": representations })).await;
    assert_eq!(shop.database.statements() - before, statements, "{selection}");
    serde_json::from_value(answer["_entities"].take()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_products_cost_one_statement() {
    on_each(|shop| async move {
        let all = products();
        let by_id =
            || all.iter().map(|product| json!({ "__typename": "Product", "id": product.id })).collect::<Vec<_>>();
        let fields = "... on Product { sku name price { amount } weightGrams stock inStock discontinued }";
        let found = check(&shop, by_id(), fields, 1).await;
        let skus: Vec<_> = found.iter().map(|product| product["sku"].as_str().unwrap()).collect();
        assert_eq!(skus, all.iter().map(|product| product.sku.as_str()).collect::<Vec<_>>());

        let by_sku = all.iter().map(|product| json!({ "__typename": "Product", "sku": product.sku })).collect();
        let found = check(&shop, by_sku, "... on Product { id }", 1).await;
        assert_eq!(found[7]["id"], json!(service::graphql::id::global("Product", all[7].id)));

        // One more for all levels, and one for all warehouses.
        let levels = "... on Product { id stockLevels { quantity warehouse { name } } }";
        check(&shop, by_id(), levels, 3).await;
        // One more for all categories, for all options and for all images.
        let more = "... on Product { id category { name } options { name } images { url } }";
        check(&shop, by_id(), more, 4).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_is_null_and_the_rest_stands() {
    on_each(|shop| async move {
        let sample = &products()[3];
        let representations = vec![
            json!({ "__typename": "Product", "id": "nonsense" }),
            json!({ "__typename": "Product", "id": sample.id }),
            json!({ "__typename": "Product", "id": uuid::Uuid::nil() }),
            json!({ "__typename": "Product", "sku": "NO-SKU" }),
        ];
        let found = check(&shop, representations, "... on Product { sku }", 2).await;
        assert_eq!(found, [json!(null), json!({ "sku": sample.sku }), json!(null), json!(null)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn warehouses_cost_one_statement() {
    on_each(|shop| async move {
        let all = shop.data(Anonymous, "{ warehouses { id code } }", json!({})).await["warehouses"].take();
        let all: Vec<Value> = serde_json::from_value(all).unwrap();
        let representations = all.iter().map(|w| json!({ "__typename": "Warehouse", "id": w["id"] })).collect();
        assert_eq!(check(&shop, representations, "... on Warehouse { id code }", 1).await, all);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_cost_one_statement() {
    on_each(|shop| async move {
        let before = shop.database.statements();
        shop.data(Anonymous, "{ products(first: 100) { nodes { sku name stock inStock } } }", json!({})).await;
        assert_eq!(shop.database.statements() - before, 1);
    })
    .await;
}

/// The field is null with an error, and the rest of the entities is there.
#[tokio::test(flavor = "multi_thread")]
async fn the_cost_is_for_administrators_and_services() {
    on_each(|shop| async move {
        let sample = &products()[0];
        let query = "query($id: ID!) { product(by: { id: $id }) { sku cost { amount } } }";
        let variables = || json!({ "id": sample.id });
        for viewer in [Viewer::Service, admin()] {
            let found = shop.data(viewer, query, variables()).await;
            assert_eq!(found["product"]["cost"]["amount"], sample.cost.amount_text());
        }
        for viewer in [Anonymous, customer()] {
            let answer = shop.ask(viewer, query, variables()).await;
            assert_eq!(answer["data"], json!({ "product": { "sku": sample.sku, "cost": null } }));
            assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
            assert_eq!(answer["errors"][0]["path"], json!(["product", "cost"]));
        }
    })
    .await;
}
