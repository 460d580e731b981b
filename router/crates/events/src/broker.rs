//! What the router needs of a message broker. NATS is one; Redis and Kafka would be others. Knows no message's content.

use std::fmt;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

/// A message broker.
pub(crate) trait Broker: fmt::Debug + Send + Sync {
    /// The messages of some subjects from now on. Dropping the stream ends the subscription.
    fn subscribe(&self, subjects: Vec<String>) -> BoxFuture<'_, Result<BoxStream<'static, Message>, BrokerError>>;

    /// Why a value can't be part of a subject; none if it can.
    fn refuses(&self, subject: &str) -> Option<&'static str>;
}

/// What a subscription at a broker brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// A message.
    Payload {
        /// Its subject.
        subject: String,
        /// Its content.
        payload: Bytes,
    },
    /// Messages may be missing here.
    Gap,
}

/// A broker that can't be subscribed at.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BrokerError(pub(crate) String);
