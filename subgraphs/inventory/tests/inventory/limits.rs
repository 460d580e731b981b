//! What is refused: NUL characters, and more entities than the complexity limit allows.

use serde_json::{Value, json};
use service::Viewer::{self, Anonymous};
use service::sample::products;

use super::shop::{RESERVE, Shop, admin, mutation_of, on_each, reserve_variables};

/// PostgreSQL can't store the character U+0000. It is refused on SQLite too, so that both behave the same.
#[tokio::test(flavor = "multi_thread")]
async fn text_with_nul_is_bad_input() {
    on_each(|shop| async move {
        let refused = async |viewer: Viewer, query: &str, variables: Value| {
            let before = shop.database.statements();
            assert_eq!(shop.code(viewer, query, variables).await, "BAD_USER_INPUT", "{query}");
            assert_eq!(shop.database.statements(), before, "{query}: nothing runs");
        };
        refused(Anonymous, "query($sku: String!) { product(by: { sku: $sku }) { id } }", json!({ "sku": "KIT\0" }))
            .await;
        refused(Anonymous, r#"{ product(by: { sku: "KIT\u0000" }) { id } }"#, json!({})).await;
        refused(Anonymous, r#"query($sku: String! = "\u0000") { product(by: { sku: $sku }) { id } }"#, json!({})).await;
        refused(Anonymous, r#"{ ...F } fragment F on Query { product(by: { sku: "\u0000" }) { id } }"#, json!({}))
            .await;
        let list = "query($f: ProductFilter) { products(filter: $f) { nodes { id } } }";
        refused(Anonymous, list, json!({ "f": { "search": "lamp\0" } })).await;
        refused(Anonymous, list, json!({ "f": { "category": "\0" } })).await;
        let entities = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Product { id } } }";
        refused(Anonymous, entities, json!({ "r": [{ "__typename": "Product", "sku": "\0" }] })).await;
        refused(Viewer::Service, RESERVE, reserve_variables("key\0", &[("1", 1)])).await;
        let update = mutation_of("updateProduct", "product { id }");
        refused(admin(), &update, json!({ "input": { "id": products()[0].id, "description": "a\0b" } })).await;
        // Other escapes are fine.
        let found = shop.data(Anonymous, r#"{ product(by: { sku: "KIT\\u0000" }) { id } }"#, json!({})).await;
        assert_eq!(found, json!({ "product": null }));
    })
    .await;
}

/// The check of a request does not look inside cursors, so here the error comes from the database.
#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_with_nul_is_no_fault_of_ours() {
    on_each(|shop| async move {
        use async_graphql::connection::{CursorType, OpaqueCursor};
        let cursor = OpaqueCursor(json!({ "n": ["\0", uuid::Uuid::nil()] })).encode_cursor();
        let query = "query($after: String) { products(first: 1, sort: NAME, after: $after) { nodes { id } } }";
        let answer = shop.ask(Anonymous, query, json!({ "after": cursor })).await;
        let code = &answer["errors"][0]["extensions"]["code"];
        assert!(code.is_null() || code == "BAD_USER_INPUT", "{answer}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_representation_counts() {
    on_each(|shop| async move {
        let representation = json!({ "__typename": "Product", "id": products()[0].id });
        let many = |count: usize| json!({ "r": vec![representation.clone(); count] });
        let fields = "... on Product { id stockLevels { quantity warehouse { id code name city country } } }";
        let variable = format!("query($r: [_Any!]!) {{ _entities(representations: $r) {{ {fields} }} }}");
        let by_default = |count: usize| {
            let list = format!("{{__typename: \"Product\", id: \"{}\"}} ", products()[0].id).repeat(count);
            format!("query($r: [_Any!]! = [{list}]) {{ _entities(representations: $r) {{ {fields} }} }}")
        };
        let literal = |count: usize| {
            let list = format!("{{__typename: \"Product\", id: \"{}\"}} ", products()[0].id).repeat(count);
            format!(
                "{{ a: __typename ...F }} fragment F on Query {{ _entities(representations: [{list}]) {{ {fields} }} }}"
            )
        };
        // Each entity has 31 fields, and the limit is 20,000.
        let check = async |shop: &Shop, query: &str, variables: Value, allowed: bool| {
            let answer = shop.ask(Anonymous, query, variables).await;
            if allowed {
                assert!(answer.get("errors").is_none(), "{answer}");
            } else {
                assert_eq!(answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{answer}");
                assert!(answer["errors"][0]["message"].as_str().unwrap().contains("20000"), "{answer}");
            }
        };
        check(&shop, &variable, many(600), true).await;
        check(&shop, &variable, many(900), false).await;
        check(&shop, &literal(900), json!({}), false).await;
        check(&shop, &by_default(900), json!({}), false).await;
        check(&shop, &by_default(900), many(1), true).await;
        check(
            &shop,
            "query($r: [_Any!]!) { _entities(representations: $r) { ... on Product { id } } }",
            many(900),
            true,
        )
        .await;
    })
    .await;
}
