//! The stream of a subscription, or of an answer in parts, that may begin and has begun. Knows no protocol.

use std::sync::{Arc, OnceLock};

use braid_executor::PartsFormat;
use braid_gateway::incremental;
use braid_gateway::refusal::Refusal;
use braid_gateway::subscriptions::EndCause;
use braid_gateway::{Executed, Incremental, Subgraphs, Subscription, extend};
use braid_request_context::RequestContext;

use super::events::Events;
use super::live::{LiveStream, Open};
use super::registry::Place;
use crate::exchange::Exchange;
use crate::observe::OpenedStream;
use crate::state::Front;
use crate::version::Version;

/// A stream that has begun, of which nothing is sent yet.
pub(crate) struct Begun {
    events: Events,
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
        let place = place(front, version, context)?;
        let opened = OpenedStream { protocol, operation: subscription.operation.clone(), cached: subscription.cached };
        let events = Events::Subscription(front.subscriptions.open(&version.gateway, subscription)?);
        Ok(Self { events, place, opened })
    }

    /// Begins an answer in parts, if there is room for one more stream. If nothing is deferred after all, the answer is whole.
    pub(crate) async fn parts<S: Subgraphs>(
        front: &Front<S>,
        version: &Version<S>,
        context: &Arc<RequestContext>,
        incremental: Incremental,
        format: PartsFormat,
        protocol: &'static str,
    ) -> Result<Result<Self, Box<Executed>>, Refusal> {
        let place = place(front, version, context)?;
        let opened = OpenedStream { protocol, operation: incremental.operation.clone(), cached: incremental.cached };
        Ok(match incremental.begin(&version.gateway, format).await {
            incremental::Begun::Whole(mut executed) => {
                extend::executed(&version.gateway, context, &mut executed).await?;
                Err(executed)
            }
            incremental::Begun::Parts(parts) => Ok(Self { events: Events::Parts(parts), place, opened }),
        })
    }

    /// The stream, which goes on after the exchange that began it. If it is one of several on a socket, that says why it ends.
    pub(crate) fn live<S>(
        self,
        exchange: Exchange<S>,
        front: &Arc<Front<S>>,
        socket: Option<Arc<OnceLock<EndCause>>>,
    ) -> LiveStream<S> {
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

/// The place for one more stream of a client, if there is one.
fn place<S>(front: &Front<S>, version: &Version<S>, context: &RequestContext) -> Result<Place, Refusal> {
    let principal = context.identity.principal().map(|principal| &**principal);
    let client = front.streams.client(principal, context.client);
    front.streams.take(&version.config.streams, client)
}
