//! How often one operation was sent, and by whom. Counting is all that a request does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat, Utc};
use indexmap::{Equivalent, IndexMap};

use crate::budget::{Budget, Share};
use crate::coordinates::Coordinates;
use crate::record::{Client, UsageRecord};

/// How often an operation was sent, and by whom.
#[derive(Debug)]
pub struct OperationUsage {
    name: Option<Box<str>>,
    /// The graph that it is for, where there are several.
    graph: Option<Box<str>>,
    /// The text; a hash if texts are not logged.
    operation: Box<str>,
    pub(crate) coordinates: Coordinates,
    clients: RwLock<Clients>,
    max_clients: usize,
}

#[derive(Debug)]
struct Clients {
    counts: IndexMap<ClientKey, Counts, ahash::RandomState>,
    /// The memory for all of the operation.
    share: Share,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct ClientKey {
    name: Box<str>,
    version: Box<str>,
}

#[derive(Hash)]
struct ClientRef<'a> {
    name: &'a str,
    version: &'a str,
}

impl Equivalent<ClientKey> for ClientRef<'_> {
    fn equivalent(&self, key: &ClientKey) -> bool {
        *key.name == *self.name && *key.version == *self.version
    }
}

#[derive(Debug, Default)]
struct Counts {
    requests: AtomicU64,
    errors: AtomicU64,
    /// When the last request was, in seconds since 1970.
    last: AtomicU64,
    /// Those of `requests` that are in the log.
    logged: AtomicU64,
    logged_errors: AtomicU64,
    /// Those of `requests` that are in the metrics.
    published: AtomicU64,
}

/// The name under which clients are counted that there is no room for.
const OTHER: &str = "(other)";
/// Clients say their names themselves.
const MAX_NAME: usize = 100;
/// Bytes that an operation takes beside its texts, with one client.
const PER_OPERATION: usize = 512;
/// Bytes that a client takes beside its name.
const PER_CLIENT: usize = 160;

impl OperationUsage {
    /// The counters of an operation; `None` if there is no memory for them.
    pub(crate) fn new(
        (name, graph): (Option<&str>, Option<&str>),
        operation: String,
        coordinates: Coordinates,
        max_clients: usize,
        budget: &Arc<Budget>,
    ) -> Option<Self> {
        let texts = operation.len() + coordinates.all().map(|text| text.len() + 24).sum::<usize>();
        let share = budget.take(texts + PER_OPERATION)?;
        let clients = RwLock::new(Clients { counts: IndexMap::default(), share });
        let (name, graph) = (name.map(Into::into), graph.map(Into::into));
        Some(Self { name, graph, operation: operation.into(), coordinates, clients, max_clients })
    }

    /// Counts a request of a client.
    pub fn count(&self, client: Option<&str>, version: Option<&str>, has_errors: bool) {
        let key =
            ClientRef { name: shortened(client.unwrap_or_default()), version: shortened(version.unwrap_or_default()) };
        let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(counts) = clients.counts.get(&key) {
            return counts.add(has_errors);
        }
        drop(clients);
        let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        let Clients { counts, share } = &mut *clients;
        // The last one is for those that there is no room for.
        let has_room = counts.contains_key(&key)
            || (counts.len() < self.max_clients && share.grow(key.name.len() + key.version.len() + PER_CLIENT));
        let key = match has_room {
            true => ClientKey { name: key.name.into(), version: key.version.into() },
            false => ClientKey { name: OTHER.into(), version: "".into() },
        };
        counts.entry(key).or_default().add(has_errors);
    }

    /// What was counted and not logged yet, as it is logged. `since` is when counting it began.
    pub(crate) fn records(&self, since: &str) -> Vec<(UsageRecord, Logged)> {
        let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner);
        let record = |(number, (key, counts)): (usize, (&ClientKey, &Counts))| {
            let requests = counts.requests.load(Ordering::Relaxed);
            let errors = counts.errors.load(Ordering::Relaxed);
            let count = requests - counts.logged.load(Ordering::Relaxed);
            if count == 0 {
                return None;
            }
            let record = UsageRecord {
                operation: self.operation.to_string(),
                name: self.name.as_deref().map(str::to_owned),
                graph: self.graph.as_deref().map(str::to_owned),
                client: client(key),
                fields: self.coordinates.all().cloned().collect(),
                count,
                errors: errors.saturating_sub(counts.logged_errors.load(Ordering::Relaxed)).min(count),
                since: Some(since.to_owned()),
                last_seen: time(counts.last.load(Ordering::Relaxed)),
                unrecorded: 0,
            };
            Some((record, Logged { number, requests, errors }))
        };
        clients.counts.iter().enumerate().filter_map(record).collect()
    }

    /// What was counted is in the log.
    pub(crate) fn logged(&self, logged: &Logged) {
        let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, counts)) = clients.counts.get_index(logged.number) {
            counts.logged.store(logged.requests, Ordering::Relaxed);
            counts.logged_errors.store(logged.errors, Ordering::Relaxed);
        }
    }

    /// Publishes what was counted since the last time.
    pub(crate) fn publish(&self, publish: &dyn Fn(&str, &str, &str, u64)) {
        let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner);
        for (key, counts) in clients.counts.iter() {
            let requests = counts.requests.load(Ordering::Relaxed);
            let new = requests - counts.published.swap(requests, Ordering::Relaxed);
            if new > 0 {
                self.coordinates.fields.iter().for_each(|field| publish(field, &key.name, &key.version, new));
            }
        }
    }

    /// Whether all that was counted has been written, so that it can be forgotten.
    pub(crate) fn is_settled(&self, has_log: bool, has_metrics: bool) -> bool {
        let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner);
        clients.counts.values().all(|counts| {
            let requests = counts.requests.load(Ordering::Relaxed);
            (!has_log || counts.logged.load(Ordering::Relaxed) == requests)
                && (!has_metrics || counts.published.load(Ordering::Relaxed) == requests)
        })
    }
}

/// How far the counts of a client have been logged.
#[derive(Debug)]
pub(crate) struct Logged {
    /// The client's number. Clients are never taken out.
    number: usize,
    requests: u64,
    errors: u64,
}

impl Counts {
    fn add(&self, has_errors: bool) {
        if has_errors {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.last.store(now.as_secs(), Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
    }
}

fn client(key: &ClientKey) -> Option<Client> {
    let name = key.name.to_string();
    match (key.name.is_empty(), key.version.is_empty()) {
        (true, true) => None,
        (_, true) => Some(Client::Name(name)),
        (_, false) => Some(Client::Versioned { name, version: Some(key.version.to_string()) }),
    }
}

fn shortened(name: &str) -> &str {
    &name[..name.floor_char_boundary(MAX_NAME)]
}

/// Seconds since 1970 in RFC 3339.
pub(crate) fn time(seconds: u64) -> Option<String> {
    let time = DateTime::<Utc>::from_timestamp(i64::try_from(seconds).ok()?, 0)?;
    Some(time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(max_clients: usize) -> OperationUsage {
        let coordinates = Coordinates { fields: vec!["Query.me".to_owned()], inputs: Vec::new() };
        OperationUsage::new(
            (Some("Me"), None),
            "query Me { me }".to_owned(),
            coordinates,
            max_clients,
            &Budget::new(1 << 20),
        )
        .unwrap()
    }

    #[test]
    fn each_request_is_logged_once() {
        let usage = usage(10);
        usage.count(Some("web"), Some("1"), false);
        usage.count(Some("web"), Some("1"), true);
        usage.count(None, None, false);
        let records = usage.records("2026-01-01T00:00:00Z");
        let seen: Vec<_> =
            records.iter().map(|(it, _)| (it.client(), it.client_version(), it.count, it.errors)).collect();
        assert_eq!(seen, [(Some("web"), Some("1"), 2, 1), (None, None, 1, 0)]);
        assert!(!usage.is_settled(true, false));
        // Until they are known to be written, they are not forgotten.
        assert_eq!(usage.records("").len(), 2);
        records.iter().for_each(|(_, logged)| usage.logged(logged));
        assert!(usage.records("").is_empty());
        assert!(usage.is_settled(true, false));
        usage.count(Some("web"), Some("1"), false);
        assert_eq!(usage.records("")[0].0.count, 1);
    }

    #[test]
    fn clients_without_end_take_no_memory_without_end() {
        let usage = usage(3);
        for number in 0..1000 {
            usage.count(Some(&format!("client {number} {}", "é".repeat(500))), None, false);
        }
        let records = usage.records("");
        assert_eq!(records.len(), 4);
        assert_eq!((records[3].0.client(), records[3].0.count), (Some("(other)"), 997));
        assert!(records.iter().all(|(record, _)| record.client().is_some_and(|name| name.len() <= MAX_NAME)));
    }

    #[test]
    fn what_is_published_is_new() {
        let usage = usage(3);
        usage.count(Some("web"), None, false);
        usage.count(Some("web"), None, false);
        let published = std::sync::Mutex::new(Vec::new());
        let publish = |field: &str, client: &str, _: &str, count: u64| {
            published.lock().unwrap().push((field.to_owned(), client.to_owned(), count));
        };
        usage.publish(&publish);
        usage.publish(&publish);
        assert_eq!(*published.lock().unwrap(), [("Query.me".to_owned(), "web".to_owned(), 2)]);
        assert!(usage.is_settled(false, true));
    }
}
