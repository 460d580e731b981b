//! The keys at an address: fetched in the background, and earlier when a token names one that is not known. Knows no token.
//!
//! A key that is known verifies at once, whatever the address does. Only a request whose key is not known waits, for the one fetch that
//! is under way. Made-up key ids have the keys fetched no more often than [`Pace`] allows. A fetch that fails changes nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use braid_net::tls::Fingerprint;
use braid_net::{Endpoint, chain};
use braid_telemetry::trace::random;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use http::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use tokio::runtime::Handle;

use crate::algorithm::Algorithm;
use crate::config::JwksUrl;
use crate::key_set::KeySet;

/// The keys at an address.
#[derive(Debug)]
pub(crate) struct RemoteKeys {
    origin: Origin,
    endpoint: Endpoint,
    headers: HeaderMap,
    pace: Pace,
    keys: ArcSwap<KeySet>,
    state: Mutex<State>,
    runtime: Handle,
}

/// All that the keys depend on: while it is the same, a reload of the configuration keeps them.
#[derive(Debug, PartialEq)]
struct Origin {
    provider: String,
    config: JwksUrl,
    certificates: Fingerprint,
    accepted: Vec<Algorithm>,
}

/// How often the keys are fetched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Between fetches in the background.
    pub(crate) poll: Duration,
    /// Until the first repetition of a fetch in the background that failed; each further one comes after twice the time.
    pub(crate) retry: Duration,
    /// How many fetches unknown keys can cause at once.
    pub(crate) burst: u32,
    /// How long it takes until they can cause one more.
    pub(crate) refill: Duration,
}

impl Pace {
    pub(crate) fn new(poll: Duration) -> Self {
        Self { poll, retry: Duration::from_secs(1), burst: 2, refill: Duration::from_secs(30) }
    }
}

#[derive(Debug)]
struct State {
    /// The latest fetch, which may be under way.
    fetch: Option<Fetch>,
    /// Why the latest fetch failed.
    failure: Option<String>,
    budget: Budget,
}

/// How many fetches unknown keys can still cause.
#[derive(Debug)]
struct Budget {
    left: u32,
    since: Instant,
}

/// A fetch, for all who wait for it. It goes on when none of them does.
pub(crate) type Fetch = Shared<BoxFuture<'static, ()>>;

const MAX_BYTES: usize = 1 << 20;
const LONGEST_RETRY: Duration = Duration::from_secs(30);

impl RemoteKeys {
    /// The keys of a provider at an address, for these algorithms. Those of `previous` are kept if they come from the same place. Must
    /// be called on a runtime, which does the fetching.
    pub(crate) fn new<'a>(
        provider: &str,
        config: &JwksUrl,
        accepted: &[Algorithm],
        previous: impl Iterator<Item = &'a Arc<Self>>,
    ) -> Result<Arc<Self>, String> {
        let origin = Origin {
            provider: provider.to_owned(),
            config: config.clone(),
            certificates: Fingerprint::of(config.tls.files()),
            accepted: accepted.to_vec(),
        };
        match { previous }.find(|keys| keys.origin == origin) {
            Some(keys) => Ok(keys.clone()),
            None => Self::start(origin, Pace::new(config.poll_interval.0)),
        }
    }

    fn start(origin: Origin, pace: Pace) -> Result<Arc<Self>, String> {
        let JwksUrl { url, timeout, headers, tls, .. } = &origin.config;
        let mut map = HeaderMap::new();
        map.insert(ACCEPT, HeaderValue::from_static("application/jwk-set+json, application/json"));
        for (name, value) in headers {
            let pair = (name.parse::<HeaderName>(), value.0.parse::<HeaderValue>());
            let (Ok(name), Ok(mut value)) = pair else { return Err(format!("the header \"{name}\" can't be sent")) };
            value.set_sensitive(true);
            map.insert(name, value);
        }
        let runtime = Handle::try_current().map_err(|_| "there is no runtime to fetch keys on".to_owned())?;
        let keys = Arc::new(Self {
            endpoint: Endpoint::new(url, tls, MAX_BYTES, timeout.0).map_err(|error| chain(&error))?,
            headers: map,
            pace,
            keys: ArcSwap::default(),
            state: Mutex::new(State {
                fetch: None,
                failure: None,
                budget: Budget { left: pace.burst, since: Instant::now() },
            }),
            runtime,
            origin,
        });
        // Under way before the first request, so that it waits for this one and causes none.
        let first = keys.fetch_in(&mut keys.state());
        keys.runtime.spawn(keep_fresh(Arc::downgrade(&keys), pace, first));
        Ok(keys)
    }

    /// The keys that are known.
    pub(crate) fn known(&self) -> arc_swap::Guard<Arc<KeySet>> {
        self.keys.load()
    }

    /// The fetch to wait for when a key is not known: the one under way, or a new one if the budget has one left.
    pub(crate) fn fetch_for_unknown(self: &Arc<Self>) -> Option<Fetch> {
        let mut state = self.state();
        if state.under_way().is_none() && !state.budget.take(self.pace) {
            return None;
        }
        Some(self.fetch_in(&mut state))
    }

    /// Whether the latest fetch failed, so that a key that is not known may yet exist.
    pub(crate) fn are_unavailable(&self) -> bool {
        self.state().failure.is_some()
    }

    /// The fetch that is under way, or a new one. It is a task of its own: whoever asked for it may hang up.
    fn fetch_in(self: &Arc<Self>, state: &mut State) -> Fetch {
        if let Some(fetch) = state.under_way() {
            return fetch;
        }
        let keys = Arc::clone(self);
        let task = self.runtime.spawn(async move { keys.fetch().await });
        let fetch = task.map(drop).boxed().shared();
        state.fetch = Some(fetch.clone());
        fetch
    }

    async fn fetch(&self) {
        let read = self.read().await;
        let (provider, url) = (&self.origin.provider, &self.origin.config.url);
        let mut state = self.state();
        match read {
            Ok(next) => {
                if state.failure.take().is_some() {
                    tracing::info!(%provider, %url, "The token keys can be fetched again");
                }
                let previous = self.keys.load();
                if previous.unusable != next.unusable {
                    tracing::debug!(%provider, %url, problems = next.unusable.join("; "), "Some token keys can't be used");
                }
                previous.withdraw_missing_in(&next);
                self.keys.store(Arc::new(next));
            }
            Err(problem) => {
                // While it stays the same, logging it again would only be noise.
                if state.failure.as_ref() != Some(&problem) {
                    tracing::error!(%provider, %url, problem, "The token keys can't be fetched; the known ones stay in use");
                }
                state.failure = Some(problem);
            }
        }
    }

    async fn read(&self) -> Result<KeySet, String> {
        let response = self.endpoint.get(self.headers.clone()).await;
        let (status, body) = response.map_err(|error| chain(&error))?;
        if !status.is_success() {
            return Err(format!("it answered {status}"));
        }
        KeySet::from_json(&body, &self.origin.accepted, Some(&self.keys.load()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn under_way(&self) -> Option<Fetch> {
        self.fetch.clone().filter(|fetch| fetch.peek().is_none())
    }
}

impl Budget {
    fn take(&mut self, pace: Pace) -> bool {
        let refills = self.since.elapsed().as_nanos().checked_div(pace.refill.as_nanos()).unwrap_or(u128::MAX);
        let refills = u32::try_from(refills).unwrap_or(u32::MAX);
        if refills > 0 {
            self.left = self.left.saturating_add(refills).min(pace.burst);
            self.since += pace.refill.saturating_mul(refills);
        }
        let granted = self.left > 0;
        self.left = self.left.saturating_sub(1);
        granted
    }
}

/// Fetches the keys again and again, for as long as somebody uses them.
async fn keep_fresh(keys: Weak<RemoteKeys>, pace: Pace, first: Fetch) {
    let (mut fetch, mut retry) = (first, pace.retry);
    loop {
        fetch.await;
        let Some(failed) = keys.upgrade().map(|keys| keys.are_unavailable()) else { return };
        let pause = if failed { retry.min(pace.poll) } else { pace.poll };
        retry = if failed { (retry * 2).min(LONGEST_RETRY) } else { pace.retry };
        tokio::time::sleep(jittered(pause)).await;
        let Some(keys) = keys.upgrade() else { return };
        fetch = keys.fetch_in(&mut keys.state());
    }
}

/// Up to a tenth more or less, so that routers that start together don't ask together.
fn jittered(pause: Duration) -> Duration {
    let thousandths = u32::try_from(random() % 200).unwrap_or(0);
    pause / 1000 * (900 + thousandths)
}
