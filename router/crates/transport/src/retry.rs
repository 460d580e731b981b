//! When a query that failed is sent again, and after which pause. Knows no HTTP.

use std::time::Duration;

use braid_telemetry::trace::random;

use crate::budget::Budget;
use crate::config::RetryConfig;

/// The retries of queries to one subgraph.
#[derive(Debug)]
pub(crate) struct Retries {
    config: RetryConfig,
    budget: Budget,
}

impl Retries {
    pub(crate) fn new(config: RetryConfig) -> Self {
        Self { budget: Budget::new(config.min_per_second, config.ratio), config }
    }

    /// Adds a request's share of a retry.
    pub(crate) fn earn(&self) {
        self.budget.earn();
    }

    /// Takes a retry from the budget for attempt number `attempt`; the first retry is 1. Returns whether there was one.
    pub(crate) fn spend(&self, attempt: u32) -> bool {
        self.config.enabled && attempt <= self.config.max && self.budget.take()
    }

    /// The pause before an attempt: exponential, with jitter so that requests that failed together are not repeated together.
    pub(crate) fn pause(&self, attempt: u32) -> Duration {
        let base = 10u64 << attempt.min(6);
        Duration::from_millis(base / 2 + random() % base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_are_earned() {
        let config = RetryConfig { enabled: true, max: 2, min_per_second: 0.0, ratio: 0.5 };
        let retries = Retries::new(config);
        assert!(!retries.spend(1));
        retries.earn();
        retries.earn();
        assert!(!retries.spend(3));
        assert!(retries.spend(1));
        assert!(!retries.spend(1));
    }
}
