//! How this service stores times. Does not know what they are for.

use std::time::Duration;

/// Milliseconds since 1970.
pub(crate) fn now() -> i64 {
    service::now().timestamp_millis()
}

/// The time so much later than now.
pub(crate) fn after(duration: Duration) -> i64 {
    now().saturating_add(millis(duration))
}

/// A duration in milliseconds.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

/// A stored time in the type of the graph.
pub(crate) fn to_datetime(millis: i64) -> service::DateTime {
    chrono::DateTime::from_timestamp_millis(millis).unwrap_or_default()
}
