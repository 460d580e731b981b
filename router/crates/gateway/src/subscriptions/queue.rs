//! The events that wait for one client, bounded. Knows neither who makes them nor who sends them.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::config::WhenFull;
use super::ended::{EndCause, Ended};

/// Bounds of a queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueLimits {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
    pub(crate) when_full: WhenFull,
}

/// What the stream of a subscription says.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The response to one event, `{"data":…}`.
    Next(Bytes),
    /// The end. Nothing comes after it.
    Ended(Ended),
}

#[derive(Debug, Default)]
pub(crate) struct Queue(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<Bytes>,
    bytes: usize,
    /// The number of events that were dropped so far.
    dropped: u64,
    ended: Option<Ended>,
    /// Whoever waits for the next event.
    waker: Option<Waker>,
}

impl Queue {
    /// Adds an event. Returns how many were dropped for it.
    pub(crate) fn push(&self, event: Bytes, limits: QueueLimits) -> usize {
        let mut waiting = self.lock();
        if waiting.ended.is_some() {
            return 0;
        }
        let mut dropped = 0;
        let is_full = |waiting: &Waiting| {
            !waiting.events.is_empty()
                && (waiting.events.len() >= limits.events.max(1) || waiting.bytes + event.len() > limits.bytes)
        };
        while is_full(&waiting) {
            if limits.when_full == WhenFull::End {
                dropped = waiting.events.len() + 1;
                waiting.dropped += dropped as u64;
                waiting.events = VecDeque::new();
                waiting.ended = Some(Ended::for_cause(EndCause::TooSlow));
                waiting.wake();
                return dropped;
            }
            let oldest = waiting.events.pop_front().unwrap_or_default();
            waiting.bytes -= oldest.len();
            waiting.dropped += 1;
            dropped += 1;
        }
        waiting.bytes += event.len();
        waiting.events.push_back(event);
        waiting.wake();
        dropped
    }

    /// How many events were dropped so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Ends the stream after the events that wait.
    pub(crate) fn end(&self, ended: Ended) {
        let mut waiting = self.lock();
        waiting.ended.get_or_insert(ended);
        waiting.wake();
    }

    /// The next event. Ends after [`Event::Ended`].
    pub(crate) fn poll_next(&self, has_ended: &mut bool, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        if *has_ended {
            return Poll::Ready(None);
        }
        let mut waiting = self.lock();
        if let Some(event) = waiting.events.pop_front() {
            waiting.bytes -= event.len();
            if waiting.events.is_empty() {
                // An idle stream keeps no room for events.
                waiting.events = VecDeque::new();
            }
            return Poll::Ready(Some(Event::Next(event)));
        }
        if let Some(ended) = waiting.ended.clone() {
            *has_ended = true;
            return Poll::Ready(Some(Event::Ended(ended)));
        }
        waiting.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use std::future::poll_fn;

    use super::*;

    fn limits(when_full: WhenFull) -> QueueLimits {
        QueueLimits { events: 2, bytes: 10, when_full }
    }

    fn taken(queue: &Queue) -> Vec<Event> {
        let (mut all, mut has_ended) = (Vec::new(), false);
        while let Some(Some(event)) = poll_fn(|cx| queue.poll_next(&mut has_ended, cx)).now_or_never() {
            all.push(event);
        }
        all
    }

    fn next(text: &'static str) -> Event {
        Event::Next(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn the_oldest_events_are_dropped() {
        let queue = Queue::default();
        let push = |text: &'static str| queue.push(Bytes::from_static(text.as_bytes()), limits(WhenFull::DropOldest));
        assert_eq!([push("a"), push("b"), push("c")], [0, 0, 1]);
        assert_eq!(taken(&queue), [next("b"), next("c")]);
        // By size too; one that is larger than the bound is still sent.
        assert_eq!([push("12345678"), push("123"), push("12345678901")], [0, 1, 1]);
        assert_eq!(taken(&queue), [next("12345678901")]);
    }

    #[test]
    fn a_client_that_is_too_slow_is_told_so() {
        let queue = Queue::default();
        let push = |text: &'static str| queue.push(Bytes::from_static(text.as_bytes()), limits(WhenFull::End));
        assert_eq!([push("a"), push("b"), push("c"), push("d")], [0, 0, 3, 0]);
        assert_eq!(taken(&queue), [Event::Ended(Ended::for_cause(EndCause::TooSlow))]);
    }

    #[test]
    fn events_come_before_the_end_and_the_first_end_counts() {
        let queue = Queue::default();
        queue.push(Bytes::from_static(b"a"), limits(WhenFull::End));
        queue.end(Ended::for_cause(EndCause::Completed));
        queue.end(Ended::for_cause(EndCause::SchemaReload));
        queue.push(Bytes::from_static(b"b"), limits(WhenFull::End));
        assert_eq!(taken(&queue), [next("a"), Event::Ended(Ended::for_cause(EndCause::Completed))]);
    }
}
