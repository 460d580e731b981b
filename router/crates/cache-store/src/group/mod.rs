//! Routers that share a Redis agree on invalidations. Knows no entry.

use std::sync::Arc;

use braid_redis::RedisSetupError;
use braid_telemetry::metrics::Metrics;

use crate::config::{RedisConfig, StoreConfig};
use crate::invalidation::Invalidation;
use crate::invalidations::{Invalidations, Position};
use crate::store::NotAcknowledged;

#[derive(Debug)]
pub(crate) struct Group {
    invalidations: Arc<Invalidations>,
}

impl Group {
    pub(crate) fn new(
        _: &RedisConfig,
        _: &StoreConfig,
        invalidations: &Arc<Invalidations>,
        _: &Metrics,
    ) -> Result<Self, RedisSetupError> {
        Ok(Self { invalidations: invalidations.clone() })
    }

    pub(crate) fn may_serve(&self) -> bool {
        true
    }

    pub(crate) async fn invalidate(&self, invalidations: &[Invalidation]) -> Result<Position, NotAcknowledged> {
        Ok(self.invalidations.add(invalidations))
    }
}
