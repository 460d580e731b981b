//! Finding products: by id, by SKU, by word, by price; pages in both directions.

use serde_json::{Value, json};
use service::Viewer::Anonymous;
use service::sample::{SampleProduct, products};

use super::shop::{Shop, money, on_each};

#[tokio::test(flavor = "multi_thread")]
async fn one_product_by_id_or_sku() {
    on_each(|shop| async move {
        let sample = &products()[0];
        let query = "query($by: ProductBy!) { product(by: $by) { id sku name price { amount currency } weightGrams } }";
        let id = service::graphql::id::global("Product", sample.id);
        let expected = json!({ "product": {
            "id": id, "sku": sample.sku, "name": sample.name, "weightGrams": sample.weight_grams,
            "price": { "amount": sample.price.amount_text(), "currency": "EUR" },
        }});
        for by in [json!({ "id": id }), json!({ "id": sample.id }), json!({ "sku": sample.sku })] {
            assert_eq!(shop.data(Anonymous, query, json!({ "by": by })).await, expected);
        }
        for nothing in [
            json!({ "id": "no-id" }),
            json!({ "id": uuid::Uuid::nil() }),
            json!({ "id": format!("Category_{}", sample.id.simple()) }),
            json!({ "id": "Product_🙂" }),
            json!({ "sku": "NO-SKU" }),
            json!({ "sku": "x".repeat(1 << 20) }),
        ] {
            assert_eq!(shop.data(Anonymous, query, json!({ "by": nothing })).await, json!({ "product": null }));
        }
        // The deprecated arguments.
        let old = "query($id: ID, $sku: String) { product(id: $id, sku: $sku) { sku } }";
        for by in [json!({ "id": id }), json!({ "sku": sample.sku })] {
            assert_eq!(shop.data(Anonymous, old, by).await["product"]["sku"], sample.sku);
        }
        for bad in [json!({}), json!({ "id": sample.id, "sku": sample.sku })] {
            assert_eq!(shop.code(Anonymous, old, bad).await, "BAD_USER_INPUT");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_is_the_sum_of_its_levels() {
    on_each(|shop| async move {
        let query = "{ products(first: 100) { nodes { stock inStock stockLevels { quantity warehouse { code } } } } }";
        let answer = shop.data(Anonymous, query, json!({})).await;
        let mut sold_out = 0;
        for product in answer["products"]["nodes"].as_array().unwrap() {
            let levels = product["stockLevels"].as_array().unwrap();
            let sum: i64 = levels.iter().map(|level| level["quantity"].as_i64().unwrap()).sum();
            assert_eq!(product["stock"], sum);
            assert_eq!(product["inStock"], sum > 0);
            sold_out += i32::from(sum == 0);
        }
        assert!(sold_out > 0, "the sample data shows a product that is sold out");
    })
    .await;
}

/// In every order and both directions, page by page, the list is the same as the sample data sorted in memory.
#[tokio::test(flavor = "multi_thread")]
async fn pages_make_the_list() {
    on_each(|shop| async move {
        let name = |product: &SampleProduct| (product.name.to_lowercase(), product.id);
        let price = |product: &SampleProduct| (product.price.minor(), product.id);
        let sorted = |sort: &str| {
            let mut list = products();
            match sort {
                "NAME" => list.sort_by_key(name),
                "PRICE_ASC" => list.sort_by_key(price),
                "PRICE_DESC" => list.sort_by_key(|product| std::cmp::Reverse(price(product))),
                _ => list.reverse(),
            }
            list.into_iter().map(|product| product.sku).collect::<Vec<_>>()
        };
        for sort in ["NAME", "PRICE_ASC", "PRICE_DESC", "NEWEST"] {
            assert_eq!(walk(&shop, sort, false).await, sorted(sort), "{sort} forward");
            assert_eq!(walk(&shop, sort, true).await, sorted(sort), "{sort} backward");
        }
    })
    .await;
}

async fn walk(shop: &Shop, sort: &str, backward: bool) -> Vec<String> {
    let query = "query($sort: ProductSort!, $first: Int, $after: String, $last: Int, $before: String) {
      products(sort: $sort, first: $first, after: $after, last: $last, before: $before) {
        nodes { sku } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }";
    let (count, cursor, edge, more) = if backward {
        ("last", "before", "startCursor", "hasPreviousPage")
    } else {
        ("first", "after", "endCursor", "hasNextPage")
    };
    let mut all: Vec<String> = Vec::new();
    let mut at = Value::Null;
    loop {
        let variables = json!({ "sort": sort, count: 64, cursor: at });
        let page = shop.data(Anonymous, query, variables).await["products"].take();
        let skus = page["nodes"].as_array().unwrap().iter().map(|node| node["sku"].as_str().unwrap().to_owned());
        if backward {
            all.splice(0..0, skus);
        } else {
            all.extend(skus);
        }
        if page["pageInfo"][more] == json!(false) {
            return all;
        }
        at = page["pageInfo"][edge].clone();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_keep_what_they_say() {
    on_each(|shop| async move {
        let check = async |filter: Value, keeps: &dyn Fn(&SampleProduct) -> bool| {
            let query = "query($filter: ProductFilter) { products(first: 100, filter: $filter) { nodes { sku } } }";
            let answer = shop.data(Anonymous, query, json!({ "filter": filter })).await;
            let nodes = answer["products"]["nodes"].as_array().unwrap();
            let mut found: Vec<_> = nodes.iter().map(|node| node["sku"].as_str().unwrap().to_owned()).collect();
            let mut expected: Vec<_> = products().into_iter().filter(|p| keeps(p)).map(|p| p.sku).collect();
            found.sort();
            expected.sort();
            assert_eq!(found, expected, "{filter}");
            assert!(expected.len() < 100);
        };
        check(json!({ "search": "kettle" }), &|p| p.name.contains("kettle")).await;
        check(json!({ "search": "KETTLE mos" }), &|p| p.name.contains("kettle, moss")).await;
        check(json!({ "search": "kit-0101" }), &|p| p.sku == "KIT-0101").await;
        check(json!({ "search": "ettle" }), &|_| false).await;
        check(json!({ "search": "%" , "category": "toys" }), &|p| p.category == "Toys").await;
        check(json!({ "search": "'; DROP TABLE products; --" }), &|_| false).await;
        check(json!({ "category": "toys" }), &|p| p.category == "Toys").await;
        let dear = |p: &SampleProduct| p.price.minor() >= 30000;
        check(json!({ "minPrice": money("300.00") }), &dear).await;
        check(json!({ "minPrice": money("300"), "maxPrice": money("350.00") }), &|p| {
            dear(p) && p.price.minor() <= 35000
        })
        .await;
        check(json!({ "minPrice": { "amount": "1", "currency": "USD" } }), &|_| false).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_stock_or_not_is_everything() {
    on_each(|shop| async move {
        let query = "query($filter: ProductFilter, $after: String) {
          products(first: 100, filter: $filter, after: $after) { nodes { inStock } pageInfo { hasNextPage endCursor } }
        }";
        let mut count = 0;
        for wanted in [true, false] {
            let mut after = Value::Null;
            loop {
                let variables = json!({ "filter": { "inStock": wanted }, "after": after });
                let page = shop.data(Anonymous, query, variables).await["products"].take();
                for node in page["nodes"].as_array().unwrap() {
                    assert_eq!(node["inStock"], wanted);
                    count += 1;
                }
                if page["pageInfo"]["hasNextPage"] == json!(false) {
                    break;
                }
                after = page["pageInfo"]["endCursor"].clone();
            }
        }
        assert_eq!(count, products().len());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_pages_are_refused() {
    on_each(|shop| async move {
        let page = shop.data(Anonymous, "{ products { pageInfo { endCursor } } }", json!({})).await;
        let by_name = page["products"]["pageInfo"]["endCursor"].as_str().unwrap();
        for arguments in [
            "first: -1".to_owned(),
            "first: 101".to_owned(),
            "first: 1, last: 1".to_owned(),
            "after: \"nonsense\"".to_owned(),
            format!("sort: NEWEST, after: \"{by_name}\""),
            "filter: { minPrice: { amount: \"cheap\", currency: \"EUR\" } }".to_owned(),
            "first: -2147483648".to_owned(),
            "last: 2147483647".to_owned(),
            format!("after: \"{}\"", "A".repeat(1 << 20)),
        ] {
            let query = format!("{{ products({arguments}) {{ nodes {{ id }} }} }}");
            assert!(
                ["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"]
                    .contains(&&*shop.code(Anonymous, &query, json!({})).await),
                "{arguments}"
            );
        }
    })
    .await;
}
