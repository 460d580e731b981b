//! How many requests are taken at once, and whether the router says that it takes more. Knows no HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use braid_net::Permit;

use crate::scheduler::Scheduler;

/// Counts requests under way and those turned away.
#[derive(Debug)]
pub(crate) struct Admission {
    under_way: AtomicUsize,
    scheduler: Arc<Scheduler>,
    stopping: AtomicBool,
    began: Instant,
    /// The window of five seconds that is being counted, and how many were turned away in it.
    window: AtomicU64,
    turned_away: AtomicUsize,
    /// Until when, in milliseconds since the beginning, the router says that it is not ready.
    unready_until: AtomicU64,
}

/// So many requests turned away within a window make the router say that it is not ready, for a while.
const TOO_MANY: usize = 100;
const WINDOW_MS: u64 = 5_000;
const UNREADY_MS: u64 = 10_000;

/// A request in flight, until it is dropped.
#[derive(Debug)]
pub(crate) struct Admitted {
    _counted: Counted,
    _permit: Permit,
}

/// One of the requests that are counted, those that wait for a permit included.
#[derive(Debug)]
struct Counted(Arc<Admission>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Admission {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            under_way: AtomicUsize::new(0),
            scheduler: Scheduler::new(),
            stopping: AtomicBool::new(false),
            began: Instant::now(),
            window: AtomicU64::new(0),
            turned_away: AtomicUsize::new(0),
            unready_until: AtomicU64::new(0),
        })
    }

    /// Takes one more request, if there are fewer than `most`, and waits for a permit, but not longer than `until`.
    pub(crate) async fn admit(self: &Arc<Self>, most: usize, until: Instant) -> Option<Admitted> {
        let admitted = self.permit(most, until).await;
        if admitted.is_none() {
            self.turn_away();
        }
        admitted
    }

    async fn permit(self: &Arc<Self>, most: usize, until: Instant) -> Option<Admitted> {
        let counted = Counted(self.clone());
        if self.under_way.fetch_add(1, Ordering::Relaxed) >= most {
            return None;
        }
        let permit = match self.scheduler.next(until) {
            Ok(permit) => permit,
            Err(waiting) => waiting.await?,
        };
        Some(Admitted { _counted: counted, _permit: permit })
    }

    fn turn_away(&self) {
        let now = self.now();
        if self.window.swap(now / WINDOW_MS, Ordering::Relaxed) != now / WINDOW_MS {
            self.turned_away.store(0, Ordering::Relaxed);
        }
        if self.turned_away.fetch_add(1, Ordering::Relaxed) + 1 >= TOO_MANY {
            self.unready_until.store(now + UNREADY_MS, Ordering::Relaxed);
        }
    }

    /// The router was told to stop.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether more requests are welcome.
    pub(crate) fn is_ready(&self) -> bool {
        !self.stopping.load(Ordering::Relaxed) && self.now() >= self.unready_until.load(Ordering::Relaxed)
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn places_are_given_back_and_overload_shows() {
        let admission = Admission::new();
        let until = Instant::now() + std::time::Duration::from_secs(60);
        let first = admission.admit(1, until).await.unwrap();
        assert!(admission.admit(1, until).await.is_none());
        assert!(admission.is_ready());
        drop(first);
        let _again = admission.admit(1, until).await.unwrap();
        for _ in 0..TOO_MANY {
            assert!(admission.admit(1, until).await.is_none());
        }
        assert!(!admission.is_ready());
    }
}
