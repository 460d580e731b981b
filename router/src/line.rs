//! A number of places, and the line of those who wait for one. Knows no HTTP.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::sync::oneshot;

/// Places. Who finds none free waits; whose time ends first goes first.
///
/// A request asks one subgraph after the other. If the line were by arrival, all requests under way would stand at its end again
/// with each of their fetches, and all would end together, late; so those that began first are let through.
#[derive(Debug)]
pub(crate) struct Line(Mutex<State>);

#[derive(Debug)]
struct State {
    free: usize,
    waiting: BTreeMap<Key, oneshot::Sender<Place>>,
    arrivals: u64,
}

/// When the time of who waits ends, and a number that tells equals apart.
type Key = (Instant, u64);

/// One of the places; free again when dropped.
#[derive(Debug)]
pub(crate) struct Place(Option<Arc<Line>>);

/// Someone in the line: done when there is a place. Who is dropped leaves the line.
#[derive(Debug)]
pub(crate) struct Waiting {
    line: Arc<Line>,
    key: Key,
    turn: oneshot::Receiver<Place>,
}

impl Line {
    pub(crate) fn new(places: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { free: places, waiting: BTreeMap::new(), arrivals: 0 })))
    }

    /// A place if one is free, else the last place in the line among those whose time ends no later than `until`.
    pub(crate) fn enter(self: &Arc<Self>, until: Instant) -> Result<Place, Waiting> {
        let mut state = self.lock();
        if let Some(free) = state.free.checked_sub(1) {
            state.free = free;
            return Ok(Place(Some(self.clone())));
        }
        let (caller, turn) = oneshot::channel();
        state.arrivals += 1;
        let key = (until, state.arrivals);
        state.waiting.insert(key, caller);
        Err(Waiting { line: self.clone(), key, turn })
    }

    /// Lets in some of those who wait beyond the number of places: theirs are gone when they are dropped. Says whether anyone is
    /// left in the line.
    pub(crate) fn let_in(&self, most: usize) -> bool {
        let mut state = self.lock();
        for _ in 0..most {
            let Some((_, caller)) = state.waiting.pop_first() else { break };
            // Who has just given up needs none.
            let _ = caller.send(Place(None));
        }
        !state.waiting.is_empty()
    }

    /// Gives a place to the first in the line who still waits.
    fn give(self: &Arc<Self>) {
        loop {
            let caller = {
                let mut state = self.lock();
                match state.waiting.pop_first() {
                    Some((_, caller)) => caller,
                    None => {
                        state.free += 1;
                        return;
                    }
                }
            };
            match caller.send(Place(Some(self.clone()))) {
                Ok(()) => return,
                // Given up at this moment: the place is still here, not given back.
                Err(mut place) => place.0 = None,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(line) = self.0.take() {
            line.give();
        }
    }
}

impl Future for Waiting {
    type Output = Place;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Place> {
        // The caller is dropped only with the line, by who waits.
        Pin::new(&mut self.turn).poll(cx).map(|place| place.unwrap_or(Place(None)))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.line.lock().waiting.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn the_earliest_goes_first() {
        let line = Line::new(1);
        let now = Instant::now();
        let place = line.enter(now).unwrap();
        let mut late = line.enter(now + Duration::from_secs(2)).unwrap_err();
        let early = line.enter(now + Duration::from_secs(1)).unwrap_err();
        drop(place);
        assert!((&mut late).now_or_never().is_none());
        let place = early.now_or_never().unwrap();
        assert!((&mut late).now_or_never().is_none());
        drop(place);
        drop(late.now_or_never().unwrap());
        assert!(line.enter(now).is_ok());
    }

    #[test]
    fn who_gives_up_takes_no_place_along() {
        let line = Line::new(1);
        let now = Instant::now();
        let place = line.enter(now).unwrap();
        drop(line.enter(now).unwrap_err());
        assert!(line.lock().waiting.is_empty());
        let called = line.enter(now).unwrap_err();
        drop(place);
        drop(called);
        assert!(line.enter(now).is_ok());
    }

    #[test]
    fn who_is_let_in_beyond_the_places_leaves_none() {
        let line = Line::new(1);
        let now = Instant::now();
        let place = line.enter(now).unwrap();
        let first = line.enter(now).unwrap_err();
        let second = line.enter(now).unwrap_err();
        assert!(line.let_in(1));
        drop(first.now_or_never().unwrap());
        drop(place);
        let place = second.now_or_never().unwrap();
        assert!(!line.let_in(1));
        assert!(line.enter(now).is_err());
        drop(place);
    }
}
