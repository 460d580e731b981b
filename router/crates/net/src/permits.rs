//! A fixed number of permits, and a queue for them: the earliest deadline goes first. Knows no HTTP.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::sync::oneshot;

/// Permits, and the queue for them.
///
/// A request makes several fetches, one after the other. In a queue ordered by arrival, each of its fetches would join at the end, and
/// all requests would finish together, late. Ordered by deadline, requests that came first finish first.
#[derive(Debug)]
pub struct PermitQueue(Mutex<State>);

#[derive(Debug)]
struct State {
    permits: usize,
    taken: usize,
    returned: u64,
    waiting: BTreeMap<Key, oneshot::Sender<Permit>>,
    arrivals: u64,
}

/// The deadline, and a number for those with equal deadlines: first come, first served.
type Key = (Instant, u64);

/// A permit. Dropping it gives it back.
#[derive(Debug)]
pub struct Permit {
    queue: Arc<PermitQueue>,
    taken: usize,
}

/// The permits of a queue at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permits {
    /// How many there are.
    pub all: usize,
    /// How many are taken.
    pub taken: usize,
    /// How many are waited for.
    pub waiting: usize,
    /// How many have been given back so far.
    pub returned: u64,
}

/// A place in the queue: completes with a permit, or with `None` once its deadline has passed. Dropping it leaves the queue.
#[derive(Debug)]
pub struct Waiting {
    queue: Arc<PermitQueue>,
    key: Key,
    granted: oneshot::Receiver<Permit>,
}

impl PermitQueue {
    /// A queue with this number of permits, all free.
    pub fn new(permits: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { permits, taken: 0, returned: 0, waiting: BTreeMap::new(), arrivals: 0 })))
    }

    /// A permit if one is free, or a place in the queue with the deadline `until`.
    pub fn acquire(self: &Arc<Self>, until: Instant) -> Result<Permit, Waiting> {
        let mut state = self.lock();
        if state.taken < state.permits {
            state.taken += 1;
            return Ok(Permit { queue: self.clone(), taken: state.taken });
        }
        let (grant_to, granted) = oneshot::channel();
        state.arrivals += 1;
        let key = (until, state.arrivals);
        state.waiting.insert(key, grant_to);
        Err(Waiting { queue: self.clone(), key, granted })
    }

    /// Changes the number of permits. If more are taken than that, the next ones that are given back are not granted again.
    pub fn resize(self: &Arc<Self>, permits: usize) {
        let mut state = self.lock();
        state.permits = permits;
        self.grant(state);
    }

    /// Removes everyone whose deadline has passed. Returns what is left.
    pub fn expire(&self, now: Instant) -> Permits {
        let mut state = self.lock();
        while state.waiting.first_key_value().is_some_and(|((until, _), _)| *until <= now) {
            state.waiting.pop_first();
        }
        let State { permits: all, taken, returned, ref waiting, .. } = *state;
        Permits { all, taken, waiting: waiting.len(), returned }
    }

    /// Gives free permits to the first in the queue.
    fn grant<'a>(self: &'a Arc<Self>, mut state: MutexGuard<'a, State>) {
        while state.taken < state.permits {
            let Some((_, grant_to)) = state.waiting.pop_first() else { return };
            state.taken += 1;
            let permit = Permit { queue: self.clone(), taken: state.taken };
            drop(state);
            // If the receiver has just been dropped, the permit comes back, and the next in the queue gets it.
            drop(grant_to.send(permit));
            state = self.lock();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// How many were taken when this one had been.
    pub fn taken(&self) -> usize {
        self.taken
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        state.taken -= 1;
        state.returned += 1;
        self.queue.grant(state);
    }
}

impl Future for Waiting {
    type Output = Option<Permit>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Permit>> {
        Pin::new(&mut self.granted).poll(cx).map(Result::ok)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.queue.lock().waiting.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn the_earliest_deadline_goes_first() {
        let queue = PermitQueue::new(1);
        let now = Instant::now();
        let permit = queue.acquire(now).unwrap();
        let mut late = queue.acquire(now + Duration::from_secs(2)).unwrap_err();
        let early = queue.acquire(now + Duration::from_secs(1)).unwrap_err();
        drop(permit);
        assert!((&mut late).now_or_never().is_none());
        let permit = early.now_or_never().unwrap();
        assert!((&mut late).now_or_never().is_none());
        drop(permit);
        assert!(late.now_or_never().unwrap().is_some());
        assert!(queue.acquire(now).is_ok());
    }

    #[test]
    fn a_dropped_place_takes_no_permit() {
        let queue = PermitQueue::new(1);
        let now = Instant::now();
        let permit = queue.acquire(now).unwrap();
        drop(queue.acquire(now).unwrap_err());
        assert!(queue.lock().waiting.is_empty());
        let called = queue.acquire(now).unwrap_err();
        drop(permit);
        drop(called);
        assert!(queue.acquire(now).is_ok());
    }

    #[test]
    fn an_expired_place_gets_no_permit() {
        let queue = PermitQueue::new(1);
        let now = Instant::now();
        let _permit = queue.acquire(now).unwrap();
        let early = queue.acquire(now).unwrap_err();
        let mut late = queue.acquire(now + Duration::from_secs(1)).unwrap_err();
        assert_eq!(queue.expire(now).waiting, 1);
        assert!(early.now_or_never().unwrap().is_none());
        assert!((&mut late).now_or_never().is_none());
        assert_eq!(queue.expire(now + Duration::from_secs(1)).waiting, 0);
        assert!(late.now_or_never().unwrap().is_none());
    }

    #[test]
    fn the_number_of_permits_can_change() {
        let queue = PermitQueue::new(1);
        let now = Instant::now();
        let first = queue.acquire(now).unwrap();
        let second = queue.acquire(now).unwrap_err();
        queue.resize(2);
        let second = second.now_or_never().unwrap().unwrap();
        assert_eq!((first.taken(), second.taken()), (1, 2));
        assert_eq!(queue.expire(now), Permits { all: 2, taken: 2, waiting: 0, returned: 0 });
        queue.resize(1);
        let mut third = queue.acquire(now).unwrap_err();
        drop(first);
        assert!((&mut third).now_or_never().is_none());
        drop(second);
        assert!(third.now_or_never().unwrap().is_some());
    }
}
