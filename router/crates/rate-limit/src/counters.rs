//! Where requests are counted: in this process, and in Redis if there is one. Knows no rule.

use std::sync::Arc;

use braid_redis::RedisSetupError;
use braid_telemetry::metrics::Metrics;

use crate::config::{RateLimitsConfig, RateLimitsConfigError};
use crate::local::Local;
use crate::shared::Shared;

/// Where requests are counted. Outlives reloads.
#[derive(Debug, Clone)]
pub(crate) struct Counters {
    pub(crate) local: Arc<Local>,
    pub(crate) shared: Option<Arc<Shared>>,
}

/// Why rate limits can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum RateLimitError {
    /// A setting.
    #[error(transparent)]
    Config(#[from] RateLimitsConfigError),
    /// Redis can't be used.
    #[error("rate_limits.redis can't be used")]
    Redis(#[from] RedisSetupError),
}

impl Counters {
    /// What `previous` remembers is kept. Must be called on a runtime if there is a Redis server.
    pub(crate) fn new(
        config: &RateLimitsConfig,
        metrics: &Metrics,
        previous: Option<&Self>,
    ) -> Result<Self, RateLimitError> {
        let local = previous.map(|previous| &previous.local).filter(|local| local.max_keys() == config.max_keys);
        let shared = match &config.redis {
            None => None,
            Some(redis) => {
                let older = previous.and_then(|previous| previous.shared.as_ref());
                match older.filter(|older| older.is_for(redis)) {
                    Some(older) => Some(older.clone()),
                    None => Some(Arc::new(Shared::new(redis, metrics)?)),
                }
            }
        };
        Ok(Self { local: local.cloned().unwrap_or_else(|| Arc::new(Local::new(config.max_keys))), shared })
    }
}
