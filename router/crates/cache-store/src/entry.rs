//! What is kept. Knows nothing of where.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::invalidation::Tag;
use crate::invalidations::Position;

/// Milliseconds since the Unix epoch: what routers that share entries understand alike.
pub type Millis = u64;

/// The time.
pub fn now() -> Millis {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis().try_into().unwrap_or(Millis::MAX))
}

/// A value that a subgraph gave.
#[derive(Debug)]
pub struct Entry {
    /// JSON, as it was received.
    pub value: Box<[u8]>,
    /// Until when it may be served.
    pub lifetime: Lifetime,
    /// The last invalidation that was known when it was asked for.
    pub position: Position,
    /// The tags that the subgraph gave beside it.
    pub given_tags: Box<[Box<str>]>,
    /// All tags that are of this entry alone, once somebody has computed them.
    pub own_tags: OnceLock<Box<[Tag]>>,
}

/// Until when something may be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// When the subgraph, or a cache between, made it.
    pub since: Millis,
    /// Until when it is fresh.
    pub fresh_until: Millis,
    /// Until when it may be served while somebody asks for it again (RFC 5861 §3); no earlier than `fresh_until`.
    pub revalidate_until: Millis,
    /// Until when it may be served if the subgraph can't be reached (RFC 5861 §4); no earlier than `fresh_until`.
    pub on_error_until: Millis,
}

impl Lifetime {
    /// When nothing of it is of use any more.
    pub fn end(&self) -> Millis {
        self.fresh_until.max(self.revalidate_until).max(self.on_error_until)
    }

    /// Whether it is fresh.
    pub fn is_fresh(&self, now: Millis) -> bool {
        now < self.fresh_until
    }
}
