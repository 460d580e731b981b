//! How this service stores times. Does not know what they are for.

/// Milliseconds since 1970.
pub(crate) fn now_millis() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

/// A duration in milliseconds.
pub(crate) fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2)
}

/// A stored time in the type of the graph.
pub(crate) fn to_datetime(millis: i64) -> service::DateTime {
    chrono::DateTime::from_timestamp_millis(millis).unwrap_or_default()
}
