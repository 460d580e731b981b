//! For how long, and by whom, a response may be kept. Knows no cache and no header.

use std::sync::Arc;

/// For how long, and by whom, something that a subgraph gave may be kept. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cacheability {
    /// When the oldest part of it was made.
    pub since: u64,
    /// Until when all of it is fresh.
    pub fresh_until: u64,
    /// Whether it is for the client alone that asked for it.
    pub is_private: bool,
    /// The names under which whoever keeps it can be told that it is not true any more.
    pub tags: Arc<[Arc<str>]>,
}

impl Cacheability {
    /// That of a response that is made of both.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        let tags = match (self.tags.is_empty(), other.tags.is_empty()) {
            (_, true) => self.tags,
            (true, false) => other.tags.clone(),
            (false, false) => {
                let more = other.tags.iter().filter(|tag| !self.tags.contains(tag));
                self.tags.iter().chain(more).cloned().collect()
            }
        };
        Self {
            since: self.since.min(other.since),
            fresh_until: self.fresh_until.min(other.fresh_until),
            is_private: self.is_private || other.is_private,
            tags,
        }
    }
}
