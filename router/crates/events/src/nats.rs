//! NATS, with JetStream or without. Knows no GraphQL.

use std::sync::Arc;

use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::OrderedConfig;
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
    config: NatsConfig,
    client: OnceCell<Client>,
    /// How often messages may have been lost.
    gaps: Arc<watch::Sender<u64>>,
}

/// The messages of one subscription that wait.
const WAITING: usize = 1024;

impl Nats {
    pub(crate) fn new(name: &str, config: &NatsConfig) -> Self {
        let gaps = Arc::new(watch::Sender::new(0));
        Self { name: name.to_owned(), config: config.clone(), client: OnceCell::new(), gaps }
    }

    async fn client(&self) -> Result<&Client, BrokerError> {
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
            all.push(messages.map(|message| Message::Payload(message.payload)).boxed());
        }
        Ok(select(all, gaps(self.gaps.subscribe())).boxed())
    }

    /// By consumers that go on where they were after the connection was lost.
    async fn kept(
        &self,
        client: &Client,
        stream: &str,
        subjects: Vec<String>,
    ) -> Result<BoxStream<'static, Message>, BrokerError> {
        let failed = |error: &dyn std::fmt::Display| BrokerError(format!("the JetStream stream \"{stream}\": {error}"));
        let stream = jetstream::new(client.clone()).get_stream(stream).await.map_err(|error| failed(&error))?;
        let mut all = SelectAll::new();
        for filter_subject in subjects {
            let config =
                OrderedConfig { filter_subject, deliver_policy: DeliverPolicy::New, ..OrderedConfig::default() };
            let consumer = stream.create_consumer(config).await.map_err(|error| failed(&error))?;
            let messages = consumer.messages().await.map_err(|error| failed(&error))?;
            let name = self.name.clone();
            all.push(messages.filter_map(move |message| std::future::ready(payload(&name, message))).boxed());
        }
        Ok(all.boxed())
    }
}

fn payload<E: std::fmt::Display>(broker: &str, message: Result<jetstream::Message, E>) -> Option<Message> {
    match message {
        Ok(message) => Some(Message::Payload(message.payload.clone())),
        // The consumer is made again by itself.
        Err(error) => {
            tracing::warn!(broker, %error, "A consumer of events failed");
            None
        }
    }
}

/// A gap whenever messages may have been lost from now on.
fn gaps(gaps: watch::Receiver<u64>) -> BoxStream<'static, Message> {
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
