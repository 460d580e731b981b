//! What the last responses said of a group: whether it is worth looking for, and where. Only a guess about the next response, which is
//! looked at in any case. Knows no entry.

use braid_cache_store::Group;
use quick_cache::sync::Cache;

/// What the last response said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was kept for everybody.
    Public,
    /// It was for one viewer.
    Private,
    /// It was not kept.
    NotKept,
}

/// By group.
#[derive(Debug)]
pub(crate) struct Verdicts(Cache<Group, Verdict>);

/// How many groups are remembered; each takes about 60 bytes.
const MAX_GROUPS: usize = 1 << 16;

impl Default for Verdicts {
    fn default() -> Self {
        Self(Cache::new(MAX_GROUPS))
    }
}

impl Verdicts {
    /// The verdict on a group, if there is one.
    pub(crate) fn get(&self, group: Group) -> Option<Verdict> {
        self.0.get(&group)
    }

    /// Remembers a verdict. What was private once stays private to requests with credentials.
    pub(crate) fn put(&self, group: Group, verdict: Verdict) {
        match self.0.get(&group) {
            Some(known) if known == verdict => {}
            Some(Verdict::Private) if verdict == Verdict::Public => {}
            _ => self.0.insert(group, verdict),
        }
    }
}
