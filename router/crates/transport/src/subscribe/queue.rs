//! The events of one subscription that wait to be taken, within bounds: who brings them never waits. Knows no protocol.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use braid_executor::SubgraphError;
use bytes::Bytes;
use tokio::time::Instant;

use super::limits::Limits;

/// Events on their way from a connection to a subscription.
#[derive(Debug)]
pub(crate) struct Queue {
    limits: Limits,
    waiting: Mutex<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    events: VecDeque<Bytes>,
    bytes: usize,
    /// Whether events are missing before the next one.
    has_gap: bool,
    end: Option<End>,
    waker: Option<Waker>,
    heard: Instant,
}

/// What is taken out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    /// A response.
    Next(Bytes),
    /// Events are missing here.
    Gap,
    /// Nothing comes any more.
    End(End),
}

/// Why nothing comes any more.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum End {
    /// The subgraph has said so.
    Completed,
    /// Something went wrong. If the error is retryable, the connection was lost, and another one may do better.
    Failed(SubgraphError),
}

impl Queue {
    pub(crate) fn new(limits: Limits) -> Self {
        let waiting = Waiting {
            events: VecDeque::new(),
            bytes: 0,
            has_gap: false,
            end: None,
            waker: None,
            heard: Instant::now(),
        };
        Self { limits, waiting: Mutex::new(waiting) }
    }

    /// Adds an event. Where there is no room, the oldest ones are dropped. One that comes after the end is ignored.
    pub(crate) fn push(&self, event: Bytes) {
        let mut waiting = self.lock();
        if waiting.end.is_some() {
            return;
        }
        let Limits { events, bytes, dropped, .. } = &self.limits;
        while waiting.events.len() >= (*events).max(1) || waiting.bytes + event.len() > *bytes {
            let Some(oldest) = waiting.events.pop_front() else { break };
            waiting.bytes -= oldest.len();
            waiting.has_gap = true;
            dropped.inc();
        }
        waiting.bytes += event.len();
        waiting.events.push_back(event);
        waiting.heard = Instant::now();
        waiting.wake();
    }

    /// Adds an event that was read somewhere, unless it is too large, which ends the subscription. Returns whether it goes on.
    pub(crate) fn push_checked(&self, event: Bytes) -> bool {
        if event.len() <= self.limits.message {
            self.push(event);
            return true;
        }
        self.end(End::Failed(super::error::too_large(self.limits.message)));
        false
    }

    /// Adds a response with these errors, and the end.
    pub(crate) fn refuse(&self, errors: &[u8]) {
        self.push([br#"{"errors":"#, errors, b"}"].concat().into());
        self.end(End::Completed);
    }

    /// Events may be missing before the next one.
    pub(crate) fn gap(&self) {
        self.lock().has_gap = true;
    }

    /// Nothing comes after what was added. The first end counts.
    pub(crate) fn end(&self, end: End) {
        let mut waiting = self.lock();
        waiting.end.get_or_insert(end);
        waiting.wake();
    }

    /// The subgraph has shown that it is there.
    pub(crate) fn hear(&self) {
        self.lock().heard = Instant::now();
    }

    /// When it last has.
    pub(crate) fn heard(&self) -> Instant {
        self.lock().heard
    }

    pub(crate) async fn next(&self) -> Item {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Item> {
        let mut waiting = self.lock();
        if std::mem::take(&mut waiting.has_gap) {
            return Poll::Ready(Item::Gap);
        }
        if let Some(event) = waiting.events.pop_front() {
            waiting.bytes -= event.len();
            return Poll::Ready(Item::Next(event));
        }
        if let Some(end) = &waiting.end {
            return Poll::Ready(Item::End(end.clone()));
        }
        waiting.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
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

    use super::*;

    fn queue(events: usize, bytes: usize) -> Queue {
        Queue::new(Limits { events, bytes, message: 20, ..Limits::default() })
    }

    fn taken(queue: &Queue) -> Vec<Item> {
        let mut all = Vec::new();
        while let Some(item) = queue.next().now_or_never() {
            all.push(item.clone());
            if matches!(item, Item::End(_)) {
                break;
            }
        }
        all
    }

    fn next(text: &'static str) -> Item {
        Item::Next(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn the_oldest_are_dropped_and_leave_a_gap() {
        let queue = queue(2, 10);
        ["a", "b", "c"].into_iter().for_each(|text| queue.push(text.into()));
        assert_eq!(taken(&queue), [Item::Gap, next("b"), next("c")]);
        // By size too; one alone may be larger.
        ["12345678", "123", "12345678901"].into_iter().for_each(|text| queue.push(text.into()));
        assert_eq!(taken(&queue), [Item::Gap, next("12345678901")]);
        assert_eq!(queue.limits.dropped.get(), 3);
    }

    #[test]
    fn what_comes_after_the_end_is_ignored() {
        let queue = queue(2, 10);
        queue.refuse(b"[]");
        queue.push("b".into());
        queue.end(End::Failed(super::super::error::lost("late".to_owned())));
        assert_eq!(taken(&queue), [next(r#"{"errors":[]}"#), Item::End(End::Completed)]);
    }

    #[test]
    fn one_that_is_too_large_ends_it() {
        let queue = queue(2, 100);
        assert!(queue.push_checked("x".repeat(20).into()));
        assert!(!queue.push_checked("x".repeat(21).into()));
        assert!(matches!(taken(&queue).last(), Some(Item::End(End::Failed(error))) if !error.retryable));
    }
}
