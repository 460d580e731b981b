//! For how long a router may serve what it keeps, and when all of a group no longer serve what was invalidated. Knows no Redis; the clock
//! is an argument.
//!
//! A router may serve for a time, the lease, from when it *sent* the question that the whole log was answered to. So an invalidation that
//! is in the log is in force everywhere once that time has passed, whoever is there and whatever became of them: either a router has
//! read the log since, or it serves nothing. That needs neither equal clocks nor a list of routers, only clocks that run equally fast.
//!
//! The list of routers is there to be quicker. A router is on the list before its lease begins, and says there how far it has read. If
//! all on the list have read so far, nobody needs to wait. The list may only be believed if nothing of it can have been lost lately.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Until when a router may serve.
#[derive(Debug)]
pub(super) struct Lease {
    length: Duration,
    /// What instants are counted from.
    base: Instant,
    /// Nanoseconds.
    until: AtomicU64,
}

impl Lease {
    /// One that is not held yet.
    pub(super) fn new(length: Duration, now: Instant) -> Self {
        Self { length, base: now, until: AtomicU64::new(0) }
    }

    /// The whole log is known, as it was at `sent` or later.
    pub(super) fn renew(&self, sent: Instant) {
        self.until.fetch_max(self.nanos(sent + self.length), Ordering::AcqRel);
    }

    pub(super) fn is_held(&self, now: Instant) -> bool {
        self.nanos(now) < self.until.load(Ordering::Acquire)
    }

    fn nanos(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.base).as_nanos().try_into().unwrap_or(u64::MAX)
    }
}

/// Since when the list of routers can be believed.
#[derive(Debug)]
pub(super) struct Steady {
    length: Duration,
    /// Since when, and which list it is. A list that was lost and begun again is another one.
    since: Option<(Instant, String)>,
}

impl Steady {
    pub(super) fn new(lease: Duration) -> Self {
        Self { length: with_margin(lease), since: None }
    }

    /// This router was on this list, over the connection that it had.
    pub(super) fn confirm(&mut self, now: Instant, list: &str) {
        if self.since.as_ref().is_none_or(|(_, known)| known != list) {
            self.since = Some((now, list.to_owned()));
        }
    }

    /// The connection was lost: the list may be one that lacks somebody whose lease goes on.
    pub(super) fn disturb(&mut self) {
        self.since = None;
    }

    /// Whether everybody with a lease is on this list.
    pub(super) fn is_complete(&self, now: Instant, list: &str) -> bool {
        self.since
            .as_ref()
            .is_some_and(|(since, known)| known == list && now.saturating_duration_since(*since) >= self.length)
    }
}

/// When a wait that began now is over for everybody.
pub(super) fn over(lease: Duration, now: Instant) -> Instant {
    now + with_margin(lease)
}

/// Clocks that run at slightly different speeds, and a response that is being written when a lease ends.
fn with_margin(lease: Duration) -> Duration {
    lease + lease / 10
}

#[cfg(test)]
#[path = "lease_tests.rs"]
mod tests;
