//! API keys beside tokens.

use std::io::Write;
use std::time::Instant;

use braid_authentication::AuthenticationError;
use braid_request_context::Identity;
use braid_request_context::identity::CredentialKind;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

use crate::support::{Issuer, authenticator};

/// What `printf %s not-a-secret-key-for-tests | sha256sum` prints.
const HASH: &str = "6f24c82c66d5063e02a2dcb3bf532b7799ead95d003d112b3e41e4bf5a2d7b3b";

#[tokio::test]
async fn keys_and_tokens_are_told_apart_by_their_place() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "- {{ name: reporting, sha256: {HASH}, claims: {{ sub: report }} }}").unwrap();
    let issuer = Issuer::es256("one");
    let keys = json!({ "inline": [issuer.jwk] });
    let both = authenticator(&format!(
        "{{ api_keys: {{ file: {} }},
            jwt: {{ providers: [{{ name: id, issuers: [\"https://id.example/\"], audiences: [shop], keys: {keys} }}] }} }}",
        file.path().display()
    ));
    let ask = async |headers: &[(&'static str, &str)]| {
        let pairs =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
        both.authenticate(&pairs.collect::<HeaderMap>(), None, Instant::now()).await
    };
    let known = |identity: Result<Identity, AuthenticationError>| {
        let principal = identity.unwrap().principal().cloned().unwrap();
        (principal.source.to_string(), principal.kind)
    };
    let (key, bearer) = ("not-a-secret-key-for-tests", format!("Bearer {}", issuer.token(&json!({}))));
    assert_eq!(ask(&[]).await.unwrap(), Identity::Anonymous);
    assert_eq!(known(ask(&[("x-api-key", key)]).await), ("reporting".to_owned(), CredentialKind::ApiKey));
    // The place that comes first decides, also against the request.
    let (token, nonsense) = (("authorization", bearer.as_str()), ("authorization", "Bearer nonsense"));
    assert_eq!(known(ask(&[("x-api-key", "unknown"), token]).await), ("id".to_owned(), CredentialKind::Jwt));
    assert_eq!(ask(&[("x-api-key", key), nonsense]).await.unwrap_err(), AuthenticationError::Malformed);
    for wrong in ["", "not-a-secret-key-for-test", HASH] {
        assert_eq!(ask(&[("x-api-key", wrong)]).await.unwrap_err(), AuthenticationError::UnknownApiKey);
    }
}
