//! By what entries are found. Knows nothing of what is kept.

use std::hash::{Hash, Hasher};

use quick_cache::Equivalent;

/// What all entries have in common that are asked for in the same way: subgraph, selection, variables, and the viewer of private
/// data. A cryptographic hash, since a collision would give a client another client's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Group(pub [u8; 16]);

/// The key of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// How it is asked for.
    pub group: Group,
    /// The representation of an entity; empty for a root field.
    pub item: Box<[u8]>,
}

/// A key whose parts are elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRef<'a> {
    /// How the entry is asked for.
    pub group: Group,
    /// The representation of an entity; empty for a root field.
    pub item: &'a [u8],
}

impl Key {
    /// The key without its own bytes.
    pub fn as_ref(&self) -> KeyRef<'_> {
        KeyRef { group: self.group, item: &self.item }
    }
}

impl KeyRef<'_> {
    /// The key with bytes of its own.
    pub fn to_key(self) -> Key {
        Key { group: self.group, item: self.item.into() }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_ref().hash(state);
    }
}

impl Hash for KeyRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.group.hash(state);
        self.item.hash(state);
    }
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self == key.as_ref()
    }
}
