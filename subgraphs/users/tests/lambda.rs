//! The users service as a function of AWS Lambda.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

#[path = "../../../tests/lambda.rs"]
mod lambda;

use lambda::{LambdaFunction, asking, event};
use serde_json::json;
use service::testing::{TestCollector, TestDatabase};

const REGISTER: &str = r#"mutation { register(input: {
    username: "grace", email: "grace@shop.test", name: "Grace", password: "a long password of hers"
}) { userErrors { message } } }"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_function_answers_and_a_schedule_sends_the_mails() {
    for place in TestDatabase::each().await.unwrap() {
        let root = tempfile::tempdir().unwrap();
        let collector = TestCollector::start().await.unwrap();
        let mails = root.path().join("mails");
        let variables = [
            ("DATABASE_URL", place.config.url.as_str()),
            ("SAMPLE_DATA", "false"),
            ("MAIL_FILE", mails.to_str().unwrap()),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &collector.url),
            // What is sent is sent because an invocation ends.
            ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
        ];
        let mut function = LambdaFunction::start(env!("CARGO_BIN_EXE_users"), root.path(), &variables).await;
        println!("cold start of users: {:?}", function.init);
        let asking_for_keys = event("http-api", |event| {
            event["rawPath"] = "/prod/.well-known/jwks.json".into();
            event["requestContext"]["http"]["method"] = "GET".into();
        });
        let keys = function.invoke(&asking_for_keys).await.content();
        assert_eq!(keys["keys"][0]["kty"], "EC", "{keys}");
        let registered = function.invoke(&event("load-balancer", asking(REGISTER))).await.content();
        assert_eq!(registered["data"]["register"]["userErrors"], json!([]), "{registered}");
        let is_sent = |name: &str| collector.spans().iter().any(|span| span.name.starts_with(name));
        assert!(is_sent("mutation"), "{:?}", collector.spans());
        assert!(!mails.exists(), "a mail was sent beside requests");
        let done = function.invoke(&event("scheduled", |_| {})).await.json();
        assert_eq!(done["sending of mails"], 1, "{done}\n{}", function.log());
        assert!(is_sent("send mail"), "{:?}", collector.spans());
        assert!(std::fs::read_to_string(&mails).unwrap().contains("grace@shop.test"));
        let done = function.invoke(&event("scheduled", |_| {})).await.json();
        assert_eq!(done, json!({ "housekeeping": 0, "sending of mails": 0, "relay of events": 0 }));
        let (_, well) = function.end().await;
        assert!(well, "{}", function.log());
        place.drop_it().await.unwrap();
    }
}
