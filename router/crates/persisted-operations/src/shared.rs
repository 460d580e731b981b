//! Registered texts that several routers share, in Redis. Without it, routers know what was registered with them. Knows no request.

use std::sync::Arc;

use braid_redis::{Redis, RedisSetupError, Setup};
use braid_telemetry::metrics::Metrics;
use tokio::sync::Semaphore;

use crate::config::RedisConfig;
use crate::hash::QueryHash;

/// Why Redis can't be used at all.
#[derive(Debug, thiserror::Error)]
#[error("persisted_operations.automatic.redis can't be used")]
pub struct SharedError(#[from] RedisSetupError);

/// Texts in Redis.
#[derive(Debug)]
pub(crate) struct SharedQueries {
    redis: Arc<Redis>,
    prefix: String,
    /// Seconds.
    ttl: u64,
    /// One for each text that may be on its way to Redis.
    writes: Arc<Semaphore>,
}

const MAX_WRITES: usize = 64;

impl SharedQueries {
    /// Must be called on a runtime. No connection is opened yet.
    pub(crate) fn new(config: &RedisConfig, metrics: &Metrics) -> Result<Self, SharedError> {
        let metrics = metrics.redis("persisted_operations");
        let setup = Setup {
            url: &config.url.0,
            tls: &config.tls,
            timeout: config.timeout.0,
            is_patient: false,
            purpose: "registered operations",
        };
        Ok(Self {
            redis: Redis::new(setup, metrics)?,
            prefix: config.prefix.clone(),
            ttl: config.ttl.0.as_secs().max(1),
            writes: Arc::new(Semaphore::new(MAX_WRITES)),
        })
    }

    /// The text with this hash, if Redis has it and answers in time.
    pub(crate) async fn get(&self, hash: &QueryHash) -> Option<String> {
        let mut command = redis::cmd("GET");
        command.arg(self.key(hash));
        let answer: Option<Option<String>> =
            self.redis.ask(|mut connection| async move { command.query_async(&mut connection).await }).await;
        let text = answer.flatten()?;
        // Others can write there too.
        if QueryHash::of(&text) != *hash {
            tracing::warn!(hash = hash.hex(), "Redis has another text under the hash of a query; it is not used");
            return None;
        }
        Some(text)
    }

    /// Has Redis keep a text. Nobody waits for it.
    pub(crate) fn put(&self, hash: &QueryHash, text: String) {
        let Ok(permit) = self.writes.clone().try_acquire_owned() else { return };
        let redis = self.redis.clone();
        let mut command = redis::cmd("SET");
        command.arg(self.key(hash)).arg(text).arg("EX").arg(self.ttl);
        tokio::spawn(async move {
            redis.ask(|mut connection| async move { command.query_async::<()>(&mut connection).await }).await;
            drop(permit);
        });
    }

    fn key(&self, hash: &QueryHash) -> String {
        format!("{}{}", self.prefix, hash.hex())
    }
}
