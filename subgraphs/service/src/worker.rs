//! Background work: started with the service, restarted when it fails, reported by `/health`. Does not know what the work is.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::trace::Current;

/// Work that a service does beside its requests, such as to finish what was left undone. Cheap to clone.
#[derive(Clone)]
pub struct Work {
    name: &'static str,
    start: Arc<dyn Fn(CancellationToken) -> BoxFuture<'static, ()> + Send + Sync>,
    turn: Option<Turn>,
}

/// Does a part of what is due, and gives how much that was: nothing if nothing was due.
type Turn = Arc<dyn Fn() -> BoxFuture<'static, anyhow::Result<u64>> + Send + Sync>;

impl Work {
    /// Work that must run until the token is cancelled, and then end. The name is part of sentences, as in "the reconciler is failing".
    pub fn new<F>(name: &'static str, start: impl Fn(CancellationToken) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self { name, start: Arc::new(move |stop| Box::pin(start(stop))), turn: None }
    }

    /// The same, which can also be done by turns, where the process does not run all the time: one does a part of what is due, and gives how
    /// much that was.
    #[must_use]
    pub fn by_turns<F>(self, turn: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = anyhow::Result<u64>> + Send + 'static,
    {
        Self { turn: Some(Arc::new(move || Box::pin(turn()))), ..self }
    }

    /// What the work is called.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Whether it can be done by turns.
    pub(crate) fn has_turns(&self) -> bool {
        self.turn.is_some()
    }

    /// Does all that is due now, by turns. Gives how much it was.
    pub(crate) async fn all_due(&self) -> anyhow::Result<u64> {
        let mut done = 0;
        let Some(turn) = &self.turn else { return Ok(done) };
        loop {
            match turn().await? {
                0 => return Ok(done),
                more => done += more,
            }
        }
    }

    /// Starts the work; the handle completes when it has ended.
    ///
    /// Work that panics or ends before `stop` is logged and restarted, after a wait that doubles up to a minute. When it has failed too often
    /// in a row, the worker gives up: a process that can't do its work must end, so that somebody notices.
    pub(crate) fn begin(&self, stop: CancellationToken, part_of: Current) -> (Worker, JoinHandle<()>) {
        let start = Arc::clone(&self.start);
        let start = move |stop| tokio::spawn(part_of.clone().within(start(stop)));
        Worker::start_with(self.name, stop, FIRST_WAIT, start)
    }
}

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Work").field(&self.name).finish()
    }
}

/// Background work, as `/health` sees it.
#[derive(Debug, Clone)]
pub(crate) struct Worker {
    name: &'static str,
    failing: Arc<AtomicBool>,
    given_up: CancellationToken,
}

impl Worker {
    /// What the work is called.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Whether the work failed and has not yet run again for as long as the wait before its restart.
    pub(crate) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// Completes when the work has failed too often in a row and is not restarted any more.
    pub(crate) async fn given_up(&self) {
        self.given_up.cancelled().await;
    }

    /// Whether the work has failed too often in a row and is not restarted any more.
    pub(crate) fn has_given_up(&self) -> bool {
        self.given_up.is_cancelled()
    }

    fn start_with(
        name: &'static str,
        stop: CancellationToken,
        first_wait: Duration,
        start: impl Fn(CancellationToken) -> JoinHandle<()> + Send + 'static,
    ) -> (Self, JoinHandle<()>) {
        let worker = Self { name, failing: Arc::default(), given_up: CancellationToken::new() };
        let supervised = worker.clone();
        (worker, tokio::spawn(async move { supervised.supervise(stop, first_wait, start).await }))
    }

    async fn supervise(
        &self,
        stop: CancellationToken,
        first_wait: Duration,
        start: impl Fn(CancellationToken) -> JoinHandle<()>,
    ) {
        let mut wait = first_wait;
        let mut failures = 0;
        loop {
            let mut work = start(stop.clone());
            let early = tokio::time::timeout(wait, &mut work).await;
            let ended = match early {
                Ok(ended) => ended,
                Err(_still_running) => {
                    self.failing.store(false, Ordering::Relaxed);
                    wait = first_wait;
                    failures = 0;
                    work.await
                }
            };
            if stop.is_cancelled() {
                self.log_end(&ended);
                return;
            }
            self.failing.store(true, Ordering::Relaxed);
            failures += 1;
            if failures == MOST_FAILURES {
                tracing::error!(
                    worker = self.name,
                    cause = cause(ended),
                    failures,
                    "A worker failed too often and is given up"
                );
                self.given_up.cancel();
                return;
            }
            tracing::error!(worker = self.name, cause = cause(ended), ?wait, "A worker failed and will be restarted");
            if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                return;
            }
            wait = wait.saturating_mul(2).min(LAST_WAIT);
        }
    }

    fn log_end(&self, ended: &Result<(), JoinError>) {
        if let Err(error) = ended {
            tracing::error!(worker = self.name, %error, "A worker failed while it was stopping");
        }
    }
}

fn cause(ended: Result<(), JoinError>) -> String {
    match ended {
        Ok(()) => "it ended by itself".to_owned(),
        Err(error) => error.to_string(),
    }
}

const FIRST_WAIT: Duration = Duration::from_secs(1);
const LAST_WAIT: Duration = Duration::from_secs(60);
/// So many failures in a row take some minutes.
const MOST_FAILURES: u32 = 10;

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    async fn until(what: impl Fn() -> bool) {
        let waited = async {
            while !what() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), waited).await.unwrap();
    }

    #[tokio::test]
    async fn work_that_fails_is_started_again_and_shown() {
        let stop = CancellationToken::new();
        let starts = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&starts);
        // The first start panics, the second ends by itself, the third keeps running.
        let work = move |stop: CancellationToken| {
            let start = counter.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                assert!(start > 0, "the first start fails");
                if start > 1 {
                    stop.cancelled().await;
                }
            })
        };
        let (worker, ended) = Worker::start_with("test", stop.clone(), Duration::from_millis(50), work);
        assert!(!worker.is_failing());
        until(|| worker.is_failing()).await;
        until(|| starts.load(Ordering::SeqCst) == 3).await;
        assert!(worker.is_failing(), "it has to run for a while first");
        until(|| !worker.is_failing()).await;
        stop.cancel();
        ended.await.unwrap();
        assert_eq!(starts.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn work_that_always_fails_is_given_up() {
        let starts = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&starts);
        let work = move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(std::future::ready(()))
        };
        let (worker, ended) = Worker::start_with("test", CancellationToken::new(), Duration::from_micros(1), work);
        tokio::time::timeout(Duration::from_secs(20), worker.given_up()).await.unwrap();
        ended.await.unwrap();
        assert!(worker.has_given_up() && worker.is_failing());
        assert_eq!(starts.load(Ordering::SeqCst), MOST_FAILURES as usize);
    }

    #[tokio::test]
    async fn a_stop_ends_the_wait_for_the_next_start() {
        let stop = CancellationToken::new();
        let work = |_| tokio::spawn(std::future::ready(()));
        let (worker, ended) = Worker::start_with("test", stop.clone(), Duration::from_secs(600), work);
        until(|| worker.is_failing()).await;
        stop.cancel();
        tokio::time::timeout(Duration::from_secs(20), ended).await.unwrap().unwrap();
    }
}
