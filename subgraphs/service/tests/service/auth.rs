//! Tokens and the internal secret: who passes for whom.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::routing::get;
use axum::{Json, Router};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use service::auth::ROUTER_TOKEN_HEADER;
use service::{Claims, Keys};
use tokio::net::TcpListener;

use super::world::{World, answer, refusal};

struct Issuer {
    key: EncodingKey,
    public: Jwk,
}

impl Issuer {
    /// A key pair of P-256, made for this test.
    fn new(id: &str) -> Self {
        let pair = aws_lc_rs::signature::EcdsaKeyPair::generate(&aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING)
            .unwrap();
        let key = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
        let mut public = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        public.common.key_id = Some(id.to_owned());
        Self { key, public }
    }

    fn token(&self, change: impl FnOnce(&mut Claims)) -> String {
        self.token_as(&self.header(), change)
    }

    fn header(&self) -> Header {
        Header { kid: self.public.common.key_id.clone(), ..Header::new(Algorithm::ES256) }
    }

    fn token_as(&self, header: &Header, change: impl FnOnce(&mut Claims)) -> String {
        encode(header, &claims(change), &self.key).unwrap()
    }

    fn keys(&self) -> JwkSet {
        JwkSet { keys: vec![self.public.clone()] }
    }
}

fn claims(change: impl FnOnce(&mut Claims)) -> Claims {
    let now = service::clock::now().timestamp().unsigned_abs();
    let mut claims = Claims {
        sub: "7".to_owned(),
        roles: vec!["admin".to_owned()],
        scope: String::new(),
        iss: "braid-users".to_owned(),
        aud: "braid".to_owned(),
        iat: now,
        exp: now + 600,
    };
    change(&mut claims);
    claims
}

fn who(name: &str) -> (u16, Value) {
    (200, json!({ "data": { "who": name } }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_token_is_a_user_and_a_bad_one_nobody() {
    let issuer = Issuer::new("one");
    let world = World::start(Some(Keys::fixed(issuer.keys())), |_| {}).await;
    let ask = |authorization: &str| world.query("{ who }").header("authorization", authorization);
    assert_eq!(answer(world.query("{ who }")).await, who("nobody"));
    let good = issuer.token(|_| {});
    assert_eq!(answer(ask(&format!("Bearer {good}"))).await, who("7 [\"admin\"]"));
    assert_eq!(answer(ask(&format!("bearer {good}"))).await, who("7 [\"admin\"]"));

    let stranger = Issuer::new("one");
    let mut other_letter = good.clone();
    other_letter.replace_range(
        good.len() - 6..good.len() - 5,
        if &good[good.len() - 6..good.len() - 5] == "A" { "B" } else { "A" },
    );
    let hmac = encode(
        &Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) },
        &claims(|_| {}),
        &EncodingKey::from_secret(serde_json::to_string(&issuer.public).unwrap().as_bytes()),
    );
    for (case, token) in [
        ("expired", issuer.token(|claims| claims.exp = claims.iat - 60)),
        ("another issuer", issuer.token(|claims| claims.iss = "else".to_owned())),
        ("another audience", issuer.token(|claims| claims.aud = "else".to_owned())),
        ("another's signature", stranger.token(|_| {})),
        ("a changed signature", other_letter),
        ("an unknown key", Issuer::new("two").token(|_| {})),
        ("a shared secret", hmac.unwrap()),
        ("no signature", format!("{}.", good.rsplit_once('.').unwrap().0)),
        ("nonsense", "nonsense".to_owned()),
        ("nothing", String::new()),
    ] {
        let refused = refusal(ask(&format!("Bearer {token}"))).await;
        assert_eq!(refused, (401, "UNAUTHENTICATED".to_owned()), "{case}");
    }
    assert_eq!(refusal(ask("Basic YTpi")).await.0, 401);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services_know_one_another_by_their_secret() {
    let keys = || Some(Keys::fixed(Issuer::new("one").keys()));
    let world = World::start(keys(), |_| {}).await;
    let ask = |secret: &str| world.query("{ who }").header("x-internal-token", secret);
    assert_eq!(answer(ask("between us")).await, who("a service"));
    for wrong in ["between u", "between us all", "Between us", ""] {
        let refused = refusal(ask(wrong)).await;
        assert_eq!(refused, (401, "UNAUTHENTICATED".to_owned()), "{wrong:?}");
    }
    world.stop().await;

    // While the secret is changed, both are accepted.
    let world = World::start(keys(), |config| config.auth.internal_token = Some("new, between us".to_owned())).await;
    for secret in ["new", "between us"] {
        let asked = world.query("{ who }").header("x-internal-token", secret);
        assert_eq!(answer(asked).await, who("a service"), "{secret}");
    }
    for wrong in ["new, between us", "new,", "", ","] {
        let refused = refusal(world.query("{ who }").header("x-internal-token", wrong)).await;
        assert_eq!(refused, (401, "UNAUTHENTICATED".to_owned()), "{wrong:?}");
    }
    world.stop().await;

    for none in [None, Some(String::new()), Some(" , ".to_owned())] {
        let world = World::start(keys(), |config| config.auth.internal_token = none).await;
        let refused = refusal(world.query("{ who }").header("x-internal-token", "")).await;
        assert_eq!(refused, (403, "FORBIDDEN".to_owned()));
        world.stop().await;
    }
}

/// The router says who is calling, and nobody else does.
#[tokio::test(flavor = "multi_thread")]
async fn claims_count_beside_the_secret_of_the_router() {
    let issuer = Issuer::new("one");
    let keys = || Some(Keys::fixed(issuer.keys()));
    let world = World::start(keys(), |_| {}).await;
    let ask = |headers: &[(&str, &str)]| {
        headers.iter().fold(world.query("{ who }"), |request, (name, value)| request.header(*name, *value))
    };
    let secret = ("x-router-token", "of the router");
    let (id, roles) = (("x-user-id", "7"), ("x-user-roles", "customer,admin"));
    assert_eq!(answer(ask(&[secret, id, roles])).await, who("7 [\"customer\", \"admin\"]"));
    assert_eq!(answer(ask(&[secret, id])).await, who("7 []"));
    assert_eq!(answer(ask(&[secret])).await, who("nobody"));
    assert_eq!(answer(ask(&[secret, roles])).await, who("nobody"));
    // The router has verified what it was sent, so a token beside its word is not looked at.
    assert_eq!(answer(ask(&[secret, id, ("authorization", "Bearer nonsense")])).await, who("7 []"));
    // Two users, or one that is no text, are none.
    assert_eq!(refusal(ask(&[secret, id, ("x-user-id", "8")])).await, (401, "UNAUTHENTICATED".to_owned()));
    assert_eq!(refusal(ask(&[secret, ("x-user-id", "\u{e9}")])).await, (401, "UNAUTHENTICATED".to_owned()));

    // Without the secret, claims are what anybody could write.
    assert_eq!(answer(ask(&[id, roles])).await, who("nobody"));
    let token = format!("Bearer {}", issuer.token(|claims| claims.sub = "8".to_owned()));
    assert_eq!(answer(ask(&[id, roles, ("authorization", &token)])).await, who("8 [\"admin\"]"));
    for wrong in ["of the route", "of the router!", "Of the router", "between us", ""] {
        let refused = refusal(ask(&[("x-router-token", wrong), id, roles, ("authorization", &token)])).await;
        assert_eq!(refused, (401, "UNAUTHENTICATED".to_owned()), "{wrong:?}");
    }
    // Nor is the router a service.
    assert_eq!(refusal(ask(&[("x-internal-token", "of the router"), id])).await.0, 401);
    world.stop().await;

    for none in [None, Some(String::new())] {
        let world = World::start(keys(), |config| config.auth.router_token = none).await;
        let refused = refusal(world.query("{ who }").header("x-router-token", "").header("x-user-id", "7")).await;
        assert_eq!(refused, (403, "FORBIDDEN".to_owned()));
        world.stop().await;
    }
}

/// The keys are fetched once, again for a key id that is not known, and not once for each such token.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_fetched_and_kept() {
    let issuer = Issuer::new("one");
    let fetches = Arc::new(AtomicUsize::new(0));
    let (keys, counter) = (issuer.keys(), Arc::clone(&fetches));
    let published = get(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        let keys = keys.clone();
        async move { Json(keys) }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    let publisher =
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/jwks.json", published)).await });

    let world = World::start(None, |config| config.auth.jwks_url = url).await;
    let ask = |token: String| world.query("{ who }").bearer_auth(token);
    for _ in 0..5 {
        assert_eq!(answer(ask(issuer.token(|_| {}))).await, who("7 [\"admin\"]"));
    }
    assert_eq!(fetches.load(Ordering::SeqCst), 1);
    for id in ["two", "three", "four"] {
        assert_eq!(refusal(ask(Issuer::new(id).token(|_| {}))).await.0, 401);
    }
    assert!(fetches.load(Ordering::SeqCst) <= 2, "made-up key ids make us fetch without end");
    publisher.abort();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_keys_a_token_can_not_be_verified() {
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let world = World::start(None, |config| config.auth.jwks_url = format!("http://{address}/")).await;
    let request = world.query("{ who }").bearer_auth(Issuer::new("one").token(|_| {}));
    assert_eq!(refusal(request).await, (503, "UNAVAILABLE".to_owned()));
    assert_eq!(answer(world.query("{ who }")).await, who("nobody"));
    world.stop().await;
}

/// The router is believed about the client's address; nobody else is.
#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_a_client_is_that_of_the_connection_or_what_the_router_says() {
    let world = World::start(None, |_| {}).await;
    let ask = || world.query("{ address }").header("x-forwarded-for", "198.51.100.1, 203.0.113.9");
    for (request, expected) in [
        (ask(), json!("127.0.0.1")),
        (ask().header(ROUTER_TOKEN_HEADER, "of the router"), json!("203.0.113.9")),
        (world.query("{ address }").header(ROUTER_TOKEN_HEADER, "of the router"), json!(null)),
    ] {
        assert_eq!(answer(request).await, (200, json!({ "data": { "address": expected } })));
    }
    world.stop().await;
}
