//! The circuit breaker of a subgraph: while too many requests fail, it refuses further ones. Knows no HTTP and no retry.
//!
//! ```text
//! closed ──too many failures──▶ open ──open_time──▶ half-open ──all probes succeed──▶ closed
//!                                ▲                      │
//!                                └────a probe fails─────┘
//! ```
//!
//! A closed circuit costs a request two reads and one atomic addition, an open one two reads. Only changes of state, and probes, take a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use braid_telemetry::metrics::SubgraphMetrics;

use crate::config::CircuitBreakerConfig;
use crate::window::{Counts, Window};

/// The circuit breaker of a subgraph.
#[derive(Debug)]
pub(crate) struct CircuitBreaker {
    subgraph: String,
    config: CircuitBreakerConfig,
    start: Instant,
    window: Window,
    /// [`CLOSED`], [`HALF_OPEN`], or the end of the open time in microseconds since the start. Written with the lock held.
    phase: AtomicU64,
    /// Counts the changes of state, so that a request that ends after a change says nothing about the new state.
    period: AtomicU64,
    probes: Mutex<Probes>,
    metrics: SubgraphMetrics,
}

const CLOSED: u64 = 0;
const HALF_OPEN: u64 = u64::MAX;

/// The values of the metric.
const SHOWN_CLOSED: i64 = 0;
const SHOWN_OPEN: i64 = 1;
const SHOWN_HALF_OPEN: i64 = 2;

/// The probes of a half-open circuit.
#[derive(Debug, Default)]
struct Probes {
    under_way: u32,
    succeeded: u32,
}

/// A request that may be made. Dropped without an outcome, it counts as neither success nor failure, and a probe is given back.
#[derive(Debug)]
pub(crate) struct Passage<'a> {
    breaker: &'a CircuitBreaker,
    period: u64,
    pub(crate) is_probe: bool,
}

/// The circuit is open.
#[derive(Debug, PartialEq)]
pub(crate) struct Open {
    /// The time until requests are let through again; zero if others are tried right now.
    pub(crate) wait: Duration,
}

impl CircuitBreaker {
    /// A closed circuit.
    pub(crate) fn new(subgraph: &str, config: CircuitBreakerConfig, metrics: SubgraphMetrics, now: Instant) -> Self {
        Self {
            subgraph: subgraph.to_owned(),
            start: now,
            window: Window::new(config.window.0, now),
            phase: AtomicU64::new(CLOSED),
            period: AtomicU64::new(0),
            probes: Mutex::default(),
            metrics,
            config,
        }
    }

    /// Whether it is open or half-open.
    pub(crate) fn is_open(&self) -> bool {
        self.phase.load(Ordering::Relaxed) != CLOSED
    }

    /// Lets a request pass, unless the circuit is open.
    pub(crate) fn pass(&self, now: Instant) -> Result<Passage<'_>, Open> {
        let period = self.period.load(Ordering::Acquire);
        match self.phase.load(Ordering::Acquire) {
            CLOSED => Ok(Passage { breaker: self, period, is_probe: false }),
            until if until != HALF_OPEN && self.micros(now) < until => Err(self.open(until, now)),
            _ => self.probe(now),
        }
    }

    /// Lets a request pass as a probe, if the circuit is half-open or its open time is over.
    fn probe(&self, now: Instant) -> Result<Passage<'_>, Open> {
        let mut probes = self.lock();
        match self.phase.load(Ordering::Relaxed) {
            CLOSED => {
                let period = self.period.load(Ordering::Relaxed);
                return Ok(Passage { breaker: self, period, is_probe: false });
            }
            HALF_OPEN => {}
            until if self.micros(now) < until => return Err(self.open(until, now)),
            _ => {
                *probes = Probes::default();
                self.change(HALF_OPEN, SHOWN_HALF_OPEN);
                tracing::info!(subgraph = self.subgraph, "The circuit is half-open: a few requests are sent as probes");
            }
        }
        if probes.under_way + probes.succeeded >= self.config.probes {
            return Err(Open { wait: Duration::ZERO });
        }
        probes.under_way += 1;
        Ok(Passage { breaker: self, period: self.period.load(Ordering::Relaxed), is_probe: true })
    }

    /// Opens a closed circuit if too many requests failed.
    fn failed(&self, period: u64, now: Instant) {
        let counts = self.window.counts(now);
        if !counts.reach(self.config.min_requests, self.config.failure_ratio) {
            return;
        }
        let _probes = self.lock();
        if self.period.load(Ordering::Relaxed) == period && self.phase.load(Ordering::Relaxed) == CLOSED {
            self.trip(now);
            let Counts { requests, failures } = counts;
            tracing::warn!(
                subgraph = self.subgraph,
                failures,
                requests,
                open_ms = self.config.open_time.0.as_millis() as u64,
                "The circuit opened: too many requests failed, so the subgraph is not asked for a while"
            );
        }
    }

    /// Takes the outcome of a probe, or none if it was given up.
    fn probed(&self, period: u64, now: Instant, is_failure: Option<bool>) {
        let mut probes = self.lock();
        if self.period.load(Ordering::Relaxed) != period {
            return;
        }
        probes.under_way -= 1;
        match is_failure {
            None => {}
            Some(true) => {
                self.trip(now);
                tracing::warn!(subgraph = self.subgraph, "The circuit opened again: a probe failed");
            }
            Some(false) => {
                probes.succeeded += 1;
                if probes.succeeded >= self.config.probes {
                    self.window.clear();
                    self.change(CLOSED, SHOWN_CLOSED);
                    tracing::info!(subgraph = self.subgraph, "The circuit closed: all probes succeeded");
                }
            }
        }
    }

    fn trip(&self, now: Instant) {
        let open_time = u64::try_from(self.config.open_time.0.as_micros()).unwrap_or(u64::MAX);
        self.change(self.micros(now).saturating_add(open_time).clamp(1, HALF_OPEN - 1), SHOWN_OPEN);
    }

    /// Changes the state. The lock must be held.
    fn change(&self, phase: u64, shown: i64) {
        self.period.fetch_add(1, Ordering::AcqRel);
        self.phase.store(phase, Ordering::Release);
        self.metrics.circuit_state.set(shown);
    }

    fn open(&self, until: u64, now: Instant) -> Open {
        Open { wait: Duration::from_micros(until.saturating_sub(self.micros(now))) }
    }

    fn micros(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.start).as_micros()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Probes> {
        self.probes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Passage<'_> {
    /// Takes the outcome of the request.
    pub(crate) fn ended(self, now: Instant, is_failure: bool) {
        let Self { breaker, period, is_probe } = self;
        // The outcome is known: there is nothing left for the drop to do.
        std::mem::forget(self);
        if is_probe {
            breaker.probed(period, now, Some(is_failure));
        } else if breaker.period.load(Ordering::Acquire) == period {
            breaker.window.record(now, is_failure);
            if is_failure {
                breaker.failed(period, now);
            }
        }
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        if self.is_probe {
            self.breaker.probed(self.period, self.breaker.start, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use braid_settings::Duration as Time;
    use braid_telemetry::metrics::Metrics;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn breaker(now: Instant) -> CircuitBreaker {
        let config = CircuitBreakerConfig {
            min_requests: 4,
            probes: 2,
            open_time: Time(10 * SECOND),
            ..CircuitBreakerConfig::default()
        };
        let metrics = Metrics::default().subgraph("users", []);
        CircuitBreaker::new("users", config, metrics, now)
    }

    fn end(breaker: &CircuitBreaker, now: Instant, failures: &[bool]) {
        failures.iter().for_each(|is_failure| breaker.pass(now).unwrap().ended(now, *is_failure));
    }

    fn opened(now: Instant) -> CircuitBreaker {
        let breaker = breaker(now);
        end(&breaker, now, &[true; 4]);
        breaker
    }

    #[test]
    fn it_opens_at_the_share_and_not_below_the_minimum() {
        let now = Instant::now();
        let breaker = breaker(now);
        end(&breaker, now, &[true, true, true]);
        assert!(breaker.pass(now).is_ok(), "three requests are too few");
        end(&breaker, now, &[false, false, false, false]);
        end(&breaker, now, &[false]);
        assert!(breaker.pass(now).is_ok());
        end(&breaker, now, &[true]);
        assert!(breaker.pass(now).is_ok(), "4 of 9");
        end(&breaker, now, &[true]);
        assert_eq!(breaker.pass(now).unwrap_err().wait, 10 * SECOND);
        assert_eq!(breaker.pass(now + 4 * SECOND).unwrap_err().wait, 6 * SECOND);
        assert_eq!(breaker.metrics.circuit_state.get(), SHOWN_OPEN);
    }

    #[test]
    fn failures_that_are_spread_over_time_do_not_add_up() {
        let start = Instant::now();
        let breaker = breaker(start);
        for minute in 0..20 {
            end(&breaker, start + minute * 60 * SECOND, &[true, true, true]);
        }
        assert_eq!(breaker.metrics.circuit_state.get(), SHOWN_CLOSED);
    }

    #[test]
    fn probes_close_it() {
        let now = Instant::now();
        let breaker = opened(now);
        let later = now + 10 * SECOND;
        let (first, second) = (breaker.pass(later).unwrap(), breaker.pass(later).unwrap());
        assert!(first.is_probe && second.is_probe);
        assert_eq!(breaker.metrics.circuit_state.get(), SHOWN_HALF_OPEN);
        assert_eq!(breaker.pass(later).unwrap_err().wait, Duration::ZERO);
        first.ended(later, false);
        assert!(breaker.pass(later).is_err(), "two probes are all");
        second.ended(later, false);
        assert_eq!(breaker.metrics.circuit_state.get(), SHOWN_CLOSED);
        assert!(!breaker.pass(later).unwrap().is_probe);
        end(&breaker, later, &[true, true, true]);
        assert!(breaker.pass(later).is_ok(), "it counts from the beginning");
    }

    #[test]
    fn a_failed_probe_opens_it_again() {
        let now = Instant::now();
        let breaker = opened(now);
        let later = now + 10 * SECOND;
        let (first, second) = (breaker.pass(later).unwrap(), breaker.pass(later).unwrap());
        first.ended(later, true);
        assert_eq!(breaker.pass(later + SECOND).unwrap_err().wait, 9 * SECOND);
        second.ended(later, false);
        assert!(breaker.pass(later + SECOND).is_err(), "the other probe was of the time before");
        end(&breaker, later + 10 * SECOND, &[false, false]);
        assert_eq!(breaker.metrics.circuit_state.get(), SHOWN_CLOSED);
    }

    #[test]
    fn a_probe_that_is_given_up_is_given_back() {
        let now = Instant::now();
        let breaker = opened(now);
        let later = now + 10 * SECOND;
        for _ in 0..10 {
            drop(breaker.pass(later).unwrap());
        }
        end(&breaker, later, &[false, false]);
        assert_eq!(breaker.metrics.circuit_state.get(), SHOWN_CLOSED);
    }

    #[test]
    fn a_request_that_is_given_up_says_nothing() {
        let now = Instant::now();
        let breaker = breaker(now);
        for _ in 0..100 {
            drop(breaker.pass(now).unwrap());
        }
        assert_eq!(breaker.window.counts(now), Counts::default());
    }

    #[test]
    fn what_began_before_a_change_says_nothing_after_it() {
        let now = Instant::now();
        let breaker = breaker(now);
        let slow: Vec<_> = (0..10).map(|_| breaker.pass(now).unwrap()).collect();
        end(&breaker, now, &[true; 4]);
        let later = now + 10 * SECOND;
        end(&breaker, later, &[false, false]);
        slow.into_iter().for_each(|passage| passage.ended(later, true));
        assert_eq!(breaker.window.counts(later), Counts::default());
        assert!(breaker.pass(later).is_ok());
    }

    #[test]
    fn a_clock_that_goes_back_changes_nothing() {
        let now = Instant::now() + 100 * SECOND;
        let breaker = opened(now);
        assert!(breaker.pass(now - 50 * SECOND).is_err());
        end(&breaker, now + 10 * SECOND, &[false, false]);
        assert!(breaker.pass(now - 50 * SECOND).is_ok());
    }

    #[test]
    fn many_threads_get_no_more_probes() {
        let now = Instant::now();
        let breaker = opened(now);
        let later = now + 10 * SECOND;
        let passed = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        if let Ok(passage) = breaker.pass(later) {
                            passed.fetch_add(1, Ordering::Relaxed);
                            std::mem::forget(passage);
                        }
                    }
                });
            }
        });
        assert_eq!(passed.into_inner(), 2);
    }
}
