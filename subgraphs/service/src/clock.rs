//! The time, for all that services store, sign and compare. Only this file reads it, so that a test can put the clock forward.
//!
//! How long something takes is measured with `Instant`, which is no time. Whatever several instances must agree on to the second, such as
//! leases, takes the time of the database.

use std::time::Duration;

use chrono::{SubsecRound, Utc};

use crate::graphql::DateTime;

/// The time now, truncated to milliseconds: both databases store that without loss.
#[expect(clippy::disallowed_methods, reason = "the clock of all services")]
pub fn now() -> DateTime {
    let now = Utc::now();
    #[cfg(feature = "testing")]
    let now = now + crate::testing::clock::ahead();
    now.trunc_subsecs(3)
}

/// The time now in milliseconds since 1970, as it is stored.
pub fn now_millis() -> i64 {
    now().timestamp_millis()
}

/// The time so much later than now, as it is stored.
pub fn after(duration: Duration) -> i64 {
    now_millis().saturating_add(millis(duration))
}

/// A duration in milliseconds. One that is too long is cut, such that it can still be added to a time.
pub fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

/// A stored time in the type of the graph.
pub fn to_datetime(millis: i64) -> DateTime {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}
