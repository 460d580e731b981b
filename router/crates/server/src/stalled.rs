//! Answers over HTTP/2 that clients do not read. There a client can hold up each answer by itself while it keeps the connection
//! alive, so that a timeout of the socket sees nothing. Knows no GraphQL.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use braid_gateway::Body;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

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
    rest: Body,
    number: u64,
    stalled: Arc<Stalled>,
}

/// What is handed to HTTP/2 waits there without being seen, so it is given little at a time.
const PIECE: usize = 16 << 10;

impl Stalled {
    /// `body` in pieces, watched until it is dropped.
    pub(crate) fn watch(self: &Arc<Self>, body: Body) -> Pieces {
        let mut answers = self.lock();
        answers.count += 1;
        let number = answers.count;
        answers.moved.insert(number, Instant::now());
        Pieces { rest: body, number, stalled: self.clone() }
    }

    /// Whether a client has taken nothing of an answer for so long.
    pub(crate) fn is_stuck(&self, time: Duration) -> bool {
        self.lock().moved.values().any(|moved| moved.elapsed() >= time)
    }

    fn lock(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Self { rest, number, stalled } = &mut *self;
        let polled = match rest {
            Body::Whole(bytes) if bytes.len() > PIECE => Poll::Ready(Some(Ok(Frame::data(bytes.split_to(PIECE))))),
            rest => Pin::new(rest).poll_frame(cx),
        };
        let mut answers = stalled.lock();
        match &polled {
            Poll::Ready(Some(_)) => drop(answers.moved.insert(*number, Instant::now())),
            // The client does not wait to be read: it waits for the next part.
            Poll::Pending => drop(answers.moved.remove(number)),
            Poll::Ready(None) => {}
        }
        drop(answers);
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.rest.size_hint()
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.stalled.lock().moved.remove(&self.number);
    }
}
