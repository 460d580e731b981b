//! A stream while it is open: what ends it beside its own end, and what is noted of it. Knows no protocol.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use braid_gateway::subscriptions::{EndCause, Ended, Event};
use futures_util::Stream;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::config::StreamsConfig;
use super::events::Events;
use super::registry::{Place, Streams};
use crate::exchange::StreamExchange;

/// What begins a stream.
pub(crate) struct Open<S> {
    pub(crate) exchange: StreamExchange<S>,
    pub(crate) place: Place,
    /// Says why the stream has ended, where it is dropped because of what happened to its socket.
    pub(crate) socket: Option<Arc<OnceLock<EndCause>>>,
}

/// A stream of events under the limits of streams. If it is dropped before its end, its client has left.
pub(crate) struct LiveStream<S> {
    events: Events,
    exchange: StreamExchange<S>,
    _place: Place,
    socket: Option<Arc<OnceLock<EndCause>>>,
    ends: Ends,
    timer: Option<Pin<Box<Sleep>>>,
    /// Sockets end their streams themselves.
    stopping: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    has_ended: bool,
}

/// When a stream ends.
struct Ends {
    /// At a time that is fixed.
    fixed: Option<(Instant, EndCause)>,
    /// After so much time without an event.
    idle: Option<Duration>,
    idle_at: Option<Instant>,
}

impl Ends {
    fn next(&self) -> Option<(Instant, EndCause)> {
        let idle = self.idle_at.map(|at| (at, EndCause::Idle));
        [self.fixed, idle].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    fn end_at(&mut self, at: Instant, cause: EndCause) {
        if self.fixed.is_none_or(|(fixed, _)| at < fixed) {
            self.fixed = Some((at, cause));
        }
    }

    fn event(&mut self, now: Instant) {
        self.idle_at = self.idle.map(|idle| now + idle);
    }
}

impl<S> LiveStream<S> {
    /// The events of an open stream.
    pub(crate) fn new(events: Events, config: &StreamsConfig, streams: &Streams, open: Open<S>) -> Self {
        let Open { exchange, place, socket } = open;
        let now = Instant::now();
        let mut ends = Ends { fixed: None, idle: config.idle_timeout.map(|time| time.0), idle_at: None };
        ends.event(now);
        if let Some(most) = config.max_duration {
            ends.end_at(now + most.0, EndCause::MaxDuration);
        }
        let is_alone = socket.is_none();
        if let Some(expires) = exchange.expires().filter(|_| is_alone) {
            ends.end_at(instant(expires), EndCause::CredentialsExpired);
        }
        let timer = ends.next().map(|(at, _)| Box::pin(tokio::time::sleep_until(at)));
        let stopping = is_alone.then(|| Box::pin(streams.stopping().clone().cancelled_owned()));
        Self { events, exchange, _place: place, socket, ends, timer, stopping, has_ended: false }
    }

    fn poll_limits(&mut self, cx: &mut Context<'_>) -> Poll<EndCause> {
        if let Some(stopping) = &mut self.stopping
            && stopping.as_mut().poll(cx).is_ready()
        {
            self.stopping = None;
            let at = Instant::now() + self.exchange.last_wait();
            self.ends.end_at(at, EndCause::Shutdown);
            self.timer = self.ends.next().map(|(at, _)| Box::pin(tokio::time::sleep_until(at)));
        }
        let Some(timer) = &mut self.timer else { return Poll::Pending };
        while timer.as_mut().poll(cx).is_ready() {
            match self.ends.next() {
                // Events have come since it was set.
                Some((at, _)) if at > Instant::now() => timer.as_mut().reset(at),
                Some((_, cause)) => return Poll::Ready(cause),
                None => return Poll::Pending,
            }
        }
        Poll::Pending
    }
}

/// The instant of a time of day, by the clock of now.
pub(super) fn instant(time: SystemTime) -> Instant {
    Instant::now() + time.duration_since(SystemTime::now()).unwrap_or_default()
}

impl<S> Stream for LiveStream<S> {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let this = &mut *self;
        if this.has_ended {
            return Poll::Ready(None);
        }
        // Limits come first: there may always be an event.
        if let Poll::Ready(cause) = this.poll_limits(cx) {
            let ended = Ended::for_cause(cause);
            this.end(&ended);
            return Poll::Ready(Some(Event::Ended(ended)));
        }
        match Pin::new(&mut this.events).poll_next(cx) {
            Poll::Ready(Some(Event::Next(response))) => {
                this.ends.event(Instant::now());
                this.exchange.sent(response.len());
                Poll::Ready(Some(Event::Next(response)))
            }
            Poll::Ready(Some(Event::Ended(ended))) => {
                this.end(&ended);
                Poll::Ready(Some(Event::Ended(ended)))
            }
            Poll::Ready(None) => {
                let ended = Ended::for_cause(EndCause::Completed);
                this.end(&ended);
                Poll::Ready(None)
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S> LiveStream<S> {
    fn end(&mut self, ended: &Ended) {
        self.has_ended = true;
        self.exchange.end(ended, self.events.dropped());
    }
}

impl<S> Drop for LiveStream<S> {
    fn drop(&mut self) {
        if !self.has_ended {
            let of_socket = self.socket.as_ref().and_then(|socket| socket.get().copied());
            let ended = Ended { cause: of_socket.unwrap_or(EndCause::ClientLeft), errors: Vec::new() };
            self.end(&ended);
        }
    }
}
