//! What can be set about where answers are kept. Knows no file and no environment.

use braid_net::config::TlsClientConfig;
use braid_redis::check_url;
use braid_settings::{ByteSize, Duration, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where answers are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// The memory for entries of the cache. With `0`, entries are in Redis alone, and nothing is kept that is private.
    pub memory: ByteSize,
    /// Larger entries are not kept.
    pub max_entry: ByteSize,
    /// Nothing is kept for longer, whatever the subgraph allows. Routers of a group remember invalidations for as long.
    pub max_age: Duration,
    /// A Redis that several routers share entries by. Routers that share it also share invalidations. Without it, each router keeps
    /// entries for itself.
    pub redis: Option<RedisConfig>,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            memory: ByteSize(128 << 20),
            max_entry: ByteSize(1 << 20),
            max_age: Duration::millis(24 * 60 * 60 * 1000),
            redis: None,
        }
    }
}

/// A Redis that routers share entries by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedisConfig {
    /// The address: `redis://user:password@host:6379/0`, `redis+sentinel://host1:26379,host2:26379/master-name` or
    /// `redis+cluster://host1:6379,host2:6379`; with `rediss` instead of `redis` for TLS.
    pub url: Secret,
    /// TLS, for addresses with `rediss`.
    #[serde(default)]
    pub tls: TlsClientConfig,
    /// How long a request waits for Redis; `20ms` if it is not set. After that it asks the subgraph.
    #[serde(default = "timeout")]
    pub timeout: Duration,
    /// How long a write to Redis may take; `500ms` if it is not set. No request waits for it.
    #[serde(default = "write_timeout")]
    pub write_timeout: Duration,
    /// What the keys begin with; `braid:cache:` if it is not set. Routers with the same prefix are a group: they share entries and
    /// invalidations.
    #[serde(default = "prefix")]
    pub prefix: String,
    /// Larger values are compressed; `1KB` if it is not set.
    #[serde(default = "compress_above")]
    pub compress_above: ByteSize,
    /// How much may wait to be written to Redis; `16MB` if it is not set. What comes when it is full is not written.
    #[serde(default = "write_queue")]
    pub write_queue: ByteSize,
    /// How long the other routers leave it to one of them to fetch what none of them has; `1s` if it is not set.
    #[serde(default = "claim_time")]
    pub claim_time: Duration,
    /// How long a router serves kept entries without having heard from Redis; `1s` if it is not set. An invalidation that a router of
    /// the group does not confirm is acknowledged after this time.
    #[serde(default = "lease")]
    pub lease: Duration,
}

const fn timeout() -> Duration {
    Duration::millis(20)
}

const fn write_timeout() -> Duration {
    Duration::millis(500)
}

fn prefix() -> String {
    "braid:cache:".to_owned()
}

const fn compress_above() -> ByteSize {
    ByteSize(1 << 10)
}

const fn write_queue() -> ByteSize {
    ByteSize(16 << 20)
}

const fn claim_time() -> Duration {
    Duration::millis(1000)
}

const fn lease() -> Duration {
    Duration::millis(1000)
}

impl RedisConfig {
    /// One at this address, with defaults.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: Secret(url.into()),
            tls: TlsClientConfig::default(),
            timeout: timeout(),
            write_timeout: write_timeout(),
            prefix: prefix(),
            compress_above: compress_above(),
            write_queue: write_queue(),
            claim_time: claim_time(),
            lease: lease(),
        }
    }
}

const LEAST_MEMORY: usize = 1_000_000;
/// The bounds of times.
const SHORTEST_LEASE: std::time::Duration = std::time::Duration::from_millis(100);
const LONGEST_LEASE: std::time::Duration = std::time::Duration::from_secs(60);
const LONGEST_AGE: std::time::Duration = std::time::Duration::from_secs(366 * 24 * 60 * 60);

impl StoreConfig {
    /// Says what is wrong, if anything is.
    pub fn check(&self) -> Result<(), String> {
        if self.memory.0 < LEAST_MEMORY && (self.memory.0 > 0 || self.redis.is_none()) {
            return Err("memory: give at least 1MB, or 0 where there is a Redis".to_owned());
        }
        if !(std::time::Duration::from_secs(1)..=LONGEST_AGE).contains(&self.max_age.0) {
            return Err("max_age: give a time from 1s to 366 days".to_owned());
        }
        let Some(redis) = &self.redis else { return Ok(()) };
        if redis.timeout.0.is_zero() || redis.write_timeout.0.is_zero() {
            return Err("redis: give at least 1ms as timeout and write_timeout".to_owned());
        }
        if !(SHORTEST_LEASE..=LONGEST_LEASE).contains(&redis.lease.0) {
            return Err("redis.lease: give a time from 100ms to 60s".to_owned());
        }
        if redis.claim_time.0.is_zero() || redis.claim_time.0 > LONGEST_LEASE {
            return Err("redis.claim_time: give a time from 1ms to 60s".to_owned());
        }
        if redis.prefix.contains(['{', '}']) {
            return Err("redis.prefix: braces have a meaning in a Redis cluster; leave them out".to_owned());
        }
        check_url(&redis.url.0).map_err(|error| format!("redis.url can't be used: {}", braid_net::chain(&error)))
    }

    /// The files that it refers to.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.redis.iter().flat_map(|redis| redis.tls.files())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_memory_is_what_the_error_says() {
        let with = |bytes| StoreConfig { memory: ByteSize(bytes), ..StoreConfig::default() }.check();
        assert_eq!(with(1_000_000), Ok(()));
        let too_little = Err("memory: give at least 1MB, or 0 where there is a Redis".to_owned());
        assert_eq!(with(999_999), too_little);
        assert_eq!(with(0), too_little);
        let redis = Some(RedisConfig::at("redis://127.0.0.1"));
        assert_eq!(StoreConfig { memory: ByteSize(0), redis, ..StoreConfig::default() }.check(), Ok(()));
    }
}
