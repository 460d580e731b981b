//! Hedging: an attempt that takes long gets a second one beside it, and the first good outcome counts. Knows no HTTP and no URL.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use braid_telemetry::metrics::SubgraphMetrics;
use futures_util::future::{Either, select};
use tokio::time::Instant;

use crate::budget::Budget;
use crate::config::HedgeConfig;
use crate::exchange::Attempt;

/// The hedging of queries to one subgraph.
#[derive(Debug)]
pub(crate) struct Hedge {
    delay: Delay,
    budget: Budget,
    metrics: SubgraphMetrics,
}

/// After which time a second attempt is made.
#[derive(Debug)]
enum Delay {
    Fixed(Duration),
    Measured(Percentile),
}

impl Hedge {
    pub(crate) fn new(config: &HedgeConfig, metrics: SubgraphMetrics) -> Self {
        let delay = match config.delay {
            Some(delay) => Delay::Fixed(delay.0),
            None => Delay::Measured(Percentile::new(config.percentile / 100.0)),
        };
        Self { delay, budget: Budget::new(0.0, config.ratio), metrics }
    }

    /// The outcome of `first`, or of `second` if that is started and better. The other one is dropped.
    pub(crate) async fn race<F: Future<Output = Attempt>>(&self, first: F, second: impl FnOnce() -> F) -> Attempt {
        self.budget.earn();
        let began = Instant::now();
        let mut first = pin!(first);
        let early = match self.delay() {
            Some(delay) => tokio::time::timeout(delay, first.as_mut()).await.ok(),
            None => Some(first.as_mut().await),
        };
        let attempt = match early {
            Some(attempt) => attempt,
            None if !self.budget.take() => first.await,
            None => {
                self.metrics.hedges.inc();
                match select(first, pin!(second())).await {
                    Either::Left((attempt, second)) => self.better(attempt, second, true).await,
                    Either::Right((attempt, first)) => self.better(attempt, first, false).await,
                }
            }
        };
        if attempt.is_good() {
            self.took(began.elapsed());
        }
        attempt
    }

    /// The attempt that ended, if it is good; otherwise the other one, if that turns out to be.
    async fn better(&self, ended: Attempt, other: impl Future<Output = Attempt>, ended_is_first: bool) -> Attempt {
        let (attempt, is_first) = match ended.is_good() {
            true => (ended, ended_is_first),
            false => match other.await {
                other if other.is_good() => (other, !ended_is_first),
                _ => return ended,
            },
        };
        if !is_first {
            self.metrics.hedges_won.inc();
        }
        attempt
    }

    fn delay(&self) -> Option<Duration> {
        match &self.delay {
            Delay::Fixed(delay) => Some(*delay),
            Delay::Measured(percentile) => percentile.get(),
        }
    }

    /// Where the second attempt won, this is still the time since the first began: counting only those that were answered early would
    /// make the delay shorter and shorter.
    fn took(&self, took: Duration) {
        if let Delay::Measured(percentile) = &self.delay {
            percentile.add(took);
        }
    }
}

/// The percentile of durations, followed with one word of memory: each duration above the estimate raises it by a small factor, each
/// one below lowers it, and the factors are such that they cancel out at the percentile. It forgets the past by itself.
#[derive(Debug)]
struct Percentile {
    quantile: f32,
    /// The number of durations, up to [`ENOUGH`], and the estimate in seconds as bits of `f32`.
    state: AtomicU64,
}

/// The number of durations before the estimate is used.
const ENOUGH: u32 = 50;

/// How far a duration moves the estimate: large enough that a hundred of them follow a change, small enough to average over as many.
const STEP: f32 = 0.1;

impl Percentile {
    fn new(quantile: f64) -> Self {
        Self { quantile: quantile as f32, state: AtomicU64::new(0) }
    }

    fn add(&self, duration: Duration) {
        let seconds = duration.as_secs_f32();
        let moved = |state| {
            let (count, estimate) = unpack(state);
            let factor = match seconds > estimate {
                true => 1.0 + STEP * self.quantile,
                false => 1.0 - STEP * (1.0 - self.quantile),
            };
            let estimate = if count == 0 { seconds } else { estimate * factor };
            // Never stuck at zero, which no factor changes.
            Some(pack((count + 1).min(ENOUGH), estimate.max(1e-6)))
        };
        // A function that always has a value can't fail.
        let _ = self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, moved);
    }

    /// The estimate, once there are enough durations.
    fn get(&self) -> Option<Duration> {
        let (count, estimate) = unpack(self.state.load(Ordering::Relaxed));
        (count >= ENOUGH).then(|| Duration::try_from_secs_f32(estimate).unwrap_or(Duration::MAX))
    }
}

fn pack(count: u32, estimate: f32) -> u64 {
    (u64::from(count) << 32) | u64::from(estimate.to_bits())
}

fn unpack(state: u64) -> (u32, f32) {
    ((state >> 32) as u32, f32::from_bits(state as u32))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use braid_executor::{SubgraphError, SubgraphErrorKind, SubgraphResponse};
    use braid_request_context::headers::SubgraphHeaders;
    use braid_settings::Duration as Time;
    use braid_telemetry::metrics::Metrics;
    use bytes::Bytes;

    use super::*;

    /// An attempt that ends after a time, well or badly.
    async fn attempt(millis: u64, body: Option<&'static str>) -> Attempt {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        let failed = |message: &str| SubgraphError {
            kind: SubgraphErrorKind::Transport,
            message: message.to_owned(),
            retryable: true,
        };
        let response = |body: &'static str| {
            SubgraphResponse::new(200, Bytes::from_static(body.as_bytes()), SubgraphHeaders::default())
        };
        Attempt { is_failure: body.is_none(), outcome: body.map(response).ok_or_else(|| failed("down")) }
    }

    /// The body, the time it took in milliseconds, and the numbers of hedges that were sent and that won.
    async fn raced(
        first: (u64, Option<&'static str>),
        second: (u64, Option<&'static str>),
    ) -> (Option<Bytes>, u128, [u64; 2]) {
        let config = HedgeConfig { delay: Some(Time::millis(100)), ratio: 1.0, ..HedgeConfig::default() };
        let hedge = Hedge::new(&config, Metrics::default().subgraph("users", []));
        let began = Instant::now();
        let next = AtomicUsize::new(0);
        let send = || {
            let (millis, body) = [first, second][next.fetch_add(1, Ordering::Relaxed)];
            attempt(millis, body)
        };
        let attempt = hedge.race(send(), send).await;
        let took = began.elapsed().as_millis();
        let counts = [hedge.metrics.hedges.get(), hedge.metrics.hedges_won.get()];
        (attempt.outcome.ok().map(|response| response.body), took, counts)
    }

    #[tokio::test]
    async fn the_first_good_outcome_counts() {
        let (first, second) = (Some("first"), Some("second"));
        for (attempts, expected, took, counts) in [
            ([(5, first), (0, second)], first, 0, [0, 0]),
            ([(2000, first), (20, second)], second, 120, [1, 1]),
            ([(300, first), (2000, second)], first, 300, [1, 0]),
            // A failure before the delay is for the retry.
            ([(5, None), (0, second)], None, 0, [0, 0]),
            ([(150, None), (300, second)], second, 400, [1, 1]),
            ([(500, first), (10, None)], first, 500, [1, 0]),
            ([(300, None), (10, None)], None, 300, [1, 0]),
        ] {
            let (body, elapsed, seen) = raced(attempts[0], attempts[1]).await;
            assert_eq!(body, expected.map(|body| Bytes::from_static(body.as_bytes())), "{attempts:?}");
            assert_eq!(seen, counts, "{attempts:?}");
            assert!((took..took + 1000).contains(&elapsed), "{attempts:?} took {elapsed} ms");
        }
    }

    #[tokio::test]
    async fn the_budget_is_a_share_of_the_queries() {
        let config = HedgeConfig { delay: Some(Time::millis(1)), ratio: 0.1, ..HedgeConfig::default() };
        let hedge = Hedge::new(&config, Metrics::default().subgraph("users", []));
        for _ in 0..50 {
            hedge.race(attempt(10, Some("slow")), || attempt(10, Some("slow"))).await;
        }
        assert_eq!(hedge.metrics.hedges.get(), 5);
    }

    #[test]
    fn a_percentile_is_followed() {
        let percentile = Percentile::new(0.95);
        let mut random = 1_u64;
        // Evenly spread up to the given number of milliseconds.
        let mut add = |most: u64, times: usize| {
            for _ in 0..times {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                percentile.add(Duration::from_micros((random >> 33) % (most * 1000)));
            }
            percentile.get()
        };
        assert_eq!(add(100, 49), None, "too few to say");
        for most in [100, 10, 1000] {
            let estimate = add(most, 5000).unwrap().as_secs_f64() * 1000.0 / most as f64;
            assert!((0.8..1.2).contains(&estimate), "{estimate} of {most}");
        }
    }
}
