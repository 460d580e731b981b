//! A clock that a test puts forward. Knows nothing that reads it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::TimeDelta;

use crate::clock::millis;

/// The clock of the code that a test runs [`within`](TestClock::within) it. Other tests keep the real time, and so do tasks that are spawned.
/// Clones are the same clock.
#[derive(Debug, Clone, Default)]
pub struct TestClock {
    ahead: Arc<AtomicI64>,
}

tokio::task_local! {
    static AHEAD: Arc<AtomicI64>;
}

impl TestClock {
    /// Lets so much time pass at once.
    pub fn advance(&self, by: Duration) {
        self.ahead.fetch_add(millis(by), Ordering::SeqCst);
    }

    /// Does the work by this clock.
    pub fn within<F: Future>(&self, work: F) -> impl Future<Output = F::Output> {
        AHEAD.scope(Arc::clone(&self.ahead), work)
    }
}

/// By how much the clock of the running task is ahead.
pub(crate) fn ahead() -> TimeDelta {
    AHEAD.try_with(|ahead| TimeDelta::milliseconds(ahead.load(Ordering::SeqCst))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::now_millis;

    #[tokio::test]
    async fn a_clock_is_put_forward_for_its_own_task_only() {
        let (clock, day) = (TestClock::default(), Duration::from_secs(86_400));
        let before = now_millis();
        clock.advance(day);
        let within = clock.within(async { now_millis() }).await;
        assert!((millis(day)..millis(day) + 60_000).contains(&(within - before)), "{before} {within}");
        let (spawned, outside) =
            clock.within(async { (tokio::spawn(async { now_millis() }).await.unwrap(), now_millis()) }).await;
        assert!(outside - spawned > millis(day) / 2);
        assert!(now_millis() - before < 60_000);
    }
}
