//! When requests begin. Some run at any time; a further one begins when one of those ends, or when a thread has nothing left to
//! do for those that run. Were all begun at once, then under load none would end before nearly all do, and each would hold its
//! memory for so long. Knows no HTTP.
//!
//! Waiting for subgraphs leaves threads with nothing to do: so it takes no request's turn, however slow they are.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::line::{Line, Place, Waiting};

/// So many requests run at any time, for each thread.
const RUNNING: usize = 64;
/// So many begin each time that a thread has nothing to do.
const BEGINNING: usize = 8;

thread_local! {
    /// How often requests were taken up again by this thread.
    static STEPS: Cell<u64> = const { Cell::new(0) };
}

/// The line of requests before their beginning.
#[derive(Debug)]
pub(super) struct Turns {
    line: Arc<Line>,
    is_watched: AtomicBool,
}

impl Turns {
    pub(super) fn new() -> Arc<Self> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Arc::new(Self { line: Line::new(RUNNING * threads), is_watched: AtomicBool::new(false) })
    }

    /// The turn of a request, or the wait for it.
    pub(super) fn next(self: &Arc<Self>, until: Instant) -> Result<Place, Waiting> {
        self.line.enter(until).inspect_err(|_| self.watch())
    }

    /// Lets requests begin as threads become idle, by one task as long as any wait.
    fn watch(self: &Arc<Self>) {
        if self.is_watched.swap(true, Ordering::AcqRel) {
            return;
        }
        let turns = self.clone();
        tokio::spawn(async move {
            let mut before = steps();
            loop {
                // Ready tasks run, and news from sockets are looked for, before this goes on.
                tokio::task::yield_now().await;
                let now = steps();
                let was_idle = now == before;
                before = now;
                if !turns.line.let_in(if was_idle { BEGINNING } else { 0 }) {
                    turns.is_watched.store(false, Ordering::Release);
                    // Who came between the two looked at the mark before it was gone.
                    if !turns.line.let_in(0) || turns.is_watched.swap(true, Ordering::AcqRel) {
                        return;
                    }
                }
            }
        });
    }
}

/// Which thread this is, as far as its steps tell, and how many it has made.
fn steps() -> (std::thread::ThreadId, u64) {
    (std::thread::current().id(), STEPS.get())
}

/// Drives a request that runs.
pub(super) async fn run<F: Future>(mut request: Pin<Box<F>>) -> F::Output {
    std::future::poll_fn(|cx| {
        STEPS.set(STEPS.get().wrapping_add(1));
        request.as_mut().poll(cx)
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn requests_that_wait_for_others_hold_up_none() {
        let turns = Turns::new();
        let until = Instant::now() + Duration::from_secs(60);
        let mut slow = Vec::new();
        while let Ok(place) = turns.next(until) {
            slow.push(place);
        }
        let Err(waiting) = turns.next(until) else { panic!("there are only so many places") };
        tokio::time::timeout(Duration::from_secs(5), waiting).await.expect("nobody is busy");
    }

    #[tokio::test]
    async fn while_threads_are_busy_none_begins() {
        let turns = Turns::new();
        let until = Instant::now() + Duration::from_secs(60);
        let mut running = Vec::new();
        while let Ok(place) = turns.next(until) {
            running.push(place);
        }
        let begun = Arc::new(AtomicUsize::new(0));
        for _ in 0..100 {
            let (turns, begun) = (turns.clone(), begun.clone());
            tokio::spawn(async move {
                if let Err(waiting) = turns.next(until) {
                    let place = waiting.await;
                    begun.fetch_add(1, Ordering::Relaxed);
                    std::future::pending::<()>().await;
                    drop(place);
                }
            });
        }
        run(Box::pin(async {
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
        }))
        .await;
        assert_eq!(begun.load(Ordering::Relaxed), 0);
        running.truncate(running.len() - 3);
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        assert_eq!(begun.load(Ordering::Relaxed), 100);
    }
}
