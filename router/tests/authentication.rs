//! Who asks, at the endpoint: what is refused before anything runs, and what reaches subgraphs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

mod support;

use std::io::Write;

use braid_settings::from_yaml;
use support::{post, router};

const BODY: &str = r#"{"query":"{ me { name } }"}"#;
/// The hash of "not-a-secret-key-for-tests".
const HASH: &str = "6f24c82c66d5063e02a2dcb3bf532b7799ead95d003d112b3e41e4bf5a2d7b3b";

#[tokio::test]
async fn requests_without_credentials_are_refused_where_some_are_required() {
    let mut keys = tempfile::NamedTempFile::new().unwrap();
    writeln!(keys, "- {{ name: reporting, sha256: {HASH}, claims: {{ sub: report }} }}").unwrap();
    let file = keys.path().display().to_string();
    let (router, users, _orders) = router(|config| {
        let yaml = format!("{{ required: true, api_keys: {{ file: {file} }} }}");
        config.authentication = from_yaml(&yaml).unwrap();
        config.headers = from_yaml(
            "all: { request: [{ propagate: { prefix: x- } }, { insert: { name: x-user, from: claims.sub } }, { remove: { name: x-api-key } }] }",
        )
        .unwrap();
    })
    .await;
    let answer = router.send(&post(BODY, "")).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "UNAUTHENTICATED"));
    assert_eq!(answer.header("www-authenticate").as_deref(), Some("ApiKey"));
    assert_eq!(router.send(&post(BODY, "x-api-key: wrong\r\n")).await.code(), "API_KEY_UNKNOWN");
    let twice = "x-api-key: a\r\nx-api-key: b\r\n";
    let answer = router.send(&post(BODY, twice)).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "CREDENTIALS_AMBIGUOUS"));
    // The body is not waited for.
    let unfinished = post("", "x-api-key: wrong\r\n");
    let unfinished = String::from_utf8(unfinished).unwrap().replace("content-length: 0", "content-length: 1000");
    assert_eq!(router.send(unfinished.as_bytes()).await.status, 401);
    assert_eq!(users.count(), 0);
    // Health needs no credentials.
    assert_eq!(router.get("/health", "").await.status, 200);

    let answer =
        router.send(&post(BODY, "x-api-key: not-a-secret-key-for-tests\r\nx-user: ada\r\nx-other: 1\r\n")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let head = users.seen.lock().unwrap().last().unwrap().head.to_lowercase();
    assert!(head.contains("x-user: report") && head.contains("x-other: 1"), "{head}");
    assert!(!head.contains("ada") && !head.contains("x-api-key"), "{head}");
}

#[tokio::test]
async fn claims_are_sent_along_in_the_body_where_that_is_wanted() {
    let mut keys = tempfile::NamedTempFile::new().unwrap();
    writeln!(
        keys,
        "- {{ name: reporting, sha256: {HASH}, claims: {{ sub: report, realm: {{ roles: [a, b] }}, secret: 1 }} }}"
    )
    .unwrap();
    let file = keys.path().display().to_string();
    let (router, users, _orders) = router(|config| {
        config.authentication = from_yaml(&format!("{{ api_keys: {{ file: {file} }} }}")).unwrap();
        config.traffic = from_yaml("subgraphs: { users: { forward_claims: [sub, realm.roles, missing] } }").unwrap();
    })
    .await;
    let sent = || serde_json::from_str::<serde_json::Value>(&users.seen.lock().unwrap().last().unwrap().body).unwrap();
    assert_eq!(router.send(&post(BODY, "x-api-key: not-a-secret-key-for-tests\r\n")).await.status, 200);
    assert_eq!(sent()["extensions"], serde_json::json!({ "claims": { "sub": "report", "realm.roles": ["a", "b"] } }));
    assert!(sent()["query"].is_string());
    assert_eq!(router.send(&post(BODY, "")).await.status, 200);
    assert_eq!(sent().get("extensions"), None, "an anonymous client has no claims");
}
