//! The metrics of what is kept of subgraphs' answers. Knows no other metric.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// The metrics of the cache.
#[derive(Debug, Clone)]
pub struct CacheMetrics {
    /// Entries in memory.
    pub memory_entries: Gauge,
    /// Bytes that they take, as estimated.
    pub memory_bytes: Gauge,
    /// Entries that left memory because others needed the room.
    pub memory_evictions: Counter,
    /// Entries that were in Redis.
    pub redis_hits: Counter,
    /// Entries that were not in Redis.
    pub redis_misses: Counter,
    /// Entries that another router was fetching.
    pub redis_elsewhere: Counter,
    /// Values in Redis that could not be read: of another version, or damaged.
    pub redis_unreadable: Counter,
    /// How long Redis took to be read.
    pub redis_duration: Histogram,
    /// Entries that were not written to Redis: the queue was full, or Redis away, late or full.
    pub redis_dropped: Counter,
    /// Whether kept entries may be served: 0 while the router has not heard of the group's invalidations for too long.
    pub lease: Gauge,
    /// How often that was lost.
    pub leases_lost: Counter,
    /// Invalidations that were taken into account.
    pub invalidations: Counter,
    /// Invalidations that the group could not be told of.
    pub invalidations_unacknowledged: Counter,
}

/// Seconds: an answer of Redis takes less than one, or does not come.
const BUCKETS: [f64; 12] = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5];

impl Default for CacheMetrics {
    fn default() -> Self {
        Self {
            memory_entries: Gauge::default(),
            memory_bytes: Gauge::default(),
            memory_evictions: Counter::default(),
            redis_hits: Counter::default(),
            redis_misses: Counter::default(),
            redis_elsewhere: Counter::default(),
            redis_unreadable: Counter::default(),
            redis_duration: Histogram::new(BUCKETS),
            redis_dropped: Counter::default(),
            lease: Gauge::default(),
            leases_lost: Counter::default(),
            invalidations: Counter::default(),
            invalidations_unacknowledged: Counter::default(),
        }
    }
}

impl CacheMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register("cache_memory_entries", "Entries of the cache in memory", self.memory_entries.clone());
        let help = "Estimated size of the entries of the cache in memory in bytes";
        registry.register("cache_memory_size", help, self.memory_bytes.clone());
        let help = "Entries of the cache that left memory because others needed the room";
        registry.register("cache_memory_evictions", help, self.memory_evictions.clone());
        registry.register("cache_redis_hits", "Entries of the cache that were in Redis", self.redis_hits.clone());
        let help = "Entries of the cache that were not in Redis";
        registry.register("cache_redis_misses", help, self.redis_misses.clone());
        let help = "Entries of the cache that another router was fetching";
        registry.register("cache_redis_elsewhere", help, self.redis_elsewhere.clone());
        let help = "Values of the cache in Redis that could not be read";
        registry.register("cache_redis_unreadable", help, self.redis_unreadable.clone());
        let (help, duration) = ("Time to read entries of the cache from Redis", self.redis_duration.clone());
        registry.register_with_unit("cache_redis_duration", help, Unit::Seconds, duration);
        let help = "Entries of the cache that were not written to Redis";
        registry.register("cache_redis_dropped", help, self.redis_dropped.clone());
        let help = "Whether kept entries may be served: 0 while the router has not heard of the group's invalidations for too long";
        registry.register("cache_lease", help, self.lease.clone());
        let help = "How often the router has not heard of the group's invalidations for too long";
        registry.register("cache_leases_lost", help, self.leases_lost.clone());
        registry.register(
            "cache_invalidations",
            "Invalidations that were taken into account",
            self.invalidations.clone(),
        );
        let help = "Invalidations that the group could not be told of";
        registry.register("cache_invalidations_unacknowledged", help, self.invalidations_unacknowledged.clone());
    }
}
