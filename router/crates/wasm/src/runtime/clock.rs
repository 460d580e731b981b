//! Ends calls that take too long: a thread that moves the epoch of engines on while calls run, and sleeps while there are none. Knows no hook.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

use wasmtime::{Engine, EngineWeak};

/// How often the epoch moves on, and so how exact limits of time are.
const TICK: Duration = Duration::from_millis(5);

/// After so many ticks without a call, the thread sleeps until there is one.
const IDLE_TICKS: u32 = 200;

/// The thread. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Clock {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Default)]
struct Shared {
    engines: Mutex<Vec<EngineWeak>>,
    begun: AtomicU64,
    ended: AtomicU64,
    sleeps: AtomicBool,
    is_over: AtomicBool,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("begun", &self.begun).field("ended", &self.ended).finish_non_exhaustive()
    }
}

/// A call that runs.
pub(crate) struct Running<'a>(&'a Shared);

/// The deadline of a call that may take so long, as a number of ticks: the first of them may come at once.
pub(crate) fn ticks(time: Duration) -> u64 {
    let ticks = time.as_nanos().div_ceil(TICK.as_nanos());
    u64::try_from(ticks).unwrap_or(u64::MAX - 1).saturating_add(1).min(u64::from(u32::MAX))
}

impl Clock {
    /// Starts the thread.
    pub(crate) fn start() -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let of_thread = shared.clone();
        let thread = thread::Builder::new().name("wasm-clock".to_owned()).spawn(move || of_thread.run())?;
        Ok(Self { shared, thread: thread.thread().clone() })
    }

    /// Moves the epoch of this engine, too.
    pub(crate) fn add(&self, engine: &Engine) {
        self.shared.engines.lock().unwrap_or_else(PoisonError::into_inner).push(engine.weak());
    }

    /// A call begins. Time passes for it until this is dropped.
    pub(crate) fn begin(&self) -> Running<'_> {
        self.shared.begun.fetch_add(1, Ordering::SeqCst);
        // The thread says that it sleeps before it looks for calls, and a call is there before it looks whether the thread sleeps: so
        // one of both sees the other.
        if self.shared.sleeps.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
        Running(&self.shared)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

impl Shared {
    fn run(&self) {
        let (mut seen, mut idle) = (0, 0);
        while !self.is_over.load(Ordering::SeqCst) {
            thread::sleep(TICK);
            let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
            engines.retain(|engine| {
                engine.upgrade().is_some_and(|engine| {
                    engine.increment_epoch();
                    true
                })
            });
            drop(engines);
            let begun = self.begun.load(Ordering::SeqCst);
            idle = if begun == seen && self.runs_none() { idle + 1 } else { 0 };
            seen = begun;
            if idle < IDLE_TICKS {
                continue;
            }
            self.sleeps.store(true, Ordering::SeqCst);
            while self.begun.load(Ordering::SeqCst) == seen && !self.is_over.load(Ordering::SeqCst) {
                thread::park();
            }
            self.sleeps.store(false, Ordering::SeqCst);
            idle = 0;
        }
    }

    fn runs_none(&self) -> bool {
        // What has ended is read first, so that a call that begins in between counts as running.
        let ended = self.ended.load(Ordering::SeqCst);
        self.begun.load(Ordering::SeqCst) == ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_rounded_up() {
        assert_eq!(ticks(Duration::from_millis(1)), 2);
        assert_eq!(ticks(Duration::from_millis(50)), 11);
        assert_eq!(ticks(Duration::MAX), u64::from(u32::MAX));
    }
}
