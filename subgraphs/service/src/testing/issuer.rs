//! Stands in for the users service: signs tokens of made-up users, and serves the key that verifies them.

use std::net::SocketAddr;

use anyhow::{Context, anyhow};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::routing::get;
use axum::{Json, Router};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::config::AuthConfig;
use crate::{Claims, clock};

/// Signs tokens with a key of its own.
pub struct TestIssuer {
    key: EncodingKey,
    auth: AuthConfig,
}

impl TestIssuer {
    /// Makes a key. Tokens are for services with these settings.
    pub fn new(auth: AuthConfig) -> anyhow::Result<Self> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| anyhow!("no key was made"))?;
        let pair = pair.to_pkcs8v1().map_err(|_| anyhow!("the key can't be written"))?;
        Ok(Self { key: EncodingKey::from_ec_der(pair.as_ref()), auth })
    }

    /// A token of a user, for an hour.
    pub fn token(&self, user: Uuid, roles: &[&str]) -> anyhow::Result<String> {
        let now = clock::now().timestamp().unsigned_abs();
        let claims = Claims {
            sub: user.to_string(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            scope: String::new(),
            iss: self.auth.jwt_issuer.clone(),
            aud: self.auth.jwt_audience.clone(),
            iat: now,
            exp: now + 3600,
        };
        jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &self.key).context("the token can't be signed")
    }

    /// Serves the key on a free port; the URL for `JWKS_URL`.
    pub async fn serve_keys(&self) -> anyhow::Result<String> {
        let keys = JwkSet { keys: vec![Jwk::from_encoding_key(&self.key, Algorithm::ES256)?] };
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let address = listener.local_addr()?;
        let routes = Router::new().route("/jwks", get(move || std::future::ready(Json(keys.clone()))));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(format!("http://{address}/jwks"))
    }
}
