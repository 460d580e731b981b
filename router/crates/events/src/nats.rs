//! NATS, with JetStream or without. Knows no GraphQL.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::{Ordered, OrderedConfig};
use async_nats::{Client, ConnectOptions, Event, jetstream};
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, SelectAll, StreamExt, select};
use tokio::sync::{OnceCell, watch};

use crate::broker::{Broker, BrokerError, Message};
use crate::config::NatsConfig;

/// A NATS server or cluster. Connected when it is first needed, and again whenever the connection is lost.
#[derive(Debug)]
pub(crate) struct Nats {
    name: String,
    pub(crate) config: NatsConfig,
    client: OnceCell<Client>,
    /// How often messages may have been lost.
    pub(crate) gaps: Arc<watch::Sender<u64>>,
}

/// The messages of one subscription that wait.
const WAITING: usize = 1024;

impl Nats {
    pub(crate) fn new(name: &str, config: &NatsConfig) -> Self {
        let gaps = Arc::new(watch::Sender::new(0));
        Self { name: name.to_owned(), config: config.clone(), client: OnceCell::new(), gaps }
    }

    pub(crate) async fn client(&self) -> Result<&Client, BrokerError> {
        let connected = self.client.get_or_try_init(|| async {
            let urls: Vec<&str> = self.config.urls.iter().map(String::as_str).collect();
            self.options().connect(urls.join(",")).await
        });
        connected.await.map_err(|error| BrokerError(format!("NATS can't be reached: {error}")))
    }

    fn options(&self) -> ConnectOptions {
        let config = &self.config;
        let mut options = match (&config.user, &config.password, &config.token) {
            (Some(user), password, _) => {
                let password = password.as_ref().map(|secret| secret.0.clone()).unwrap_or_default();
                ConnectOptions::with_user_and_password(user.clone(), password)
            }
            (None, _, Some(token)) => ConnectOptions::with_token(token.0.clone()),
            (None, _, None) => ConnectOptions::new(),
        };
        if let Some(authorities) = &config.tls.authorities {
            options = options.add_root_certificates(authorities.into());
        }
        if let (Some(certificate), Some(key)) = (&config.tls.certificate, &config.tls.key) {
            options = options.add_client_certificate(certificate.into(), key.into());
        }
        let (name, gaps) = (self.name.clone(), self.gaps.clone());
        options
            .name("braid")
            // A broker that is away when a client subscribes is waited for, as it is later.
            .retry_on_initial_connect()
            .subscription_capacity(WAITING)
            .event_callback(move |event| {
                let (name, gaps) = (name.clone(), gaps.clone());
                async move { noticed(&name, &gaps, &event) }
            })
    }

    async fn core(&self, client: &Client, subjects: Vec<String>) -> Result<BoxStream<'static, Message>, BrokerError> {
        let mut all = SelectAll::new();
        for subject in subjects {
            let messages = client.subscribe(subject).await.map_err(|error| BrokerError(error.to_string()))?;
            all.push(messages.map(|message| payload(&message)).boxed());
        }
        Ok(select(all, gaps(self.gaps.subscribe())).boxed())
    }

    /// By consumers that go on where they were after the connection was lost.
    pub(crate) async fn kept(
        &self,
        client: &Client,
        stream: &str,
        subjects: Vec<String>,
    ) -> Result<BoxStream<'static, Message>, BrokerError> {
        let context = jetstream::new(client.clone());
        let mut all = SelectAll::new();
        for subject in subjects {
            let kept = Kept {
                broker: self.name.clone(),
                context: context.clone(),
                stream: stream.to_owned(),
                subject,
                next: None,
                messages: None,
                lost: self.gaps.subscribe(),
            };
            all.push(kept.begin().await?);
        }
        Ok(all.boxed())
    }
}

/// The messages of one subject of a JetStream stream. After a lost connection, the server may have forgotten the consumer: another one
/// begins after the last message.
struct Kept {
    broker: String,
    context: jetstream::Context,
    stream: String,
    subject: String,
    /// The number in the stream of the first message that has not come.
    next: Option<u64>,
    messages: Option<Ordered>,
    /// How often the connection was lost.
    lost: watch::Receiver<u64>,
}

/// The pause before a consumer is made again that could not be made.
const PAUSE: Duration = Duration::from_millis(500);

impl Kept {
    async fn begin(mut self) -> Result<BoxStream<'static, Message>, BrokerError> {
        self.open().await?;
        Ok(futures_util::stream::unfold(self, Self::next).boxed())
    }

    async fn open(&mut self) -> Result<(), BrokerError> {
        let failed =
            |error: &dyn std::fmt::Display| BrokerError(format!("the JetStream stream \"{}\": {error}", self.stream));
        self.lost.mark_unchanged();
        let stream = self.context.get_stream(&self.stream).await.map_err(|error| failed(&error))?;
        let start_sequence = *self.next.get_or_insert(stream.cached_info().state.last_sequence + 1);
        let config = OrderedConfig {
            filter_subject: self.subject.clone(),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence },
            ..OrderedConfig::default()
        };
        let consumer = stream.create_consumer(config).await.map_err(|error| failed(&error))?;
        self.messages = Some(consumer.messages().await.map_err(|error| failed(&error))?);
        Ok(())
    }

    async fn next(mut self) -> Option<(Message, Self)> {
        loop {
            let Some(messages) = &mut self.messages else {
                if let Err(error) = self.open().await {
                    tracing::warn!(broker = self.broker, %error, "Events can't be read; the router tries again");
                    tokio::time::sleep(PAUSE).await;
                }
                continue;
            };
            tokio::select! {
                message = messages.next() => match message {
                    Some(Ok(message)) => {
                        let number = message.info().ok()?.stream_sequence;
                        if self.next.is_some_and(|next| number < next) {
                            continue;
                        }
                        self.next = Some(number + 1);
                        return Some((payload(&message.message), self));
                    }
                    Some(Err(_)) | None => self.messages = None,
                },
                changed = self.lost.changed() => {
                    changed.ok()?;
                    self.messages = None;
                }
            }
        }
    }
}

fn payload(message: &async_nats::Message) -> Message {
    Message::Payload { subject: message.subject.to_string(), payload: message.payload.clone() }
}

/// A gap whenever messages may have been lost from now on.
pub(crate) fn gaps(gaps: watch::Receiver<u64>) -> BoxStream<'static, Message> {
    futures_util::stream::unfold(gaps, |mut gaps| async move {
        gaps.changed().await.ok()?;
        Some((Message::Gap, gaps))
    })
    .boxed()
}

fn noticed(broker: &str, gaps: &watch::Sender<u64>, event: &Event) {
    match event {
        Event::Connected => tracing::info!(broker, "Connected to NATS"),
        Event::Disconnected => {
            tracing::warn!(broker, "The connection to NATS was lost");
            gaps.send_modify(|count| *count += 1);
        }
        Event::SlowConsumer(_) => gaps.send_modify(|count| *count += 1),
        other => tracing::debug!(broker, event = %other, "NATS"),
    }
}

impl Broker for Nats {
    fn subscribe(&self, subjects: Vec<String>) -> BoxFuture<'_, Result<BoxStream<'static, Message>, BrokerError>> {
        Box::pin(async move {
            let client = self.client().await?;
            match &self.config.stream {
                Some(stream) => self.kept(client, stream, subjects).await,
                None => self.core(client, subjects).await,
            }
        })
    }

    /// A wildcard in a value would subscribe to what others asked for.
    fn refuses(&self, value: &str) -> Option<&'static str> {
        let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '.' | '*' | '>');
        let fits = (1..=256).contains(&value.len()) && value.chars().all(is_plain);
        (!fits).then_some("it must be one to 256 characters without spaces, dots, asterisks and >")
    }
}
