//! Automatic persisted queries: texts that clients register by sending them once with their SHA-256. In memory up to a number of bytes,
//! then in Redis. Knows no request and no rule about who may register what.

use std::sync::Arc;

use braid_net::tls::Fingerprint;
use braid_telemetry::metrics::Metrics;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::config::AutomaticConfig;
use crate::hash::QueryHash;
use crate::shared::{SharedError, SharedQueries};

/// Texts that were registered.
#[derive(Debug)]
pub struct AutomaticQueries {
    origin: Origin,
    /// As JSON strings with their quotes: as the operation cache has them.
    texts: Cache<QueryHash, Arc<str>, Bytes>,
    shared: Option<Arc<SharedQueries>>,
    metrics: Arc<Metrics>,
}

/// All that depends on the configuration: while it is the same, a reload keeps what clients have registered.
#[derive(Debug, PartialEq)]
struct Origin {
    config: AutomaticConfig,
    certificates: Fingerprint,
}

/// Where a registered text was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// In this router's memory.
    InMemory,
    /// In Redis.
    InRedis,
}

#[derive(Debug, Clone)]
struct Bytes;

impl Weighter<QueryHash, Arc<str>> for Bytes {
    fn weight(&self, _: &QueryHash, text: &Arc<str>) -> u64 {
        text.len() as u64 + 96
    }
}

impl AutomaticQueries {
    /// What is registered with these settings. That of `older` is kept if they are the same. Must be called on a runtime if there is a
    /// Redis server.
    pub fn open(
        config: &AutomaticConfig,
        older: Option<&Arc<Self>>,
        metrics: &Arc<Metrics>,
    ) -> Result<Option<Arc<Self>>, SharedError> {
        if !config.enabled {
            return Ok(None);
        }
        let certificates = Fingerprint::of(config.redis.iter().flat_map(|redis| redis.tls.files()));
        let origin = Origin { config: config.clone(), certificates };
        if let Some(older) = older.filter(|older| older.origin == origin) {
            return Ok(Some(older.clone()));
        }
        let shared = config.redis.as_ref().map(|redis| SharedQueries::new(redis, metrics)).transpose()?;
        Ok(Some(Arc::new(Self {
            origin,
            texts: Cache::with_weighter(1024, config.cache.0 as u64, Bytes),
            shared: shared.map(Arc::new),
            metrics: metrics.clone(),
        })))
    }

    /// The text with this hash, as a JSON string with its quotes, if this router has it in memory.
    pub fn known(&self, hash: &QueryHash) -> Option<Arc<str>> {
        self.texts.get(hash)
    }

    /// Whether texts that are not in memory may be in Redis.
    pub fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// The text with this hash, as a JSON string with its quotes. Waits for Redis, for a short time, where memory does not have it.
    pub async fn find(&self, hash: &QueryHash) -> Option<(Arc<str>, Found)> {
        if let Some(known) = self.known(hash) {
            return Some((known, Found::InMemory));
        }
        let text = self.shared.as_ref()?.get(hash).await?;
        let json: Arc<str> = serde_json::Value::String(text).to_string().into();
        self.insert(*hash, json.clone());
        Some((json, Found::InRedis))
    }

    /// Keeps a text, given as a JSON string with its quotes and as what it says.
    pub fn keep(&self, hash: QueryHash, json: &str, text: &str) {
        self.insert(hash, json.into());
        if let Some(shared) = &self.shared {
            shared.put(&hash, text.to_owned());
        }
    }

    fn insert(&self, hash: QueryHash, json: Arc<str>) {
        self.texts.insert(hash, json);
        self.metrics.automatic_queries_bytes.set(i64::try_from(self.texts.weight()).unwrap_or(i64::MAX));
    }
}
