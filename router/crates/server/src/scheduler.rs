//! When requests begin. Some run at any time; a further one begins when one of those ends. Were all begun at once, then under load
//! none would end before nearly all do, and each would hold its memory for so long: more than the processor's cache holds, so that
//! all would be slower. Knows no HTTP.
//!
//! Waiting for slow subgraphs leaves threads with nothing to do: then more run, and as many as it takes, until threads are busy again.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use braid_net::{Permit, PermitQueue, Permits, Waiting};

/// So much work is begun for each thread while it is busy. Large requests need room, small ones company: what threads do for many at
/// once, such as asking for news from sockets, costs each less.
const BEGUN: Duration = Duration::from_millis(3);
/// But so many requests run at least and at most for each thread that is busy.
const RUNNING: RangeInclusive<usize> = 16..=128;
/// So often it is seen whether more or fewer should run.
const PAUSE: Duration = Duration::from_millis(1);
/// More run when threads are idle for a larger share of the time than this, fewer when it is less than half of it.
const IDLE: f64 = 0.3;
/// A task that is run again within this time after it let others go first had a thread that was idle.
const AT_ONCE: Duration = Duration::from_micros(30);

/// Decides how many requests run at a time.
#[derive(Debug)]
pub(crate) struct Scheduler {
    permits: Arc<PermitQueue>,
    threads: usize,
    is_watched: AtomicBool,
}

impl Scheduler {
    pub(crate) fn new() -> Arc<Self> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Arc::new(Self { permits: PermitQueue::new(least(threads)), threads, is_watched: AtomicBool::new(false) })
    }

    /// The permit of a request, or the wait for it, which ends without one if its time does.
    pub(crate) fn next(self: &Arc<Self>, until: Instant) -> Result<Permit, Waiting> {
        let permit = self.permits.acquire(until);
        if permit.as_ref().map_or(true, |permit| permit.taken() > least(self.threads)) {
            self.watch();
        }
        permit
    }

    /// Sees to it that as many run as keep threads busy, by one task as long as any wait, or more than the least run: what was right while
    /// threads were idle is too many when they are busy.
    fn watch(self: &Arc<Self>) {
        if self.is_watched.load(Ordering::Relaxed) || self.is_watched.swap(true, Ordering::AcqRel) {
            return;
        }
        let scheduler = self.clone();
        tokio::spawn(async move {
            let mut load = Load::new(scheduler.permits.expire(Instant::now()).returned);
            loop {
                tokio::time::sleep(PAUSE).await;
                let is_idle = is_a_thread_idle().await;
                let permits = scheduler.permits.expire(Instant::now());
                load.add(is_idle, permits.returned, scheduler.threads);
                scheduler.permits.resize(load.fitting(permits, scheduler.threads));
                if scheduler.is_worth_watching() {
                    continue;
                }
                scheduler.is_watched.store(false, Ordering::Release);
                // Who came between the two looked at the mark before it was gone.
                if !scheduler.is_worth_watching() || scheduler.is_watched.swap(true, Ordering::AcqRel) {
                    return;
                }
            }
        });
    }

    fn is_worth_watching(&self) -> bool {
        let Permits { waiting, taken, .. } = self.permits.expire(Instant::now());
        waiting > 0 || taken > least(self.threads)
    }
}

/// How many run at any time.
fn least(threads: usize) -> usize {
    RUNNING.start() * threads
}

/// Whether a thread of the runtime has nothing to do, as seen by a task of ours. What else runs on the runtime makes threads busy too,
/// as it should: a request that begins then would only wait.
async fn is_a_thread_idle() -> bool {
    let asked = Instant::now();
    tokio::task::yield_now().await;
    asked.elapsed() < AT_ONCE
}

/// What threads had to do of late.
#[derive(Debug)]
struct Load {
    /// The share of the time in which a thread was idle, from 0 to 1.
    idle: f64,
    /// For how long threads were busy, taken together.
    busy: Duration,
    requests: f64,
    ended: u64,
    looked: Instant,
}

impl Load {
    fn new(ended: u64) -> Self {
        // Neither idle nor busy until it is seen.
        Self { idle: IDLE * 0.75, busy: Duration::ZERO, requests: 0.0, ended, looked: Instant::now() }
    }

    /// Takes note of whether a thread is idle now, and how many requests have ended so far. What was noted before counts less each time.
    fn add(&mut self, is_idle: bool, ended: u64, threads: usize) {
        let now = Instant::now();
        let time = now - std::mem::replace(&mut self.looked, now);
        self.idle += (f64::from(u8::from(is_idle)) - self.idle) / 8.0;
        self.busy = self.busy * 7 / 8 + time.mul_f64(threads as f64 * (1.0 - self.idle));
        self.requests = self.requests * 7.0 / 8.0 + (ended - self.ended) as f64;
        self.ended = ended;
    }

    /// How many requests should run.
    fn fitting(&self, Permits { all: permits, waiting, .. }: Permits, threads: usize) -> usize {
        if self.idle > IDLE {
            return if waiting > 0 { permits + permits / 4 } else { permits };
        }
        let begun = self.requests * BEGUN.as_secs_f64() / self.busy.as_secs_f64();
        let enough = (begun as usize).clamp(*RUNNING.start(), *RUNNING.end()) * threads;
        match permits.checked_sub(enough) {
            Some(more) if self.idle < IDLE / 2.0 => permits - more.div_ceil(8),
            Some(_) => permits,
            None => enough,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take_all(scheduler: &Arc<Scheduler>, until: Instant) -> Vec<Permit> {
        std::iter::from_fn(|| scheduler.next(until).ok()).collect()
    }

    #[tokio::test]
    async fn requests_that_wait_for_others_hold_up_none() {
        let scheduler = Scheduler::new();
        let until = Instant::now() + Duration::from_secs(60);
        let _slow = take_all(&scheduler, until);
        let Err(waiting) = scheduler.next(until) else { panic!("there are only so many permits") };
        let permit = tokio::time::timeout(Duration::from_secs(5), waiting).await.expect("nobody is busy");
        assert!(permit.is_some());
    }

    #[tokio::test]
    async fn while_threads_are_busy_none_begins() {
        let scheduler = Scheduler::new();
        let until = Instant::now() + Duration::from_secs(60);
        let mut running = take_all(&scheduler, until);
        let Err(mut waiting) = scheduler.next(until) else { panic!("there are only so many permits") };
        for _ in 0..100 {
            std::thread::sleep(Duration::from_millis(1));
            tokio::select! {
                biased;
                _ = &mut waiting => panic!("a thread is busy"),
                () = tokio::task::yield_now() => {}
            }
        }
        running.pop();
        assert!(waiting.await.is_some());
    }

    #[tokio::test]
    async fn when_threads_are_busy_again_fewer_run() {
        let scheduler = Scheduler::new();
        let least = least(scheduler.threads);
        scheduler.permits.resize(least * 100);
        let until = Instant::now() + Duration::from_secs(60);
        let mut running = take_all(&scheduler, until);
        assert_eq!(running.len(), least * 100);
        let _waiting = scheduler.next(until);
        for _ in 0..200 {
            std::thread::sleep(Duration::from_millis(1));
            tokio::task::yield_now().await;
        }
        running.truncate(RUNNING.end() * scheduler.threads);
        assert!(scheduler.next(until).is_err());
    }

    #[tokio::test]
    async fn fewer_run_on_busy_threads_though_nobody_waits() {
        let scheduler = Scheduler::new();
        let most = RUNNING.end() * scheduler.threads;
        scheduler.permits.resize(most * 2);
        let until = Instant::now() + Duration::from_secs(60);
        let _running: Vec<_> = (0..most + 1).map(|_| scheduler.next(until).unwrap()).collect();
        for _ in 0..200 {
            std::thread::sleep(Duration::from_millis(1));
            tokio::task::yield_now().await;
        }
        assert!(scheduler.next(until).is_err());
    }

    #[tokio::test]
    async fn whose_time_is_over_begins_no_more() {
        let scheduler = Scheduler::new();
        let _running = take_all(&scheduler, Instant::now());
        scheduler.permits.resize(0);
        let Err(waiting) = scheduler.next(Instant::now()) else { panic!("there is no permit") };
        let permit = tokio::time::timeout(Duration::from_secs(5), waiting).await.expect("it is let go");
        assert!(permit.is_none());
    }
}
