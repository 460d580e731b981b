//! Publishes the events of the outbox. Knows no event.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::bus::{Event, EventBus};
use super::outbox;
use crate::database::Database;
use crate::error::{Code, Error, Result};

/// How many events are published in one transaction.
const MOST: u64 = 100;
/// How often the relay looks for events that another instance has left.
const INTERVAL: Duration = Duration::from_secs(1);

/// Publishes events until it is stopped: whenever this process has written something, and every second.
pub async fn relay(database: Database, bus: EventBus, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match publish(&database, &bus).await {
            // There may be more.
            Ok(MOST..) => continue,
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "Events can't be published; they are kept"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = database.written() => {}
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

/// Publishes the oldest events, and returns how many. They are removed after that: if the removal fails, they are published again.
async fn publish(database: &Database, bus: &EventBus) -> Result<u64> {
    let known: Vec<Event> = outbox::oldest(database.reader(), MOST).await?.iter().map(event).collect();
    if known.is_empty() {
        return Ok(0);
    }
    // Outside of the transaction, which keeps others from writing. If another instance does the same, nothing is lost.
    bus.invalidate(&known).await?;
    let known: BTreeSet<String> = known.into_iter().map(|event| event.id).collect();
    // The transaction must not wait for a server that is away: it keeps others from writing.
    if !bus.is_up() {
        return Err(Error::new(Code::Unavailable, "NATS can't be reached."));
    }
    let (bus, known) = (bus.clone(), Arc::new(known));
    database
        .write(move |tx| {
            let (bus, known) = (bus.clone(), known.clone());
            async move {
                let mut events = outbox::take(&tx, MOST).await?;
                // What came meanwhile is not known to the router yet.
                events.retain(|event| known.contains(&event.id.0.to_string()));
                for found in &events {
                    bus.publish(event(found)).await.map_err(Error::internal)?;
                }
                bus.flush().await.map_err(Error::internal)?;
                outbox::remove(&tx, &events).await?;
                Ok(events.len() as u64)
            }
        })
        .await
}

fn event(row: &outbox::Model) -> Event {
    Event { id: row.id.0.to_string(), subject: row.subject.clone(), payload: row.payload.clone() }
}
