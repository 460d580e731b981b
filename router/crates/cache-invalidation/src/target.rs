//! What the ways in lead to. Knows no way.

use std::fmt::Debug;
use std::sync::Arc;

use braid_cache_store::{Invalidation, NotAcknowledged, Position, Store};
use braid_supergraph::Supergraph;

/// Where entries are kept now, and the supergraph by which names are checked.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where entries are kept.
    pub store: Arc<Store>,
    /// The supergraph in use.
    pub supergraph: Arc<Supergraph>,
}

/// Tells what is in use.
pub trait Targets: Debug + Send + Sync {
    /// What is in use at this moment; none while nothing is kept.
    fn current(&self) -> Option<Target>;
}

impl Target {
    /// Invalidates. Fails if not all routers that share entries have acknowledged it.
    pub(crate) async fn invalidate(&self, invalidations: &[Invalidation]) -> Result<Position, NotAcknowledged> {
        self.store.invalidate(invalidations).await
    }
}
