//! Messages that a router must not miss: each is taken by one router of a group, or by every router. Knows no GraphQL, and not what the
//! messages are for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::consumer::pull::{Config, Stream};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy};
use async_nats::jetstream::message::Acker;
use async_nats::jetstream::{self, AckKind};
use bytes::Bytes;
use futures_util::stream::{BoxStream, SelectAll, StreamExt, select};

use crate::broker::{BrokerError, Message};
use crate::config::BrokerConfig;
use crate::nats::{Nats, gaps};

/// What an intake brings.
#[derive(Debug)]
pub enum Taken {
    /// A message.
    Message(Delivered),
    /// Messages may be missing here.
    Gap,
}

/// A message that was delivered.
pub struct Delivered {
    /// Its subject.
    pub subject: String,
    /// Its content.
    pub payload: Bytes,
    /// Tells the broker what came of it, where the broker wants to know.
    acker: Option<Box<Acker>>,
}

/// The pause before another attempt to read messages, and the longest one.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// After this time, the broker gives a message that nobody acknowledged to somebody else.
const ACK_WAIT: Duration = Duration::from_secs(30);
/// The pause before a message that was given back comes again.
const AGAIN: Duration = Duration::from_secs(1);

impl Delivered {
    /// Tells the broker that the message need not be delivered again.
    pub async fn done(self) {
        self.acknowledge(AckKind::Ack).await;
    }

    /// Gives the message back, so that it is delivered again, if the broker does that. Returns the message if it does not.
    pub async fn give_back(self) -> Option<Self> {
        if self.acker.is_none() {
            return Some(self);
        }
        self.acknowledge(AckKind::Nak(Some(AGAIN))).await;
        None
    }

    async fn acknowledge(self, kind: AckKind) {
        let Some(acker) = self.acker else { return };
        if let Err(error) = acker.ack_with(kind).await {
            tracing::debug!(%error, subject = self.subject, "A message could not be acknowledged; it will come again");
        }
    }
}

impl fmt::Debug for Delivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, payload, .. } = self;
        f.debug_struct("Delivered").field("subject", subject).field("bytes", &payload.len()).finish_non_exhaustive()
    }
}

/// The messages of some subjects, which can have wildcards, from now on. With a `group`, each message comes to one of those that name the
/// same group; without, to everybody. Where the broker keeps messages in a stream, none are lost while it can't be reached, and those of a
/// group are not lost either while none of the group runs; otherwise there is a gap. Connects in the background, and again and again.
pub fn intake(
    name: &str,
    config: &BrokerConfig,
    subjects: Vec<String>,
    group: Option<String>,
) -> BoxStream<'static, Taken> {
    let BrokerConfig::Nats(config) = config;
    let intake = Arc::new(Intake { nats: Nats::new(name, config), name: name.to_owned(), subjects, group });
    let state = (intake, None::<BoxStream<'static, Taken>>, Retry::default());
    futures_util::stream::unfold(state, |(intake, mut open, mut retry)| async move {
        loop {
            let Some(messages) = &mut open else {
                match intake.open().await {
                    Ok(messages) => open = Some(messages),
                    Err(error) => retry.failed(&intake.name, &error).await,
                }
                continue;
            };
            match messages.next().await {
                Some(taken) => {
                    retry = Retry::default();
                    return Some((taken, (intake, open, retry)));
                }
                None => {
                    open = None;
                    retry.failed(&intake.name, &BrokerError("the broker ended the subscription".to_owned())).await;
                }
            }
        }
    })
    .boxed()
}

struct Intake {
    nats: Nats,
    name: String,
    subjects: Vec<String>,
    group: Option<String>,
}

/// The pause before the next attempt, and what was logged.
#[derive(Default)]
struct Retry {
    attempts: u32,
    logged: String,
}

impl Retry {
    async fn failed(&mut self, broker: &str, error: &BrokerError) {
        if self.logged != error.0 {
            tracing::warn!(broker, %error, "Messages can't be taken; the router tries again");
            self.logged.clone_from(&error.0);
        }
        tokio::time::sleep((PAUSE * 2_u32.saturating_pow(self.attempts.min(8))).min(LONGEST_PAUSE)).await;
        self.attempts += 1;
    }
}

impl Intake {
    async fn open(&self) -> Result<BoxStream<'static, Taken>, BrokerError> {
        let client = self.nats.client().await?;
        match (&self.nats.config.stream, &self.group) {
            (Some(stream), Some(group)) => self.shared(client, stream, group).await,
            (Some(stream), None) => {
                let kept = self.nats.kept(client, stream, self.subjects.clone()).await?;
                // What came before the first connection is not known.
                Ok(futures_util::stream::iter([Taken::Gap]).chain(kept.map(taken)).boxed())
            }
            (None, group) => self.passing(client, group.as_deref()).await,
        }
    }

    /// Without a stream: what comes while nobody listens is lost.
    async fn passing(&self, client: &Client, group: Option<&str>) -> Result<BoxStream<'static, Taken>, BrokerError> {
        let lost = self.nats.gaps.subscribe();
        let mut all = SelectAll::new();
        for subject in &self.subjects {
            let subscribed = match group {
                Some(group) => client.queue_subscribe(subject.clone(), group.to_owned()).await,
                None => client.subscribe(subject.clone()).await,
            };
            let messages = subscribed.map_err(|error| BrokerError(error.to_string()))?;
            all.push(messages.map(|message| delivered(&message, None)));
        }
        Ok(select(all, gaps(lost).map(taken)).boxed())
    }

    /// By one consumer for the whole group, which the broker remembers.
    async fn shared(
        &self,
        client: &Client,
        stream: &str,
        group: &str,
    ) -> Result<BoxStream<'static, Taken>, BrokerError> {
        let failed = |error: &dyn fmt::Display| BrokerError(format!("the JetStream stream \"{stream}\": {error}"));
        let config = Config {
            durable_name: Some(group.to_owned()),
            description: Some("Routers that share what they keep".to_owned()),
            deliver_policy: DeliverPolicy::New,
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_deliver: -1,
            filter_subjects: self.subjects.clone(),
            ..Config::default()
        };
        let stream = jetstream::new(client.clone()).get_stream(stream).await.map_err(|error| failed(&error))?;
        let consumer = stream.create_consumer(config).await.map_err(|error| failed(&error))?;
        let messages: Stream = consumer.messages().await.map_err(|error| failed(&error))?;
        let name = self.name.clone();
        // It ends with the first error, and is opened again.
        let messages = messages.scan((), move |(), message| {
            let message = message.inspect_err(|error| tracing::debug!(broker = name, %error, "NATS")).ok();
            std::future::ready(message)
        });
        let split = messages.map(|message| {
            let (message, acker) = message.split();
            delivered(&message, Some(Box::new(acker)))
        });
        Ok(split.boxed())
    }
}

fn delivered(message: &async_nats::Message, acker: Option<Box<Acker>>) -> Taken {
    let (subject, payload) = (message.subject.to_string(), message.payload.clone());
    Taken::Message(Delivered { subject, payload, acker })
}

fn taken(message: Message) -> Taken {
    match message {
        Message::Payload { subject, payload } => Taken::Message(Delivered { subject, payload, acker: None }),
        Message::Gap => Taken::Gap,
    }
}
