//! Releases reservations that have expired. Several instances may do it at the same time: each reservation is looked at again
//! under the lock of its key.

use std::time::Duration;

use service::{Database, Result, clock, trace};
use tokio_util::sync::CancellationToken;

use super::release::release_expired;
use super::store;

/// How many reservations are read at once.
const MOST: u64 = 100;
/// How long an expired reservation may wait.
const INTERVAL: Duration = Duration::from_secs(1);

/// Releases what expires until it is stopped.
pub async fn sweep(database: Database, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match pass(&database, &stop).await {
            Ok(MOST..) => continue,
            Ok(0) => {}
            Ok(released) => tracing::info!(released, "Released reservations that had expired"),
            Err(error) => tracing::warn!(%error, "Expired reservations can't be released; they are tried again"),
        }
        let _ = stop.run_until_cancelled(tokio::time::sleep(INTERVAL)).await;
    }
}

/// Looks at them once, where the process does not run all the time. Gives how many were released.
pub(crate) async fn sweep_once(database: &Database) -> anyhow::Result<u64> {
    Ok(pass(database, &CancellationToken::new()).await?)
}

/// Looks at the reservations that have expired, and returns how many were released here.
async fn pass(database: &Database, stop: &CancellationToken) -> Result<u64> {
    let now = clock::now_millis();
    let mut released = 0;
    for key in store::expired(database.reader(), now, MOST).await? {
        if stop.is_cancelled() {
            break;
        }
        let release = database.write(|tx| release_expired(tx, &key, now));
        match trace::background("release expired", release).await {
            Ok(done) => released += u64::from(done),
            // One that can't be released must not keep the others.
            Err(error) => tracing::warn!(%error, "An expired reservation can't be released; it is tried again"),
        }
    }
    Ok(released)
}
