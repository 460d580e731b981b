//! Answers over HTTP/2 that clients leave stalled. There a client can hold up each answer by itself while it keeps the connection
//! alive, so that a timeout of the socket sees nothing. Knows no GraphQL.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// The answers of one connection that are on their way, by the time that the client last took something of them.
#[derive(Debug, Default)]
pub(crate) struct Stalled(Mutex<Answers>);

#[derive(Debug, Default)]
struct Answers {
    moved: BTreeMap<u64, Instant>,
    count: u64,
}

/// A body of which a client gets a piece each time that it takes one.
#[derive(Debug)]
pub(crate) struct Pieces {
    rest: Bytes,
    number: u64,
    stalled: Arc<Stalled>,
}

/// What is handed to HTTP/2 waits there without being seen, so it is given little at a time.
const PIECE: usize = 16 << 10;

impl Stalled {
    /// `body` in pieces, watched until it is dropped.
    pub(crate) fn watch(self: &Arc<Self>, body: Bytes) -> Pieces {
        let mut answers = self.lock();
        answers.count += 1;
        let number = answers.count;
        answers.moved.insert(number, Instant::now());
        Pieces { rest: body, number, stalled: self.clone() }
    }

    /// Whether there was any answer.
    pub(crate) fn is_used(&self) -> bool {
        self.lock().count > 0
    }

    /// Whether a client has taken nothing of an answer for so long.
    pub(crate) fn is_stuck(&self, time: Duration) -> bool {
        self.lock().moved.values().any(|moved| moved.elapsed() >= time)
    }

    fn lock(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let number = self.number;
        self.stalled.lock().moved.insert(number, Instant::now());
        let length = self.rest.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.stalled.lock().moved.remove(&self.number);
    }
}
