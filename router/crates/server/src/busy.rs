//! How busy the threads are that run everything. Knows no request.

use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeMetrics};

/// Looks at the threads of a runtime from time to time.
#[derive(Debug)]
pub(crate) struct Watch {
    threads: RuntimeMetrics,
    looked: Instant,
    /// For how long they were busy until then, taken together.
    busy: Duration,
}

/// What threads did since the last look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// For how long they were busy, taken together.
    pub(crate) busy: Duration,
    /// The share of the time in which they had nothing to do, from 0 to 1.
    pub(crate) idle: f64,
}

impl Watch {
    /// Begins to look at the threads of the current runtime.
    pub(crate) fn new() -> Self {
        let threads = Handle::current().metrics();
        Self { looked: Instant::now(), busy: busy(&threads), threads }
    }

    /// What they did since the last look.
    pub(crate) fn look(&mut self) -> Seen {
        let (now, total) = (Instant::now(), busy(&self.threads));
        let time = now.duration_since(self.looked).as_secs_f64() * self.threads.num_workers() as f64;
        let busy = total.saturating_sub(self.busy);
        (self.looked, self.busy) = (now, total);
        // Threads tell of their work a little late, so there may be more of it than time.
        Seen { busy, idle: (1.0 - busy.as_secs_f64() / time).clamp(0.0, 1.0) }
    }
}

fn busy(threads: &RuntimeMetrics) -> Duration {
    (0..threads.num_workers()).map(|thread| threads.worker_total_busy_duration(thread)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn work_and_rest_are_told_apart() {
        tokio::spawn(async {
            let mut watch = Watch::new();
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert!(watch.look().idle > 0.8);
            let work = || async {
                for _ in 0..50 {
                    std::thread::sleep(Duration::from_millis(1));
                    tokio::task::yield_now().await;
                }
            };
            let other = tokio::spawn(work());
            work().await;
            other.await.unwrap();
            let seen = watch.look();
            assert!(seen.idle < 0.5);
            assert!(seen.busy > Duration::from_millis(50));
        })
        .await
        .unwrap();
    }
}
