//! Routers that share a Redis agree on invalidations, by a log in it. Knows no entry.
//!
//! ```text
//! invalidate ──▶ log in Redis ──▶ follower of each router ──▶ Invalidations
//!      │                               └──▶ Lease: the log is known as it was a moment ago, so kept entries may be served
//!      └──▶ waits until all routers have read so far, or no longer hold a lease that began before
//! ```

mod follow;
mod lease;
mod log;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use braid_redis::{Connection, Redis, RedisSetupError, Setup};
use braid_telemetry::metrics::{CacheMetrics, Metrics};
use redis::{Cmd, Pipeline, RedisResult, Value};

use crate::config::{RedisConfig, StoreConfig};
use crate::entry::now;
use crate::invalidation::Invalidation;
use crate::invalidations::{Invalidations, Position};
use crate::store::NotAcknowledged;
use lease::{Lease, Steady};
use log::{Id, Names};

/// This router's part in a group. It leaves the group when this is dropped.
#[derive(Debug)]
pub(crate) struct Group {
    shared: Arc<Shared>,
}

/// What the follower needs, too.
#[derive(Debug)]
struct Shared {
    invalidations: Arc<Invalidations>,
    /// For adding to the log. The follower's connection is busy with waiting.
    redis: Arc<Redis>,
    names: Names,
    lease: Lease,
    length: Duration,
    timeout: Duration,
    max_age: Duration,
    steady: Mutex<Steady>,
    /// The name of this router on the list.
    member: Mutex<String>,
    /// What the group could not be told of yet.
    untold: Mutex<Vec<Invalidation>>,
    metrics: CacheMetrics,
}

/// How many entries of the log there may be before the older half is dropped, and what was asked for before with it.
const MAX_LOG: u64 = 200_000;
/// By how much the clocks of routers and of Redis may differ.
const SKEW: Duration = Duration::from_secs(600);
/// How many invalidations are remembered that the group could not be told of. When there are more, everything is invalidated.
const MAX_UNTOLD: usize = 10_000;
/// The pauses between looking whether all have read so far.
const FIRST_LOOK: Duration = Duration::from_millis(1);
const LONGEST_LOOK: Duration = Duration::from_millis(50);

impl Group {
    /// Joins the group. Must be called on a runtime.
    pub(crate) fn new(
        config: &RedisConfig,
        store: &StoreConfig,
        invalidations: &Arc<Invalidations>,
        metrics: &Metrics,
    ) -> Result<Self, RedisSetupError> {
        let setup = Setup {
            url: &config.url.0,
            tls: &config.tls,
            timeout: config.write_timeout.0,
            is_patient: true,
            purpose: "invalidations of the cache",
        };
        let redis = Redis::new(setup, metrics.redis("cache_invalidations"))?;
        let setup = Setup { is_patient: false, purpose: "the log of invalidations of the cache", ..setup };
        let follower = Redis::new(setup, metrics.redis("cache_log"))?;
        redis.connect();
        let length = config.lease.0;
        let shared = Arc::new(Shared {
            invalidations: invalidations.clone(),
            redis,
            names: Names::new(&config.prefix),
            lease: Lease::new(length, Instant::now()),
            length,
            timeout: config.write_timeout.0,
            max_age: store.max_age.0,
            steady: Mutex::new(Steady::new(length)),
            member: Mutex::default(),
            untold: Mutex::default(),
            metrics: metrics.cache.clone(),
        });
        tokio::spawn(follow::follow(Arc::downgrade(&shared), follower));
        Ok(Self { shared })
    }

    /// Whether this router knows the log as it was a moment ago.
    pub(crate) fn may_serve(&self) -> bool {
        self.shared.lease.is_held(Instant::now())
    }

    /// Invalidates in all routers of the group, and waits until it is in force in all of them.
    pub(crate) async fn invalidate(&self, invalidations: &[Invalidation]) -> Result<Position, NotAcknowledged> {
        let Some(id) = self.shared.add_twice(invalidations).await else {
            self.shared.keep_for_later(invalidations);
            return Err(NotAcknowledged::Redis);
        };
        self.shared.invalidations.apply(id.position(), invalidations);
        if self.shared.wait(id).await {
            Ok(id.position())
        } else {
            // The log may have lost it.
            self.shared.keep_for_later(invalidations);
            Err(NotAcknowledged::Redis)
        }
    }
}

impl Shared {
    /// Adds to the log, over another connection if the one there was is lost. What is then there twice does no harm.
    async fn add_twice(&self, invalidations: &[Invalidation]) -> Option<Id> {
        let started = Instant::now();
        match self.add(invalidations).await {
            Some(id) => Some(id),
            None if self.redis.comes_back_within(self.timeout.saturating_sub(started.elapsed())).await => {
                self.add(invalidations).await
            }
            None => None,
        }
    }

    /// Adds to the log; `None` if it is not known to be there.
    async fn add(&self, invalidations: &[Invalidation]) -> Option<Id> {
        let oldest = now().saturating_sub((self.max_age + SKEW).as_millis() as u64);
        let commands = [self.names.add(invalidations, Id::at(oldest)), self.names.length()];
        let answers = ask(&self.redis, self.timeout, commands.into()).await?;
        let [id, length] = <[_; 2]>::try_from(answers).ok()?;
        let id = log::text(id.as_ref().ok()?)?.parse().ok()?;
        if matches!(length, Ok(Value::Int(length)) if length > MAX_LOG as i64) {
            self.shorten().await;
        }
        Some(id)
    }

    /// Drops the older half of the log. What it was about is remembered as one invalidation of everything before, for routers that have not
    /// read it.
    async fn shorten(&self) -> Option<()> {
        let answers = ask(&self.redis, self.timeout, vec![self.names.first(), self.names.last()]).await?;
        let at = |answer: &RedisResult<Value>| log::entries(answer.as_ref().ok()?)?.first().map(|(id, _)| id.millis);
        let [first, last] = <[_; 2]>::try_from(answers).ok()?;
        let (first, last) = (at(&first)?, at(&last)?);
        let floor = Id::at(first + last.saturating_sub(first) / 2);
        // In this order: whoever reads the shorter log finds out what it lacks.
        let said = ask(&self.redis, self.timeout, vec![self.names.add_floor(floor)]).await?;
        said.first()?.as_ref().ok()?;
        ask(&self.redis, self.timeout, vec![self.names.trim(floor)]).await?;
        Some(())
    }

    /// Waits until an entry of the log is in force in all routers. Returns whether the log still has it then.
    async fn wait(&self, id: Id) -> bool {
        let over = lease::over(self.length, Instant::now());
        let mut pause = FIRST_LOOK;
        loop {
            let is_over = Instant::now() >= over;
            let look = self.look(id).await;
            match look {
                Some(Look { is_there: false, .. }) => return false,
                Some(Look { is_read: true, .. }) => return true,
                Some(Look { gone, .. }) if is_over => {
                    self.strike_off(&gone).await;
                    return true;
                }
                None if is_over => return false,
                _ => {}
            }
            let rest = over.saturating_duration_since(Instant::now());
            tokio::time::sleep(pause.min(rest)).await;
            pause = (pause * 2).min(LONGEST_LOOK);
        }
    }

    async fn look(&self, id: Id) -> Option<Look> {
        let commands = vec![self.names.entry(id), self.names.epoch(), self.names.members()];
        let answers = ask(&self.redis, self.timeout, commands).await?;
        let [entry, epoch, members] = <[_; 3]>::try_from(answers).ok()?;
        let is_there = log::entries(entry.as_ref().ok()?)?.iter().any(|(found, _)| *found == id);
        let epoch = log::text(epoch.as_ref().ok()?).unwrap_or_default().to_owned();
        let Value::Array(members) = members.ok()? else { return None };
        let members = members.iter().filter_map(log::text).filter(|member| *member != log::EPOCH);
        let me = self.member.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (mine, others): (Vec<String>, Vec<String>) = members.map(str::to_owned).partition(|member| *member == me);
        let read = if others.is_empty() {
            Vec::new()
        } else {
            let answers = ask(&self.redis, self.timeout, vec![self.names.read_by(&others)]).await?;
            let Ok(Value::Array(read)) = answers.into_iter().next()? else { return None };
            read
        };
        let have_read =
            |value: &Value| log::text(value).and_then(|text| text.parse().ok()).is_some_and(|at: Id| at >= id);
        let all_have_read = read.len() == others.len() && read.iter().all(have_read);
        let gone = others.into_iter().zip(read).filter(|(_, read)| *read == Value::Nil).map(|(member, _)| member);
        // Asked last: a list that was not lost until now was not when it was looked at.
        let is_read = is_there && !mine.is_empty() && all_have_read && self.list_is_complete(&epoch);
        Some(Look { is_there, is_read, gone: gone.collect() })
    }

    /// Takes routers off the list that have said nothing for many leases. One that comes back takes another name.
    async fn strike_off(&self, members: &[String]) {
        if !members.is_empty() {
            let commands = members.iter().map(|member| self.names.leave(member)).collect();
            ask(&self.redis, self.timeout, commands).await;
        }
    }

    fn list_is_complete(&self, epoch: &str) -> bool {
        let now = Instant::now();
        self.lease.is_held(now) && self.steady.lock().unwrap_or_else(PoisonError::into_inner).is_complete(now, epoch)
    }

    /// Invalidates here, and tells the group when it can be reached.
    fn keep_for_later(&self, invalidations: &[Invalidation]) {
        self.invalidations.distrust(invalidations);
        let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
        if untold.len() + invalidations.len() > MAX_UNTOLD {
            *untold = vec![Invalidation::All];
        } else {
            untold.extend_from_slice(invalidations);
        }
    }
}

/// What is known of an entry of the log.
struct Look {
    /// It is in the log.
    is_there: bool,
    /// All routers have read so far.
    is_read: bool,
    /// Routers that have said nothing for a long time.
    gone: Vec<String>,
}

/// Asks for keys that are at one node of a cluster, in this order.
async fn ask(redis: &Arc<Redis>, limit: Duration, commands: Vec<Cmd>) -> Option<Vec<RedisResult<Value>>> {
    let mut pipeline = Pipeline::with_capacity(commands.len());
    pipeline.ignore_errors();
    for command in commands {
        pipeline.add_command(command);
    }
    let query = |mut connection: Connection| async move {
        pipeline.query_async::<Vec<RedisResult<Value>>>(&mut connection).await
    };
    redis.ask_within(limit, query).await.inspect(|answers| redis.look_at(answers))
}
