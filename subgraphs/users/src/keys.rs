//! The keys that sign tokens: in the database, the same for all instances, and replaced without anybody noticing. Knows no user.
//!
//! A new key is published for a while before it signs, so that every instance and every router knows it by then. An old key stays published
//! until the last token that it has signed is over.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use service::{Database, clock};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::entity::signing_key::{Column, Entity, Model};

/// How tokens are signed.
pub(crate) const ALGORITHM: Algorithm = Algorithm::ES256;
/// How long a new key is published before it signs.
pub(crate) const LEAD: Duration = Duration::from_secs(30);
/// How often an instance looks for keys that another one has added.
const RELOAD: Duration = Duration::from_secs(2);
/// How much longer an old key is published than its tokens are valid: clocks differ.
const LEEWAY: Duration = Duration::from_secs(60);

/// A key that signs.
pub(crate) struct SigningKey {
    pub(crate) id: String,
    pub(crate) key: EncodingKey,
    public: Jwk,
    number: i32,
    signs_from: i64,
}

/// The keys of this instance: what it signs with, and what it publishes. Cheap to clone.
#[derive(Clone)]
pub(crate) struct KeyRing {
    keys: watch::Sender<Arc<Vec<SigningKey>>>,
    public: watch::Sender<Arc<JwkSet>>,
}

impl KeyRing {
    /// One key that never changes, as PEM.
    pub(crate) fn fixed(pem: &str) -> anyhow::Result<Self> {
        let key = EncodingKey::from_ec_pem(pem.as_bytes()).context(
            "JWT_PRIVATE_KEY is not an EC private key; generate one with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`",
        )?;
        Self::of(vec![SigningKey::new(key, 1, 0)?])
    }

    /// The keys in the database; the first of all instances on it adds one that signs at once.
    pub(crate) async fn from_database(database: &Database, token_life: Duration) -> anyhow::Result<Self> {
        if Entity::find().one(database.reader()).await?.is_none() {
            add(database, 1, clock::now_millis()).await?;
        }
        Self::of(read(database, token_life).await?)
    }

    fn of(keys: Vec<SigningKey>) -> anyhow::Result<Self> {
        if keys.is_empty() {
            return Err(anyhow!("the database has no key that signs tokens"));
        }
        let public = watch::Sender::new(Arc::new(public(&keys)));
        Ok(Self { keys: watch::Sender::new(Arc::new(keys)), public })
    }

    /// Signs with the newest key whose time has come.
    pub(crate) fn sign<T>(&self, sign: impl FnOnce(&SigningKey) -> T) -> Option<T> {
        let (keys, now) = (self.keys.borrow().clone(), clock::now_millis());
        keys.iter().rev().find(|key| key.signs_from <= now).or(keys.first()).map(sign)
    }

    /// What verifies tokens, and changes.
    pub(crate) fn public(&self) -> watch::Receiver<Arc<JwkSet>> {
        self.public.subscribe()
    }

    /// Looks for keys that were added, and forgets those whose tokens are over.
    pub(crate) async fn reload(&self, database: &Database, token_life: Duration) -> anyhow::Result<()> {
        let keys = read(database, token_life).await?;
        let numbers = |keys: &[SigningKey]| keys.iter().map(|key| key.number).collect::<Vec<_>>();
        if !keys.is_empty() && numbers(&keys) != numbers(&self.keys.borrow()) {
            tracing::info!(keys = keys.len(), "The keys that sign tokens have changed");
            self.public.send_replace(Arc::new(public(&keys)));
            self.keys.send_replace(Arc::new(keys));
        }
        Ok(())
    }
}

impl SigningKey {
    fn new(key: EncodingKey, number: i32, signs_from: i64) -> anyhow::Result<Self> {
        let mut public =
            Jwk::from_encoding_key(&key, ALGORITHM).context("the key that signs tokens is not a P-256 key")?;
        let id = public.thumbprint(ThumbprintHash::SHA256).context("the signing key has no thumbprint")?;
        public.common.key_id = Some(id.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { id, key, public, number, signs_from })
    }
}

/// Reloads the keys until it is stopped.
pub(crate) async fn keep_fresh(ring: KeyRing, database: Database, token_life: Duration, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(RELOAD)).await.is_some() {
        if let Err(error) = ring.reload(&database, token_life).await {
            tracing::warn!(
                error = format!("{error:#}"),
                "The keys that sign tokens can't be read; the known ones stay"
            );
        }
    }
}

/// Adds a key that signs after `lead`. Returns when.
pub(crate) async fn rotate(database: &Database, lead: Duration) -> anyhow::Result<i64> {
    let newest = Entity::find().order_by_desc(Column::Number).one(database.reader()).await?;
    let signs_from = clock::after(lead);
    let number = newest.map_or(1, |newest| newest.number.saturating_add(1));
    if add(database, number, signs_from).await? {
        Ok(signs_from)
    } else {
        Err(anyhow!("another process has just rotated the keys"))
    }
}

/// Removes the keys whose tokens are over. Every instance has stopped to publish them.
pub(crate) async fn forget_expired(database: &Database, token_life: Duration) -> anyhow::Result<()> {
    let rows = Entity::find().order_by_asc(Column::Number).all(database.reader()).await?;
    let over: Vec<i32> = rows.iter().filter(|row| is_over(row, &rows, token_life)).map(|row| row.number).collect();
    if !over.is_empty() {
        Entity::delete_many().filter(Column::Number.is_in(over)).exec(database.reader()).await?;
    }
    Ok(())
}

/// Adds a key under the number; false if another process was faster.
async fn add(database: &Database, number: i32, signs_from: i64) -> anyhow::Result<bool> {
    let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
        .map_err(|_| anyhow!("could not generate a key that signs tokens"))?;
    let row = Model { number, pkcs8: made.as_ref().to_vec(), signs_from };
    let first_wins = OnConflict::column(Column::Number).do_nothing().to_owned();
    let added = Entity::insert(row.into_active_model())
        .on_conflict(first_wins)
        .exec_without_returning(database.reader())
        .await?;
    Ok(added > 0)
}

/// The keys that are in use, oldest first.
async fn read(database: &Database, token_life: Duration) -> anyhow::Result<Vec<SigningKey>> {
    let rows = Entity::find().order_by_asc(Column::Number).all(database.reader()).await?;
    let used = rows.iter().filter(|row| !is_over(row, &rows, token_life));
    used.map(|row| SigningKey::new(EncodingKey::from_ec_der(&row.pkcs8), row.number, row.signs_from)).collect()
}

/// Whether every token that the key has signed is over, because a newer key has signed for that long.
fn is_over(row: &Model, all: &[Model], token_life: Duration) -> bool {
    let last = clock::now_millis() - clock::millis(token_life) - clock::millis(LEEWAY);
    all.iter().any(|newer| newer.number > row.number && newer.signs_from < last)
}

fn public(keys: &[SigningKey]) -> JwkSet {
    JwkSet { keys: keys.iter().map(|key| key.public.clone()).collect() }
}
