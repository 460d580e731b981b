//! Answers in parts: what comes when, in both formats; errors; what decides; and when it is not done.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use braid_executor::PartsFormat;
use braid_gateway::incremental::Begun;
use braid_gateway::request::GraphQLRequest;
use braid_gateway::subscriptions::Event;
use braid_gateway::{Accepts, Answer, answer};
use futures_util::StreamExt;
use pretty_assertions::assert_eq;
use serde_json::Value;
use support::{PRODUCTS, REVIEWS, gateway, gateway_of, messages, messages_within, rules, texts};

const PRODUCT: (&str, u64, &str) =
    ("{product{", 0, r#"{"data":{"product":{"__typename":"Product","id":"1","name":"Lamp","maker":{"name":"Ada"}}}}"#);
const REVIEWED: (&str, u64, &str) =
    ("reviews", 30, r#"{"data":{"_entities":[{"reviews":[{"text":"good"}],"stars":5}]}}"#);

#[tokio::test]
async fn the_first_part_does_not_wait_for_the_others() {
    let shop = rules(&[PRODUCT, ("reviews", 2000, r#"{"data":{"_entities":[{"reviews":[{"text":"good"}]}]}}"#)]);
    let query = "{ product { name ... @defer(label: \"late\") { reviews { text } } } }";
    let gateway = gateway(shop, |_| {});
    // The first answer compiles the operation.
    let (time, first) = (Duration::from_millis(500), PartsFormat::Pending);
    assert_eq!(messages_within(&gateway, query, "{}", first, time).await.unwrap().len(), 2);
    let found = messages(&gateway, query, "{}", PartsFormat::Pending).await.unwrap();
    let texts: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(
        texts,
        [
            r#"{"data":{"product":{"name":"Lamp"}},"pending":[{"id":"0","path":["product"],"label":"late"}],"hasNext":true}"#,
            r#"{"incremental":[{"id":"0","data":{"reviews":[{"text":"good"}]}}],"completed":[{"id":"0"}],"hasNext":false}"#,
        ]
    );
    assert!(found[0].0 < 100 && found[1].0 >= 2000, "{found:?}");
    println!("the first part came after {} ms", found[0].0);
}

#[tokio::test]
async fn fields_of_the_same_subgraph_are_fetched_apart() {
    let shop = rules(&[
        ("_entities", 100, r#"{"data":{"_entities":[{"name":"Lamp"}]}}"#),
        ("slow", 150, r#"{"data":{"slow":"so slow"}}"#),
        ("{product{", 0, r#"{"data":{"product":{"__typename":"Product","id":"1"}}}"#),
    ]);
    let query = "{ product { id ... @defer { name } } ... @defer { slow } }";
    let found = messages(&gateway(shop, |_| {}), query, "{}", PartsFormat::Path).await.unwrap();
    let texts: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(
        texts,
        [
            r#"{"data":{"product":{"id":"1"}},"hasNext":true}"#,
            r#"{"incremental":[{"path":["product"],"data":{"name":"Lamp"}}],"hasNext":true}"#,
            r#"{"incremental":[{"path":[],"data":{"slow":"so slow"}}],"hasNext":false}"#,
        ]
    );
}

#[tokio::test]
async fn what_cannot_be_fetched_apart_is_delivered_apart() {
    let shop = rules(&[("{product{", 0, r#"{"data":{"product":{"id":"1","maker":{"name":"Ada"}}}}"#)]);
    let query = "{ product { id maker { ... @defer { name } } } }";
    assert_eq!(
        texts(shop, query, "{}", PartsFormat::Pending).await,
        [
            r#"{"data":{"product":{"id":"1","maker":{}}},"pending":[{"id":"0","path":["product","maker"]}],"hasNext":true}"#,
            r#"{"incremental":[{"id":"0","data":{"name":"Ada"}}],"completed":[{"id":"0"}],"hasNext":false}"#,
        ]
    );
}

#[tokio::test]
async fn what_is_selected_at_once_too_is_not_deferred() {
    let query = "{ product { name ... @defer { name } } }";
    let shop = rules(&[PRODUCT]);
    assert_eq!(texts(shop, query, "{}", PartsFormat::Pending).await, [r#"{"data":{"product":{"name":"Lamp"}}}"#]);
}

#[tokio::test]
async fn overlapping_fragments_deliver_once() {
    let query = "{ product { id ... @defer(label: \"a\") { maker { name } reviews { text } } ... @defer(label: \"b\") { maker { name } } } }";
    let shop = rules(&[
        REVIEWED,
        ("maker", 0, r#"{"data":{"_entities":[{"maker":{"name":"Ada"}}]}}"#),
        ("{product{", 0, r#"{"data":{"product":{"__typename":"Product","id":"1"}}}"#),
    ]);
    assert_eq!(
        texts(shop, query, "{}", PartsFormat::Pending).await,
        [
            r#"{"data":{"product":{"id":"1"}},"pending":[{"id":"0","path":["product"],"label":"a"},{"id":"1","path":["product"],"label":"b"}],"hasNext":true}"#,
            r#"{"incremental":[{"id":"1","data":{"maker":{"name":"Ada"}}}],"completed":[{"id":"1"}],"hasNext":true}"#,
            r#"{"incremental":[{"id":"0","data":{"reviews":[{"text":"good"}]}}],"completed":[{"id":"0"}],"hasNext":false}"#,
        ]
    );
}

#[tokio::test]
async fn nested_fragments_are_announced_with_what_they_are_in() {
    let query = "{ product { id ... @defer { maker { name } ... @defer { reviews { text } } } } }";
    let shop = rules(&[
        REVIEWED,
        ("maker", 80, r#"{"data":{"_entities":[{"maker":{"name":"Ada"}}]}}"#),
        ("{product{", 0, r#"{"data":{"product":{"__typename":"Product","id":"1"}}}"#),
    ]);
    assert_eq!(
        texts(shop, query, "{}", PartsFormat::Pending).await,
        [
            r#"{"data":{"product":{"id":"1"}},"pending":[{"id":"0","path":["product"]}],"hasNext":true}"#,
            r#"{"incremental":[{"id":"0","data":{"maker":{"name":"Ada"}}},{"id":"1","data":{"reviews":[{"text":"good"}]}}],"pending":[{"id":"1","path":["product"]}],"completed":[{"id":"0"},{"id":"1"}],"hasNext":false}"#,
        ]
    );
}

#[tokio::test]
async fn a_failed_part_is_null_alone() {
    let query = "{ product { name ... @defer(label: \"stars\") { stars } ... @defer(label: \"reviews\") { reviews { text } } } }";
    let shop = || {
        rules(&[
            PRODUCT,
            (
                "stars",
                0,
                r#"{"data":{"_entities":[{"stars":null}]},"errors":[{"message":"no stars","path":["_entities",0,"stars"]}]}"#,
            ),
            REVIEWED,
        ])
    };
    let found = texts(shop(), query, "{}", PartsFormat::Pending).await;
    let failed: Value = serde_json::from_str(&found[1]).unwrap();
    assert_eq!(failed["completed"][0]["id"], "0", "{found:?}");
    assert_eq!(failed["completed"][0]["errors"][0]["path"], serde_json::json!(["product", "stars"]), "{found:?}");
    assert_eq!((failed.get("incremental"), &failed["hasNext"]), (None, &Value::Bool(true)));
    assert!(found[2].contains("good") && found[2].ends_with("\"hasNext\":false}"), "{found:?}");
    let found = texts(shop(), query, "{}", PartsFormat::Path).await;
    let failed: Value = serde_json::from_str(&found[1]).unwrap();
    assert_eq!(failed["incremental"][0]["data"], Value::Null);
    assert_eq!(
        (&failed["incremental"][0]["label"], &failed["incremental"][0]["path"][0]),
        (&"stars".into(), &"product".into())
    );
}

#[tokio::test]
async fn errors_stay_with_their_part() {
    let query = "{ product { name ... @defer { reviews { text } } } }";
    let shop = rules(&[PRODUCT, ("reviews", 0, "")]);
    let found = texts(shop, query, "{}", PartsFormat::Pending).await;
    assert!(!found[0].contains("errors"), "{found:?}");
    let part: Value = serde_json::from_str(&found[1]).unwrap();
    assert_eq!(part["incremental"][0]["data"], serde_json::json!({"reviews": null}));
    assert_eq!(part["incremental"][0]["errors"][0]["extensions"]["code"], "SUBREQUEST_MALFORMED_RESPONSE", "{found:?}");
}

#[tokio::test]
async fn variables_decide() {
    let query = "query($late: Boolean!) { product { name ... @defer(if: $late) { reviews { text } } } }";
    let gateway = gateway(rules(&[PRODUCT, REVIEWED]), |_| {});
    let whole = r#"{"data":{"product":{"name":"Lamp","reviews":[{"text":"good"}]}}}"#;
    for _ in 0..2 {
        let found = messages(&gateway, query, r#"{"late":false}"#, PartsFormat::Pending).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1, whole);
        let found = messages(&gateway, query, r#"{"late":true}"#, PartsFormat::Pending).await.unwrap();
        assert_eq!(found.len(), 2, "{found:?}");
    }
}

#[tokio::test]
async fn clients_that_take_no_parts_get_one_answer() {
    let gateway = gateway(rules(&[PRODUCT, REVIEWED]), |_| {});
    let query = "{ product { name ... @defer { reviews { text } } } }";
    let body = format!(r#"{{"query":{}}}"#, serde_json::to_string(query).unwrap());
    let request = GraphQLRequest::from_json(body.as_bytes()).unwrap();
    let head = http::Request::post("/").body(()).unwrap().into_parts().0;
    let context = Arc::new(gateway.context(head, None, Duration::from_secs(5)));
    let executed = answer(&gateway, &request, &context, Accepts::WHOLE).await.unwrap().executed().unwrap();
    let whole = r#"{"data":{"product":{"name":"Lamp","reviews":[{"text":"good"}]}}}"#;
    assert_eq!(String::from_utf8(executed.response.bytes.to_vec()).unwrap(), whole);
}

#[tokio::test]
async fn it_can_be_switched_off() {
    let gateway = gateway(rules(&[]), |config| config.incremental.enabled = false);
    let refused = messages(&gateway, "{ product { ... @defer { name } } }", "{}", PartsFormat::Pending).await;
    assert_eq!(refused.unwrap_err().errors[0].code(), Some("GRAPHQL_VALIDATION_FAILED"));
}

#[tokio::test]
async fn dropping_the_parts_cancels_their_fetches() {
    let shop = rules(&[PRODUCT, ("reviews", 10_000, "{}")]);
    let gateway = gateway(shop, |_| {});
    let query = "{ product { name ... @defer { reviews { text } } } }";
    let body = format!(r#"{{"query":{}}}"#, serde_json::to_string(query).unwrap());
    let request = GraphQLRequest::from_json(body.as_bytes()).unwrap();
    let head = http::Request::post("/").body(()).unwrap().into_parts().0;
    let context = Arc::new(gateway.context(head, None, Duration::from_secs(60)));
    let Answer::Incremental(incremental) = answer(&gateway, &request, &context, Accepts::ALL).await.unwrap() else {
        panic!("not in parts")
    };
    let Begun::Parts(mut parts) = incremental.begin(&gateway, PartsFormat::Pending).await else { panic!("whole") };
    assert!(matches!(parts.next().await, Some(Event::Next(_))));
    // What is deferred was asked for before the first part was taken.
    assert_eq!(gateway.subgraphs.asked.load(Ordering::Relaxed), 2);
    drop(parts);
    assert_eq!(Arc::strong_count(&gateway), 1);
    assert_eq!(gateway.subgraphs.answered.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn the_deadline_ends_what_is_pending() {
    let shop = rules(&[PRODUCT, ("reviews", 10_000, "{}")]);
    let query = "{ product { name ... @defer { reviews { text } } } }";
    let time = Duration::from_millis(1500);
    let found = messages_within(&gateway(shop, |_| {}), query, "{}", PartsFormat::Pending, time).await.unwrap();
    let last: Value = serde_json::from_str(&found[1].1).unwrap();
    assert_eq!(last["completed"][0]["errors"][0]["extensions"]["code"], "GATEWAY_TIMEOUT", "{found:?}");
    assert_eq!(last["hasNext"], false);
    let shop = rules(&[("{product{", 10_000, "{}")]);
    let query = "{ product { name ... @defer { reviews { text } } } }";
    let found = messages_within(&gateway(shop, |_| {}), query, "{}", PartsFormat::Pending, time).await.unwrap();
    assert_eq!(found.len(), 1);
    assert!(found[0].1.starts_with("{\"errors\""), "{found:?}");
}

#[tokio::test]
async fn items_follow_their_list() {
    let shop = rules(&[("products", 0, r#"{"data":{"products":[{"id":"1"},{"id":"2"},{"id":"3"}]}}"#)]);
    let query = "query($n: Int!) { products @stream(initialCount: $n, label: \"more\") { id } }";
    assert_eq!(
        texts(shop, query, r#"{"n":1}"#, PartsFormat::Pending).await,
        [
            r#"{"data":{"products":[{"id":"1"}]},"pending":[{"id":"0","path":["products"],"label":"more"}],"hasNext":true}"#,
            r#"{"incremental":[{"id":"0","items":[{"id":"2"},{"id":"3"}]}],"completed":[{"id":"0"}],"hasNext":false}"#,
        ]
    );
    let shop = rules(&[("products", 0, r#"{"data":{"products":[{"id":"1"},{"id":"2"}]}}"#)]);
    assert_eq!(
        texts(shop, query, r#"{"n":1}"#, PartsFormat::Path).await,
        [
            r#"{"data":{"products":[{"id":"1"}]},"hasNext":true}"#,
            r#"{"incremental":[{"path":["products",1],"label":"more","items":[{"id":"2"}]}],"hasNext":false}"#,
        ]
    );
}

#[tokio::test]
async fn a_list_that_is_shorter_than_its_first_items_is_not_announced() {
    let shop = || rules(&[("products", 0, r#"{"data":{"products":[{"id":"1"},{"id":"2"}]}}"#)]);
    let query = "query($n: Int!) { products @stream(initialCount: $n) { id } }";
    let whole = r#"{"data":{"products":[{"id":"1"},{"id":"2"}]}}"#;
    assert_eq!(texts(shop(), query, r#"{"n":3}"#, PartsFormat::Pending).await, [whole]);
    // Of one that has as many, it is only known that it ends once there is no other item.
    assert_eq!(
        texts(shop(), query, r#"{"n":2}"#, PartsFormat::Pending).await,
        [
            r#"{"data":{"products":[{"id":"1"},{"id":"2"}]},"pending":[{"id":"0","path":["products"]}],"hasNext":true}"#,
            r#"{"completed":[{"id":"0"}],"hasNext":false}"#,
        ]
    );
}

#[tokio::test]
async fn a_mutation_defers_what_is_below_its_fields() {
    let shop = rules(&[("rename", 0, r#"{"data":{"rename":{"__typename":"Product","id":"1"}}}"#), REVIEWED]);
    let query = "mutation { rename { id ... @defer { reviews { text } } } }";
    let found = texts(shop, query, "{}", PartsFormat::Pending).await;
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[1].contains("good"));
}

#[tokio::test]
async fn more_parts_than_the_limit_are_refused() {
    let gateway = gateway(rules(&[]), |config| config.limits.max_deferred = 1);
    let query = "{ ... @defer { slow } ... @defer { slowest } }";
    let refused = messages(&gateway, query, "{}", PartsFormat::Pending).await;
    assert_eq!(refused.unwrap_err().errors[0].code(), Some("MAX_DEFERRED_LIMIT"));
}

#[tokio::test]
async fn later_items_of_a_list_do_not_hold_up_the_first() {
    let first = r#"{"data":{"_entities":[{"stars":1}]}}"#;
    let rest = r#"{"data":{"_entities":[{"stars":2},{"stars":3}]}}"#;
    let list = r#"{"data":{"products":[{"__typename":"Product","id":"1"},{"__typename":"Product","id":"2"},{"__typename":"Product","id":"3"}]}}"#;
    let shop = rules(&[(r#""id":"1""#, 0, first), (r#""id":"2""#, 300, rest), ("products", 0, list)]);
    let query = "{ products @stream(initialCount: 1) { id stars } }";
    assert_eq!(
        texts(shop, query, "{}", PartsFormat::Pending).await,
        [
            r#"{"data":{"products":[{"id":"1","stars":1}]},"pending":[{"id":"0","path":["products"]}],"hasNext":true}"#,
            r#"{"incremental":[{"id":"0","items":[{"id":"2","stars":2},{"id":"3","stars":3}]}],"completed":[{"id":"0"}],"hasNext":false}"#,
        ]
    );
}

#[tokio::test]
async fn an_item_that_fails_ends_its_list() {
    let first = r#"{"data":{"_entities":[{"stars":1}]}}"#;
    let rest = r#"{"data":{"_entities":[{"stars":2},{"stars":null}]}}"#;
    let list = r#"{"data":{"products":[{"__typename":"Product","id":"1"},{"__typename":"Product","id":"2"},{"__typename":"Product","id":"3"}]}}"#;
    let shop = || rules(&[(r#""id":"1""#, 0, first), (r#""id":"2""#, 0, rest), ("products", 0, list)]);
    let query = "{ products @stream(initialCount: 1) { id stars } }";
    let found = texts(shop(), query, "{}", PartsFormat::Pending).await;
    let last: Value = serde_json::from_str(&found[1]).unwrap();
    assert_eq!(last["incremental"][0]["items"], serde_json::json!([{"id": "2", "stars": 2}]), "{found:?}");
    assert_eq!(last["completed"][0]["errors"][0]["path"], serde_json::json!(["products", 2, "stars"]), "{found:?}");
    let found = texts(shop(), query, "{}", PartsFormat::Path).await;
    let last: Value = serde_json::from_str(&found[1]).unwrap();
    assert_eq!(last["incremental"][1]["items"], Value::Null, "{found:?}");
    assert_eq!(last["incremental"][1]["path"], serde_json::json!(["products", 2]), "{found:?}");
}

#[tokio::test]
async fn large_lists_come_in_batches() {
    let item = |number: usize| format!(r#"{{"id":"{number}","name":"{}"}}"#, "x".repeat(1000));
    let items: Vec<String> = (0..3000).map(item).collect();
    let list: &'static str = Box::leak(format!(r#"{{"data":{{"products":[{}]}}}}"#, items.join(",")).into_boxed_str());
    let shop = rules(&[("products", 0, list)]);
    let found = texts(shop, "{ products @stream(initialCount: 10) { id name } }", "{}", PartsFormat::Pending).await;
    let largest = found.iter().map(String::len).max().unwrap();
    assert!(found.len() > 10 && largest < 300_000, "{} parts, the largest of {largest} bytes", found.len());
    let count = found.iter().map(|part| part.matches("\"id\":\"").count()).sum::<usize>();
    // The announcement and each batch name the part.
    assert_eq!(count, 3000 + 1 + found.len());
}

#[tokio::test]
async fn what_a_client_may_not_see_is_an_error_of_its_part() {
    let reviews =
        REVIEWS.replace("\"@key\"", "\"@key\", \"@authenticated\"").replace("[Review!]", "[Review!] @authenticated");
    let shop = rules(&[PRODUCT, ("stars", 0, r#"{"data":{"_entities":[{"stars":5}]}}"#)]);
    let gateway = gateway_of(shop, PRODUCTS, &reviews, |_| {});
    let query = "{ product { name ... @defer { reviews { text } stars } } }";
    let found = messages(&gateway, query, "{}", PartsFormat::Pending).await.unwrap();
    assert!(!found[0].1.contains("errors"), "{found:?}");
    let part: Value = serde_json::from_str(&found[1].1).unwrap();
    assert_eq!(part["incremental"][0]["data"], serde_json::json!({"reviews": null, "stars": 5}));
    let error = &part["incremental"][0]["errors"][0];
    assert_eq!(error["extensions"]["code"], "UNAUTHORIZED_FIELD_OR_TYPE", "{found:?}");
    assert_eq!(error["path"], serde_json::json!(["product", "reviews"]));
}
