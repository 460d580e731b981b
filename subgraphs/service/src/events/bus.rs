//! Carries events to the subscriptions of this process, or of all instances over NATS. Knows no table and no GraphQL.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use async_nats::connection::State;
use async_nats::{Client, ConnectOptions, HeaderMap};
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
    Nats(Client),
}

/// The events that wait for a subscription that does not take them; then the oldest are dropped.
const WAITING: usize = 256;

/// How long a server has to take events. Meanwhile, nobody else can write to an SQLite database.
const FLUSH: Duration = Duration::from_secs(1);

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
    pub async fn open(url: Option<&str>) -> anyhow::Result<Self> {
        let Some(url) = url.filter(|url| !url.is_empty()) else { return Ok(Self::in_process()) };
        let options = ConnectOptions::new().retry_on_initial_connect().subscription_capacity(WAITING);
        let client = options.connect(url).await.with_context(|| format!("EVENTS_URL `{url}` is not a NATS server"))?;
        Ok(Self { kind: Kind::Nats(client), invalidator: None })
    }

    /// Tells the router what these events make untrue, if it is to be told.
    pub(super) async fn invalidate(&self, events: &[Event]) -> Result<()> {
        match &self.invalidator {
            Some(invalidator) => invalidator.tell(events).await,
            None => Ok(()),
        }
    }

    /// Publishes an event.
    pub(super) async fn publish(&self, event: Event) -> anyhow::Result<()> {
        match &self.kind {
            Kind::Process(subjects) => {
                let mut subjects = subjects.lock().unwrap_or_else(PoisonError::into_inner);
                // Nobody subscribes any more if it can't be sent.
                if let Some(sender) = subjects.get(&event.subject)
                    && sender.send(event.clone()).is_err()
                {
                    subjects.remove(&event.subject);
                }
            }
            Kind::Nats(client) => {
                let mut headers = HeaderMap::new();
                headers.insert(ID, event.id);
                client.publish_with_headers(event.subject, headers, event.payload.into()).await?;
            }
        }
        Ok(())
    }

    /// Whether what is published would be on its way at once.
    pub(super) fn is_up(&self) -> bool {
        match &self.kind {
            Kind::Process(_) => true,
            Kind::Nats(client) => client.connection_state() == State::Connected,
        }
    }

    /// Returns once all that was published is on its way.
    pub(super) async fn flush(&self) -> anyhow::Result<()> {
        if let Kind::Nats(client) = &self.kind {
            tokio::time::timeout(FLUSH, client.flush()).await.context("NATS does not take events in time")??;
        }
        Ok(())
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
                Kind::Nats(client) => {
                    client.subscribe(subject).await?.filter_map(|message| std::future::ready(read(message))).boxed()
                }
            });
        }
        Ok(all.boxed())
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
        bus.publish(event("a", "before")).await.unwrap();
        let mut events = bus.subscribe(vec!["a".to_owned(), "b".to_owned()]).await.unwrap();
        let mut slow = bus.subscribe(vec!["c".to_owned()]).await.unwrap();
        for (subject, id) in [("a", "1"), ("d", "2"), ("b", "3")] {
            bus.publish(event(subject, id)).await.unwrap();
        }
        let mut got = vec![events.next().await.unwrap().id, events.next().await.unwrap().id];
        got.sort_unstable();
        assert_eq!(got, ["1", "3"]);
        for number in 0..=WAITING {
            bus.publish(event("c", &number.to_string())).await.unwrap();
        }
        assert_eq!(slow.next().await.unwrap().id, "1");
    }

    #[tokio::test]
    async fn instances_see_each_others_events_over_nats() {
        let Ok(url) = std::env::var("NATS_URL") else {
            assert!(std::env::var_os("CI").is_none(), "CI must set NATS_URL");
            return;
        };
        let (one, other) = (EventBus::open(Some(&url)).await.unwrap(), EventBus::open(Some(&url)).await.unwrap());
        let subject = format!("test-{}-{}.changed", std::process::id(), uuid::Uuid::new_v4());
        let mut events = other.subscribe(vec![subject.clone()]).await.unwrap();
        // Both connect in the background, so the first ones may come before there is a subscription.
        let publishing = async {
            loop {
                one.publish(event(&subject, "7")).await.unwrap();
                one.flush().await.unwrap();
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let got = tokio::select! {
            got = tokio::time::timeout(Duration::from_secs(10), events.next()) => got.unwrap(),
            () = publishing => None,
        };
        assert_eq!(got, Some(event(&subject, "7")));
    }
}
