//! The events of a stream, whoever makes them. Knows no protocol.

use std::pin::Pin;
use std::task::{Context, Poll};

use braid_gateway::incremental::PartStream;
use braid_gateway::subscriptions::{Event, EventStream};
use futures_util::Stream;

/// The events of a stream.
pub(crate) enum Events {
    /// Of a subscription.
    Subscription(EventStream),
    /// The parts of an answer.
    Parts(PartStream),
}

impl Events {
    /// How many events the client did not get, because it did not take them in time.
    pub(crate) fn dropped(&self) -> u64 {
        match self {
            Self::Subscription(events) => events.dropped(),
            Self::Parts(_) => 0,
        }
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        match &mut *self {
            Self::Subscription(events) => Pin::new(events).poll_next(cx),
            Self::Parts(parts) => Pin::new(parts).poll_next(cx),
        }
    }
}
