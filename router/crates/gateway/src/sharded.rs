//! Caches in shards that are bounded by the weight of what is in them. Knows nothing of what is kept.

use std::hash::Hash;

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

/// A cache that never holds more than its weight.
pub(crate) type Sharded<K, V, W> = Cache<K, V, W, DefaultHashBuilder, DefaultLifecycle<K, V>>;

/// How many shards a cache has. Each has a lock and a share of the weight.
fn shards() -> usize {
    (4 * std::thread::available_parallelism().map_or(1, usize::from)).next_power_of_two().min(32)
}

/// The most that one entry may weigh in a cache of this weight to be kept for certain: the half of a shard.
pub(crate) fn most(capacity: u64) -> u64 {
    (capacity / shards() as u64 / 2).max(1)
}

/// An empty cache for entries that weigh no more than `capacity` together.
pub(crate) fn sharded<K: Eq + Hash, V: Clone, W: Weighter<K, V> + Clone>(
    capacity: u64,
    weighter: W,
) -> Sharded<K, V, W> {
    // The number of items is a first guess that its tables are sized by.
    let items = 1024;
    let options =
        OptionsBuilder::new().estimated_items_capacity(items).weight_capacity(capacity).shards(shards()).build();
    match options {
        Ok(options) => Cache::with_options(options, weighter, Default::default(), Default::default()),
        // Both capacities are given.
        Err(_) => Cache::with(items, capacity, weighter, Default::default(), Default::default()),
    }
}
