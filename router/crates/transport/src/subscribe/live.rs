//! A subscription that outlives its connections: when one is lost, the subscription is made again, and events that may be missing are a
//! gap. Knows no protocol.

use std::sync::Arc;
use std::time::Duration;

use braid_executor::{SubgraphError, SubgraphEvent, SubgraphEvents};
use tokio::time::{Instant, sleep};

use super::pace::pause;
use super::place::Place;
use super::queue::{End, Item};
use super::source::Source;
use super::{Asked, Opening, error};
use crate::endpoints::Tried;
use crate::subgraph::Subgraph;

/// A connection that has held for so long was a success, even if it brought nothing.
const HELD: Duration = Duration::from_secs(5);

/// Subscribes. The subscription ends when the events are dropped.
pub(crate) async fn subscribe(
    subgraph: Arc<Subgraph>,
    asked: Asked,
    span: Option<&braid_telemetry::otlp::Span>,
) -> Result<SubgraphEvents, SubgraphError> {
    let places = &subgraph.subscriber.places;
    let place = places.take().ok_or_else(|| error::overloaded(places.max))?;
    let url = subgraph.endpoints.choose(&mut Tried::default());
    let source = subgraph.subscriber.open(Opening { asked: &asked, url, was_lost: false, span }).await?;
    let live = Live { subgraph, asked, source: Some(source), opened: Instant::now(), attempts: 0, _place: place };
    Ok(Box::pin(futures_util::stream::unfold(live, Live::next)))
}

struct Live {
    subgraph: Arc<Subgraph>,
    asked: Asked,
    /// None once all is over.
    source: Option<Source>,
    opened: Instant,
    /// Attempts to make it again since there was a success.
    attempts: u32,
    _place: Place,
}

impl Live {
    async fn next(mut self) -> Option<(SubgraphEvent, Self)> {
        let event = match self.source.as_ref()?.next().await {
            Item::Next(response) => {
                self.attempts = 0;
                SubgraphEvent::Next(response)
            }
            Item::Gap => SubgraphEvent::Gap,
            Item::End(End::Completed) => return None,
            Item::End(End::Failed(error)) => {
                self.source = None;
                match self.again(error).await {
                    Ok(source) => {
                        (self.source, self.opened) = (Some(source), Instant::now());
                        self.subgraph.subscriber.reading.observer.metrics.resubscribed.inc();
                        SubgraphEvent::Gap
                    }
                    Err(error) => SubgraphEvent::Failed(error),
                }
            }
        };
        Some((event, self))
    }

    /// Makes the subscription again, if that can help.
    async fn again(&mut self, mut error: SubgraphError) -> Result<Source, SubgraphError> {
        let Self { subgraph, asked, opened, attempts, .. } = self;
        let subscriber = &subgraph.subscriber;
        let reconnect = &subscriber.config.reconnect;
        if opened.elapsed() >= HELD {
            *attempts = 0;
        }
        let mut tried = Tried::default();
        while error.retryable {
            if *attempts >= reconnect.attempts {
                error.retryable = false;
                error.message = format!(
                    "{}; the subscription could not be made again in {} attempts (subscriptions.reconnect)",
                    error.message, attempts
                );
                break;
            }
            *attempts += 1;
            sleep(pause(reconnect, *attempts)).await;
            let url = subgraph.endpoints.choose(&mut tried);
            match subscriber.open(Opening { asked, url, was_lost: true, span: None }).await {
                Ok(source) => return Ok(source),
                Err(failed) => error = failed,
            }
        }
        Err(error)
    }
}
