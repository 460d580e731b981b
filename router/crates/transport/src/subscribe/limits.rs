//! How much one subscription may hold. Knows no protocol.

use braid_telemetry::metrics::Dropped;

use crate::config::SubscriptionTrafficConfig;

/// Bounds of what waits for one subscription.
#[derive(Debug, Clone, Default)]
pub(crate) struct Limits {
    /// The number of events.
    pub(crate) events: usize,
    /// Their size; one is always kept.
    pub(crate) bytes: usize,
    /// The size of one.
    pub(crate) message: usize,
    /// Counts those that are dropped.
    pub(crate) dropped: Dropped,
}

impl Limits {
    pub(crate) fn new(config: &SubscriptionTrafficConfig, dropped: Dropped) -> Self {
        let (bytes, message) = (config.buffer_bytes.0, config.max_message_bytes.0);
        Self { events: config.buffer, bytes, message, dropped }
    }
}
