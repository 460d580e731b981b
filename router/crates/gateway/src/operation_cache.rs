//! Compiled operations of one schema version, by text: bounded by bytes, and each compiled once however many ask for it at the
//! same time. Knows no HTTP.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use braid_executor::CompiledOperation;
use braid_telemetry::metrics::Metrics;
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};
use tokio::sync::Semaphore;

use crate::compile::Compiler;
use crate::refusal::Refusal;
use crate::request::GraphQLRequest;

/// The operations.
#[derive(Debug)]
pub struct OperationCache {
    operations: Cache<Key, Arc<CachedOperation>, Weight>,
    compiler: Arc<Compiler>,
    /// Compiling takes a core: only so many do so at once, the others wait their turn.
    turns: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

/// An operation that was asked for, compiled or refused. Refusals are kept too: a client that goes on sending an invalid operation
/// shall not cost more than one that sends a valid one.
#[derive(Debug)]
pub struct CachedOperation {
    /// What came of compiling.
    pub result: Result<CompiledOperation, Refusal>,
    /// A short name for the text, for logs.
    pub hash: u64,
    /// How long compiling took.
    pub took: Duration,
    /// How long planning took of that; nothing of an operation that was refused before.
    pub planned_in: Option<Duration>,
    used: AtomicU64,
    weight: u64,
}

/// The text of a document and the name of an operation in it, as in [`GraphQLRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    query: Box<str>,
    operation_name: Option<Box<str>>,
}

struct KeyRef<'a> {
    query: &'a str,
    operation_name: Option<&'a str>,
}

#[derive(Debug, Clone)]
struct Weight;

impl OperationCache {
    /// An empty cache for one schema version.
    pub fn new(compiler: Compiler, metrics: Arc<Metrics>) -> Self {
        let bytes = compiler.limits.operation_cache.0 as u64;
        let turns = Arc::new(Semaphore::new(compiler.limits.max_concurrent_planning.max(1)));
        // The number of items is a first guess that its tables are sized by.
        let operations = Cache::with_weighter(1024, bytes, Weight);
        Self { operations, compiler: Arc::new(compiler), turns, metrics }
    }

    /// What operations are compiled with.
    pub fn compiler(&self) -> &Compiler {
        &self.compiler
    }

    /// The operation that a request asks for, when it is there.
    pub fn hit(&self, request: &GraphQLRequest<'_>) -> Option<Arc<CachedOperation>> {
        let key = KeyRef { query: &request.query, operation_name: request.operation_name.as_deref() };
        let found = self.operations.get(&key)?;
        found.used.fetch_add(1, Ordering::Relaxed);
        self.metrics.cache_hits.inc();
        Some(found)
    }

    /// The operation that a request asks for; and whether someone else's request had it compiled.
    pub async fn get(&self, request: &GraphQLRequest<'_>) -> Result<(Arc<CachedOperation>, bool), Refusal> {
        let key = Key {
            query: request.query.as_ref().into(),
            operation_name: request.operation_name.as_deref().map(Into::into),
        };
        let mut cached = true;
        let compile = async {
            cached = false;
            self.compile(request).await
        };
        let operation = self.operations.get_or_insert_async(&key, compile).await?;
        operation.used.fetch_add(1, Ordering::Relaxed);
        if cached {
            self.metrics.cache_hits.inc();
        } else {
            self.metrics.cache_misses.inc();
            self.metrics.cache_operations.set(self.operations.len() as i64);
            self.metrics.cache_bytes.set(self.operations.weight() as i64);
        }
        Ok((operation, cached))
    }

    /// Compiles the most used operations of an older version, so that the first requests to this one find them.
    pub async fn warm_from(&self, older: &Self, most: usize) {
        let mut used: Vec<(u64, Key)> =
            older.operations.iter().map(|(key, operation)| (operation.used.load(Ordering::Relaxed), key)).collect();
        used.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        for (count, key) in used.into_iter().take(most) {
            let request = GraphQLRequest {
                query: key.query.as_ref().into(),
                operation_name: key.operation_name.as_deref().map(Into::into),
                variables: None,
                extensions: None,
            };
            if let Ok((operation, _)) = self.get(&request).await {
                operation.used.store(count / 2, Ordering::Relaxed);
            }
        }
    }

    async fn compile(&self, request: &GraphQLRequest<'_>) -> Result<Arc<CachedOperation>, Refusal> {
        let text = request.text().map_err(unreadable)?;
        let name = request.operation().map_err(unreadable)?;
        let key_bytes = (request.query.len() + request.operation_name.as_ref().map_or(0, |name| name.len())) as u64;
        let compiler = self.compiler.clone();
        // The semaphore is never closed.
        let turn = self.turns.clone().acquire_owned().await.ok();
        let compiled = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let started = Instant::now();
            let parsed = compiler.parse(&text, name.as_deref());
            let parsed_in = started.elapsed();
            let is_planned = parsed.is_ok();
            let result = parsed.and_then(|operation| compiler.plan(operation));
            let weight = result.as_ref().map_or(1024, |operation| operation.weight() as u64);
            let hash = xxhash_rust::xxh3::xxh3_64(text.as_bytes());
            let (took, used) = (started.elapsed(), AtomicU64::new(0));
            let planned_in = is_planned.then(|| took - parsed_in);
            CachedOperation { result, hash, took, planned_in, used, weight: weight + key_bytes }
        });
        let compiled = compiled.await.map_err(|error| {
            tracing::error!(%error, "Compiling an operation failed");
            let status = http::StatusCode::INTERNAL_SERVER_ERROR;
            Refusal::fixed(status, "INTERNAL_SERVER_ERROR", "The operation could not be compiled.")
        })?;
        self.metrics.compile_duration.observe(compiled.took.as_secs_f64());
        if let Some(planned_in) = compiled.planned_in {
            self.metrics.plan_duration.observe(planned_in.as_secs_f64());
        }
        Ok(Arc::new(compiled))
    }
}

fn unreadable(error: crate::request::Unreadable) -> Refusal {
    Refusal::fixed(http::StatusCode::BAD_REQUEST, "INVALID_GRAPHQL_REQUEST", error.message)
}

impl Hash for KeyRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.query.hash(state);
        self.operation_name.hash(state);
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        KeyRef { query: &self.query, operation_name: self.operation_name.as_deref() }.hash(state);
    }
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self.query == *key.query && self.operation_name == key.operation_name.as_deref()
    }
}

impl Weighter<Key, Arc<CachedOperation>> for Weight {
    fn weight(&self, _: &Key, operation: &Arc<CachedOperation>) -> u64 {
        operation.weight
    }
}
