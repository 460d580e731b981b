//! How often a transaction is tried again, and how long to wait before. Knows no error.

use std::time::{Duration, SystemTime};

/// The tries that are left.
#[derive(Debug, Default)]
pub(super) struct Retries {
    done: u32,
}

impl Retries {
    /// Waits before the next try; false when there are none left.
    pub(super) async fn again(&mut self) -> bool {
        if self.done == MOST_RETRIES {
            return false;
        }
        // Doubling, with a spread that keeps the same rivals from meeting again.
        let longest = 10 << self.done;
        let spread = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |now| u64::from(now.subsec_nanos()));
        tokio::time::sleep(Duration::from_millis(longest / 2 + spread % longest)).await;
        self.done += 1;
        true
    }
}

const MOST_RETRIES: u32 = 7;
