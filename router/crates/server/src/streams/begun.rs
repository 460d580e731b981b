//! The stream of a subscription that may begin and has begun. Knows no protocol.

use std::sync::{Arc, OnceLock};

use braid_gateway::refusal::Refusal;
use braid_gateway::subscriptions::{EndCause, EventStream};
use braid_gateway::{Subgraphs, Subscription};
use braid_request_context::RequestContext;

use super::live::{LiveStream, Open};
use super::registry::Place;
use crate::exchange::Exchange;
use crate::observe::OpenedStream;
use crate::state::Front;
use crate::version::Version;

/// A stream that has begun, of which nothing is sent yet.
pub(crate) struct Begun {
    events: EventStream,
    place: Place,
    opened: OpenedStream,
}

impl Begun {
    /// Begins, if there is room for one more stream.
    pub(crate) fn open<S: Subgraphs>(
        front: &Front<S>,
        version: &Version<S>,
        context: &RequestContext,
        subscription: Subscription,
        protocol: &'static str,
    ) -> Result<Self, Refusal> {
        let principal = context.identity.principal().map(|principal| &**principal);
        let client = front.streams.client(principal, version.address(context));
        let place = front.streams.take(&version.config.streams, client)?;
        let opened = OpenedStream { protocol, operation: subscription.operation.clone(), cached: subscription.cached };
        let events = front.subscriptions.open(&version.gateway, subscription)?;
        Ok(Self { events, place, opened })
    }

    /// The stream, which goes on after the exchange that began it. If it is one of several on a socket, that says why it ends.
    pub(crate) fn live<S>(
        self,
        exchange: Exchange<S>,
        front: &Arc<Front<S>>,
        socket: Option<Arc<OnceLock<EndCause>>>,
    ) -> LiveStream<EventStream, S> {
        let version = exchange.version.clone();
        let exchange = exchange.into_stream(front, self.opened);
        LiveStream::new(
            self.events,
            &version.config.streams,
            &front.streams,
            Open { exchange, place: self.place, socket },
        )
    }
}
