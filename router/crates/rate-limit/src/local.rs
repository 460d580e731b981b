//! What this router remembers of keys by itself: bounded, the least used ones are forgotten first. Knows no rule.
//!
//! Not the keyed state of a library for rate limits: keys come from clients, and those tables grow until somebody sweeps them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use braid_telemetry::trace::random;
use quick_cache::sync::Cache;

use crate::gcra::{Decision, Quota};
use crate::key::Key;

/// Keys and their theoretical arrival times. Outlives reloads.
#[derive(Debug)]
pub(crate) struct Local {
    start: Instant,
    seed: u64,
    max_keys: usize,
    arrivals: Cache<u128, Arc<AtomicU64>>,
}

/// What was taken, so that it can be given back.
pub(crate) struct Taken {
    arrival: Arc<AtomicU64>,
    nanos: u64,
}

impl Local {
    pub(crate) fn new(max_keys: usize) -> Self {
        Self { start: Instant::now(), seed: random(), max_keys, arrivals: Cache::new(max_keys) }
    }

    pub(crate) fn max_keys(&self) -> usize {
        self.max_keys
    }

    /// Nanoseconds, by a clock that nobody sets.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Takes a weight from the quota of a key.
    pub(crate) fn take(&self, key: &Key, quota: &Quota, weight: u64, now: u64) -> (Decision, Option<Taken>) {
        let hash = key.hash(self.seed);
        let arrival = match self.arrivals.get(&hash) {
            Some(arrival) => arrival,
            None => {
                let made = self.arrivals.get_or_insert_with(&hash, || Ok::<_, ()>(Arc::default()));
                made.unwrap_or_default()
            }
        };
        let mut before = arrival.load(Ordering::Relaxed);
        loop {
            let (after, decision) = quota.take(before, now, weight);
            if after != before
                && let Err(other) = arrival.compare_exchange_weak(before, after, Ordering::Relaxed, Ordering::Relaxed)
            {
                before = other;
                continue;
            }
            let nanos = after.saturating_sub(before.max(now));
            let taken = matches!(decision, Decision::Passed(_)).then_some(Taken { arrival, nanos });
            return (decision, taken);
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.arrivals.len()
    }
}

impl Taken {
    pub(crate) fn give_back(self) {
        let _ = self
            .arrival
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |arrival| Some(arrival.saturating_sub(self.nanos)));
    }
}
