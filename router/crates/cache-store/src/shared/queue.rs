//! What waits to be written to Redis: bounded by bytes, written by one task. Knows nothing of who waits for it, since nobody does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use braid_redis::Redis;
use braid_telemetry::metrics::CacheMetrics;
use redis::{Cmd, Value};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::format::{self, Limits};
use super::name::Name;
use crate::entry::{Entry, now};

/// A write.
#[derive(Debug)]
pub(super) enum Write {
    /// An entry, for a key whose item has so many bytes.
    Put(Name, usize, Arc<Entry>),
    /// The claim of this router, to be taken back.
    Release(Name),
}

impl Write {
    fn bytes(&self) -> usize {
        const OVERHEAD: usize = 256;
        match self {
            Self::Put(_, _, entry) => {
                OVERHEAD + entry.value.len() + entry.given_tags.iter().map(|tag| tag.len() + 16).sum::<usize>()
            }
            Self::Release(_) => OVERHEAD,
        }
    }
}

/// The way to the task that writes. The task ends when this is dropped.
#[derive(Debug)]
pub(super) struct Queue {
    sender: UnboundedSender<Write>,
    /// The bytes that wait.
    waiting: Arc<AtomicUsize>,
    room: usize,
    max_entry: usize,
    redis: Arc<Redis>,
    metrics: CacheMetrics,
}

#[derive(Debug)]
struct Writer {
    redis: Arc<Redis>,
    waiting: Arc<AtomicUsize>,
    timeout: Duration,
    limits: Limits,
    claim: [u8; format::CLAIM_LENGTH],
    metrics: CacheMetrics,
}

/// How much is sent in one round trip.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 256 * 1024;

impl Queue {
    /// Must be called on a runtime.
    pub(super) fn new(
        redis: Arc<Redis>,
        room: usize,
        timeout: Duration,
        limits: Limits,
        claim: [u8; format::CLAIM_LENGTH],
        metrics: CacheMetrics,
    ) -> Self {
        let (sender, receiver) = unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let writer =
            Writer { redis: redis.clone(), waiting: waiting.clone(), timeout, limits, claim, metrics: metrics.clone() };
        tokio::spawn(writer.run(receiver));
        Self { sender, waiting, room, max_entry: limits.entry, redis, metrics }
    }

    /// Adds a write, or drops and counts it if Redis is away, too much waits, or it is too large.
    pub(super) fn push(&self, write: Write) {
        let bytes = write.bytes();
        if let Write::Put(_, item, entry) = &write
            && item + entry.value.len() > self.max_entry
        {
            return;
        }
        if self.redis.is_away() {
            self.metrics.redis_dropped.inc();
            return;
        }
        if self.waiting.fetch_add(bytes, Ordering::Relaxed) + bytes > self.room {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
            self.metrics.redis_dropped.inc();
            return;
        }
        if self.sender.send(write).is_err() {
            self.metrics.redis_dropped.inc();
        }
    }
}

impl Writer {
    async fn run(self, mut receiver: UnboundedReceiver<Write>) {
        let mut batch = Vec::with_capacity(BATCH);
        while receiver.recv_many(&mut batch, BATCH).await > 0 {
            let mut commands = Vec::with_capacity(batch.len());
            let (mut releases, mut bytes, mut sent) = (Vec::new(), 0, 0);
            for write in batch.drain(..) {
                let waited = write.bytes();
                bytes += waited;
                sent += waited;
                match write {
                    Write::Put(name, _, entry) => commands.extend(self.put(&name, &entry)),
                    Write::Release(name) => releases.push(name),
                }
                if bytes >= BATCH_BYTES {
                    self.write(std::mem::take(&mut commands)).await;
                    bytes = 0;
                }
            }
            self.write(commands).await;
            self.release(releases).await;
            self.waiting.fetch_sub(sent, Ordering::Relaxed);
        }
    }

    fn put(&self, name: &Name, entry: &Entry) -> Option<Cmd> {
        let (bytes, left) = format::write(entry, name, &self.limits, now())?;
        let mut command = redis::cmd("SET");
        command.arg(name.text()).arg(bytes).arg("PX").arg(left);
        Some(command)
    }

    async fn write(&self, commands: Vec<Cmd>) {
        if commands.is_empty() {
            return;
        }
        let count = commands.len();
        let done = self.redis.ask_each(self.timeout, commands).await;
        let written = done.map_or(0, |answers| answers.iter().filter(|answer| answer.is_ok()).count());
        self.metrics.redis_dropped.inc_by((count - written) as u64);
    }

    /// Takes claims back that are still this router's. Between the two questions another router may have written the entry, which is then
    /// fetched once more.
    async fn release(&self, names: Vec<Name>) {
        if names.is_empty() {
            return;
        }
        let command = |kind: &str, name: &Name| {
            let mut command = redis::cmd(kind);
            command.arg(name.text());
            command
        };
        let commands = names.iter().map(|name| command("GET", name)).collect();
        let Some(answers) = self.redis.ask_each(self.timeout, commands).await else { return };
        let is_ours = |value: &Value| matches!(value, Value::BulkString(bytes) if bytes[..] == self.claim);
        let ours = names.iter().zip(answers).filter(|(_, answer)| answer.as_ref().is_ok_and(is_ours));
        let commands: Vec<Cmd> = ours.map(|(name, _)| command("DEL", name)).collect();
        if !commands.is_empty() {
            self.redis.ask_each(self.timeout, commands).await;
        }
    }
}
