//! What is accepted and what is refused, with keys that don't change.

use AuthenticationError as E;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use braid_authentication::AuthenticationError;
use braid_request_context::identity::CredentialKind;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::support::{Issuer, authenticator, bearer, now, trusting, usual};

#[tokio::test]
async fn good_tokens_say_who_asks() {
    let (one, two) = (Issuer::es256("one"), Issuer::eddsa("two"));
    let trusting = trusting(&[&one.jwk, &two.jwk]);
    for issuer in [&one, &two] {
        let token = issuer.token(&json!({ "aud": ["x", "till"], "scope": "read" }));
        // The first time it is verified, the second time it is known.
        for _ in 0..2 {
            let principal = bearer(&trusting, &token).await.unwrap();
            assert_eq!((&*principal.source, principal.kind), ("id", CredentialKind::Jwt));
            assert_eq!((&principal.claims["sub"], &principal.claims["scope"]), (&json!("grace"), &json!("read")));
            assert!(principal.expires.is_some());
        }
        let unnamed = issuer.token_with(&Header { kid: None, ..issuer.header.clone() }, &json!({}));
        bearer(&trusting, &unnamed).await.unwrap();
    }
}

/// `header.payload` of these texts, signed by `issuer`.
fn signed(issuer: &Issuer, header: &str, payload: &str) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &issuer.key, issuer.header.alg).unwrap();
    format!("{message}.{signature}")
}

#[tokio::test]
async fn bad_tokens_are_refused_with_their_cause() {
    let (good, other) = (Issuer::es256("one"), Issuer::es256("one"));
    let trusting = trusting(&[&good.jwk]);
    let claims = |claims: Value| good.token(&claims);
    let headed = |header: Value| signed(&good, &header.to_string(), &usual(&json!({})).to_string());
    let token = good.token(&json!({}));
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (header, payload) = message.split_once('.').unwrap();
    // The public key as the secret: what a router would take that lets the token choose the algorithm.
    let public =
        [good.jwk["x"].as_str().unwrap(), good.jwk["y"].as_str().unwrap()].map(|n| URL_SAFE_NO_PAD.decode(n).unwrap());
    let confused = EncodingKey::from_secret(&[&[4][..], &public[0], &public[1]].concat());
    let confused = jsonwebtoken::encode(
        &Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) },
        &usual(&json!({})),
        &confused,
    );
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","kid":"one"}"#);
    for (what, token, expected) in [
        ("expired", claims(json!({ "exp": now() - 60 })), E::Expired),
        ("without exp", claims(json!({ "exp": null })), E::MissingClaim),
        ("exp as text", claims(json!({ "exp": "2100" })), E::InvalidClaim),
        ("not yet valid", claims(json!({ "nbf": now() + 3600 })), E::NotYetValid),
        ("another issuer", claims(json!({ "iss": "https://id.example" })), E::Issuer),
        ("no issuer", claims(json!({ "iss": null })), E::Issuer),
        ("a list of issuers", claims(json!({ "iss": ["https://id.example/"] })), E::InvalidClaim),
        ("another audience", claims(json!({ "aud": "bank" })), E::Audience),
        ("no audience", claims(json!({ "aud": null })), E::MissingClaim),
        ("another key of the same name", other.token(&json!({})), E::Signature),
        (
            "another key's name",
            good.token_with(&Header { kid: Some("x".to_owned()), ..good.header.clone() }, &json!({})),
            E::UnknownKey,
        ),
        (
            "other claims",
            format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(usual(&json!({ "sub": "ada" })).to_string())),
            E::Signature,
        ),
        ("no signature", format!("{message}."), E::Signature),
        ("half a signature", token[..token.len() - 42].to_owned(), E::Signature),
        ("alg none", format!("{none}.{payload}."), E::Algorithm),
        ("alg none, signed", format!("{none}.{payload}.{signature}"), E::Algorithm),
        ("the public key as a secret", confused.unwrap(), E::Algorithm),
        ("another algorithm", headed(json!({ "alg": "ES384", "kid": "one" })), E::Algorithm),
        ("crit", headed(json!({ "alg": "ES256", "kid": "one", "crit": ["exp"] })), E::Unsupported),
        ("b64", headed(json!({ "alg": "ES256", "kid": "one", "b64": false, "crit": ["b64"] })), E::Unsupported),
        ("a logout token", headed(json!({ "alg": "ES256", "kid": "one", "typ": "logout+jwt" })), E::Type),
        ("claims twice", signed(&good, r#"{"alg":"ES256","kid":"one"}"#, r#"{"sub":"a","sub":"ada"}"#), E::Malformed),
        ("huge", claims(json!({ "x": "x".repeat(20_000) })), E::TooLarge),
        ("words", "let me in".to_owned(), E::Malformed),
        ("nothing", String::new(), E::Malformed),
    ] {
        // Twice: what was refused once is not known the second time.
        for _ in 0..2 {
            assert_eq!(bearer(&trusting, &token).await.unwrap_err(), expected, "{what}");
        }
    }
    // The key in the token's own header is not looked at.
    let header = json!({ "alg": "ES256", "kid": "one", "jwk": other.jwk });
    let own = signed(&other, &header.to_string(), &usual(&json!({})).to_string());
    assert_eq!(bearer(&trusting, &own).await.unwrap_err(), E::Signature);
}

#[tokio::test]
async fn the_issuer_chooses_the_provider() {
    let (a, b) = (Issuer::es256("one"), Issuer::es256("one"));
    let provider = |name: &str, key: &Value| {
        let keys = json!({ "inline": [key] });
        format!("{{ name: {name}, issuers: [\"https://{name}/\"], audiences: [{name}], keys: {keys} }}")
    };
    let both = authenticator(&format!("jwt: {{ providers: [{}, {}] }}", provider("a", &a.jwk), provider("b", &b.jwk)));
    for (issuer, name) in [(&a, "a"), (&b, "b")] {
        let claims = json!({ "iss": format!("https://{name}/"), "aud": name });
        assert_eq!(&*bearer(&both, &issuer.token(&claims)).await.unwrap().source, name);
    }
    // One issuer's key signs nothing of the other's, and its audience opens nothing of the other's.
    let claims = json!({ "iss": "https://a/", "aud": "a" });
    assert_eq!(bearer(&both, &b.token(&claims)).await.unwrap_err(), E::Signature);
    let claims = json!({ "iss": "https://a/", "aud": "b" });
    assert_eq!(bearer(&both, &a.token(&claims)).await.unwrap_err(), E::Audience);
}

#[tokio::test]
async fn a_token_is_known_only_until_it_expires() {
    let issuer = Issuer::eddsa("one");
    let keys = json!({ "inline": [issuer.jwk] });
    let strict = authenticator(&format!(
        "jwt: {{ providers: [{{ name: id, any_issuer: true, any_audience: true, clock_skew: 0s, keys: {keys} }}] }}"
    ));
    let token = issuer.token(&json!({ "exp": now() + 2 }));
    while now() < issuer_exp(&token) {
        bearer(&strict, &token).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(bearer(&strict, &token).await.unwrap_err(), E::Expired);
}

fn issuer_exp(token: &str) -> u64 {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice::<Value>(&payload).unwrap()["exp"].as_u64().unwrap()
}

#[tokio::test]
async fn secrets_and_rules_of_a_provider() {
    let secret = "0123456789abcdef0123456789abcdef";
    let shared = authenticator(&format!(
        "jwt: {{ providers: [{{ name: id, any_issuer: true, any_audience: true, algorithms: [HS256], allow_missing_exp: true,
            required_claims: [tenant], types: [at+jwt], keys: {{ secret: {secret} }} }}] }}"
    ));
    let make = |kind: Option<&str>, claims: &Value, algorithm: Algorithm| {
        let header = Header { typ: kind.map(str::to_owned), ..Header::new(algorithm) };
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
    };
    let claims = json!({ "tenant": 1 });
    let check = async |token: String, expected: Result<(), E>| {
        assert_eq!(bearer(&shared, &token).await.map(drop), expected);
    };
    check(make(Some("at+jwt"), &claims, Algorithm::HS256), Ok(())).await;
    check(make(Some("application/AT+JWT"), &claims, Algorithm::HS256), Ok(())).await;
    check(make(Some("JWT"), &claims, Algorithm::HS256), Err(E::Type)).await;
    check(make(None, &claims, Algorithm::HS256), Err(E::Type)).await;
    check(make(Some("at+jwt"), &json!({}), Algorithm::HS256), Err(E::MissingClaim)).await;
    check(make(Some("at+jwt"), &claims, Algorithm::HS512), Err(E::UnknownKey)).await;
}
