//! Counts what is in flight, up to a limit. Knows no HTTP.

use std::sync::atomic::{AtomicUsize, Ordering};

/// One unit of a counter until it is dropped, which also happens when a request is cancelled.
#[derive(Debug)]
pub struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    /// Adds one, if there are fewer than `max`.
    pub fn add(counter: &'a AtomicUsize, max: usize) -> Option<Self> {
        let counted = Self(counter);
        (counter.fetch_add(1, Ordering::Relaxed) < max).then_some(counted)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
