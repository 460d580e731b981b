//! Compiled operations of one schema version, by text: bounded by bytes, and each compiled once however many ask for it at the
//! same time. Finds and keeps; does not compile. Knows no HTTP.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use braid_demand_control::Formula;
use braid_executor::CompiledOperation;
use braid_graphql::footprint::Footprint;
use braid_supergraph::Supergraph;
use braid_telemetry::metrics::Metrics;
use braid_usage::OperationUsage;
use quick_cache::sync::{DefaultLifecycle, PlaceholderGuard};
use quick_cache::{DefaultHashBuilder, Equivalent, Weighter};

use crate::decisions::{Decisions, Facts, Undecided};
use crate::documents::Membership;
use crate::refusal::Refusal;
use crate::request::GraphQLRequest;
use crate::sharded::{Sharded, most, sharded};

/// The operations.
#[derive(Debug)]
pub(crate) struct OperationCache {
    operations: Sharded<Key, Arc<CachedOperation>, Weight>,
    metrics: Arc<Metrics>,
}

/// An operation that was asked for, compiled or refused. Refusals are kept too: a client that goes on sending an invalid operation
/// costs no more than one that sends a valid one.
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
    /// The coordinates of its fields that the client may not see.
    pub refused: Box<[String]>,
    /// Whether anonymous clients may run it.
    pub(crate) is_open: bool,
    /// Of an operation that can be answered in parts: the variables that decide about them, by their positions.
    pub(crate) deciding: Option<Box<[usize]>>,
    /// Its counters, where its use is recorded and there is room for them.
    pub(crate) usage: Option<Arc<OperationUsage>>,
    /// What it costs, where that is of interest.
    pub(crate) cost: Option<Formula>,
    /// Whether its text is in the list of persisted operations.
    pub(crate) membership: Membership,
    /// A cryptographic hash of all that it was compiled from: equal for what is compiled from the same once more.
    pub(crate) source: [u8; 32],
    /// What of the schema its document refers to; `None` for a refusal.
    pub(crate) footprint: Option<Footprint>,
    decisions: Decisions,
    /// Bytes, as estimated.
    weight: usize,
    used: AtomicU64,
}

impl CachedOperation {
    /// An operation whose compilation took so long, and what was decided for it.
    pub(crate) fn new(
        result: Result<(CompiledOperation, Option<Formula>), Refusal>,
        (text, name, graph): (&str, Option<&str>, Option<&str>),
        took: Duration,
        planned_in: Option<Duration>,
        refused: Vec<String>,
        is_open: bool,
        decisions: Decisions,
    ) -> Self {
        let hash = xxhash_rust::xxh3::xxh3_64(text.as_bytes());
        let (result, cost) = match result {
            Ok((compiled, cost)) => (Ok(compiled), cost),
            Err(refusal) => (Err(refusal), None),
        };
        let weight = result.as_ref().map_or(1024, CompiledOperation::weight);
        let weight = weight + cost.as_ref().map_or(0, Formula::weight);
        let weight = weight + refused.iter().map(|name| name.len() + 24).sum::<usize>();
        let (refused, used, membership) = (refused.into(), AtomicU64::new(0), Membership::default());
        let (deciding, usage, footprint) = (None, None, None);
        let source = source_hash([text, name.unwrap_or_default(), graph.unwrap_or_default()], &decisions);
        Self {
            source,
            footprint,
            result,
            hash,
            took,
            planned_in,
            refused,
            is_open,
            deciding,
            usage,
            cost,
            membership,
            decisions,
            weight,
            used,
        }
    }

    /// The same, with what its document refers to.
    pub(crate) fn with_footprint(mut self, footprint: Option<Footprint>) -> Self {
        self.weight += footprint.as_ref().map_or(0, Footprint::heap);
        self.footprint = footprint;
        self
    }

    /// The same over another version of the supergraph ([`CompiledOperation::over`]); it counts as used half as often.
    pub(crate) fn over(&self, supergraph: &Arc<Supergraph>) -> Option<Self> {
        Some(Self {
            result: Ok(self.result.as_ref().ok()?.over(supergraph)?),
            refused: self.refused.clone(),
            deciding: self.deciding.clone(),
            usage: self.usage.clone(),
            cost: self.cost.clone(),
            membership: Membership::default(),
            footprint: self.footprint.clone(),
            decisions: self.decisions.clone(),
            used: AtomicU64::new(self.used.load(Ordering::Relaxed) / 2),
            ..*self
        })
    }
}

/// An operation that is wanted: the text of a document and the name of an operation in it, as JSON strings with their quotes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) query: &'a str,
    pub(crate) operation_name: Option<&'a str>,
    /// For an answer in parts: the values of the variables that decide about them ([`CachedOperation::deciding`]). `None` for one
    /// in one piece.
    pub(crate) values: Option<&'a [bool]>,
    /// The graph that it is for, where there are several.
    pub(crate) graph: Option<&'a Arc<str>>,
}

/// The text of a document and the name of an operation in it, as in [`GraphQLRequest`]. An operation that depends on what a
/// request says has several entries: the first under no decision, and each further one under the decisions in which it differs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    query: Box<str>,
    operation_name: Option<Box<str>>,
    values: Option<Box<[bool]>>,
    graph: Option<Arc<str>>,
    decisions: Decisions,
}

struct KeyRef<'a> {
    query: &'a str,
    operation_name: Option<&'a str>,
    values: Option<&'a [bool]>,
    graph: Option<&'a str>,
    decisions: Decisions,
}

/// Bytes. None counts as more than the half of a shard: it would not be kept otherwise, and be compiled for each request.
#[derive(Debug, Clone)]
struct Weight {
    most: u64,
}

/// A request that is made often.
pub(crate) struct MostUsed {
    pub(crate) request: GraphQLRequest<'static>,
    pub(crate) graph: Option<Arc<str>>,
    pub(crate) uses: u64,
}

/// What a search for an operation comes to.
pub(crate) enum Found<'a> {
    /// It is there.
    Operation(Arc<CachedOperation>),
    /// It has to be compiled. Others who ask for it wait until it is filled in or dropped.
    Vacancy(Vacancy<'a>),
}

/// The place of an operation that is to be compiled.
pub(crate) struct Vacancy<'a> {
    cache: &'a OperationCache,
    guard: PlaceholderGuard<'a, Key, Arc<CachedOperation>, Weight, DefaultHashBuilder, Lifecycle>,
}

type Lifecycle = DefaultLifecycle<Key, Arc<CachedOperation>>;

impl OperationCache {
    /// An empty cache of so many bytes for one schema version.
    pub(crate) fn new(bytes: usize, metrics: Arc<Metrics>) -> Self {
        let bytes = bytes as u64;
        let operations = sharded(bytes, Weight { most: most(bytes) });
        Self { operations, metrics }
    }

    /// The operation that is wanted, compiled for what a request says, when it is there; or the policies that have to be decided before
    /// that can be told.
    pub(crate) fn hit(&self, wanted: Wanted<'_>, facts: &Facts<'_>) -> Result<Option<Arc<CachedOperation>>, Undecided> {
        let Wanted { query, operation_name, values, graph } = wanted;
        let graph = graph.map(|name| &**name);
        let mut key = KeyRef { query, operation_name, values, graph, decisions: Decisions::default() };
        loop {
            let Some(found) = self.operations.get(&key) else { return Ok(None) };
            found.decisions.decidable(facts)?;
            if found.decisions.hold_for(facts) {
                found.used.fetch_add(1, Ordering::Relaxed);
                self.metrics.cache_hits.inc();
                return Ok(Some(found));
            }
            key.decisions = key.decisions.and(&found.decisions, facts);
        }
    }

    /// The operation that is wanted, once another request had it compiled, or the vacancy for it.
    pub(crate) async fn wait(&self, wanted: Wanted<'_>, facts: &Facts<'_>) -> Result<Found<'_>, Undecided> {
        let operation_name = wanted.operation_name.map(Into::into);
        let values = wanted.values.map(Into::into);
        let (query, graph) = (wanted.query.into(), wanted.graph.cloned());
        let mut key = Key { query, operation_name, values, graph, decisions: Decisions::default() };
        loop {
            let found = match self.operations.get_value_or_guard_async(&key).await {
                Ok(found) => found,
                Err(guard) => return Ok(Found::Vacancy(Vacancy { cache: self, guard })),
            };
            found.decisions.decidable(facts)?;
            if found.decisions.hold_for(facts) {
                found.used.fetch_add(1, Ordering::Relaxed);
                self.metrics.cache_hits.inc();
                return Ok(Found::Operation(found));
            }
            key.decisions = key.decisions.and(&found.decisions, facts);
        }
    }

    /// Takes over from an older cache what `take` makes of its operations, but for those of one of several graphs. Says how many it has then.
    pub(crate) fn take_over(&self, older: &Self, take: impl Fn(&CachedOperation) -> Option<CachedOperation>) -> usize {
        for (key, operation) in older.operations.iter().filter(|(key, _)| key.graph.is_none()) {
            if let Some(operation) = take(&operation) {
                self.operations.insert(key, Arc::new(operation));
            }
        }
        self.show();
        self.operations.len()
    }

    fn show(&self) {
        self.metrics.cache_operations.set(self.operations.len() as i64);
        self.metrics.cache_bytes.set(self.operations.weight() as i64);
    }

    /// The most used requests of those that count, and how often each was made.
    pub(crate) fn most_used(&self, most: usize, counts: impl Fn(&CachedOperation) -> bool) -> Vec<MostUsed> {
        let mut used: Vec<(u64, Key)> = self
            .operations
            .iter()
            .filter(|(_, operation)| counts(operation))
            .map(|(key, operation)| (operation.used.load(Ordering::Relaxed), key))
            .filter(|(_, key)| key.decisions == Decisions::default() && key.values.is_none())
            .collect();
        used.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let request = |(uses, key): (u64, Key)| {
            let request = GraphQLRequest {
                query: Some(String::from(key.query).into()),
                operation_name: key.operation_name.map(|name| String::from(name).into()),
                ..GraphQLRequest::default()
            };
            MostUsed { request, graph: key.graph, uses }
        };
        used.into_iter().take(most).map(request).collect()
    }
}

impl CachedOperation {
    /// Whether another client may get another answer, or none: it depends on permissions, or not everybody may run it.
    pub(crate) fn depends_on_client(&self) -> bool {
        !self.is_open || self.decisions.depend_on_permissions()
    }

    /// Has it count as used so often.
    pub(crate) fn set_used(&self, count: u64) {
        self.used.store(count, Ordering::Relaxed);
    }
}

fn source_hash([text, name, graph]: [&str; 3], decisions: &Decisions) -> [u8; 32] {
    let mut hash = Context::new(&SHA256);
    for part in [text, name, graph, &format!("{decisions:?}")] {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let mut out = [0; 32];
    out.copy_from_slice(hash.finish().as_ref());
    out
}

impl Vacancy<'_> {
    /// Keeps the operation for those who wait for it and those who come later.
    pub(crate) fn fill(self, operation: CachedOperation) -> Arc<CachedOperation> {
        let operation = Arc::new(operation);
        operation.set_used(1);
        // It is in use even if it was taken out of the cache meanwhile.
        let _ = self.guard.insert(operation.clone());
        let metrics = &self.cache.metrics;
        metrics.cache_misses.inc();
        self.cache.show();
        metrics.compile_duration.observe(operation.took.as_secs_f64());
        if let Some(planned_in) = operation.planned_in {
            metrics.plan_duration.observe(planned_in.as_secs_f64());
        }
        operation
    }
}

impl Hash for KeyRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.query.hash(state);
        self.operation_name.hash(state);
        self.values.hash(state);
        self.graph.hash(state);
        self.decisions.hash(state);
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (query, operation_name) = (&self.query, self.operation_name.as_deref());
        (**query).hash(state);
        operation_name.hash(state);
        self.values.as_deref().hash(state);
        self.graph.as_deref().hash(state);
        self.decisions.hash(state);
    }
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self.query == *key.query
            && self.operation_name == key.operation_name.as_deref()
            && self.values == key.values.as_deref()
            && self.graph == key.graph.as_deref()
            && self.decisions == key.decisions
    }
}

impl Weighter<Key, Arc<CachedOperation>> for Weight {
    fn weight(&self, key: &Key, operation: &Arc<CachedOperation>) -> u64 {
        let key = key.query.len() + key.operation_name.as_ref().map_or(0, |name| name.len());
        ((key + operation.weight) as u64).min(self.most)
    }
}
