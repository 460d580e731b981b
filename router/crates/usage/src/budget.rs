//! The memory for what is counted. Knows nothing of what takes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that can be taken.
#[derive(Debug)]
pub(crate) struct Budget {
    taken: AtomicUsize,
    max: usize,
}

/// Bytes that were taken, and are given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { taken: AtomicUsize::new(0), max })
    }

    /// Takes so many bytes, if they are there.
    pub(crate) fn take(self: &Arc<Self>, bytes: usize) -> Option<Share> {
        let mut share = Share { budget: self.clone(), bytes: 0 };
        share.grow(bytes).then_some(share)
    }
}

impl Share {
    /// Takes so many more bytes, and says whether they were there.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let Budget { taken, max } = &*self.budget;
        let grown = |taken: usize| taken.checked_add(bytes).filter(|sum| sum <= max);
        let has_room = taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown).is_ok();
        if has_room {
            self.bytes += bytes;
        }
        has_room
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
