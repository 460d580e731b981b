//! Time as this service stores it. Knows nothing of what it is for.

/// Milliseconds since the epoch.
pub(crate) fn now_millis() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

/// A span of time as this service stores times.
pub(crate) fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2)
}

/// A stored time as the graph shows it.
pub(crate) fn to_datetime(millis: i64) -> service::DateTime {
    chrono::DateTime::from_timestamp_millis(millis).unwrap_or_default()
}
