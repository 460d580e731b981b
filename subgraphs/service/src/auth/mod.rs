//! Who is calling: bearer tokens, the secrets of the router and of services, and what a caller may do. Knows no user account.

mod address;
mod keys;
mod router;
mod token;
mod viewer;

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue, header};
use subtle::ConstantTimeEq;

use crate::config::AuthConfig;
use crate::error::{Code, Error, Result};

pub use address::{ClientAddress, client_address};
pub use keys::Keys;
pub use router::{ROUTER_TOKEN_HEADER, USER_ID_HEADER, USER_ROLES_HEADER};
pub use token::Claims;
pub use viewer::{ADMIN, STAFF, User, Viewer, viewer};

/// The header with which a service identifies itself.
pub const INTERNAL_TOKEN_HEADER: &str = "x-internal-token";

/// Finds out from a request's headers who is calling.
#[derive(Debug, Clone)]
pub struct Authenticator {
    keys: Keys,
    issuer: String,
    audience: String,
    internal_tokens: Vec<String>,
    router_tokens: Vec<String>,
}

impl Authenticator {
    /// Verifies tokens with the keys at the configured URL, which are fetched for the first token.
    pub fn new(config: &AuthConfig) -> anyhow::Result<Self> {
        Ok(Self::with_keys(config, Keys::remote(&config.jwks_url)?))
    }

    /// Verifies tokens with the given keys: for the service that issues them.
    pub fn with_keys(config: &AuthConfig, keys: Keys) -> Self {
        Self {
            keys,
            issuer: config.jwt_issuer.clone(),
            audience: config.jwt_audience.clone(),
            internal_tokens: secrets(config.internal_token.as_deref()).map(str::to_owned).collect(),
            router_tokens: secrets(config.router_token.as_deref()).map(str::to_owned).collect(),
        }
    }

    /// Who is calling: anonymous without credentials, an error with invalid ones. Behind the router, which has verified the token,
    /// its headers say so; reached directly, the service verifies the token itself.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Viewer> {
        if let Some(given) = headers.get(INTERNAL_TOKEN_HEADER) {
            check_secret(given, &self.internal_tokens, "INTERNAL_TOKEN")?;
            return Ok(Viewer::Service);
        }
        if let Some(given) = headers.get(ROUTER_TOKEN_HEADER) {
            check_secret(given, &self.router_tokens, "ROUTER_TOKEN")?;
            return router::viewer(headers);
        }
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Ok(Viewer::Anonymous);
        };
        let token = value.to_str().ok().and_then(bearer).ok_or_else(|| unauthenticated("send `Bearer` and a token"))?;
        let claims = token::verify(token, &self.keys, &self.issuer, &self.audience).await?;
        Ok(Viewer::User(User { id: claims.sub, roles: claims.roles }))
    }
}

/// From which address a request comes that has been authenticated: `peer` is at the other end of the connection.
pub(crate) fn address(headers: &HeaderMap, peer: Option<IpAddr>) -> Option<ClientAddress> {
    if headers.contains_key(ROUTER_TOKEN_HEADER) || headers.contains_key(INTERNAL_TOKEN_HEADER) {
        return address::forwarded(headers);
    }
    peer.map(ClientAddress)
}

/// The secrets of a setting: one, or several with commas between them while the secret is changed. The first one is sent, all are accepted.
pub(crate) fn secrets(setting: Option<&str>) -> impl Iterator<Item = &str> {
    setting.unwrap_or_default().split(',').map(str::trim).filter(|secret| !secret.is_empty())
}

/// An error unless the secret is one of those that are configured under the name. The comparison takes the same time wherever they differ.
fn check_secret(given: &HeaderValue, accepted: &[String], name: &str) -> Result<()> {
    if accepted.is_empty() {
        return Err(Error::new(Code::Forbidden, format!("This service accepts no such calls: {name} is not set.")));
    }
    let is_one = accepted
        .iter()
        .fold(subtle::Choice::from(0), |found, secret| found | secret.as_bytes().ct_eq(given.as_bytes()));
    if bool::from(is_one) { Ok(()) } else { Err(unauthenticated(&format!("the secret is not {name}"))) }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim()).filter(|token| !token.is_empty())
}

fn unauthenticated(detail: &str) -> Error {
    Error::new(Code::Unauthenticated, format!("The request's credentials are not valid: {detail}."))
}
