//! Tokens of made-up buyers, and the keys that verify them. Stands in for the users service.

use std::net::SocketAddr;
use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::routing::get;
use axum::{Json, Router};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use uuid::Uuid;

static KEY: LazyLock<EncodingKey> = LazyLock::new(|| {
    let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    EncodingKey::from_ec_der(made.as_ref())
});

/// A token of a customer.
pub(crate) fn of(user: Uuid) -> String {
    let auth = service::Config::new(&orders::INFO).auth;
    let now = service::now().timestamp();
    let claims = json!({
        "sub": user, "roles": ["customer"], "iss": auth.jwt_issuer, "aud": auth.jwt_audience, "iat": now, "exp": now + 3600,
    });
    jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &KEY).unwrap()
}

/// Serves the keys; says where.
pub(crate) async fn serve_keys() -> SocketAddr {
    let keys = JwkSet { keys: vec![Jwk::from_encoding_key(&KEY, Algorithm::ES256).unwrap()] };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new().route("/jwks", get(move || std::future::ready(Json(keys.clone()))));
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    address
}
