//! The streams that are open: how many, whose, and that they have to end when the router stops. Knows no protocol.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ahash::AHashMap;
use braid_gateway::refusal::Refusal;
use braid_request_context::identity::{CredentialKind, Principal};
use braid_telemetry::metrics::{Metrics, StreamLimit};
use http::StatusCode;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::config::StreamsConfig;

/// The open streams of a router, whichever version they began with.
#[derive(Debug)]
pub(crate) struct Streams {
    open: AtomicUsize,
    /// The number of streams by client. A client is a hash, which is small; nobody can choose it, since its seed is this process's own.
    clients: Mutex<AHashMap<u64, usize>>,
    seed: RandomState,
    /// Sockets, which nobody else waits for.
    pub(crate) sockets: TaskTracker,
    stopping: CancellationToken,
    /// The time over which streams end when the router stops. Set before it does.
    spread: Mutex<Duration>,
    metrics: Arc<Metrics>,
}

/// The place of an open stream, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    streams: Arc<Streams>,
    client: Option<u64>,
}

impl Streams {
    pub(crate) fn new(metrics: &Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            open: AtomicUsize::new(0),
            clients: Mutex::default(),
            seed: RandomState::new(),
            sockets: TaskTracker::new(),
            stopping: CancellationToken::new(),
            spread: Mutex::default(),
            metrics: metrics.clone(),
        })
    }

    /// A place for one more stream of a client, if there is one.
    pub(crate) fn take(self: &Arc<Self>, config: &StreamsConfig, client: Option<u64>) -> Result<Place, Refusal> {
        // From here on it is counted, and given back if it is refused.
        let place = Place { streams: self.clone(), client };
        let open = self.open.fetch_add(1, Ordering::Relaxed);
        let of_client = client.map_or(0, |client| {
            let mut clients = self.clients();
            let count = clients.entry(client).or_default();
            *count += 1;
            *count - 1
        });
        if open >= config.max {
            self.metrics.streams.refused(StreamLimit::All);
            let message = "The router has as many streams open as it takes; try again in a moment.";
            return Err(Refusal::fixed(StatusCode::SERVICE_UNAVAILABLE, "STREAM_LIMIT_REACHED", message));
        }
        if config.max_per_client.is_some_and(|most| of_client >= most) {
            self.metrics.streams.refused(StreamLimit::Client);
            let message = "The client has as many streams open as it may; end one of them first.";
            return Err(Refusal::fixed(StatusCode::SERVICE_UNAVAILABLE, "CLIENT_STREAM_LIMIT_REACHED", message));
        }
        Ok(place)
    }

    /// Who asks: by what is said of them, else by their address.
    pub(crate) fn client(&self, principal: Option<&Principal>, address: Option<IpAddr>) -> Option<u64> {
        // The name of an API key is somebody; that of a token's issuer is not.
        let subject =
            |principal: &Principal| principal.claims.get("sub").and_then(|subject| subject.as_str()).map(str::to_owned);
        match principal.map(|principal| (principal, subject(principal))) {
            Some((principal, subject)) if subject.is_some() || principal.kind != CredentialKind::Jwt => {
                Some(self.seed.hash_one((&*principal.source, subject)))
            }
            _ => address.map(|address| self.seed.hash_one(address)),
        }
    }

    /// Tells all streams to end, over so much time.
    pub(crate) fn stop(&self, spread: Duration) {
        *self.spread.lock().unwrap_or_else(PoisonError::into_inner) = spread;
        self.stopping.cancel();
        self.sockets.close();
    }

    /// Told when the router stops.
    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// How long a stream goes on after the router was told to stop: each for another time, so that not all clients come back at once.
    pub(crate) fn last_wait(&self) -> Duration {
        let spread = *self.spread.lock().unwrap_or_else(PoisonError::into_inner);
        spread.mul_f64(braid_telemetry::trace::random_share())
    }

    fn clients(&self) -> MutexGuard<'_, AHashMap<u64, usize>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.streams.open.fetch_sub(1, Ordering::Relaxed);
        let Some(client) = self.client else { return };
        let mut clients = self.streams.clients();
        if let Some(count) = clients.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                clients.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(taken: &Result<Place, Refusal>) -> Option<&str> {
        taken.as_ref().err()?.errors[0].code()
    }

    #[test]
    fn places_are_limited_in_all_and_by_client_and_given_back() {
        let streams = Streams::new(&Arc::default());
        let config = StreamsConfig { max: 3, max_per_client: Some(2), ..StreamsConfig::default() };
        let (ada, bob) =
            (streams.client(None, Some([10, 0, 0, 1].into())), streams.client(None, Some([10, 0, 0, 2].into())));
        assert_ne!(ada, bob);
        let first = streams.take(&config, ada);
        let second = streams.take(&config, ada);
        assert_eq!([code(&first), code(&second)], [None, None]);
        assert_eq!(code(&streams.take(&config, ada)), Some("CLIENT_STREAM_LIMIT_REACHED"));
        let third = streams.take(&config, bob);
        assert_eq!(code(&third), None);
        assert_eq!(code(&streams.take(&config, bob)), Some("STREAM_LIMIT_REACHED"));
        drop((first, second));
        assert_eq!(code(&streams.take(&config, ada)), None);
        drop(third);
        assert_eq!((streams.open.load(Ordering::Relaxed), streams.clients().len()), (0, 0));
    }
}
