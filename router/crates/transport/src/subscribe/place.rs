//! Counts the subscriptions at a subgraph, up to a limit. Knows no protocol.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many there are, and may be.
#[derive(Debug)]
pub(crate) struct Places {
    taken: AtomicUsize,
    pub(crate) max: usize,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<Places>);

impl Places {
    pub(crate) fn new(max: usize) -> Self {
        Self { taken: AtomicUsize::new(0), max }
    }

    /// Takes one, if one is free.
    pub(crate) fn take(self: &Arc<Self>) -> Option<Place> {
        let place = Place(self.clone());
        (self.taken.fetch_add(1, Ordering::Relaxed) < self.max).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}
