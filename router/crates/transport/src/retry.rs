//! When a query that failed is sent again, from a budget that grows with the number of requests: a subgraph in trouble must not get
//! more load than it can take. Knows no HTTP.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::config::RetryConfig;

/// Makes pauses differ.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// A token bucket of retries.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    config: RetryConfig,
    /// Requests whose share is not in the bucket yet: the bucket is locked only after a failure.
    requests: AtomicU32,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl RetryBudget {
    pub(crate) fn new(config: RetryConfig) -> Self {
        let bucket = Mutex::new(Bucket { tokens: config.min_per_second, filled: Instant::now() });
        Self { config, requests: AtomicU32::new(0), bucket }
    }

    /// Adds a request's share of a retry.
    pub(crate) fn earn(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes a retry from the budget for attempt number `attempt`; the first retry is 1. Returns whether there was one.
    pub(crate) fn spend(&self, attempt: u32) -> bool {
        self.config.enabled && attempt <= self.config.max && self.take()
    }

    /// The pause before an attempt: exponential, with jitter so that requests that failed together are not repeated together.
    pub(crate) fn pause(&self, attempt: u32) -> Duration {
        let base = 10u64 << attempt.min(6);
        let jitter = xxhash_rust::xxh3::xxh3_64(&COUNT.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        Duration::from_millis(base / 2 + jitter % base)
    }

    fn take(&self) -> bool {
        let mut bucket = self.bucket.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let now = Instant::now();
        let max = (self.config.min_per_second * 10.0).max(10.0);
        let by_time = now.duration_since(bucket.filled).as_secs_f64() * self.config.min_per_second;
        let by_requests = f64::from(self.requests.swap(0, Ordering::Relaxed)) * self.config.ratio;
        let tokens = (bucket.tokens + by_time + by_requests).min(max);
        let has_one = tokens >= 1.0;
        *bucket = Bucket { tokens: if has_one { tokens - 1.0 } else { tokens }, filled: now };
        has_one
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_are_earned() {
        let config = RetryConfig { enabled: true, max: 2, min_per_second: 0.0, ratio: 0.5 };
        let budget = RetryBudget::new(config);
        assert!(!budget.spend(1));
        budget.earn();
        budget.earn();
        assert!(!budget.spend(3));
        assert!(budget.spend(1));
        assert!(!budget.spend(1));
    }
}
