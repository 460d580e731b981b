//! Issues tokens and publishes the key that verifies them. Knows no password and no GraphQL.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, IntoActiveModel};
use service::config::AuthConfig;
use service::{Claims, Database, DateTime, Error, Result};

use crate::entity::{signing_key, user};
use crate::scopes;

/// Signs tokens. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Issuer {
    key: Arc<EncodingKey>,
    public: JwkSet,
    key_id: String,
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
    /// An issuer that signs with the key.
    pub(crate) fn new(key: EncodingKey, auth: &AuthConfig, life: Duration) -> anyhow::Result<Self> {
        let mut jwk =
            Jwk::from_encoding_key(&key, ALGORITHM).context("the key that signs tokens is not a P-256 key")?;
        let key_id = jwk.thumbprint(ThumbprintHash::SHA256).context("the signing key has no thumbprint")?;
        jwk.common.key_id = Some(key_id.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self {
            key: Arc::new(key),
            public: JwkSet { keys: vec![jwk] },
            key_id,
            issuer: auth.jwt_issuer.clone(),
            audience: auth.jwt_audience.clone(),
            life,
        })
    }

    /// The public key, as the JSON Web Key Set that verifies this issuer's tokens.
    pub(crate) fn public_keys(&self) -> &JwkSet {
        &self.public
    }

    /// A token for the user.
    pub(crate) fn issue(&self, user: &user::Model) -> Result<Token> {
        let now = service::now();
        let expires_at = now + self.life;
        let seconds = |time: DateTime| u64::try_from(time.timestamp()).unwrap_or(0);
        let claims = Claims {
            sub: user.id.to_string(),
            roles: user.roles.0.iter().map(|role| role.claim().to_owned()).collect(),
            scope: scopes::of(&user.roles.0).join(" "),
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            iat: seconds(now),
            exp: seconds(expires_at),
        };
        let mut header = Header::new(ALGORITHM);
        header.kid = Some(self.key_id.clone());
        let text = jsonwebtoken::encode(&header, &claims, &self.key).map_err(Error::internal)?;
        Ok(Token { text, expires_at })
    }
}

/// Reads a key from PEM.
pub(crate) fn key_from_pem(pem: &str) -> anyhow::Result<EncodingKey> {
    EncodingKey::from_ec_pem(pem.as_bytes())
        .context("JWT_PRIVATE_KEY is not an EC private key; generate one with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`")
}

/// The key that all instances on this database sign with. The first of them generates it.
pub(crate) async fn key_from_database(database: &Database) -> anyhow::Result<EncodingKey> {
    let find = || signing_key::Entity::find_by_id(CURRENT).one(database.reader());
    if let Some(row) = find().await? {
        return Ok(EncodingKey::from_ec_der(&row.pkcs8));
    }
    let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
        .map_err(|_| anyhow!("could not generate a key that signs tokens"))?;
    let row = signing_key::Model {
        name: CURRENT.to_owned(),
        pkcs8: made.as_ref().to_vec(),
        created_at: service::now().timestamp_millis(),
    };
    let first_wins = OnConflict::column(signing_key::Column::Name).do_nothing().to_owned();
    signing_key::Entity::insert(row.into_active_model())
        .on_conflict(first_wins)
        .exec_without_returning(database.reader())
        .await?;
    let row = find().await?.context("the key that signs tokens was not stored")?;
    Ok(EncodingKey::from_ec_der(&row.pkcs8))
}

const ALGORITHM: Algorithm = Algorithm::ES256;
const CURRENT: &str = "current";
