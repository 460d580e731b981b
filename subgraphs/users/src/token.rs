//! Issues access tokens. Knows no password and no GraphQL.

use std::time::Duration;

use jsonwebtoken::Header;
use service::config::AuthConfig;
use service::{Claims, DateTime, Error, Result, clock};
use uuid::Uuid;

use crate::entity::user_role::Role;
use crate::keys::{ALGORITHM, KeyRing};
use crate::scopes;

/// Signs tokens. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Issuer {
    keys: KeyRing,
    issuer: String,
    audience: String,
    life: Duration,
}

/// A token and when it expires.
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) expires_at: DateTime,
}

impl Issuer {
    /// An issuer that signs with these keys.
    pub(crate) fn new(keys: KeyRing, auth: &AuthConfig, life: Duration) -> Self {
        Self { keys, issuer: auth.jwt_issuer.clone(), audience: auth.jwt_audience.clone(), life }
    }

    /// A token for the user.
    pub(crate) fn issue(&self, user: Uuid, roles: &[Role]) -> Result<Token> {
        let now = clock::now();
        let expires_at = now + self.life;
        let seconds = |time: DateTime| u64::try_from(time.timestamp()).unwrap_or(0);
        let claims = Claims {
            sub: user.to_string(),
            roles: roles.iter().map(|role| role.claim().to_owned()).collect(),
            scope: scopes::of(roles).join(" "),
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            iat: seconds(now),
            exp: seconds(expires_at),
        };
        let signed = self.keys.sign(|key| {
            let mut header = Header::new(ALGORITHM);
            header.kid = Some(key.id.clone());
            jsonwebtoken::encode(&header, &claims, &key.key)
        });
        let text = signed.ok_or_else(|| Error::internal(anyhow::anyhow!("there is no key that signs tokens")))?;
        Ok(Token { text: text.map_err(Error::internal)?, expires_at })
    }
}
