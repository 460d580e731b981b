//! The inventory service as a function of AWS Lambda.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

#[path = "../../../tests/lambda.rs"]
mod lambda;

use std::time::Duration;

use lambda::{LambdaFunction, asking, event};
use serde_json::Value;
use service::testing::TestDatabase;

#[tokio::test(flavor = "multi_thread")]
async fn a_function_answers_and_a_schedule_releases_what_has_expired() {
    for place in TestDatabase::each().await.unwrap() {
        let root = tempfile::tempdir().unwrap();
        let variables = [
            ("DATABASE_URL", place.config.url.as_str()),
            ("SAMPLE_DATA", "true"),
            ("INTERNAL_TOKEN", "a secret of the services"),
        ];
        let mut function = LambdaFunction::start(env!("CARGO_BIN_EXE_inventory"), root.path(), &variables).await;
        let products = ask(&mut function, "{ products(first: 1) { nodes { id } } }").await;
        let product = products["data"]["products"]["nodes"][0]["id"].as_str().unwrap_or_else(|| panic!("{products}"));
        let expires = (service::clock::now() + Duration::from_millis(800)).to_rfc3339();
        let reserve = format!(
            r#"mutation {{ reserveStock(input: {{ idempotencyKey: "a key", expiresAt: "{expires}",
                lines: [{{ productId: "{product}", quantity: 1 }}] }}) {{ __typename }} }}"#
        );
        let reserved = ask(&mut function, &reserve).await;
        assert_eq!(reserved["data"]["reserveStock"]["__typename"], "StockReservation", "{reserved}");
        let early = function.invoke(&event("scheduled", |_| {})).await.json();
        assert_eq!(early["release of expired reservations"], 0, "{early}");
        tokio::time::sleep(Duration::from_millis(900)).await;
        let done = function.invoke(&event("scheduled", |_| {})).await.json();
        assert_eq!(done["release of expired reservations"], 1, "{done}\n{}", function.log());
        let (_, well) = function.end().await;
        assert!(well, "{}", function.log());
        place.drop_it().await.unwrap();
    }
}

async fn ask(function: &mut LambdaFunction, query: &str) -> Value {
    let asked = event("load-balancer", |event| {
        asking(query)(event);
        event["headers"]["x-internal-token"] = "a secret of the services".into();
    });
    function.invoke(&asked).await.content()
}
