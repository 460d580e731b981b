//! What a token says and how it is verified. Knows no transport and issues none.

use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::error::Result;

use super::keys::Keys;
use super::unauthenticated;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Whose token it is: the user's id.
    pub sub: String,
    /// The roles of the user.
    #[serde(default)]
    pub roles: Vec<String>,
    /// What the router lets the user ask for, as words: `@requiresScopes` in the schemas. Services look at the roles.
    #[serde(default)]
    pub scope: String,
    /// Who issued it.
    pub iss: String,
    /// Whom it is for.
    pub aud: String,
    /// When it was issued, in seconds since 1970.
    pub iat: u64,
    /// When it expires, in seconds since 1970.
    pub exp: u64,
}

/// The claims of a token that is signed by one of the keys, has not expired, and is for us.
pub(super) async fn verify(token: &str, keys: &Keys, issuer: &str, audience: &str) -> Result<Verified> {
    let header = decode_header(token).map_err(|_| unauthenticated("the token can't be read"))?;
    // Asymmetric algorithms only, and never just because the token says so: the key must be of that kind.
    if !ALGORITHMS.contains(&header.alg) {
        return Err(unauthenticated("the token must be signed with ES256 or EdDSA"));
    }
    let key = keys.find(header.kid.as_deref()).await?;
    if key.family() != header.alg.family() {
        return Err(unauthenticated("the token's algorithm is not its key's"));
    }
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // By our clock, below.
    validation.validate_exp = false;
    let decoded = decode::<Verified>(token, &key, &validation).map_err(|error| {
        use jsonwebtoken::errors::ErrorKind;
        match error.kind() {
            ErrorKind::InvalidSignature => unauthenticated("the token's signature is wrong"),
            ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => {
                unauthenticated("the token is not for this service")
            }
            _ => unauthenticated("the token is not valid"),
        }
    })?;
    decoded.claims.check_time()?;
    Ok(decoded.claims)
}

/// What we read of a token. Except for `roles`, every OIDC provider's tokens have it.
#[derive(Debug, Deserialize)]
pub(super) struct Verified {
    pub(super) sub: String,
    #[serde(default)]
    pub(super) roles: Vec<String>,
    /// RFC 7519 allows fractions of a second.
    exp: f64,
    nbf: Option<f64>,
}

impl Verified {
    /// An error unless it is valid now.
    fn check_time(&self) -> Result<()> {
        let now = clock::now_millis() as f64 / 1000.0;
        if self.exp < now - LEEWAY_SECONDS {
            return Err(unauthenticated("the token has expired"));
        }
        if self.nbf.is_some_and(|from| from > now + LEEWAY_SECONDS) {
            return Err(unauthenticated("the token is not valid yet"));
        }
        Ok(())
    }
}

const ALGORITHMS: [Algorithm; 2] = [Algorithm::ES256, Algorithm::EdDSA];

/// How much the clocks of two machines may differ.
const LEEWAY_SECONDS: f64 = 30.0;
