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
    places: usize,
    taken: usize,
    given_back: u64,
    waiting: BTreeMap<Key, oneshot::Sender<Place>>,
    arrivals: u64,
}

/// When the time of who waits ends, and a number that tells equals apart.
type Key = (Instant, u64);

/// One of the places; free again when dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<Line>);

/// Someone in the line: done when there is a place, or without one when let go. Who is dropped leaves the line.
#[derive(Debug)]
pub(crate) struct Waiting {
    line: Arc<Line>,
    key: Key,
    turn: oneshot::Receiver<Place>,
}

impl Line {
    pub(crate) fn new(places: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { places, taken: 0, given_back: 0, waiting: BTreeMap::new(), arrivals: 0 })))
    }

    /// A place if one is free, else the last place in the line among those whose time ends no later than `until`.
    pub(crate) fn enter(self: &Arc<Self>, until: Instant) -> Result<Place, Waiting> {
        let mut state = self.lock();
        if state.taken < state.places {
            state.taken += 1;
            return Ok(Place(self.clone()));
        }
        let (caller, turn) = oneshot::channel();
        state.arrivals += 1;
        let key = (until, state.arrivals);
        state.waiting.insert(key, caller);
        Err(Waiting { line: self.clone(), key, turn })
    }

    /// How many places there are, and how many were given back so far.
    pub(crate) fn places(&self) -> (usize, u64) {
        let state = self.lock();
        (state.places, state.given_back)
    }

    /// Changes the number of places. Where there are fewer than are taken, those come free for nobody.
    pub(crate) fn resize(self: &Arc<Self>, places: usize) {
        let mut state = self.lock();
        state.places = places;
        self.give(state);
    }

    /// Lets those go whose time is over. Says whether anyone is left in the line.
    pub(crate) fn let_go(&self, now: Instant) -> bool {
        let mut state = self.lock();
        while state.waiting.first_key_value().is_some_and(|((until, _), _)| *until <= now) {
            state.waiting.pop_first();
        }
        !state.waiting.is_empty()
    }

    /// Gives free places to the first in the line.
    fn give<'a>(self: &'a Arc<Self>, mut state: MutexGuard<'a, State>) {
        while state.taken < state.places {
            let Some((_, caller)) = state.waiting.pop_first() else { return };
            state.taken += 1;
            drop(state);
            // If it has just been given up, the place comes back, and the next in the line has it.
            drop(caller.send(Place(self.clone())));
            state = self.lock();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.taken -= 1;
        state.given_back += 1;
        self.0.give(state);
    }
}

impl Future for Waiting {
    type Output = Option<Place>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Place>> {
        Pin::new(&mut self.turn).poll(cx).map(Result::ok)
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
        assert!(late.now_or_never().unwrap().is_some());
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
    fn who_is_let_go_has_no_place() {
        let line = Line::new(1);
        let now = Instant::now();
        let _place = line.enter(now).unwrap();
        let early = line.enter(now).unwrap_err();
        let mut late = line.enter(now + Duration::from_secs(1)).unwrap_err();
        assert!(line.let_go(now));
        assert!(early.now_or_never().unwrap().is_none());
        assert!((&mut late).now_or_never().is_none());
        assert!(!line.let_go(now + Duration::from_secs(1)));
        assert!(late.now_or_never().unwrap().is_none());
    }

    #[test]
    fn places_are_added_and_taken_away() {
        let line = Line::new(1);
        let now = Instant::now();
        let first = line.enter(now).unwrap();
        let second = line.enter(now).unwrap_err();
        line.resize(2);
        let second = second.now_or_never().unwrap().unwrap();
        line.resize(1);
        let mut third = line.enter(now).unwrap_err();
        drop(first);
        assert!((&mut third).now_or_never().is_none());
        drop(second);
        assert!(third.now_or_never().unwrap().is_some());
    }
}
