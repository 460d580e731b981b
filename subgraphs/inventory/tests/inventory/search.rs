//! Searching: the same products in the same order on both databases, by any text.

use serde_json::{Value, json};
use service::Viewer::Anonymous;

use super::shop::{Shop, money, on_each};

/// Products that differ in where the word `zephyr` stands.
async fn zephyrs(shop: &Shop) {
    let category =
        shop.change("createCategory", json!({ "name": "Zephyr", "slug": "zephyr" }), "category { id }").await;
    let (zephyr, tools) = (category["category"]["id"].clone(), json!(shop.category("tools").await));
    for (sku, name, description, category) in [
        ("Z-DESC", "Paper fan", "Moves like a zephyr.", &tools),
        ("Z-CAT", "Paper kite", "It flies.", &zephyr),
        ("Z-NAME", "Zephyr kite", "It flies.", &tools),
        ("Z-NONE", "Paper boat", "It swims.", &tools),
    ] {
        let input = json!({
            "sku": sku, "name": name, "description": description, "categoryId": category,
            "price": money("1"), "cost": money("1"), "weightGrams": 1,
        });
        shop.change("createProduct", input, "product { id }").await;
    }
}

const SEARCH: &str =
    "query($text: String!, $sort: ProductSort, $first: Int, $after: String, $last: Int, $before: String) {
  products(filter: { search: $text }, sort: $sort, first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { sku } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}";

async fn page(shop: &Shop, variables: Value) -> Value {
    shop.data(Anonymous, SEARCH, variables).await["products"].take()
}

fn skus(page: &Value) -> Vec<&str> {
    page["nodes"].as_array().unwrap().iter().map(|node| node["sku"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_best_match_is_first() {
    on_each(|shop| async move {
        zephyrs(&shop).await;
        let check = async |text: &str, expected: &[&str]| {
            let found = page(&shop, json!({ "text": text })).await;
            assert_eq!(skus(&found), expected, "{text}");
            assert_eq!(found["totalCount"], json!(expected.len()), "{text}");
        };
        check("zephyr", &["Z-NAME", "Z-CAT", "Z-DESC"]).await;
        check("ZEPH", &["Z-NAME", "Z-CAT", "Z-DESC"]).await;
        check("kite zephyr", &["Z-NAME", "Z-CAT"]).await;
        check("zephyr ki", &["Z-NAME", "Z-CAT"]).await;
        // Only the last word may be the start of one.
        check("zeph kite", &[]).await;
        check("z-none", &["Z-NONE"]).await;
        check("ephyr", &[]).await;
        // Another order, if it is asked for.
        let by_name = page(&shop, json!({ "text": "zephyr", "sort": "NAME" })).await;
        assert_eq!(skus(&by_name), ["Z-DESC", "Z-CAT", "Z-NAME"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_matches_make_the_list() {
    on_each(|shop| async move {
        let all = page(&shop, json!({ "text": "kitchen", "first": 100 })).await;
        let total = all["totalCount"].as_u64().unwrap() as usize;
        assert!((20..100).contains(&total), "the test needs some pages: {total}");
        for (count, cursor, edge, more) in
            [("first", "after", "endCursor", "hasNextPage"), ("last", "before", "startCursor", "hasPreviousPage")]
        {
            let (mut found, mut at) = (Vec::<String>::new(), Value::Null);
            loop {
                let one = page(&shop, json!({ "text": "kitchen", count: 7, cursor: at })).await;
                let here = skus(&one).into_iter().map(str::to_owned);
                let place = if count == "last" { 0 } else { found.len() };
                found.splice(place..place, here);
                if one["pageInfo"][more] == json!(false) {
                    break;
                }
                at = one["pageInfo"][edge].clone();
            }
            assert_eq!(found, skus(&all), "{count}");
        }
        let between = json!({ "text": "kitchen", "first": 100, "after": all["pageInfo"]["startCursor"], "before": all["pageInfo"]["endCursor"] });
        assert_eq!(skus(&page(&shop, between).await), skus(&all)[1..total - 1]);
        let of_another = json!({ "text": "kitchen", "sort": "NAME", "after": all["pageInfo"]["endCursor"] });
        assert_eq!(shop.code(Anonymous, SEARCH, of_another).await, "BAD_USER_INPUT");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_of_any_kind_is_a_search() {
    on_each(|shop| async move {
        for text in [
            "'",
            "\"",
            "\\",
            "''",
            "a' | b",
            "!a",
            "a:*",
            "a & (b",
            "NEAR(a, 2)",
            "name: kettle",
            "-kettle",
            "^kettle",
            "kettle*",
            "AND",
            "OR NOT",
            "%",
            "_",
            "; DROP TABLE products",
            "🙂",
            "kett🙂le",
            "שלום עולם",
            "ﷺ",
            "\u{202e}abc",
            "e\u{301}",
            "½ ⅷ ⓐ",
            "0x1f 1e5 -3.5 1,000",
            "ß İ ŉ ǰ",
            "日本語",
            "ไทย",
            "a\u{0}".trim_end_matches('\0'),
        ] {
            page(&shop, json!({ "text": text })).await;
            page(&shop, json!({ "text": text, "sort": "NEWEST" })).await;
        }
        page(&shop, json!({ "text": "kettle ".repeat((1 << 20) / 7) })).await;
        page(&shop, json!({ "text": "x".repeat(1 << 20) })).await;
        page(&shop, json!({ "text": "'\"".repeat(1 << 19) })).await;
        assert_eq!(shop.code(Anonymous, SEARCH, json!({ "text": "a\u{0}" })).await, "BAD_USER_INPUT");
        // A text without a word says nothing about products.
        let all = page(&shop, json!({ "text": "%" })).await;
        assert_eq!(all["totalCount"], json!(service::sample::products().len()));
    })
    .await;
}

/// Words of all scripts are found on both databases, and changed words are found where they are now.
#[tokio::test(flavor = "multi_thread")]
async fn words_of_all_scripts_are_found() {
    on_each(|shop| async move {
        let tools = shop.category("tools").await;
        for (n, name) in ["Größe", "Éclair", "Чайник", "茶壶", "مصباح", "İznik 0x1f"].into_iter().enumerate()
        {
            let input = json!({
                "sku": format!("SCRIPT-{n}"), "name": name, "description": "-", "categoryId": tools,
                "price": money("1"), "cost": money("1"), "weightGrams": 1,
            });
            let made = shop.change("createProduct", input, "product { id }").await["product"].take();
            let start: String = name.chars().take(3).collect();
            for text in [name, &name.to_lowercase(), &start] {
                let found = page(&shop, json!({ "text": text })).await;
                assert!(skus(&found).contains(&&*format!("SCRIPT-{n}")), "{text}: {found}");
            }
            let input = json!({ "id": made["id"], "name": "plain" });
            shop.change("updateProduct", input, "product { id }").await;
            assert_eq!(skus(&page(&shop, json!({ "text": name })).await), Vec::<&str>::new(), "{name}");
        }
    })
    .await;
}
