//! How an entry is written in Redis. Anything that does not read back exactly is no entry. Knows no connection.
//!
//! ```text
//! "BrE1" | checksum of what follows (8) | flags (1) | since, fresh, revalidate, on error (8 each) | position (8)
//!        | number of tags (4) | for each tag: length (4), bytes | value: as it is, or length (4) and LZ4
//! "BrC1" | router (8)                      another router, or this one, is fetching it
//! ```
//!
//! All numbers are little endian. A change gets another number in the first four bytes: routers of both versions then read what they
//! wrote themselves and ignore the rest.

use std::sync::OnceLock;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::name::Name;
use crate::entry::{Entry, Lifetime, Millis};
use crate::invalidations::Position;

const ENTRY: &[u8; 4] = b"BrE1";
const CLAIM: &[u8; 4] = b"BrC1";
const COMPRESSED: u8 = 1;
/// The first four bytes and the checksum.
const HEAD: usize = 12;

/// The length of what says that somebody is fetching an entry.
pub(super) const CLAIM_LENGTH: usize = 12;

/// By how much the clocks of routers may differ.
const SKEW: Millis = 60_000;

/// What an entry must keep to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Bytes of item and value.
    pub(super) entry: usize,
    /// For how long anything may be kept, in milliseconds.
    pub(super) age: Millis,
    /// From how many bytes on a value is compressed.
    pub(super) compress_above: usize,
}

/// What bytes in Redis say.
#[derive(Debug)]
pub(super) enum Read {
    Entry(Entry),
    /// Somebody is fetching it.
    Claim,
    /// An entry of no use any more.
    Over,
    /// Of another version, or damaged.
    Unreadable,
}

/// What this router writes where it is about to fetch.
pub(super) fn claim(router: u64) -> [u8; CLAIM_LENGTH] {
    let mut claim = [0; CLAIM_LENGTH];
    let (kind, id) = claim.split_at_mut(CLAIM.len());
    kind.copy_from_slice(CLAIM);
    id.copy_from_slice(&router.to_le_bytes());
    claim
}

/// An entry as bytes, and for how many milliseconds it is of use; `None` if it is of none.
pub(super) fn write(entry: &Entry, name: &Name, limits: &Limits, now: Millis) -> Option<(Vec<u8>, Millis)> {
    let lifetime = clip(entry.lifetime, now.saturating_add(limits.age));
    let left = lifetime.end().checked_sub(now).filter(|left| *left > 0)?;
    let compressed = (entry.value.len() > limits.compress_above)
        .then(|| lz4_flex::block::compress_prepend_size(&entry.value))
        .filter(|compressed| compressed.len() < entry.value.len());
    let value = compressed.as_deref().unwrap_or(&entry.value);
    let tags: usize = entry.given_tags.iter().map(|tag| 4 + tag.len()).sum();
    let mut out = Vec::with_capacity(HEAD + 45 + tags + value.len());
    out.extend_from_slice(ENTRY);
    out.extend_from_slice(&[0; 8]);
    out.push(if compressed.is_some() { COMPRESSED } else { 0 });
    let Lifetime { since, fresh_until, revalidate_until, on_error_until } = lifetime;
    for number in [since, fresh_until, revalidate_until, on_error_until, entry.position.0] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&u32::try_from(entry.given_tags.len()).ok()?.to_le_bytes());
    for tag in &entry.given_tags {
        out.extend_from_slice(&u32::try_from(tag.len()).ok()?.to_le_bytes());
        out.extend_from_slice(tag.as_bytes());
    }
    out.extend_from_slice(value);
    let checksum = xxh3_64_with_seed(&out[HEAD..], name.seed());
    out[ENTRY.len()..HEAD].copy_from_slice(&checksum.to_le_bytes());
    Some((out, left))
}

fn clip(lifetime: Lifetime, end: Millis) -> Lifetime {
    Lifetime {
        since: lifetime.since,
        fresh_until: lifetime.fresh_until.min(end),
        revalidate_until: lifetime.revalidate_until.min(end),
        on_error_until: lifetime.on_error_until.min(end),
    }
}

/// Reads what is under a name, for a key whose item has so many bytes.
pub(super) fn read(bytes: &[u8], name: &Name, item: usize, limits: &Limits, now: Millis) -> Read {
    if bytes.len() == CLAIM_LENGTH && bytes.starts_with(CLAIM) {
        return Read::Claim;
    }
    match entry(bytes, name, item, limits, now) {
        None => Read::Unreadable,
        Some(entry) if entry.lifetime.end() <= now => Read::Over,
        Some(entry) => Read::Entry(entry),
    }
}

fn entry(bytes: &[u8], name: &Name, item: usize, limits: &Limits, now: Millis) -> Option<Entry> {
    let mut rest = Rest(bytes);
    if rest.take(ENTRY.len())? != ENTRY {
        return None;
    }
    let checksum = rest.long()?;
    if xxh3_64_with_seed(rest.0, name.seed()) != checksum {
        return None;
    }
    let flags = *rest.take(1)?.first()?;
    if flags & !COMPRESSED != 0 {
        return None;
    }
    let lifetime = Lifetime {
        since: rest.long()?,
        fresh_until: rest.long()?,
        revalidate_until: rest.long()?,
        on_error_until: rest.long()?,
    };
    let position = Position(rest.long()?);
    if !is_plausible(&lifetime, now.saturating_add(limits.age).saturating_add(SKEW), now) {
        return None;
    }
    let count = rest.int()?;
    // Each takes four bytes at least, so a wrong count makes no large allocation.
    if count > rest.0.len() / 4 {
        return None;
    }
    let mut given_tags = Vec::with_capacity(count);
    for _ in 0..count {
        let length = rest.int()?;
        given_tags.push(Box::from(std::str::from_utf8(rest.take(length)?).ok()?));
    }
    let room = limits.entry.checked_sub(item)?;
    let value = if flags & COMPRESSED == 0 {
        (rest.0.len() <= room).then(|| Box::from(rest.0))?
    } else {
        let length = rest.int().filter(|length| *length <= room)?;
        let value = lz4_flex::block::decompress(rest.0, length).ok()?;
        (value.len() == length).then(|| value.into_boxed_slice())?
    };
    Some(Entry { value, lifetime, position, given_tags: given_tags.into(), own_tags: OnceLock::new() })
}

fn is_plausible(lifetime: &Lifetime, latest: Millis, now: Millis) -> bool {
    let Lifetime { since, fresh_until, revalidate_until, on_error_until } = *lifetime;
    since <= now.saturating_add(SKEW) && fresh_until <= revalidate_until.min(on_error_until) && lifetime.end() <= latest
}

struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn long(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn int(&mut self) -> Option<usize> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?) as usize)
    }
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;
