//! Tokens that were verified already, by their hash: bounded by bytes, and each kept until it expires or its key is withdrawn. Finds and
//! keeps; does not verify.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use braid_request_context::identity::Principal;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::claims::End;
use crate::key::VerifyingKey;

/// SHA-256: nobody can make a token that is taken for another, and no token is kept.
type Hash = [u8; 32];

/// The tokens.
#[derive(Debug)]
pub(crate) struct VerifiedTokens {
    tokens: Cache<Hash, Verified, Weight>,
}

/// A token that was verified.
#[derive(Debug, Clone)]
pub(crate) struct Verified {
    pub(crate) principal: Arc<Principal>,
    /// The key that it is signed with.
    pub(crate) key: Arc<VerifyingKey>,
    /// When it is no longer accepted.
    pub(crate) end: End,
    /// The bytes of the token.
    pub(crate) size: u32,
}

#[derive(Debug, Clone)]
struct Weight;

impl Weighter<Hash, Verified> for Weight {
    fn weight(&self, _: &Hash, token: &Verified) -> u64 {
        // The claims are three quarters of the token as JSON, and several times as large as values.
        512 + 4 * u64::from(token.size)
    }
}

impl VerifiedTokens {
    /// None yet, in so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        // A table for small tokens; it grows no further.
        Self { tokens: Cache::with_weighter((bytes / 2048).clamp(16, 1 << 16), bytes as u64, Weight) }
    }

    /// Who has this token, if it is known and still accepted at a time in seconds since 1970.
    pub(crate) fn find(&self, token: &str, now: u64) -> Option<Arc<Principal>> {
        let hash = hash(token);
        let found = self.tokens.get(&hash)?;
        if found.key.is_withdrawn() || found.end.is_some_and(|end| now >= end) {
            self.tokens.remove(&hash);
            return None;
        }
        Some(found.principal)
    }

    /// Keeps a token that was verified.
    pub(crate) fn keep(&self, token: &str, verified: Verified) {
        self.tokens.insert(hash(token), verified);
    }
}

fn hash(token: &str) -> Hash {
    let mut hash = Hash::default();
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    hash
}
