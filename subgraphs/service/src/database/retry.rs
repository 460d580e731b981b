//! How often a transaction is retried, and after how long a wait. Knows no error.

use std::time::Duration;

use uuid::Uuid;

/// The retries of one transaction.
#[derive(Debug, Default)]
pub(super) struct Retries {
    done: u32,
}

impl Retries {
    /// Waits before the next retry; false when there are none left.
    pub(super) async fn again(&mut self) -> bool {
        if self.done == MOST_RETRIES {
            return false;
        }
        // Doubling, with jitter so that the same transactions do not collide again.
        let longest = 10 << self.done;
        let (jitter, _) = Uuid::new_v4().as_u64_pair();
        tokio::time::sleep(Duration::from_millis(longest / 2 + jitter % longest)).await;
        self.done += 1;
        true
    }
}

const MOST_RETRIES: u32 = 7;
