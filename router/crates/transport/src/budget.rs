//! Requests that are sent in addition (retries, hedges), from a budget that grows with the number of requests: a subgraph in trouble must
//! not get more load than it can take. Knows no HTTP.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// A token bucket.
#[derive(Debug)]
pub(crate) struct Budget {
    min_per_second: f64,
    ratio: f64,
    /// Requests whose share is not in the bucket yet: the bucket is locked only when something is taken.
    requests: AtomicU32,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Budget {
    /// A budget of this number per second, and of this share of the requests in addition.
    pub(crate) fn new(min_per_second: f64, ratio: f64) -> Self {
        let bucket = Mutex::new(Bucket { tokens: min_per_second, filled: Instant::now() });
        Self { min_per_second, ratio, requests: AtomicU32::new(0), bucket }
    }

    /// Adds a request's share.
    pub(crate) fn earn(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes one from the budget. Returns whether there was one.
    pub(crate) fn take(&self) -> bool {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let max = (self.min_per_second * 10.0).max(10.0);
        let by_time = now.duration_since(bucket.filled).as_secs_f64() * self.min_per_second;
        let by_requests = f64::from(self.requests.swap(0, Ordering::Relaxed)) * self.ratio;
        let tokens = (bucket.tokens + by_time + by_requests).min(max);
        // Ten tenths are a little less than one.
        let has_one = tokens >= 1.0 - 1e-9;
        *bucket = Bucket { tokens: if has_one { tokens - 1.0 } else { tokens }, filled: now };
        has_one
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_requests_is_earned() {
        let budget = Budget::new(0.0, 0.5);
        assert!(!budget.take());
        budget.earn();
        budget.earn();
        assert!(budget.take());
        assert!(!budget.take());
    }

    #[test]
    fn what_is_saved_is_limited() {
        let budget = Budget::new(0.0, 0.5);
        (0..10_000).for_each(|_| budget.earn());
        assert_eq!((0..10_000).filter(|_| budget.take()).count(), 10);
    }
}
