//! Entries in memory: bounded by bytes, the least useful ones leave first. Knows nothing of whether they are true.

use std::sync::Arc;

use braid_telemetry::metrics::Counter;
use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, Weighter};

use crate::entry::Entry;
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

/// What an entry takes beside its bytes: the entry itself, the slot of the table, and what the allocator rounds up.
const OVERHEAD: usize = 256;

impl Weighter<Key, Arc<Entry>> for Weight {
    fn weight(&self, key: &Key, entry: &Arc<Entry>) -> u64 {
        weight(key.item.len(), entry)
    }
}

fn weight(item: usize, entry: &Entry) -> u64 {
    let tags: usize = entry.given_tags.iter().map(|tag| tag.len() + 32).sum();
    (OVERHEAD + item + entry.value.len() + tags) as u64
}

impl Memory {
    /// Empty, with room for so many bytes; entries of more than `max_entry` bytes are not kept. Entries that
    /// have to leave are counted.
    pub fn new(bytes: usize, max_entry: usize, evictions: Counter) -> Self {
        let shards = (4 * std::thread::available_parallelism().map_or(1, usize::from)).next_power_of_two().min(64);
        let options =
            OptionsBuilder::new().estimated_items_capacity(1024).weight_capacity(bytes as u64).shards(shards).build();
        let (hasher, lifecycle) = (DefaultHashBuilder::default(), Evictions(evictions));
        let entries = match options {
            Ok(options) => Cache::with_options(options, Weight, hasher, lifecycle),
            // Both capacities are given.
            Err(_) => Cache::with(1024, bytes as u64, Weight, hasher, lifecycle),
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
