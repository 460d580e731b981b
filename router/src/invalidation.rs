//! The ways by which the router is told what is not true any more, for the version in use. Knows no request.

use std::sync::{Arc, Weak};

use braid_cache_invalidation::{Target, Targets, Ways, WaysError};

use crate::assemble::{Front, cache};
use braid_config::Config;

/// What the version in use keeps.
#[derive(Debug)]
struct InUse(Weak<Front>);

impl Targets for InUse {
    fn current(&self) -> Option<Target> {
        let version = self.0.upgrade()?.current();
        let store = cache(&version.gateway.subgraphs).store()?.clone();
        Some(Target { store, supergraph: version.gateway.supergraph.clone() })
    }
}

/// The ways to the version that a front has in use. None is open yet ([`follow`]).
pub fn ways(front: &Arc<Front>) -> Arc<Ways> {
    Arc::new(Ways::new(Arc::new(InUse(Arc::downgrade(front))), front.metrics().clone()))
}

/// Opens the ways that are configured, and closes the others.
pub async fn follow(ways: &Ways, config: &Config) -> Result<(), WaysError> {
    let cache = &config.cache;
    let invalidation = cache.enabled.then_some(&cache.invalidation);
    let group = cache.store.redis.as_ref().map(|redis| redis.prefix.as_str());
    ways.follow(invalidation, &config.events, group).await
}
