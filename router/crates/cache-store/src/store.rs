//! All places where entries are kept, and what is no longer true of them. Kept over reloads. Knows no operation.

use std::sync::{Arc, Weak};
use std::time::Duration;

use braid_net::tls::Fingerprint;
use braid_redis::RedisSetupError;
use braid_telemetry::metrics::{CacheMetrics, Metrics};

use crate::config::StoreConfig;
use crate::group::Group;
use crate::invalidation::Invalidation;
use crate::invalidations::{Invalidations, Position};
use crate::memory::Memory;
use crate::shared::Shared;

/// Where a router keeps what subgraphs gave.
#[derive(Debug)]
pub struct Store {
    config: StoreConfig,
    certificates: Fingerprint,
    metrics: CacheMetrics,
    /// In the router itself.
    pub memory: Memory,
    /// What is no longer true.
    pub invalidations: Arc<Invalidations>,
    shared: Option<Shared>,
    group: Option<Group>,
}

/// Why a store can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A setting is wrong.
    #[error("{0}")]
    Setting(String),
    /// Redis can't be used at all.
    #[error("redis can't be used")]
    Redis(#[from] RedisSetupError),
}

/// Why an invalidation is not known to be in force in all routers of the group. It is in force in this router, and the others will be
/// told when Redis is back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAcknowledged {
    /// Redis does not answer, or refuses.
    #[error(
        "Redis can't be reached or does not take it, so other routers may still serve what was kept before; this router does not. They are \
         told when Redis is back; to be sure, repeat it then"
    )]
    Redis,
}

/// How often the gauges of memory are brought up to date.
const GAUGES: Duration = Duration::from_secs(1);

impl Store {
    /// A store; `previous` itself, with its connections, if it is set up in the same way. With Redis it must be called on a runtime.
    pub fn new(
        config: &StoreConfig,
        metrics: &Arc<Metrics>,
        previous: Option<&Arc<Self>>,
    ) -> Result<Arc<Self>, StoreError> {
        config.check().map_err(StoreError::Setting)?;
        let certificates = Fingerprint::of(config.files());
        if let Some(previous) = previous.filter(|it| it.config == *config && it.certificates == certificates) {
            return Ok(previous.clone());
        }
        // An invalidation that reaches the store before a reload is in force in the one after it.
        let invalidations = match previous {
            Some(previous) if previous.config.redis == config.redis => previous.invalidations.clone(),
            _ => Arc::default(),
        };
        let (shared, group) = match &config.redis {
            None => (None, None),
            Some(redis) => {
                let shared = Shared::new(redis, config, metrics)?;
                let group = Group::new(redis, config, &invalidations, metrics)?;
                (Some(shared), Some(group))
            }
        };
        metrics.cache.lease.set(i64::from(group.is_none()));
        let store = Arc::new(Self {
            memory: Memory::new(config.memory.0, config.max_entry.0, metrics.cache.memory_evictions.clone()),
            config: config.clone(),
            certificates,
            metrics: metrics.cache.clone(),
            invalidations,
            shared,
            group,
        });
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(keep_gauges(Arc::downgrade(&store)));
        }
        Ok(store)
    }

    /// The last invalidation that is known. To be read before a subgraph is asked: it is the position of what it gives.
    pub fn position(&self) -> Position {
        self.invalidations.last()
    }

    /// Whether anything that is kept may be served, here or in Redis: whether this router has heard of the group's invalidations a short
    /// time ago. Always without Redis. To be asked after [`Invalidations::last_of`], since it says that what that knew is recent enough.
    pub fn may_serve(&self) -> bool {
        self.group.as_ref().is_none_or(Group::may_serve)
    }

    /// What routers keep together.
    pub fn shared(&self) -> Option<&Shared> {
        self.shared.as_ref()
    }

    /// Invalidates. Once it returns a position, no router of the group serves what was asked for before.
    pub async fn invalidate(&self, invalidations: &[Invalidation]) -> Result<Position, NotAcknowledged> {
        let done = match &self.group {
            None => {
                self.metrics.invalidations.inc_by(invalidations.len() as u64);
                Ok(self.invalidations.add(invalidations))
            }
            Some(group) => group.invalidate(invalidations).await,
        };
        if done.is_err() {
            self.metrics.invalidations_unacknowledged.inc_by(invalidations.len() as u64);
        }
        done
    }
}

async fn keep_gauges(store: Weak<Store>) {
    loop {
        let Some(store) = store.upgrade() else { return };
        store.metrics.memory_entries.set(store.memory.len().try_into().unwrap_or(i64::MAX));
        store.metrics.memory_bytes.set(store.memory.bytes().try_into().unwrap_or(i64::MAX));
        drop(store);
        tokio::time::sleep(GAUGES).await;
    }
}
