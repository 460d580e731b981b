//! The public keys that verify tokens: given, watched, or fetched from a URL and cached. Knows no token.
//!
//! A cached key verifies at once, even while the URL does not respond: the keys are refreshed in the background. Only a
//! request with an unknown key id waits, and all of them for the same fetch. Made-up key ids cause no more fetches than
//! `Pace` allows.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use tokio::sync::watch;

use crate::error::{Code, Error, Result};
use crate::trace::{self, Current};

use super::unauthenticated;

/// The public keys that verify tokens.
#[derive(Debug, Clone)]
pub struct Keys(Source);

#[derive(Debug, Clone)]
enum Source {
    Fixed(Arc<JwkSet>),
    Watched(watch::Receiver<Arc<JwkSet>>),
    Remote(Arc<Remote>),
}

impl Keys {
    /// Keys that never change.
    pub fn fixed(keys: JwkSet) -> Self {
        Self(Source::Fixed(Arc::new(keys)))
    }

    /// Keys that their owner replaces: for the service that issues tokens, whose keys rotate.
    pub fn watched(keys: watch::Receiver<Arc<JwkSet>>) -> Self {
        Self(Source::Watched(keys))
    }

    /// Keys at a URL: fetched when first needed, then every ten minutes, and when a token names an unknown key.
    pub fn remote(url: &str) -> anyhow::Result<Self> {
        Ok(Self(Source::Remote(Arc::new(Remote::new(url, Pace::default())?))))
    }

    /// The key with this id; without an id, the only key there is.
    pub(super) async fn find(&self, id: Option<&str>) -> Result<DecodingKey> {
        match &self.0 {
            Source::Fixed(keys) => pick(keys, id)?.ok_or_else(unknown_key),
            Source::Watched(keys) => pick(&keys.borrow(), id)?.ok_or_else(unknown_key),
            Source::Remote(remote) => remote.find(id).await,
        }
    }
}

/// How often the keys are fetched, and how long that may take.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// The longest time for one fetch, and so for a request that waits for it.
    timeout: Duration,
    /// Between background fetches, so that a withdrawn key stops working. If a fetch fails, the old keys stay.
    keep: Duration,
    /// Between fetches for unknown key ids.
    unknown: Duration,
    /// Between fetches that fail.
    retry: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(5),
            keep: Duration::from_secs(600),
            unknown: Duration::from_secs(10),
            retry: Duration::from_secs(1),
        }
    }
}

#[derive(Debug)]
struct Remote {
    url: reqwest::Url,
    client: reqwest::Client,
    pace: Pace,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    keys: Option<Arc<JwkSet>>,
    /// The latest fetch, which may still be running.
    fetch: Option<Fetch>,
    started: Option<Instant>,
    failed: bool,
}

/// A fetch of the keys that any number of requests can wait for. It continues when none of them does.
type Fetch = Shared<BoxFuture<'static, ()>>;

impl Remote {
    fn new(url: &str, pace: Pace) -> anyhow::Result<Self> {
        let url = reqwest::Url::parse(url).with_context(|| format!("JWKS_URL `{url}` is not a URL"))?;
        let client = reqwest::Client::builder()
            .timeout(pace.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("could not build the client that fetches the token keys")?;
        Ok(Self { url, client, pace, state: Mutex::default() })
    }

    async fn find(self: &Arc<Self>, id: Option<&str>) -> Result<DecodingKey> {
        if let Some(key) = self.known(id)? {
            return Ok(key);
        }
        if let Some(fetch) = self.fetch_for_unknown() {
            fetch.await;
        }
        if let Some(key) = self.known(id)? {
            return Ok(key);
        }
        if self.state().failed {
            return Err(Error::new(
                Code::Unavailable,
                "The token can't be verified at the moment: its keys can't be fetched.",
            ));
        }
        Err(unknown_key())
    }

    fn known(&self, id: Option<&str>) -> Result<Option<DecodingKey>> {
        let keys = self.state().keys.clone();
        keys.map_or(Ok(None), |keys| pick(&keys, id))
    }

    /// The running fetch, or a new one if enough time has passed.
    fn fetch_for_unknown(self: &Arc<Self>) -> Option<Fetch> {
        let mut state = self.state();
        let floor = if state.failed { self.pace.retry } else { self.pace.unknown };
        let is_time = state.started.is_none_or(|started| started.elapsed() >= floor);
        if state.running().is_none() && !is_time {
            return None;
        }
        if state.started.is_none() {
            tokio::spawn(keep_fresh(Arc::downgrade(self), self.pace));
        }
        Some(self.fetch_in(&mut state))
    }

    /// The running fetch, or a new one. It is a task of its own, because the client that caused it may disconnect.
    fn fetch_in(self: &Arc<Self>, state: &mut State) -> Fetch {
        if let Some(fetch) = state.running() {
            return fetch;
        }
        let remote = Arc::clone(self);
        let task = tokio::spawn(Current::of_task().within(async move { remote.fetch().await }));
        let fetch = task.map(drop).boxed().shared();
        state.started = Some(Instant::now());
        state.fetch = Some(fetch.clone());
        fetch
    }

    async fn fetch(&self) {
        let fetched = self.read().await;
        let mut state = self.state();
        state.failed = fetched.is_err();
        match fetched {
            Ok(keys) => state.keys = Some(Arc::new(keys)),
            Err(error) => {
                tracing::warn!(url = %self.url, error = format!("{error:#}"), "Could not fetch the token keys")
            }
        }
    }

    async fn read(&self) -> anyhow::Result<JwkSet> {
        let mut response = trace::send("keys", self.client.get(self.url.clone())).await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MOST_BYTES {
                bail!("the response is larger than {MOST_BYTES} bytes");
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).context("the response is not a JSON Web Key Set")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn running(&self) -> Option<Fetch> {
        self.fetch.clone().filter(|fetch| fetch.peek().is_none())
    }
}

/// Refreshes the keys for as long as they are in use.
async fn keep_fresh(remote: Weak<Remote>, pace: Pace) {
    loop {
        tokio::time::sleep(pace.keep).await;
        let Some(remote) = remote.upgrade() else {
            return;
        };
        let fetch = {
            let mut state = remote.state();
            remote.fetch_in(&mut state)
        };
        fetch.await;
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

const MOST_BYTES: usize = 256 << 10;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic in a test is its report")]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::routing::get;
    use axum::{Json, Router};
    use jsonwebtoken::{Algorithm, EncodingKey};

    use super::*;

    const PACE: Pace = Pace {
        timeout: Duration::from_millis(400),
        keep: Duration::from_millis(100),
        unknown: Duration::ZERO,
        retry: Duration::ZERO,
    };

    /// A URL that returns the key `one` this many times, and then never responds.
    async fn endpoint(good: usize, pace: Pace) -> (Arc<Remote>, Arc<AtomicUsize>) {
        let pair = aws_lc_rs::signature::EcdsaKeyPair::generate(&aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING);
        let key = EncodingKey::from_ec_der(pair.unwrap().to_pkcs8v1().unwrap().as_ref());
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some("one".to_owned());
        let keys = JwkSet { keys: vec![jwk] };
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let answer = get(move || {
            let (number, keys) = (counter.fetch_add(1, Ordering::SeqCst), keys.clone());
            async move {
                if number >= good {
                    std::future::pending::<()>().await;
                }
                Json(keys)
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/", answer)).await });
        (Arc::new(Remote::new(&url, pace).unwrap()), asked)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn known_keys_verify_at_once_while_the_endpoint_hangs() {
        let (remote, asked) = endpoint(1, PACE).await;
        remote.find(Some("one")).await.unwrap();
        // Long enough for a background fetch, which hangs.
        while asked.load(Ordering::SeqCst) < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let unknown = tokio::spawn({
            let remote = Arc::clone(&remote);
            async move { remote.find(Some("two")).await }
        });
        for _ in 0..50 {
            let started = Instant::now();
            remote.find(Some("one")).await.unwrap();
            assert!(started.elapsed() < PACE.timeout / 2, "{:?}", started.elapsed());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let refused = tokio::time::timeout(PACE.timeout * 5, unknown).await.unwrap().unwrap();
        assert_eq!(refused.unwrap_err().code(), Code::Unavailable);
        remote.find(Some("one")).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn all_who_wait_wait_for_one_fetch_and_not_for_ever() {
        let (remote, asked) = endpoint(0, Pace { keep: Duration::from_secs(60), ..PACE }).await;
        let find = || {
            let remote = Arc::clone(&remote);
            tokio::spawn(async move { remote.find(Some("one")).await })
        };
        let started = Instant::now();
        let first = find();
        while asked.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // The first client disconnects. Its fetch continues, and the others wait for it.
        first.abort();
        for task in std::iter::repeat_with(find).take(40).collect::<Vec<_>>() {
            assert_eq!(task.await.unwrap().unwrap_err().code(), Code::Unavailable);
        }
        assert!(started.elapsed() < PACE.timeout * 5, "{:?}", started.elapsed());
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn unknown_keys_are_asked_for_within_a_budget() {
        let pace = Pace { unknown: Duration::from_secs(60), keep: Duration::from_secs(60), ..PACE };
        let (remote, asked) = endpoint(usize::MAX, pace).await;
        for id in 0..100 {
            let refused = remote.find(Some(&format!("made up {id}"))).await;
            assert_eq!(refused.unwrap_err().code(), Code::Unauthenticated);
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        remote.find(Some("one")).await.unwrap();
    }
}
