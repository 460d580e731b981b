//! The public keys that verify tokens: given, or fetched from an address and kept. Knows no token.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use tokio::sync::RwLock;

use crate::error::{Code, Error, Result};

use super::unauthenticated;

/// The public keys that verify tokens.
#[derive(Debug, Clone)]
pub struct Keys(Source);

#[derive(Debug, Clone)]
enum Source {
    Fixed(Arc<JwkSet>),
    Remote(Arc<Remote>),
}

impl Keys {
    /// Keys that never change.
    pub fn fixed(keys: JwkSet) -> Self {
        Self(Source::Fixed(Arc::new(keys)))
    }

    /// Keys at an address: fetched when first needed, kept, and fetched again when a token names an unknown one.
    pub fn remote(url: &str) -> anyhow::Result<Self> {
        let url = reqwest::Url::parse(url).with_context(|| format!("JWKS_URL `{url}` is not a URL"))?;
        let client = reqwest::Client::builder()
            .timeout(FETCH_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("could not build the client that fetches the token keys")?;
        Ok(Self(Source::Remote(Arc::new(Remote { url, client, cache: RwLock::default() }))))
    }

    /// The key of this id; without an id, the only key that there is.
    pub(super) async fn find(&self, id: Option<&str>) -> Result<DecodingKey> {
        match &self.0 {
            Source::Fixed(keys) => pick(keys, id)?.ok_or_else(unknown_key),
            Source::Remote(remote) => remote.find(id).await,
        }
    }
}

#[derive(Debug)]
struct Remote {
    url: reqwest::Url,
    client: reqwest::Client,
    cache: RwLock<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    keys: Option<Arc<JwkSet>>,
    /// The last try, whether it succeeded or not: tokens with made-up key ids must not make us fetch without end.
    tried: Option<Instant>,
    fetched: Option<Instant>,
}

impl Remote {
    async fn find(&self, id: Option<&str>) -> Result<DecodingKey> {
        {
            let cache = self.cache.read().await;
            if cache.is_fresh()
                && let Some(keys) = &cache.keys
                && let Some(key) = pick(keys, id)?
            {
                return Ok(key);
            }
        }
        // One fetch at a time: whoever waited for it finds its result.
        let mut cache = self.cache.write().await;
        if cache.may_try() {
            cache.tried = Some(Instant::now());
            match self.fetch().await {
                Ok(keys) => {
                    cache.keys = Some(Arc::new(keys));
                    cache.fetched = Some(Instant::now());
                }
                Err(error) => {
                    tracing::warn!(url = %self.url, error = format!("{error:#}"), "Could not fetch the token keys")
                }
            }
        }
        let Some(keys) = &cache.keys else {
            return Err(Error::new(Code::Unavailable, "The token can't be verified now: its keys can't be fetched."));
        };
        pick(keys, id)?.ok_or_else(unknown_key)
    }

    async fn fetch(&self) -> anyhow::Result<JwkSet> {
        let mut response = self.client.get(self.url.clone()).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MOST_BYTES {
                bail!("the answer is larger than {MOST_BYTES} bytes");
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).context("the answer is not a JSON Web Key Set")
    }
}

impl Cache {
    fn is_fresh(&self) -> bool {
        self.fetched.is_some_and(|at| at.elapsed() < KEEP)
    }

    fn may_try(&self) -> bool {
        let floor = if self.keys.is_some() { REFRESH_FLOOR } else { RETRY_FLOOR };
        self.tried.is_none_or(|at| at.elapsed() >= floor)
    }
}

fn pick(keys: &JwkSet, id: Option<&str>) -> Result<Option<DecodingKey>> {
    let key: Option<&Jwk> = match (id, keys.keys.as_slice()) {
        (Some(id), _) => keys.find(id),
        (None, [only]) => Some(only),
        (None, _) => return Err(unauthenticated("the token does not name its key")),
    };
    key.map(DecodingKey::from_jwk).transpose().map_err(|_| unauthenticated("the token's key can't be used"))
}

fn unknown_key() -> Error {
    unauthenticated("the token's key is not known")
}

const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
const MOST_BYTES: usize = 256 << 10;
/// After this the keys are fetched again, so that a withdrawn one goes; if the address does not answer, the old ones stay.
const KEEP: Duration = Duration::from_secs(600);
/// Between fetches for unknown key ids.
const REFRESH_FLOOR: Duration = Duration::from_secs(30);
/// Between fetches while there are no keys at all.
const RETRY_FLOOR: Duration = Duration::from_secs(1);
