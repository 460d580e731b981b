//! All places where entries are kept, and what is no longer true of them. Kept over reloads. Knows no operation.

use std::sync::Arc;

use crate::config::StoreConfig;
use crate::invalidation::Invalidation;
use crate::invalidations::{Invalidations, Position};
use crate::memory::Memory;

/// Where a router keeps what subgraphs gave.
#[derive(Debug)]
pub struct Store {
    config: StoreConfig,
    /// In the router itself.
    pub memory: Memory,
    /// What is no longer true.
    pub invalidations: Invalidations,
}

impl Store {
    /// A store; `previous` itself if it is set up in the same way.
    pub fn new(config: &StoreConfig, previous: Option<&Arc<Self>>) -> Arc<Self> {
        match previous.filter(|previous| previous.config == *config) {
            Some(previous) => previous.clone(),
            None => Arc::new(Self {
                memory: Memory::new(config.memory.0, config.max_entry.0),
                invalidations: Invalidations::default(),
                config: config.clone(),
            }),
        }
    }

    /// Invalidates. Once it returns, nothing is served that was asked for before.
    pub async fn invalidate(&self, invalidations: &[Invalidation]) -> Position {
        self.invalidations.add(invalidations)
    }
}
