//! What routers keep together, in Redis. Knows nothing of invalidations.
//!
//! ```text
//! get ──▶ one round trip: SET key claim NX GET for each key ──▶ an entry, a claim of this router or of another one, or nothing
//! put ──▶ queue, bounded ──▶ writer: one round trip for many entries
//! ```

mod format;
mod name;
mod queue;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use braid_redis::{Redis, RedisSetupError, Setup};
use braid_telemetry::metrics::{CacheMetrics, Metrics};
use braid_telemetry::trace::random;
use redis::{Cmd, ErrorKind, RedisError, RedisResult, Value};

use crate::config::{RedisConfig, StoreConfig};
use crate::entry::{Entry, now};
use crate::key::{Key, KeyRef};
use format::{Limits, Read};
use name::Name;
use queue::{Queue, Write};

/// Entries in Redis.
#[derive(Debug)]
pub struct Shared {
    redis: Arc<Redis>,
    queue: Queue,
    config: RedisConfig,
    limits: Limits,
    claim: [u8; format::CLAIM_LENGTH],
    /// When claims may be tried again, in milliseconds since the Unix epoch. They are left out where Redis does not take them.
    claims_from: AtomicU64,
    metrics: CacheMetrics,
}

/// What Redis has for a key.
#[derive(Debug, Clone)]
pub enum Found {
    /// An entry.
    Entry(Arc<Entry>),
    /// Nothing, or nothing that can be read.
    Missing,
    /// Nothing. Whoever asked has taken the task to fetch it, and ends it with [`Shared::put`] or [`Shared::release`].
    Claimed,
    /// Nothing yet: another router is fetching it.
    Elsewhere,
}

/// How long claims are left out after Redis refused one.
const WITHOUT_CLAIMS: u64 = 1000;
/// The same for a Redis that can't do them.
const OLD_REDIS: u64 = 60 * 60 * 1000;

impl Shared {
    /// Must be called on a runtime.
    pub(crate) fn new(config: &RedisConfig, store: &StoreConfig, metrics: &Metrics) -> Result<Self, RedisSetupError> {
        let setup = Setup {
            url: &config.url.0,
            tls: &config.tls,
            timeout: config.timeout.0,
            is_patient: true,
            purpose: "cache",
        };
        let redis = Redis::new(setup, metrics.redis("cache"))?;
        let setup = Setup { timeout: config.write_timeout.0, purpose: "writes of the cache", ..setup };
        let writes = Redis::new(setup, metrics.redis("cache_writes"))?;
        redis.connect();
        writes.connect();
        let limits = Limits {
            entry: store.max_entry.0,
            age: store.max_age.0.as_millis() as u64,
            compress_above: config.compress_above.0,
        };
        let claim = format::claim(random());
        let bytes = config.write_queue.0;
        Ok(Self {
            redis,
            queue: Queue::new(writes, bytes, config.write_timeout.0, limits, claim, metrics.cache.clone()),
            config: config.clone(),
            limits,
            claim,
            claims_from: AtomicU64::new(0),
            metrics: metrics.cache.clone(),
        })
    }

    /// What Redis has for these keys, in their order. With `claim`, whoever finds nothing takes the task to fetch it. `None` if Redis is
    /// away or does not answer in time.
    pub async fn get(&self, keys: &[KeyRef<'_>], claim: bool) -> Option<Vec<Found>> {
        if keys.is_empty() {
            return Some(Vec::new());
        }
        let started = Instant::now();
        let found = self.read(keys, claim, started).await;
        self.metrics.redis_duration.observe(started.elapsed().as_secs_f64());
        let count = |of: fn(&Found) -> bool| found.iter().flatten().filter(|it| of(it)).count() as u64;
        self.metrics.redis_hits.inc_by(count(|found| matches!(found, Found::Entry(_))));
        self.metrics.redis_misses.inc_by(count(|found| matches!(found, Found::Missing | Found::Claimed)));
        self.metrics.redis_elsewhere.inc_by(count(|found| matches!(found, Found::Elsewhere)));
        found
    }

    async fn read(&self, keys: &[KeyRef<'_>], claim: bool, started: Instant) -> Option<Vec<Found>> {
        let names: Vec<Name> = keys.iter().map(|key| Name::of(&self.config.prefix, *key)).collect();
        let now = now();
        let claim = claim && self.claims_from.load(Ordering::Relaxed) <= now;
        let commands = names.iter().map(|name| if claim { self.claiming(name) } else { get(name) }).collect();
        let limit = self.config.timeout.0;
        let mut answers = self.redis.ask_each(limit, commands).await?;
        if claim
            && let Some(error) = answers.iter().find_map(|answer| answer.as_ref().err().filter(|it| is_refusal(it)))
        {
            self.give_up_claims(error, now);
            let refused = |answer: &RedisResult<Value>| answer.as_ref().is_err_and(is_refusal);
            let places: Vec<usize> = (0..answers.len()).filter(|place| refused(&answers[*place])).collect();
            let commands = places.iter().map(|place| get(&names[*place])).collect();
            let again = self.redis.ask_each(limit.saturating_sub(started.elapsed()), commands).await?;
            for (place, answer) in places.into_iter().zip(again) {
                // It was only read.
                answers[place] = answer.map(|value| if value == Value::Nil { Value::Okay } else { value });
            }
        }
        let found = keys.iter().zip(&names).zip(answers);
        Some(found.map(|((key, name), answer)| self.found(key, name, answer, claim, now)).collect())
    }

    fn found(&self, key: &KeyRef<'_>, name: &Name, answer: RedisResult<Value>, claim: bool, now: u64) -> Found {
        match answer {
            Ok(Value::Nil) if claim => Found::Claimed,
            Ok(Value::BulkString(bytes)) => match format::read(&bytes, name, key.item.len(), &self.limits, now) {
                Read::Entry(entry) => Found::Entry(Arc::new(entry)),
                Read::Claim => Found::Elsewhere,
                Read::Over => Found::Missing,
                Read::Unreadable => {
                    self.metrics.redis_unreadable.inc();
                    Found::Missing
                }
            },
            _ => Found::Missing,
        }
    }

    /// Has Redis keep entries. Nobody waits for it; what comes when too much is waiting is not kept.
    pub fn put(&self, entries: Vec<(Key, Arc<Entry>)>) {
        for (key, entry) in entries {
            let name = Name::of(&self.config.prefix, key.as_ref());
            self.queue.push(Write::Put(name, key.item.len(), entry));
        }
    }

    /// Gives back claimed keys for which nothing is kept, so that another router can fetch them.
    pub fn release(&self, keys: Vec<Key>) {
        for key in keys {
            self.queue.push(Write::Release(Name::of(&self.config.prefix, key.as_ref())));
        }
    }

    fn claiming(&self, name: &Name) -> Cmd {
        let mut command = redis::cmd("SET");
        let time = self.config.claim_time.0.as_millis() as u64;
        command.arg(name.text()).arg(&self.claim[..]).arg("NX").arg("GET").arg("PX").arg(time);
        command
    }

    fn give_up_claims(&self, error: &RedisError, now: u64) {
        let is_old = error.code() == Some("ERR") && error.detail().is_some_and(|text| text.contains("syntax"));
        self.claims_from.store(now + if is_old { OLD_REDIS } else { WITHOUT_CLAIMS }, Ordering::Relaxed);
        if is_old {
            tracing::warn!(
                "this Redis is older than version 7; routers do without it when they decide which of them fetches what none of them has"
            );
        }
    }
}

fn get(name: &Name) -> Cmd {
    let mut command = redis::cmd("GET");
    command.arg(name.text());
    command
}

/// Whether Redis itself said no, to a write: it is full, can't be written to, is too old, or forbids it.
fn is_refusal(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension)
}
