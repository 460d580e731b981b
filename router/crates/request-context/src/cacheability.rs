//! For how long, and by whom, a response may be kept. Knows no cache and no header.

use std::sync::Arc;

use braid_cache_store::{Position, Tag};

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
    /// Which invalidations make it untrue. `None` if that is not known, or it is too much to look at: then it is not kept as a whole.
    pub depends_on: Option<Dependencies>,
}

/// Which invalidations make something untrue: those of its tags, after the position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependencies {
    /// The last invalidation that was known when the oldest part of it was asked for.
    pub position: Position,
    /// The tags of all its parts.
    pub tags: Arc<[Tag]>,
}

/// What a request to a subgraph found in the cache: numbers of entities and root fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheReport {
    /// Found, and fresh.
    pub fresh: u32,
    /// Found and served, but not fresh.
    pub stale: u32,
    /// Not found, so the subgraph was asked for them.
    pub missing: u32,
    /// How many of those that were found came from Redis.
    pub from_redis: u32,
    /// Whether some of those that were found are for the client alone.
    pub is_private: bool,
    /// Until when all that was found is fresh, in milliseconds since the Unix epoch.
    pub fresh_until: Option<u64>,
}

/// The most tags that are looked at to tell whether one response is still true.
const MAX_TAGS: usize = 4096;

impl Cacheability {
    /// That of a response that is made of both.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        let depends_on = match (self.depends_on, &other.depends_on) {
            (Some(one), Some(other)) => one.and(other),
            _ => None,
        };
        Self {
            since: self.since.min(other.since),
            fresh_until: self.fresh_until.min(other.fresh_until),
            is_private: self.is_private || other.is_private,
            tags: union(self.tags, &other.tags),
            depends_on,
        }
    }
}

impl Dependencies {
    /// On these tags. `None` if they are too many.
    pub fn new(position: Position, mut tags: Vec<Tag>) -> Option<Self> {
        tags.sort_unstable();
        tags.dedup();
        (tags.len() <= MAX_TAGS).then(|| Self { position, tags: tags.into() })
    }

    fn and(self, other: &Self) -> Option<Self> {
        let (position, tags) = (self.position.min(other.position), union(self.tags, &other.tags));
        (tags.len() <= MAX_TAGS).then_some(Self { position, tags })
    }
}

/// What is in either, each once.
fn union<T: Clone + Ord>(one: Arc<[T]>, other: &Arc<[T]>) -> Arc<[T]> {
    match (one.is_empty(), other.is_empty()) {
        (_, true) => one,
        (true, false) => other.clone(),
        (false, false) => {
            let mut all: Vec<T> = one.iter().chain(&**other).cloned().collect();
            all.sort_unstable();
            all.dedup();
            all.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use braid_cache_store::TagKind;

    use super::*;

    fn of(since: u64, fresh_until: u64, tags: &[&str], depends_on: Option<(u64, &[u8])>) -> Cacheability {
        let tag = |number: &u8| Tag::new(None, TagKind::Given, &[&[*number]]);
        Cacheability {
            since,
            fresh_until,
            is_private: false,
            tags: tags.iter().map(|tag| Arc::from(*tag)).collect(),
            depends_on: depends_on.map(|(position, tags)| Dependencies {
                position: Position(position),
                tags: tags.iter().map(tag).collect(),
            }),
        }
    }

    #[test]
    fn the_narrower_of_both() {
        let one = of(10, 50, &["b", "a"], Some((7, &[1, 2])));
        let both = one.clone().and(&of(5, 60, &["c", "b"], Some((9, &[2, 3]))));
        assert_eq!((both.since, both.fresh_until), (5, 50));
        assert_eq!(both.tags.iter().map(|tag| &**tag).collect::<Vec<_>>(), ["a", "b", "c"]);
        let depends_on = both.depends_on.unwrap();
        assert_eq!((depends_on.position, depends_on.tags.len()), (Position(7), 3));
        let private = Cacheability { is_private: true, ..of(10, 50, &[], None) };
        let both = one.and(&private);
        assert!(both.is_private && both.depends_on.is_none() && both.tags.len() == 2);
    }
}
