//! What can be set about subscriptions. Knows no file and no environment.

use braid_settings::{ByteSize, Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Subscriptions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SubscriptionsConfig {
    /// Whether clients can subscribe.
    pub enabled: bool,
    /// Whether equal subscriptions of clients of whom subgraphs see the same share one subscription at the subgraph, and its events.
    pub share: bool,
    /// The number of events that wait for a client that does not take them.
    pub queue: usize,
    /// The size of the events that wait for a client.
    pub queue_bytes: ByteSize,
    /// What happens when that is reached: the oldest event is dropped, or the subscription ends with SUBSCRIPTION_TOO_SLOW.
    pub when_full: WhenFull,
    /// The number of events per second for one subscription; further ones are dropped.
    pub max_events_per_second: u32,
    /// What happens when events may be missing, because a subgraph could not be reached for a while: the next event says so in
    /// `extensions.braid.gap`, or the subscription ends with SUBSCRIPTION_GAP.
    pub on_gap: OnGap,
    /// The time over which subscriptions are moved to a new schema.
    pub reload_spread: Duration,
}

/// What happens when a client does not take its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenFull {
    /// The oldest event is dropped.
    DropOldest,
    /// The subscription ends.
    End,
}

/// What happens when events may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnGap {
    /// The next event says so.
    Tell,
    /// The subscription ends.
    End,
}

impl Default for SubscriptionsConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            share: true,
            queue: 128,
            queue_bytes: ByteSize(1 << 20),
            when_full: WhenFull::DropOldest,
            max_events_per_second: 1_000,
            on_gap: OnGap::Tell,
            reload_spread: Duration::seconds(5),
        }
    }
}
