//! Entries in memory: bounded by bytes, the least useful ones leave first. Knows nothing of whether they are true.

use std::sync::Arc;

use braid_telemetry::metrics::Counter;
use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, Weighter};

use crate::entry::Entry;
use crate::invalidation::Tag;
use crate::key::{Key, KeyRef};

/// The entries of a router.
#[derive(Debug)]
pub struct Memory {
    entries: Cache<Key, Arc<Entry>, Weight, DefaultHashBuilder, Evictions>,
    max_entry: usize,
}

#[derive(Debug, Clone)]
struct Weight;

/// Counts entries that have to go. What was evicted is dropped outside of the lock of its shard.
#[derive(Debug, Clone)]
struct Evictions(Counter);

impl Lifecycle<Key, Arc<Entry>> for Evictions {
    type RequestState = [Option<(Key, Arc<Entry>)>; 2];

    fn on_evict(&self, state: &mut Self::RequestState, key: Key, entry: Arc<Entry>) {
        self.0.inc();
        if let Some(slot) = state.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some((key, entry));
        }
    }
}

/// The slot of the table that an entry takes, its share of the index, and of what the allocator can't use. Measured by the example `bound`.
const SLOT: usize = 94;
/// An entry that was pushed out leaves a slot with its hash, by which its return is recognized. There is one for so many bytes.
const BYTES_PER_GHOST: usize = 8192;

impl Weighter<Key, Arc<Entry>> for Weight {
    fn weight(&self, key: &Key, entry: &Arc<Entry>) -> u64 {
        weight(key.item.len(), entry) as u64
    }
}

fn weight(item: usize, entry: &Entry) -> usize {
    /// The counts of an `Arc`.
    const COUNTS: usize = 2 * size_of::<usize>();
    let list = entry.given_tags.len() * size_of::<Box<str>>();
    let tags: usize = entry.given_tags.iter().map(|tag| allocated(tag.len())).sum();
    // Its own tags are computed later, but then the room must be there.
    let own = allocated((4 + 2 * entry.given_tags.len()) * size_of::<Tag>());
    SLOT + allocated(COUNTS + size_of::<Entry>())
        + allocated(item)
        + allocated(entry.value.len())
        + allocated(list)
        + tags
        + own
}

/// What an allocation of so many bytes takes: allocators round up to sizes that are a quarter of a power of two apart.
fn allocated(bytes: usize) -> usize {
    const WORD: usize = size_of::<usize>();
    let words = bytes.div_ceil(WORD);
    let rounded = match words {
        0 | 1 => words,
        2..=8 => words.next_multiple_of(2),
        _ => words.next_multiple_of(1 << ((words - 1).ilog2() - 2)),
    };
    rounded * WORD
}

impl Memory {
    /// Empty, with room for so many bytes; entries of more than `max_entry` bytes are not kept. Entries that
    /// have to leave are counted.
    pub fn new(bytes: usize, max_entry: usize, evictions: Counter) -> Self {
        let max_entry = max_entry.min(bytes);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        // A shard has room for several of the largest entries.
        let most = (bytes / max_entry.max(1) / 4).max(1);
        let shards = (4 * cores).next_power_of_two().min(64).min(1 << most.ilog2());
        let ghosts = bytes / BYTES_PER_GHOST;
        let room = (bytes - ghosts * SLOT) as u64;
        // The number of entries is not bounded by this; half as many ghosts are kept.
        let options =
            OptionsBuilder::new().estimated_items_capacity(2 * ghosts).weight_capacity(room).shards(shards).build();
        let (hasher, lifecycle) = (DefaultHashBuilder::default(), Evictions(evictions));
        let entries = match options {
            Ok(options) => Cache::with_options(options, Weight, hasher, lifecycle),
            // Both capacities are given.
            Err(_) => Cache::with(1024, room, Weight, hasher, lifecycle),
        };
        Self { entries, max_entry }
    }

    /// The entry of a key.
    pub fn get(&self, key: KeyRef<'_>) -> Option<Arc<Entry>> {
        self.entries.get(&key)
    }

    /// Keeps an entry, if it is not too large.
    pub fn put(&self, key: Key, entry: Arc<Entry>) {
        if entry.value.len() + key.item.len() <= self.max_entry {
            self.entries.insert(key, entry);
        }
    }

    /// Lets an entry go.
    pub fn remove(&self, key: KeyRef<'_>) {
        self.entries.remove(&key);
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The bytes that the entries take, as estimated.
    pub fn bytes(&self) -> u64 {
        self.entries.weight()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allocations_are_rounded_up() {
        let sizes = [0, 1, 9, 17, 64, 65, 80, 81, 128, 129, 160, 1000, 1024, 1025, 4096].map(allocated);
        assert_eq!(sizes, [0, 8, 16, 32, 64, 80, 80, 96, 128, 160, 160, 1024, 1024, 1280, 4096]);
    }

    #[test]
    fn the_least_useful_entries_leave() {
        let evictions = Counter::default();
        let memory = Memory::new(1 << 20, 100_000, evictions.clone());
        let nothing = Memory::new(0, 100_000, evictions.clone());
        let entry = |length: usize| {
            let lifetime = crate::Lifetime { since: 0, fresh_until: 1, revalidate_until: 1, on_error_until: 1 };
            Arc::new(Entry {
                value: vec![b'a'; length].into(),
                lifetime,
                position: crate::Position(0),
                given_tags: [].into(),
                own_tags: std::sync::OnceLock::new(),
            })
        };
        let key = |number: usize| Key { group: crate::Group([0; 16]), item: number.to_le_bytes().into() };
        for number in 0..10_000 {
            memory.put(key(number), entry(1000));
            nothing.put(key(number), entry(1000));
        }
        assert!(nothing.is_empty());
        assert!(memory.bytes() <= 1 << 20 && memory.len() > 500);
        assert_eq!(evictions.get(), 10_000 - memory.len() as u64);
        memory.put(key(1), entry(100_000));
        assert!(memory.get(key(1).as_ref()).is_none_or(|entry| entry.value.len() == 1000), "it is too large");
    }
}
