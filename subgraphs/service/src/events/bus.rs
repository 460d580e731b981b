//! Carries events to the subscriptions of this process, or of all instances over NATS. Knows no table and no GraphQL.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use async_nats::connection::State;
use async_nats::{Client, ConnectOptions, HeaderMap, jetstream};
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, SelectAll, StreamExt};
use tokio::sync::broadcast;

use super::invalidator::Invalidator;
use crate::error::Result;

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The same each time that the event is published.
    pub id: String,
    /// What it is about, such as `orders.changed`.
    pub subject: String,
    /// JSON.
    pub payload: String,
}

/// Where events are published, and where they are subscribed to. Cheap to clone.
#[derive(Debug, Clone)]
pub struct EventBus {
    kind: Kind,
    invalidator: Option<Invalidator>,
}

#[derive(Debug, Clone)]
enum Kind {
    Process(Arc<Mutex<HashMap<String, broadcast::Sender<Event>>>>),
    Nats(Arc<Nats>),
}

/// The stream of JetStream in which a service's events are kept for whoever wants them later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    /// The name, such as `ORDERS`.
    pub name: &'static str,
    /// The subjects of all events of the service, such as `orders.>`.
    pub subjects: &'static [&'static str],
}

#[derive(Debug)]
struct Nats {
    client: Client,
    jetstream: jetstream::Context,
    stream: Stream,
    /// Whether the stream is known to exist.
    exists: AtomicBool,
}

/// The events that wait for a subscription that does not take them; then the oldest are dropped.
const WAITING: usize = 256;

/// How long a server has to take an event.
const ACKNOWLEDGED: Duration = Duration::from_secs(5);
/// How long a stream keeps events.
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How much a stream keeps; then it drops the oldest.
const KEPT_BYTES: i64 = 1 << 30;
/// How long a stream recognises an event that is published again: longer than a relay that stood still holds on to it.
const RECOGNISED: Duration = Duration::from_secs(10 * 60);

/// The header with the id, by which JetStream recognises what it has already.
const ID: &str = "Nats-Msg-Id";

impl EventBus {
    /// A bus within this process: enough for one instance.
    pub fn in_process() -> Self {
        Self { kind: Kind::Process(Arc::default()), invalidator: None }
    }

    /// The same, which also tells the router of events, before it publishes them.
    #[must_use]
    pub fn with_invalidator(self, invalidator: Option<Invalidator>) -> Self {
        Self { invalidator, ..self }
    }

    /// The bus for the configured `EVENTS_URL`: NATS, or this process if there is none. A server that is away is waited for in the background.
    // The future is boxed so that NATS's client is compiled here and not in each service.
    pub fn open(url: Option<&str>, stream: Stream) -> BoxFuture<'_, anyhow::Result<Self>> {
        Box::pin(Self::connect(url, stream))
    }

    async fn connect(url: Option<&str>, stream: Stream) -> anyhow::Result<Self> {
        let Some(url) = url.filter(|url| !url.is_empty()) else { return Ok(Self::in_process()) };
        let options = ConnectOptions::new().retry_on_initial_connect().subscription_capacity(WAITING);
        let client = options.connect(url).await.with_context(|| format!("EVENTS_URL `{url}` is not a NATS server"))?;
        let mut jetstream = jetstream::new(client.clone());
        jetstream.set_timeout(ACKNOWLEDGED);
        let nats = Nats { client, jetstream, stream, exists: AtomicBool::new(false) };
        Ok(Self { kind: Kind::Nats(Arc::new(nats)), invalidator: None })
    }

    /// Tells the router what these events make untrue, if it is to be told.
    pub(super) async fn invalidate(&self, events: &[Event]) -> Result<()> {
        match &self.invalidator {
            Some(invalidator) => invalidator.tell(events).await,
            None => Ok(()),
        }
    }

    /// Publishes events in their order. Returns once they are kept; after an error some of them may be.
    pub(super) async fn publish(&self, events: Vec<Event>) -> anyhow::Result<()> {
        match &self.kind {
            Kind::Process(subjects) => {
                let mut subjects = subjects.lock().unwrap_or_else(PoisonError::into_inner);
                for event in events {
                    // Nobody subscribes any more if it can't be sent.
                    if let Some(sender) = subjects.get(&event.subject)
                        && sender.send(event.clone()).is_err()
                    {
                        subjects.remove(&event.subject);
                    }
                }
                Ok(())
            }
            Kind::Nats(nats) => {
                let published = nats.publish(events).await;
                if published.is_err() {
                    // It may have been deleted.
                    nats.exists.store(false, Ordering::Relaxed);
                }
                published
            }
        }
    }

    /// Whether what is published would be on its way at once.
    pub(super) fn is_up(&self) -> bool {
        match &self.kind {
            Kind::Process(_) => true,
            Kind::Nats(nats) => nats.client.connection_state() == State::Connected,
        }
    }

    /// The events about some subjects from now on.
    pub async fn subscribe(&self, subjects: Vec<String>) -> anyhow::Result<BoxStream<'static, Event>> {
        let mut all = SelectAll::new();
        for subject in subjects {
            all.push(match &self.kind {
                Kind::Process(open) => {
                    let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
                    let sender = open.entry(subject).or_insert_with(|| broadcast::Sender::new(WAITING));
                    received(sender.subscribe())
                }
                Kind::Nats(nats) => nats
                    .client
                    .subscribe(subject)
                    .await?
                    .filter_map(|message| std::future::ready(read(message)))
                    .boxed(),
            });
        }
        Ok(all.boxed())
    }
}

impl Nats {
    async fn publish(&self, events: Vec<Event>) -> anyhow::Result<()> {
        if !self.exists.load(Ordering::Relaxed) {
            self.create().await?;
            self.exists.store(true, Ordering::Relaxed);
        }
        let mut sent = Vec::with_capacity(events.len());
        for event in events {
            let mut headers = HeaderMap::new();
            headers.insert(ID, event.id);
            sent.push(self.jetstream.publish_with_headers(event.subject, headers, event.payload.into()).await?);
        }
        for acknowledged in sent {
            acknowledged.await.context("NATS has not kept an event")?;
        }
        Ok(())
    }

    async fn create(&self) -> anyhow::Result<()> {
        let config = jetstream::stream::Config {
            name: self.stream.name.to_owned(),
            subjects: self.stream.subjects.iter().map(|&subject| subject.to_owned()).collect(),
            max_age: KEPT,
            max_bytes: KEPT_BYTES,
            duplicate_window: RECOGNISED,
            ..jetstream::stream::Config::default()
        };
        let created = self.jetstream.get_or_create_stream(config).await;
        created.with_context(|| {
            format!("the stream {} can't be created; is JetStream on (`nats-server --jetstream`)?", self.stream.name)
        })?;
        Ok(())
    }
}

fn received(receiver: broadcast::Receiver<Event>) -> BoxStream<'static, Event> {
    futures_util::stream::unfold(receiver, |mut receiver| async move {
        loop {
            match receiver.recv().await {
                Ok(event) => return Some((event, receiver)),
                Err(broadcast::error::RecvError::Lagged(dropped)) => {
                    tracing::warn!(dropped, "A subscription does not take its events");
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    })
    .boxed()
}

fn read(message: async_nats::Message) -> Option<Event> {
    let id = message.headers.as_ref().and_then(|headers| headers.get(ID)).map(ToString::to_string).unwrap_or_default();
    let payload = String::from_utf8(message.payload.to_vec()).ok()?;
    Some(Event { id, subject: message.subject.to_string(), payload })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(subject: &str, id: &str) -> Event {
        Event { id: id.to_owned(), subject: subject.to_owned(), payload: "{}".to_owned() }
    }

    #[tokio::test]
    async fn subscriptions_get_their_subjects_and_a_slow_one_loses_the_oldest() {
        let bus = EventBus::in_process();
        bus.publish(vec![event("a", "before")]).await.unwrap();
        let mut events = bus.subscribe(vec!["a".to_owned(), "b".to_owned()]).await.unwrap();
        let mut slow = bus.subscribe(vec!["c".to_owned()]).await.unwrap();
        for (subject, id) in [("a", "1"), ("d", "2"), ("b", "3")] {
            bus.publish(vec![event(subject, id)]).await.unwrap();
        }
        let mut got = vec![events.next().await.unwrap().id, events.next().await.unwrap().id];
        got.sort_unstable();
        assert_eq!(got, ["1", "3"]);
        for number in 0..=WAITING {
            bus.publish(vec![event("c", &number.to_string())]).await.unwrap();
        }
        assert_eq!(slow.next().await.unwrap().id, "1");
    }

    #[tokio::test]
    async fn instances_see_each_others_events_over_nats() {
        let Ok(url) = std::env::var("NATS_URL") else {
            assert!(std::env::var_os("CI").is_none(), "CI must set NATS_URL");
            return;
        };
        let run = uuid::Uuid::new_v4().simple().to_string();
        // The name and the subjects of a service are constants; a test's are new each time.
        let name: &'static str = format!("TEST_{run}").leak();
        let subject: &'static str = format!("test-{run}.changed").leak();
        let stream = Stream { name, subjects: vec![subject].leak() };
        let open = async || EventBus::open(Some(&url), stream).await.unwrap();
        let (one, other) = (open().await, open().await);
        let mut events = other.subscribe(vec![subject.to_owned()]).await.unwrap();
        // Both connect in the background, so the first ones may come before there is a subscription.
        let publishing = async {
            loop {
                if one.is_up() {
                    one.publish(vec![event(subject, "7")]).await.unwrap();
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let got = tokio::select! {
            got = tokio::time::timeout(Duration::from_secs(10), events.next()) => got.unwrap(),
            () = publishing => None,
        };
        assert_eq!(got, Some(event(subject, "7")));
        let jetstream = jetstream::new(async_nats::connect(&url).await.unwrap());
        let kept = jetstream.get_stream(name).await.unwrap().get_info().await.unwrap().state.messages;
        jetstream.delete_stream(name).await.unwrap();
        assert_eq!(kept, 1, "what is published again is kept once");
    }
}
