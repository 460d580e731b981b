//! What the saga has done since the process began. Knows no step.

use prometheus_client::metrics::counter::Counter;
use service::Metrics;

/// The counters. Cheap to clone: the clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters {
    /// Orders that were placed.
    pub(crate) placed: Counter,
    /// Orders that were rejected.
    pub(crate) rejected: Counter,
    /// Steps and refunds that failed.
    pub(crate) failed_steps: Counter,
    /// Orders and refunds that the reconciler has worked on.
    pub(crate) reconciled: Counter,
    /// Orders and refunds that a person should look at.
    pub(crate) stuck: Counter,
}

impl Counters {
    /// Shows them at `/metrics`.
    pub(crate) fn show(&self, metrics: &Metrics) {
        for (name, help, counter) in [
            ("placed", "Orders that were placed", &self.placed),
            ("rejected", "Orders that were rejected", &self.rejected),
            ("failed_steps", "Steps of orders and refunds that failed and are retried", &self.failed_steps),
            ("reconciled", "Incomplete orders and refunds that the reconciler has worked on", &self.reconciled),
            ("stuck", "Orders and refunds that a person should look at", &self.stuck),
        ] {
            metrics.add(name, help, counter.clone());
        }
    }
}
