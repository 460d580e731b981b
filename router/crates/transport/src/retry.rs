//! The budget out of which queries are repeated: it grows with requests, so that a subgraph in trouble does not get more load
//! than it can bear. Knows no HTTP.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::config::RetryConfig;

/// Spreads pauses.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// A bucket of retries.
#[derive(Debug)]
pub(super) struct RetryBudget {
    config: RetryConfig,
    /// Requests whose share is not in the bucket yet: it is looked at only when something failed.
    earning: AtomicU32,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl RetryBudget {
    pub(super) fn new(config: RetryConfig) -> Self {
        let bucket = Mutex::new(Bucket { tokens: config.min_per_second, filled: Instant::now() });
        Self { config, earning: AtomicU32::new(0), bucket }
    }

    /// A request was made: each earns a share of a retry.
    pub(super) fn earn(&self) {
        self.earning.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether attempt number `attempt` (the first repetition is 1) may be made.
    pub(super) fn spend(&self, attempt: u32) -> bool {
        self.config.enabled && attempt <= self.config.max && self.take()
    }

    /// How long to wait before an attempt: longer each time, and not the same for all who failed together.
    pub(super) fn pause(&self, attempt: u32) -> Duration {
        let base = 10u64 << attempt.min(6);
        let spread = xxhash_rust::xxh3::xxh3_64(&COUNT.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        Duration::from_millis(base / 2 + spread % base)
    }

    /// Takes one out of the bucket, if there is one.
    fn take(&self) -> bool {
        let mut bucket = self.bucket.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let now = Instant::now();
        let most = (self.config.min_per_second * 10.0).max(10.0);
        let over_time = now.duration_since(bucket.filled).as_secs_f64() * self.config.min_per_second;
        let by_requests = f64::from(self.earning.swap(0, Ordering::Relaxed)) * self.config.ratio;
        let tokens = (bucket.tokens + over_time + by_requests).min(most);
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
