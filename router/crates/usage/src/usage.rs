//! All operations that are counted, and the thread that writes what was counted. Requests meet neither its lock nor the file: they
//! have the counters of their operation.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ahash::{AHashMap, RandomState};
use braid_graphql::schema::Schema;
use braid_graphql::syntax::{Document, OperationDefinition};

use crate::budget::Budget;
use crate::config::UsageConfig;
use crate::coordinates::coordinates;
use crate::log::LogFile;
use crate::operation::{OperationUsage, time};
use crate::record::UsageRecord;
use crate::signature::signature;

/// Takes new counts for metrics: a field, the name and the version of the client, and the number of requests.
pub type Publish = Box<dyn Fn(&str, &str, &str, u64) + Send + Sync>;

/// What is counted of a graph. When it is dropped, its thread writes what is not written yet, and ends.
#[derive(Debug)]
pub struct Usage(Arc<Shared>);

/// Why usage can't be recorded.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// The log can't be written.
    #[error("usage.file: {} can't be written", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The thread that writes can't be started.
    #[error("usage: the thread that writes the log can't be started")]
    Thread(#[source] std::io::Error),
}

struct Shared {
    config: UsageConfig,
    file: Option<LogFile>,
    publish: Option<Publish>,
    operations: Mutex<Operations>,
    budget: Arc<Budget>,
    /// Requests whose operation there was no room for, and which are not logged yet.
    unrecorded: AtomicU64,
    hasher: RandomState,
    stopped: Mutex<bool>,
    wake: Condvar,
    writing: Mutex<Writing>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Those that are counted, by a hash of what they are.
type Operations = AHashMap<u64, Arc<OperationUsage>>;

/// The state of writing; its lock has those wait who write at the same time.
struct Writing {
    /// When the interval began, in seconds since 1970.
    since: u64,
    /// Whether the last writing failed, which was said.
    fails: bool,
}

/// How old metrics get.
const PUBLISH: Duration = Duration::from_secs(10);
/// The most bytes that are written at once.
const CHUNK: usize = 1 << 20;

impl Usage {
    /// Begins to count, and to write at intervals. `publish` takes what becomes metrics.
    pub fn new(config: &UsageConfig, publish: Option<Publish>) -> Result<Self, UsageError> {
        let file = config.file.clone().map(|path| {
            let max_size = config.max_size.0 as u64;
            LogFile { path, max_size, keep: config.keep }
        });
        if let Some(file) = &file {
            file.open().map_err(|source| UsageError::Unwritable { path: file.path.clone(), source })?;
        }
        let shared = Arc::new(Shared {
            config: config.clone(),
            file,
            publish,
            operations: Mutex::default(),
            budget: Budget::new(config.max_memory.0),
            unrecorded: AtomicU64::new(0),
            hasher: RandomState::new(),
            stopped: Mutex::new(false),
            wake: Condvar::new(),
            writing: Mutex::new(Writing { since: now(), fails: false }),
        });
        let theirs = shared.clone();
        let writer = std::thread::Builder::new().name("usage-log".to_owned());
        writer.spawn(move || theirs.run()).map_err(UsageError::Thread)?;
        Ok(Self(shared))
    }

    /// What it was set up with.
    pub fn config(&self) -> &UsageConfig {
        &self.0.config
    }

    /// The counters of an operation of a valid document, for one of several graphs if `graph` names it; `None` if there is no room for them.
    pub fn operation(
        &self,
        document: &Document<'_>,
        operation: &OperationDefinition<'_>,
        schema: &Schema,
        graph: Option<&str>,
    ) -> Option<Arc<OperationUsage>> {
        let (text, coordinates) = (signature(document, operation), coordinates(document, operation, schema));
        let key = self.0.hasher.hash_one((&text, &coordinates.fields, &coordinates.inputs, graph));
        let mut operations = lock(&self.0.operations);
        if let Some(known) = operations.get(&key) {
            return Some(known.clone());
        }
        let UsageConfig { texts, max_clients, .. } = &self.0.config;
        let text = if *texts { text } else { format!("{key:016x}") };
        let new = |text, coordinates| {
            OperationUsage::new((operation.name, graph), text, coordinates, *max_clients, &self.0.budget)
        };
        let usage = match new(text.clone(), coordinates.clone()) {
            Some(usage) => usage,
            None => {
                self.0.forget(&mut operations);
                new(text, coordinates)?
            }
        };
        let usage = Arc::new(usage);
        operations.insert(key, usage.clone());
        Some(usage)
    }

    /// Counts a request whose operation there was no room for.
    pub fn count_unrecorded(&self) {
        self.0.unrecorded.fetch_add(1, Ordering::Relaxed);
    }

    /// Writes and publishes all that was counted. Takes as long as the disk does.
    pub fn flush(&self) {
        self.0.publish();
        self.0.write();
    }
}

impl Drop for Usage {
    /// Nobody waits for the disk here: it may be a request that had the last version with these settings.
    fn drop(&mut self) {
        *lock(&self.0.stopped) = true;
        self.0.wake.notify_all();
    }
}

impl Shared {
    /// Writes at intervals until it is told to stop, and then once more.
    fn run(&self) {
        let interval = self.config.interval.0;
        let tick = if self.publish.is_some() { interval.min(PUBLISH) } else { interval };
        let mut waited = Duration::ZERO;
        loop {
            let stopped = lock(&self.stopped);
            let woken = self.wake.wait_timeout_while(stopped, tick, |stopped| !*stopped);
            let stopped = *woken.unwrap_or_else(PoisonError::into_inner).0;
            waited += tick;
            self.publish();
            if stopped || waited >= interval {
                waited = Duration::ZERO;
                self.write();
            }
            if stopped {
                return;
            }
        }
    }

    fn operations(&self) -> Vec<Arc<OperationUsage>> {
        lock(&self.operations).values().cloned().collect()
    }

    fn publish(&self) {
        if let Some(publish) = &self.publish {
            self.operations().iter().for_each(|operation| operation.publish(publish));
        }
    }

    /// What could not be written is counted on, and written the next time.
    fn write(&self) {
        let mut writing = lock(&self.writing);
        if let Some(file) = &self.file {
            let until = now();
            match self.write_to(file, &time(writing.since).unwrap_or_default()) {
                Ok(()) => (writing.since, writing.fails) = (until, false),
                Err(error) if !writing.fails => {
                    tracing::error!(%error, file = %file.path.display(), "The usage log can't be written");
                    writing.fails = true;
                }
                Err(_) => {}
            }
        }
        self.forget(&mut lock(&self.operations));
    }

    fn write_to(&self, file: &LogFile, since: &str) -> std::io::Result<()> {
        let (mut lines, mut pending) = (Vec::new(), Vec::new());
        let send = |lines: &mut Vec<u8>, pending: &mut Vec<_>| {
            if lines.is_empty() {
                return Ok(());
            }
            file.append(lines)?;
            lines.clear();
            for (operation, logged) in pending.drain(..) {
                OperationUsage::logged(operation, &logged);
            }
            Ok::<_, std::io::Error>(())
        };
        let operations = self.operations();
        for operation in &operations {
            for (record, logged) in operation.records(since) {
                let before = lines.len();
                serde_json::to_writer(&mut lines, &record)?;
                lines.push(b'\n');
                // A chunk fits into a file.
                if lines.len() > CHUNK.min(file.max_size as usize) && before > 0 {
                    let last = lines.split_off(before);
                    send(&mut lines, &mut pending)?;
                    lines = last;
                }
                pending.push((operation, logged));
            }
        }
        send(&mut lines, &mut pending)?;
        let unrecorded = self.unrecorded.load(Ordering::Relaxed);
        if unrecorded > 0 {
            let record = UsageRecord {
                operation: "unrecorded".to_owned(),
                since: Some(since.to_owned()),
                last_seen: time(now()),
                unrecorded,
                ..UsageRecord::default()
            };
            serde_json::to_writer(&mut lines, &record)?;
            lines.push(b'\n');
            send(&mut lines, &mut pending)?;
            self.unrecorded.fetch_sub(unrecorded, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Forgets operations that nobody can count any more.
    fn forget(&self, operations: &mut Operations) {
        let (has_log, has_metrics) = (self.file.is_some(), self.publish.is_some());
        operations.retain(|_, usage| Arc::strong_count(usage) > 1 || !usage.is_settled(has_log, has_metrics));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use braid_graphql::compiler;
    use braid_graphql::parse::ParseLimits;
    use braid_graphql::syntax;
    use braid_settings::ByteSize;

    use super::*;

    struct Graph(Schema);

    impl Graph {
        fn new() -> Self {
            let api = compiler::Schema::parse_and_validate("type Query { me(id: ID): Int you: Int }", "s").unwrap();
            Self(Schema::new(&api).unwrap())
        }

        fn operation(&self, usage: &Usage, text: &str) -> Option<Arc<OperationUsage>> {
            let document = syntax::parse(text, &ParseLimits::default()).unwrap();
            usage.operation(&document, &document.operations[0], &self.0, None)
        }
    }

    fn config(folder: &Path) -> UsageConfig {
        UsageConfig { file: Some(folder.join("usage.jsonl")), ..UsageConfig::default() }
    }

    fn records(folder: &Path) -> Vec<UsageRecord> {
        let text = std::fs::read_to_string(folder.join("usage.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn what_was_counted_is_written_when_it_is_dropped() {
        let (folder, graph) = (tempfile::tempdir().unwrap(), Graph::new());
        let usage = Usage::new(&config(folder.path()), None).unwrap();
        // Only their literals differ.
        for id in ["1", "\"2\""] {
            let operation = graph.operation(&usage, &format!("query Me {{ me(id: {id}) }}")).unwrap();
            operation.count(Some("web"), Some("2"), id == "1");
        }
        drop(usage);
        let written = || std::fs::metadata(folder.path().join("usage.jsonl")).unwrap().len() > 0;
        let started = std::time::Instant::now();
        while !written() && started.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut found: Vec<_> =
            records(folder.path()).into_iter().map(|it| (it.operation, it.count, it.errors)).collect();
        found.sort();
        let [one, other] = ["query Me { me(id: \"\") }", "query Me { me(id: 0) }"].map(str::to_owned);
        assert_eq!(found, [(one, 1, 0), (other, 1, 1)]);
        let record = &records(folder.path())[0];
        assert_eq!(record.fields, ["Query.me", "Query.me(id:)"]);
        assert_eq!((record.name.as_deref(), record.client_name().as_deref()), (Some("Me"), Some("web@2")));
        assert!(record.since.is_some() && record.last_seen.is_some());
    }

    #[test]
    fn texts_can_be_left_out() {
        let (folder, graph) = (tempfile::tempdir().unwrap(), Graph::new());
        let usage = Usage::new(&UsageConfig { texts: false, ..config(folder.path()) }, None).unwrap();
        graph.operation(&usage, "{ you }").unwrap().count(None, None, false);
        usage.flush();
        let found = records(folder.path());
        assert!(!found[0].has_text() && found[0].fields == ["Query.you"], "{found:?}");
        usage.flush();
        assert_eq!(records(folder.path()).len(), 1);
    }

    #[test]
    fn operations_without_end_take_no_memory_without_end() {
        let (folder, graph) = (tempfile::tempdir().unwrap(), Graph::new());
        let usage = Usage::new(&UsageConfig { max_memory: ByteSize(10_000), ..config(folder.path()) }, None).unwrap();
        let (mut recorded, mut held) = (0, Vec::new());
        for number in 0..1000 {
            match graph.operation(&usage, &format!("{{ a{number}: me }}")) {
                Some(operation) => {
                    operation.count(None, None, false);
                    held.push(operation);
                    recorded += 1;
                }
                None => usage.count_unrecorded(),
            }
        }
        assert!((1..100).contains(&recorded), "{recorded}");
        usage.flush();
        let found = records(folder.path());
        assert_eq!(found.iter().map(|record| record.unrecorded).sum::<u64>(), 1000 - recorded);
        // What nobody holds any more makes room.
        drop(held);
        assert!(graph.operation(&usage, "{ you }").is_some());
    }

    #[test]
    fn a_log_that_can_t_be_written_is_said_at_once() {
        let error = Usage::new(&config(Path::new("/nowhere/at/all")), None).unwrap_err();
        assert!(error.to_string().contains("usage.file: /nowhere/at/all/usage.jsonl"), "{error}");
    }

    #[test]
    fn what_could_not_be_written_is_written_later() {
        let (folder, graph) = (tempfile::tempdir().unwrap(), Graph::new());
        let usage = Usage::new(&config(folder.path()), None).unwrap();
        let file = folder.path().join("usage.jsonl");
        let operation = graph.operation(&usage, "{ you }").unwrap();
        operation.count(None, None, false);
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        usage.flush();
        std::fs::remove_dir(&file).unwrap();
        operation.count(None, None, false);
        usage.flush();
        assert_eq!(records(folder.path())[0].count, 2);
    }
}
