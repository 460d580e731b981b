//! The URLs at which a subgraph runs: chooses one for each attempt and sends the attempt there. Knows no retry.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use braid_executor::SubgraphRequest;
use braid_net::{Counted, UrlError};
use braid_request_context::SubgraphContext;
use braid_telemetry::metrics::SubgraphMetrics;
use braid_telemetry::trace::random;
use http::HeaderMap;

use crate::config::{MAX_URLS, Traffic};
use crate::ejection::Ejection;
use crate::exchange::{Attempt, Exchange};
use crate::open::PassOn;
use crate::upload::Upload;

/// The URLs of a subgraph.
#[derive(Debug)]
pub(crate) struct Endpoints {
    all: Vec<Endpoint>,
    /// None with a single URL.
    ejection: Option<Ejection>,
}

#[derive(Debug)]
struct Endpoint {
    exchange: Exchange,
    in_flight: AtomicUsize,
}

/// The URLs that a request was sent to, one bit for each: another attempt goes to one that is not among them, if there is one.
/// There are at most [`MAX_URLS`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tried(u64);

impl Endpoints {
    pub(crate) fn new(
        subgraph: &str,
        urls: &[String],
        traffic: &Traffic,
        metrics: &SubgraphMetrics,
        now: Instant,
    ) -> Result<Self, UrlError> {
        let endpoint =
            |url: &String| Ok(Endpoint { exchange: Exchange::new(url, traffic)?, in_flight: AtomicUsize::new(0) });
        let ejection = traffic.ejection.clone().filter(|_| urls.len() > 1);
        Ok(Self {
            all: urls.iter().map(endpoint).collect::<Result<_, UrlError>>()?,
            ejection: ejection.map(|config| Ejection::new(subgraph, urls, config, metrics.clone(), now)),
        })
    }

    /// Whether there is a URL that is not among these.
    pub(crate) fn has_untried(&self, tried: Tried) -> bool {
        self.all.len() > 1 && (tried.0.count_ones() as usize) < self.all.len()
    }

    /// Chooses a URL: of two that are drawn at random, the one with fewer requests in flight. The least loaded of all would get every
    /// request of every router at once.
    pub(crate) fn choose(&self, tried: &mut Tried) -> usize {
        if self.all.len() == 1 {
            return 0;
        }
        let chosen = self.draw(self.candidates(*tried, Instant::now()));
        tried.0 |= 1 << chosen;
        chosen
    }

    /// Sends an attempt to a URL that [`Self::choose`] returned. Its outcome counts for the URL; given up, it counts for nothing.
    pub(crate) async fn call(
        &self,
        chosen: usize,
        request: &SubgraphRequest,
        headers: HeaderMap,
        context: &SubgraphContext,
        deadline: Instant,
    ) -> Attempt {
        let Endpoint { exchange, in_flight } = &self.all[chosen];
        if self.all.len() == 1 {
            return exchange.call(request, headers, context, deadline).await;
        }
        let _counted = Counted::add(in_flight, usize::MAX);
        let began = Instant::now();
        let attempt = exchange.call(request, headers, context, deadline).await;
        if let Some(ejection) = &self.ejection {
            ejection.record(chosen, began, Instant::now(), attempt.is_failure);
        }
        attempt
    }

    /// The same for an attempt whose response is passed on as it arrives.
    pub(crate) async fn pass_on(&self, chosen: usize, passing: PassOn<'_>, headers: HeaderMap) -> Attempt {
        let Endpoint { exchange, in_flight } = &self.all[chosen];
        let _counted = Counted::add(in_flight, usize::MAX);
        let began = Instant::now();
        let attempt = exchange.pass_on(passing, headers).await;
        if let Some(ejection) = &self.ejection {
            ejection.record(chosen, began, Instant::now(), attempt.is_failure);
        }
        attempt
    }

    /// Sends a request with files to a URL that [`Self::choose`] returned.
    pub(crate) async fn upload(
        &self,
        chosen: usize,
        request: &SubgraphRequest,
        upload: Upload,
        headers: HeaderMap,
        context: &SubgraphContext,
        deadline: Instant,
    ) -> Attempt {
        let Endpoint { exchange, in_flight } = &self.all[chosen];
        let _counted = Counted::add(in_flight, usize::MAX);
        exchange.upload(request, upload, headers, context, deadline).await
    }

    /// The URLs to draw from, as bits: those that are in and not tried yet, or else those that are in, or else all.
    fn candidates(&self, tried: Tried, now: Instant) -> u64 {
        let all = u64::MAX >> (MAX_URLS - self.all.len());
        let is_in = |url: &usize| !self.ejection.as_ref().is_some_and(|ejection| ejection.is_out(*url, now));
        let within = (0..self.all.len()).filter(is_in).fold(0, |bits, url| bits | 1 << url);
        match (within & !tried.0, within) {
            (0, 0) => all,
            (0, within) => within,
            (fresh, _) => fresh,
        }
    }

    fn draw(&self, candidates: u64) -> usize {
        let count = u64::from(candidates.count_ones());
        let random = random();
        let first = random % count;
        if count == 1 {
            return nth(candidates, first);
        }
        let second = (first + 1 + (random >> 32) % (count - 1)) % count;
        let (first, second) = (nth(candidates, first), nth(candidates, second));
        let load = |url: usize| self.all[url].in_flight.load(Ordering::Relaxed);
        // The order of the two is random, so that a tie is too.
        if load(second) < load(first) { second } else { first }
    }
}

/// The position of a bit that is set, counted from the lowest.
fn nth(bits: u64, number: u64) -> usize {
    (0..number).fold(bits, |bits, _| bits & (bits - 1)).trailing_zeros() as usize
}

#[cfg(test)]
mod tests {
    use braid_telemetry::metrics::Metrics;

    use super::*;

    fn endpoints(number: usize) -> Endpoints {
        let urls: Vec<String> = (1..=number).map(|port| format!("http://127.0.0.1:{port}/")).collect();
        let metrics = Metrics::default().subgraph("users", []);
        Endpoints::new("users", &urls, &Traffic::default(), &metrics, Instant::now()).unwrap()
    }

    fn chosen(endpoints: &Endpoints) -> Vec<usize> {
        let mut counts = vec![0; endpoints.all.len()];
        (0..4000).for_each(|_| counts[endpoints.choose(&mut Tried::default())] += 1);
        counts
    }

    #[test]
    fn urls_without_load_get_the_same_share() {
        for count in [2, 3, 64] {
            let even = 4000 / count;
            let counts = chosen(&endpoints(count));
            assert!(counts.iter().all(|times| *times > even / 3 && *times < even * 3), "{counts:?}");
        }
    }

    #[test]
    fn the_most_loaded_url_is_never_chosen_of_two() {
        let endpoints = endpoints(3);
        endpoints.all[1].in_flight.store(5, Ordering::Relaxed);
        let counts = chosen(&endpoints);
        assert_eq!(counts[1], 0);
        assert!(counts[0] > 1000 && counts[2] > 1000, "{counts:?}");
    }

    #[test]
    fn another_attempt_goes_to_another_url() {
        let endpoints = endpoints(3);
        for _ in 0..100 {
            let mut tried = Tried::default();
            let mut chosen = [0; 3].map(|_| endpoints.choose(&mut tried));
            assert!(!endpoints.has_untried(tried));
            chosen.sort_unstable();
            assert_eq!(chosen, [0, 1, 2]);
            endpoints.choose(&mut tried);
        }
    }

    #[test]
    fn an_ejected_url_is_not_chosen_for_another_attempt_either() {
        let endpoints = endpoints(2);
        let now = Instant::now();
        let ejection = endpoints.ejection.as_ref().unwrap();
        (0..5).for_each(|_| ejection.record(0, now, now, true));
        assert_eq!(chosen(&endpoints)[0], 0);
        let mut tried = Tried::default();
        assert_eq!([endpoints.choose(&mut tried), endpoints.choose(&mut tried)], [1, 1]);
    }

    #[test]
    fn bits_are_found_by_number() {
        assert_eq!([0, 1, 2].map(|number| nth(0b1_0110, number)), [1, 2, 4]);
        assert_eq!(nth(u64::MAX, 63), 63);
    }
}
