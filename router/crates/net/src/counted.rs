//! Counts what is in flight, up to a limit. Knows no HTTP.

use std::sync::atomic::{AtomicUsize, Ordering};

/// One of those that are counted, until it is dropped: also when a request is given up.
#[derive(Debug)]
pub struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    /// One more, if there are fewer than `most`.
    pub fn add(counter: &'a AtomicUsize, most: usize) -> Option<Self> {
        let counted = Self(counter);
        (counter.fetch_add(1, Ordering::Relaxed) < most).then_some(counted)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
