//! Categories: the tree, what it can't be, and where products are found when it changes.

use serde_json::{Value, json};
use service::Viewer::Anonymous;
use service::sample::products;

use super::shop::{Shop, on_each};

const SELECTION: &str = "category { id name slug parent { slug } children { slug } }";

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_is_made_and_a_filter_includes_what_is_below() {
    on_each(|shop| async move {
        let query = "{ categories { slug parent { slug } children { name parent { slug } } } }";
        let top = shop.data(Anonymous, query, json!({})).await["categories"].take();
        let home = top.as_array().unwrap().iter().find(|category| category["slug"] == "home").unwrap();
        let names: Vec<&Value> = home["children"].as_array().unwrap().iter().map(|child| &child["name"]).collect();
        assert_eq!(names, ["Furniture", "Kitchen", "Lighting", "Textiles"]);
        assert_eq!(home["parent"], Value::Null);

        let below = ["Kitchen", "Furniture", "Lighting", "Textiles"];
        let expected = products().iter().filter(|product| below.contains(&product.category)).count();
        assert_eq!(count(&shop, "home").await, expected);
        assert_eq!(count(&shop, "kitchen").await, products().iter().filter(|p| p.category == "Kitchen").count());
        assert_eq!(count(&shop, "nothing").await, 0);
        let of_category = "{ category(slug: \"home\") { products(filter: { search: \"kettle\" }) { totalCount nodes { category { slug } } } } }";
        let found = shop.data(Anonymous, of_category, json!({})).await["category"]["products"].take();
        assert_eq!(found["nodes"][0]["category"]["slug"], "kitchen");

        let parent = shop.category("kitchen").await;
        let input = json!({ "name": "Tea & coffee", "slug": "tea-coffee", "parentId": parent });
        let made = shop.change("createCategory", input, SELECTION).await["category"].take();
        assert_eq!(made["parent"]["slug"], "kitchen");
        let kettle = shop.data(Anonymous, "{ product(by: { sku: \"KIT-0101\" }) { id } }", json!({})).await;
        let input = json!({ "id": kettle["product"]["id"], "categoryId": made["id"] });
        shop.change("updateProduct", input, "product { id }").await;
        assert_eq!((count(&shop, "home").await, count(&shop, "tea-coffee").await), (expected, 1));
    })
    .await;
}

async fn count(shop: &Shop, slug: &str) -> usize {
    let query = "query($slug: String!) { products(filter: { category: $slug }) { totalCount } }";
    let found = shop.data(Anonymous, query, json!({ "slug": slug })).await;
    found["products"]["totalCount"].as_u64().unwrap() as usize
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_or_moved_category_takes_its_products_along() {
    on_each(|shop| async move {
        let found = async |text: &str| {
            let query = "query($text: String!) { products(filter: { search: $text }) { totalCount } }";
            shop.data(Anonymous, query, json!({ "text": text })).await["products"]["totalCount"].as_u64().unwrap()
        };
        let tools = products().iter().filter(|product| product.category == "Tools").count() as u64;
        assert_eq!((found("tools").await >= tools, found("gadgetry").await), (true, 0));
        let id = shop.category("tools").await;
        let input =
            json!({ "id": id, "name": "Gadgetry", "slug": "gadgetry", "parentId": shop.category("home").await });
        let moved = shop.change("updateCategory", input, SELECTION).await;
        assert_eq!(moved["category"]["parent"]["slug"], "home");
        assert_eq!(found("gadgetry").await, tools);
        let top = shop.change("updateCategory", json!({ "id": id, "parentId": null }), SELECTION).await;
        assert_eq!(top["category"]["parent"], Value::Null);
        // An omitted field keeps its value.
        let same = shop.change("updateCategory", json!({ "id": id }), SELECTION).await;
        assert_eq!((&same["category"]["name"], &same["category"]["slug"]), (&json!("Gadgetry"), &json!("gadgetry")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_tree_is_refused() {
    on_each(|shop| async move {
        let (home, kitchen) = (shop.category("home").await, shop.category("kitchen").await);
        let nowhere = "Category_00000000000000000000000000000000";
        let new = |slug: &str, parent: &str| json!({ "name": "N", "slug": slug, "parentId": parent });
        for (mutation, input, code, field) in [
            ("createCategory", json!({ "name": "N", "slug": "kitchen" }), "CONFLICT", "slug"),
            ("createCategory", json!({ "name": "N", "slug": "Big" }), "BAD_USER_INPUT", "slug"),
            ("createCategory", json!({ "name": "N", "slug": "" }), "BAD_USER_INPUT", "slug"),
            ("createCategory", json!({ "name": " ", "slug": "s" }), "BAD_USER_INPUT", "name"),
            ("createCategory", new("s", nowhere), "NOT_FOUND", "parentId"),
            ("createCategory", new("s", "nonsense"), "NOT_FOUND", "parentId"),
            ("updateCategory", json!({ "id": nowhere }), "NOT_FOUND", "id"),
            ("updateCategory", json!({ "id": home, "parentId": home }), "BAD_USER_INPUT", "parentId"),
            ("updateCategory", json!({ "id": home, "parentId": kitchen }), "BAD_USER_INPUT", "parentId"),
            ("updateCategory", json!({ "id": home, "slug": "garden" }), "CONFLICT", "slug"),
        ] {
            assert_eq!(
                shop.mistake(mutation, input.clone()).await,
                (code.to_owned(), json!(["input", field])),
                "{input}"
            );
        }
        // Six levels, and not one more, also if a whole branch is moved.
        let mut parent = kitchen.clone();
        for level in 3..=6 {
            let made = shop.change("createCategory", new(&format!("level-{level}"), &parent), SELECTION).await;
            parent = made["category"]["id"].as_str().unwrap().to_owned();
        }
        let deep = ("BAD_USER_INPUT".to_owned(), json!(["input", "parentId"]));
        assert_eq!(shop.mistake("createCategory", new("level-7", &parent)).await, deep);
        let outdoors = shop.category("outdoors").await;
        assert_eq!(shop.mistake("updateCategory", json!({ "id": home, "parentId": outdoors })).await, deep);
    })
    .await;
}
