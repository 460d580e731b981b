//! A gateway with a cache before subgraphs of this process: what is asked again, and what is not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::time::Duration;

use braid_cache_store::Invalidation;
use serde_json::json;
use support::{Shop, shop};

const PRODUCTS: &str = "{ products { id price } }";

/// Entity by entity: what is known is not asked, whatever the operation.
#[tokio::test]
async fn only_what_is_missing_is_asked() {
    let shop = shop(json!({}));
    assert_eq!(shop.ask("{ product(id: 1) { price } }").await, r#"{"data":{"product":{"price":10}}}"#);
    assert_eq!(shop.sent(), ["catalog: product 1", "prices: 1"]);
    assert_eq!(
        shop.ask(PRODUCTS).await,
        r#"{"data":{"products":[{"id":"1","price":10},{"id":"2","price":20},{"id":"3","price":30}]}}"#
    );
    assert_eq!(shop.sent(), ["catalog: products", "prices: 2 3"]);
    assert!(shop.ask(PRODUCTS).await.contains(r#"{"id":"3","price":30}"#));
    assert_eq!(shop.ask("{ product(id: 1) { price } }").await, r#"{"data":{"product":{"price":10}}}"#);
    assert!(shop.sent().is_empty());
    // Of several root fields, only those are asked for that are not known.
    let both = "query($id: ID = 2) { a: product(id: $id) { id } product(id: 1) { price } }";
    assert_eq!(shop.ask(both).await, r#"{"data":{"a":{"id":"2"},"product":{"price":10}}}"#);
    assert_eq!(shop.sent(), ["catalog: a=product 2"]);
    // The default of a variable is part of what is asked.
    let other = both.replace("= 2", "= 3");
    assert_eq!(shop.ask(&other).await, r#"{"data":{"a":{"id":"3"},"product":{"price":10}}}"#);
    assert_eq!(shop.sent(), ["catalog: a=product 3"]);
}

#[tokio::test]
async fn a_failure_of_the_rest_leaves_what_is_known() {
    let shop = shop(json!({}));
    shop.ask("{ product(id: 2) { price } }").await;
    shop.set(|prices| prices.fails = true);
    let answer: serde_json::Value = serde_json::from_str(&shop.ask(PRODUCTS).await).unwrap();
    assert_eq!(
        answer["data"]["products"],
        json!([{"id":"1","price":null},{"id":"2","price":20},{"id":"3","price":null}])
    );
    assert_eq!(answer["errors"].as_array().unwrap().len(), 1, "{answer}");
    // Errors of the subgraph are about the right items.
    shop.set(|prices| (prices.fails, prices.refuses) = (false, Some("3".to_owned())));
    let answer: serde_json::Value = serde_json::from_str(&shop.ask(PRODUCTS).await).unwrap();
    assert_eq!(
        answer["data"]["products"],
        json!([{"id":"1","price":10},{"id":"2","price":20},{"id":"3","price":null}])
    );
    assert_eq!(answer["errors"][0]["path"], json!(["products", 2, "price"]));
    // What came with an error is not kept.
    shop.set(|prices| prices.refuses = None);
    shop.sent();
    assert!(shop.ask(PRODUCTS).await.contains("30"));
    assert_eq!(shop.sent(), ["prices: 1 3"]);
}

#[tokio::test]
async fn nothing_is_kept_that_may_not_be() {
    for (control, more) in [
        ("", None),
        ("no-store, max-age=60", None),
        ("no-cache, max-age=60", None),
        ("max-age=0", None),
        ("max-age=1e99", None),
        ("max-age=60", Some(("age", "60"))),
        ("public, max-age=60", Some(("set-cookie", "a=b"))),
        ("public, max-age=60", Some(("vary", "*"))),
        ("public, max-age=60", Some(("vary", "accept, x-language"))),
        ("private, max-age=60", None),
    ] {
        let shop = shop(json!({}));
        shop.set(|prices| {
            prices.control = control.to_owned();
            prices.header = more;
        });
        for _ in 0..2 {
            shop.ask("{ product(id: 1) { price } }").await;
        }
        let asked = shop.sent().iter().filter(|sent| sent.starts_with("prices")).count();
        assert_eq!(asked, 2, "{control} {more:?}");
    }
    // What depends on headers that are never forwarded, or that are part of the key, is kept.
    let shop = shop(json!({ "vary": ["x-language"] }));
    shop.set(|prices| prices.header = Some(("vary", "accept-encoding, x-language")));
    for (language, price) in [("en", 10), ("de", 11), ("en", 10), ("de", 11)] {
        shop.set(|prices| prices.more = i64::from(language == "de"));
        let answer = shop.ask_with("{ product(id: 1) { price } }", &[("x-language", language)]).await;
        assert_eq!(answer, format!("{{\"data\":{{\"product\":{{\"price\":{price}}}}}}}"));
    }
    assert_eq!(shop.sent().iter().filter(|sent| sent.starts_with("prices")).count(), 2);
}

/// With credentials, what is not said to be public is for one viewer; what is private never gets to another.
#[tokio::test]
async fn viewers_are_told_apart() {
    let price = "{ product(id: 1) { price } }";
    let asked = async |shop: &Shop, tokens: &[&str]| {
        for token in tokens {
            shop.set(|prices| prices.more = token.len() as i64);
            let answer = shop.ask_with(price, &[("authorization", token)]).await;
            assert_eq!(answer, format!("{{\"data\":{{\"product\":{{\"price\":{}}}}}}}", 10 + token.len()));
        }
        shop.sent().iter().filter(|sent| sent.starts_with("prices")).count()
    };
    for control in ["private, max-age=60", "max-age=60"] {
        let shop = shop(json!({}));
        shop.set(|prices| prices.control = control.to_owned());
        assert_eq!(asked(&shop, &["a", "bb", "a", "bb", "ccc", "a"]).await, 3, "{control}");
        // Somebody without credentials gets nothing of theirs.
        shop.set(|prices| (prices.more, prices.control) = (0, "public, max-age=60".to_owned()));
        assert_eq!(shop.ask(price).await, r#"{"data":{"product":{"price":10}}}"#);
        assert_eq!(asked(&shop, &["a", "bb"]).await, 1, "{control}");
    }
    // Said to be public, it is for all.
    let shop = shop(json!({}));
    shop.set(|prices| prices.control = "public, max-age=60".to_owned());
    for token in ["a", "b"] {
        shop.ask_with(price, &[("authorization", token)]).await;
    }
    assert_eq!(shop.sent(), ["catalog: product 1", "prices: 1"]);
    // A viewer who can't be told from others is not answered from private data.
    let shop = support::shop(json!({ "viewer": { "headers": ["x-user"] } }));
    shop.set(|prices| prices.control = "private, max-age=60".to_owned());
    assert_eq!(asked(&shop, &["a", "a"]).await, 2);
}

#[tokio::test]
async fn lifetimes_that_subgraphs_do_not_give_come_from_settings() {
    let shop = shop(json!({ "subgraphs": { "prices": { "types": { "Product": { "max_age": "1m" } } } } }));
    shop.set(|prices| prices.control = String::new());
    for _ in 0..2 {
        shop.ask("{ product(id: 1) { price } }").await;
    }
    assert_eq!(shop.sent(), ["catalog: product 1", "prices: 1"]);
    let off = support::shop(json!({ "subgraphs": { "prices": { "enabled": false } } }));
    for _ in 0..2 {
        off.ask("{ product(id: 1) { price } }").await;
    }
    assert_eq!(off.sent(), ["catalog: product 1", "prices: 1", "prices: 1"]);
}

#[tokio::test]
async fn stale_answers_are_served_where_that_is_allowed() {
    let price = "{ product(id: 1) { price } }";
    let expired = |control: &str| {
        let shop = shop(json!({}));
        let control = control.to_owned();
        shop.set(move |prices| (prices.control, prices.header) = (control, Some(("age", "59"))));
        shop
    };
    // While somebody asks again: once, however many are served.
    let shop = expired("max-age=60, stale-while-revalidate=60");
    shop.ask(price).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    shop.set(|prices| (prices.more, prices.header, prices.delay) = (5, None, Duration::from_secs(1)));
    shop.sent();
    for _ in 0..3 {
        assert_eq!(shop.ask(price).await, r#"{"data":{"product":{"price":10}}}"#);
    }
    for _ in 0..1000 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if shop.ask(price).await == r#"{"data":{"product":{"price":15}}}"# {
            break;
        }
    }
    assert_eq!(shop.ask(price).await, r#"{"data":{"product":{"price":15}}}"#);
    assert_eq!(shop.sent(), ["prices: 1"]);
    // If the subgraph can't be reached.
    let shop = expired("max-age=60, stale-if-error=60");
    shop.ask(price).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    shop.set(|prices| prices.fails = true);
    assert_eq!(shop.ask(price).await, r#"{"data":{"product":{"price":10}}}"#);
    shop.set(|prices| prices.fails = false);
    shop.set(|prices| prices.more = 7);
    assert_eq!(shop.ask(price).await, r#"{"data":{"product":{"price":17}}}"#);
    // Never where it must be asked for again.
    let shop = expired("max-age=60, must-revalidate, stale-if-error=60");
    shop.ask(price).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    shop.set(|prices| prices.fails = true);
    assert!(shop.ask(price).await.contains("null"));
}

#[tokio::test]
async fn what_is_not_true_any_more_is_not_served() {
    let price = "{ product(id: 1) { price } }";
    let entity = |key: serde_json::Value| Invalidation::Entity {
        subgraph: None,
        ty: "Product".to_owned(),
        key: key.as_object().unwrap().clone(),
    };
    let subgraph = |name: &str| Invalidation::Subgraph(name.to_owned());
    let ty =
        |subgraph: Option<&str>| Invalidation::Type { subgraph: subgraph.map(Into::into), ty: "Product".to_owned() };
    let tag = |tag: &str| Invalidation::Tag { subgraph: None, tag: tag.to_owned() };
    let (both, prices, catalog) =
        (vec!["catalog: product 1", "prices: 1"], vec!["prices: 1"], vec!["catalog: product 1"]);
    for (invalidation, asked) in [
        // Root fields that contain something of the type may contain this one.
        (entity(json!({ "id": 1 })), both.clone()),
        (entity(json!({ "id": "2" })), catalog.clone()),
        (subgraph("prices"), prices.clone()),
        (subgraph("other"), vec![]),
        (ty(None), both.clone()),
        (ty(Some("prices")), prices.clone()),
        (ty(Some("catalog")), catalog.clone()),
        (tag("price-1"), prices.clone()),
        (tag("price-2"), vec![]),
        (tag("one-1"), catalog.clone()),
        (Invalidation::All, both.clone()),
    ] {
        let shop = shop(json!({}));
        shop.ask(price).await;
        shop.sent();
        shop.invalidate(invalidation.clone()).await;
        shop.ask(price).await;
        assert_eq!(shop.sent(), asked, "{invalidation:?}");
        // What was asked for after it is true.
        shop.ask(price).await;
        assert!(shop.sent().is_empty(), "{invalidation:?}");
    }
}

/// Keys have every kind of character, and are told apart.
#[tokio::test]
async fn keys_of_all_characters() {
    let shop = shop(json!({}));
    let ids = ["", "a\"b", "a\\b", "é\u{2028}\u{202e}", "{$key.id}", "\u{0}\u{7f}", "1 ", "[1]", "😀"];
    let query = |id: &str| format!("{{ product(id: {}) {{ price }} }}", serde_json::to_string(id).unwrap());
    for id in ids {
        assert_eq!(shop.ask(&query(id)).await, r#"{"data":{"product":{"price":70}}}"#, "{id:?}");
    }
    assert_eq!(shop.sent().len(), 2 * ids.len());
    for id in ids {
        let key = json!({ "id": id }).as_object().unwrap().clone();
        let entity = Invalidation::Entity { subgraph: Some("prices".to_owned()), ty: "Product".to_owned(), key };
        shop.invalidate(entity).await;
        for other in ids {
            shop.ask(&query(other)).await;
        }
        assert_eq!(shop.sent(), [format!("prices: {id}")]);
    }
}

/// A new version goes on with what the one before it has kept, but for selections to which it gives another meaning.
#[tokio::test]
async fn a_new_version_keeps_what_means_the_same() {
    let price = "{ product(id: 1) { price } }";
    let first = shop(json!({}));
    first.ask(price).await;
    first.sent();
    let same = first.reloaded("Int");
    assert_eq!(same.ask(price).await, r#"{"data":{"product":{"price":10}}}"#);
    assert!(same.sent().is_empty());
    let other = same.reloaded("String");
    other.ask(price).await;
    assert_eq!(other.sent(), ["prices: 1"]);
}

#[tokio::test]
async fn subgraphs_give_tags_where_they_are_believed() {
    let price = "{ product(id: 1) { price } }";
    for is_trusted in [true, false] {
        let shop = shop(json!({ "all": { "trust_tags": is_trusted } }));
        shop.set(|prices| prices.tags = Some(json!({ "cacheTags": ["all"], "entityCacheTags": [["own"]] })));
        for tag in ["all", "own"] {
            shop.ask(price).await;
            shop.sent();
            shop.invalidate(Invalidation::Tag { subgraph: None, tag: tag.to_owned() }).await;
            shop.ask(price).await;
            assert_eq!(shop.sent().len(), usize::from(is_trusted), "{tag}");
        }
        // A mutation says what it changed.
        shop.set(|prices| prices.more = 3);
        shop.ask("mutation { raise }").await;
        shop.sent();
        let expected = if is_trusted { 13 } else { 10 };
        assert_eq!(shop.ask(price).await, format!("{{\"data\":{{\"product\":{{\"price\":{expected}}}}}}}"));
    }
}

/// Mutations don't read what is kept, and what they look up is kept.
#[tokio::test]
async fn mutations_are_not_answered_from_the_cache() {
    let shop = shop(json!({}));
    shop.ask("{ product(id: 1) { price } }").await;
    shop.set(|prices| prices.more = 1);
    shop.sent();
    let mutation = "mutation { first { price } }";
    assert_eq!(shop.ask(mutation).await, r#"{"data":{"first":{"price":11}}}"#);
    assert_eq!(shop.sent(), ["catalog: first", "prices: 1"]);
    assert_eq!(shop.ask("{ product(id: 1) { price } }").await, r#"{"data":{"product":{"price":11}}}"#);
    assert!(shop.sent().is_empty());
}

/// What is in flight when it is invalidated is not kept.
#[tokio::test]
async fn an_answer_in_flight_is_invalidated_too() {
    let shop = std::sync::Arc::new(shop(json!({})));
    shop.set(|prices| prices.delay = Duration::from_secs(1));
    let asking = tokio::spawn({
        let shop = shop.clone();
        async move { shop.ask("{ product(id: 1) { price } }").await }
    });
    while !shop.has_sent("prices") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    shop.invalidate(Invalidation::Subgraph("prices".to_owned())).await;
    asking.await.unwrap();
    shop.sent();
    shop.ask("{ product(id: 1) { price } }").await;
    assert_eq!(shop.sent(), ["prices: 1"]);
}

/// A hundred clients that miss the same at once are one request.
#[tokio::test]
async fn one_asks_for_all() {
    let shop = std::sync::Arc::new(shop(json!({})));
    shop.ask("{ product(id: 1) { price } }").await;
    shop.invalidate(Invalidation::All).await;
    shop.sent();
    shop.set(|prices| prices.delay = Duration::from_millis(50));
    let ask = |number: usize| {
        let shop = shop.clone();
        // Other operations ask for the same entity in the same way.
        let query = format!("query Q{number} {{ product(id: 1) {{ price }} }}");
        tokio::spawn(async move { shop.ask(&query).await })
    };
    for answer in (0..100).map(ask).collect::<Vec<_>>() {
        assert_eq!(answer.await.unwrap(), r#"{"data":{"product":{"price":10}}}"#);
    }
    assert_eq!(shop.sent().iter().filter(|sent| sent.starts_with("prices")).count(), 1);
}
