//! The path at which subgraphs call (`traffic.….subscriptions.callback`), as anybody can reach it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use braid_settings::from_yaml;
use serde_json::json;
use support::{Answer, TestRouter, supergraph};

const TRAFFIC: &str = "all: { subscriptions: { protocol: callback, max_message_bytes: 10KB, \
    callback: { public_url: \"http://router.internal:4000/events/callback\" } } }";

async fn call(router: &TestRouter, path: &str, body: &str) -> Answer {
    let length = body.len();
    let request =
        format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    router.send(request.as_bytes()).await
}

#[tokio::test]
async fn only_calls_for_open_subscriptions_are_taken() {
    let nowhere = "http://127.0.0.1:9/";
    let router = TestRouter::start(supergraph(nowhere, nowhere), |config| {
        config.traffic = from_yaml(TRAFFIC).unwrap();
        config.traffic.check().unwrap();
    })
    .await;
    let id = "0".repeat(32);
    let check = json!({ "kind": "subscription", "action": "check", "id": id, "verifier": id }).to_string();
    let path = format!("/events/callback/{id}");
    for (path, body) in [(&path, check.as_str()), (&path, "{"), (&path, ""), (&"/events/callback".to_owned(), &check)] {
        let answer = call(&router, path, body).await;
        assert_eq!(answer.status, 404, "{path} {body}");
        assert!(answer.text().contains("no such subscription"), "{}", answer.text());
    }
    assert_eq!(router.get(&path, "").await.status, 405);
    // Others lead nowhere, and the endpoint is where it was.
    for path in ["/events", "/events/", "/events/callbacks/1", "/events/callback/1/2", "/callback"] {
        let answer = call(&router, path, &check).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "NOT_FOUND"), "{path}");
    }
    // A body is not read for an id that nobody waits for.
    let promised = format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 1000000\r\n\r\n");
    assert_eq!(router.send(promised.as_bytes()).await.status, 404);
    let plain = TestRouter::start(supergraph(nowhere, nowhere), |_| {}).await;
    assert_eq!(call(&plain, &path, &check).await.code(), "NOT_FOUND");
}
