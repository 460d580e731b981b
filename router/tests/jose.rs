//! Tokens that another implementation made (`npm ci` in `tests/jose`), against a router: those that are good say who asks, each kind of
//! forgery is refused with its code.
//!
//! With `JOSE=required`, the test fails when it is not installed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a panic in a test is its report, and a test is no API"
)]

#[path = "../../tests/node.rs"]
mod node;
mod support;

use std::path::PathBuf;

use braid_settings::from_yaml;
use serde::Deserialize;
use serde_json::{Value, json};
use support::{post, router};

#[derive(Deserialize)]
struct Made {
    jwks: Value,
    secret: String,
    tokens: Vec<Token>,
}

#[derive(Deserialize)]
struct Token {
    name: String,
    token: String,
    /// The code of the refusal.
    expected: Option<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn good_tokens_pass_and_forged_ones_do_not() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/jose");
    let Some(made) = node::ask::<Made>(&folder, "JOSE", "tokens.mjs", &json!(null)) else { return };
    let mut keys = tempfile::NamedTempFile::new().unwrap();
    serde_json::to_writer(&mut keys, &made.jwks).unwrap();
    let providers = json!([
        {
            "name": "id", "issuers": ["https://id.example/"], "audiences": ["shop", "till"],
            "keys": { "file": keys.path() },
        },
        {
            "name": "legacy", "issuers": ["https://legacy.example/"], "audiences": ["shop"],
            "algorithms": ["HS256", "HS384", "HS512"], "keys": { "secret": made.secret },
        },
    ]);
    let (router, users, _orders) = router(|config| {
        config.authentication = from_yaml(&json!({ "jwt": { "providers": providers } }).to_string()).unwrap();
        config.headers = from_yaml("all: { request: [{ insert: { name: x-user, from: claims.sub } }] }").unwrap();
    })
    .await;
    let body = json!({ "query": "{ me { name } }" }).to_string();
    let (mut passed, mut refused) = (0, 0);
    for Token { name, token, expected } in made.tokens {
        let before = users.count();
        let answer = router.send(&post(&body, &format!("authorization: Bearer {token}\r\nx-user: ada\r\n"))).await;
        let Some(code) = expected else {
            assert_eq!(answer.status, 200, "{name}: {}", answer.text());
            let head = users.seen.lock().unwrap().last().unwrap().head.to_lowercase();
            assert!(head.contains("x-user: grace") && !head.contains("ada"), "{name}: {head}");
            passed += 1;
            continue;
        };
        assert_eq!((answer.code(), answer.status), (code, 401), "{name}");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Bearer error=\"invalid_token\""), "{name}: {challenge}");
        assert_eq!(users.count(), before, "{name}");
        refused += 1;
    }
    assert!(passed >= 20 && refused >= 40, "{passed} passed, {refused} were refused");
}
