//! Under which name Redis has an entry. Knows nothing of the entry.

use aws_lc_rs::digest::{Context, SHA256};

use crate::key::KeyRef;

/// The name of an entry. A cryptographic hash: whoever can choose the bytes of a key must not be able to choose the entry of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    text: String,
    seed: u64,
}

/// Changes with the meaning of groups and items, so that routers of different versions don't share what they would read differently.
const KEYS: &[u8] = b"braid cache keys 1\0";

impl Name {
    pub(super) fn of(prefix: &str, key: KeyRef<'_>) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(KEYS);
        context.update(&key.group.0);
        context.update(key.item);
        let digest = context.finish();
        let digest = digest.as_ref();
        let text = [prefix, "e:", &hex::encode(digest)].concat();
        let seed = digest.iter().take(8).fold(0, |seed, byte| (seed << 8) | u64::from(*byte));
        Self { text, seed }
    }

    /// The key in Redis.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What checksums start from, so that a value under another name is not taken for this one's.
    pub(super) fn seed(&self) -> u64 {
        self.seed
    }
}
