//! Publishes the events of the outbox: in their order for each entity, and one instance at a time. Knows no event.

use std::collections::HashSet;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::bus::{Event, EventBus};
use super::outbox::{self, Model};
use crate::clock;
use crate::database::{Database, Lease};
use crate::error::{Code, Error, Result};
use crate::metrics::Metrics;
use crate::trace;

/// How many events are read and removed at a time.
const MOST: u64 = 100;
/// How often the relay looks for events that another instance has left.
const INTERVAL: Duration = Duration::from_secs(1);
/// How soon it looks again while another instance publishes.
const SOON: Duration = Duration::from_millis(50);
/// Longer than NATS has to take an event.
const LEASE: Duration = Duration::from_secs(15);

/// Publishes what waits in the outbox of a database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Relay {
    database: Database,
    bus: EventBus,
    lease: Duration,
    published: Counter,
    failures: Counter,
    waiting: Gauge,
    oldest: Gauge<f64, AtomicU64>,
}

impl Relay {
    /// A relay that is seen in these metrics.
    pub fn new(database: Database, bus: EventBus, metrics: &Metrics) -> Self {
        let relay = Self {
            database,
            bus,
            lease: LEASE,
            published: Counter::default(),
            failures: Counter::default(),
            waiting: Gauge::default(),
            oldest: Gauge::default(),
        };
        metrics.add("events_published", "Events that were published", relay.published.clone());
        metrics.add("events_failures", "Attempts to publish that failed", relay.failures.clone());
        metrics.add("events_waiting", "Events that wait to be published", relay.waiting.clone());
        metrics.add("events_oldest_seconds", "How long the oldest event has waited", relay.oldest.clone());
        let measured = relay.clone();
        metrics.measure("events that wait", move || {
            let relay = measured.clone();
            async move { relay.measure().await }
        });
        relay
    }

    /// The same with another length of the lease: so long does an instance that died while it published hold up the others.
    #[must_use]
    pub fn with_lease(self, lease: Duration) -> Self {
        Self { lease, ..self }
    }

    /// Publishes until it is stopped: whenever this process has written something, and every second.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let wait = match self.publish().await {
                Ok(Turn::Done) => INTERVAL,
                Ok(Turn::Another) => SOON,
                Err(error) => {
                    self.failures.inc();
                    tracing::warn!(%error, "Events can't be published; they are kept");
                    INTERVAL
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.database.written() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Publishes what waits now, unless another instance does. Gives how many events that were.
    pub async fn publish_due(&self) -> Result<u64> {
        let before = self.published.get();
        self.publish().await?;
        Ok(self.published.get() - before)
    }

    /// Reads how many events wait, and for how long.
    async fn measure(&self) -> Result<()> {
        let (waiting, oldest) = outbox::waiting(self.database.reader()).await?;
        self.waiting.set(waiting);
        let age = oldest.map_or(0, |written_at| (clock::now_millis() - written_at).max(0));
        self.oldest.set(Duration::from_millis(age.unsigned_abs()).as_secs_f64());
        Ok(())
    }

    /// Publishes all that waits, unless another instance does.
    async fn publish(&self) -> Result<Turn> {
        if outbox::oldest(self.database.reader(), 1).await?.is_empty() {
            return Ok(Turn::Done);
        }
        if !self.bus.is_up() {
            return Err(Error::new(Code::Unavailable, "NATS can't be reached."));
        }
        let Some(mut lease) = Lease::take(&self.database, "outbox", self.lease).await? else {
            return Ok(Turn::Another);
        };
        let done = trace::background("publish events", self.publish_all(&mut lease)).await;
        lease.release().await?;
        done.map(|()| Turn::Done)
    }

    async fn publish_all(&self, lease: &mut Lease) -> Result<()> {
        loop {
            let events = outbox::oldest(self.database.reader(), MOST).await?;
            if events.is_empty() {
                return Ok(());
            }
            let untrue: Vec<Event> = events.iter().map(Model::event).collect();
            self.bus.invalidate(&untrue).await?;
            for wave in waves(&events) {
                // An instance that stood still must not go on: another one has taken over.
                if !lease.keep().await? {
                    return Ok(());
                }
                self.bus.publish(wave.iter().map(|event| event.event()).collect()).await.map_err(Error::internal)?;
                self.remove(&wave).await?;
                self.published.inc_by(wave.len() as u64);
            }
        }
    }

    /// Removes what was published. If that fails, it is published again.
    async fn remove(&self, wave: &[&Model]) -> Result<()> {
        let positions: Vec<i64> = wave.iter().map(|event| event.position).collect();
        self.database
            .write(|tx| {
                let positions = positions.clone();
                async move { outbox::remove(&tx, &positions).await }
            })
            .await
    }
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Nothing waits.
    Done,
    /// Another instance publishes.
    Another,
}

/// The events in their order, in groups with at most one event of an entity: if one of a group fails, none that follows it has been published.
fn waves(events: &[Model]) -> Vec<Vec<&Model>> {
    let mut waves = Vec::new();
    let (mut wave, mut entities): (Vec<&Model>, HashSet<Uuid>) = (Vec::new(), HashSet::new());
    for event in events {
        if !entities.insert(event.entity) {
            waves.push(std::mem::take(&mut wave));
            entities = HashSet::from([event.entity]);
        }
        wave.push(event);
    }
    waves.push(wave);
    waves
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_one_entity_are_in_different_waves() {
        let event = |position: i64, entity: u128| Model {
            position,
            id: Uuid::from_u128(7),
            entity: Uuid::from_u128(entity),
            subject: String::new(),
            payload: String::new(),
            written_at: 0,
        };
        let events = [event(1, 1), event(2, 2), event(3, 1), event(4, 3), event(5, 1), event(6, 2)];
        let positions: Vec<Vec<i64>> =
            waves(&events).iter().map(|wave| wave.iter().map(|event| event.position).collect()).collect();
        assert_eq!(positions, [vec![1, 2], vec![3, 4], vec![5, 6]]);
    }
}
