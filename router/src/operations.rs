//! Keeps the list of persisted operations up to date: reads its sources again when they change, checks and compiles what is new, puts it
//! in use. If a step fails, the error is logged and the old list stays. Knows no request.

use std::sync::{Arc, Weak};

use braid_gateway::InvalidOperation;
use braid_net::chain;
use braid_persisted_operations::config::{OnInvalid, PersistedOperationsConfig};
use braid_persisted_operations::{LoadError, OperationList, OperationStore, SourceReader};
use braid_telemetry::metrics::{Metrics, ReloadOutcome};
use tokio::sync::watch;

use crate::assemble::{Front, Version};
use crate::watch::Watch;
use braid_config::Config;

/// Why a list of operations is not put in use.
#[derive(Debug, thiserror::Error)]
pub enum OperationsError {
    /// There is none.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Operations are invalid, and `on_invalid` is `refuse`.
    #[error("{} of the persisted operations are invalid (persisted_operations.on_invalid): {}", .0.len(), named(.0))]
    Invalid(Vec<InvalidOperation>),
}

/// How many invalid operations are named at once.
const MAX_NAMED: usize = 20;

fn named(invalid: &[InvalidOperation]) -> String {
    let named = invalid.iter().take(MAX_NAMED).map(|one| format!("\"{}\": {}", one.id, one.message));
    let more = invalid.len().saturating_sub(MAX_NAMED);
    let more = (more > 0).then(|| format!("and {more} more"));
    named.chain(more).collect::<Vec<_>>().join("; ")
}

/// The store of the configured list. That of the version in use is kept if its sources are the same.
pub(crate) async fn open(
    config: &Config,
    older: Option<&Arc<OperationStore>>,
) -> Result<Option<Arc<OperationStore>>, OperationsError> {
    Ok(OperationStore::open(&config.persisted_operations, older).await?)
}

/// Checks the list that a version will have, and compiles its operations.
pub(crate) async fn prepare(version: &Version, config: &Config, metrics: &Metrics) -> Result<(), OperationsError> {
    let Some(store) = version.gateway.documents.store() else { return Ok(()) };
    let list = store.list().clone();
    prepare_list(version, &list, &config.persisted_operations).await?;
    note(&list, metrics);
    Ok(())
}

async fn prepare_list(
    version: &Version,
    list: &Arc<OperationList>,
    config: &PersistedOperationsConfig,
) -> Result<(), OperationsError> {
    let invalid = version.gateway.invalid_operations(list).await;
    if !invalid.is_empty() {
        if config.on_invalid == OnInvalid::Refuse {
            return Err(OperationsError::Invalid(invalid));
        }
        tracing::warn!(invalid = invalid.len(), operations = named(&invalid), "Persisted operations are invalid");
    }
    version.gateway.warm_list(list, config.warm_up).await;
    Ok(())
}

fn note(list: &OperationList, metrics: &Metrics) {
    metrics.listed_operations.set(i64::try_from(list.len()).unwrap_or(i64::MAX));
    match list.is_empty() {
        true => tracing::warn!("The list of persisted operations is empty"),
        false => tracing::info!(operations = list.len(), "The list of persisted operations is in use"),
    }
}

/// Follows the sources of the list in use.
#[derive(Debug, Default)]
pub(crate) struct Follower {
    store: Weak<OperationStore>,
    current: Option<watch::Sender<Current>>,
}

/// What a list has to fit to, and how it is followed.
#[derive(Debug, Clone)]
struct Current {
    version: Arc<Version>,
    config: PersistedOperationsConfig,
    watches: bool,
}

impl Follower {
    /// Follows the sources of the version in use from now on.
    pub(crate) fn follow(&mut self, front: &Arc<Front>, config: &Config) {
        let current = Current {
            version: front.current(),
            config: config.persisted_operations.clone(),
            watches: config.reload.watch,
        };
        let store = current.version.gateway.documents.store().map(Arc::downgrade).unwrap_or_default();
        if let Some(sender) = self.current.as_ref().filter(|_| Weak::ptr_eq(&store, &self.store)) {
            sender.send_if_modified(|known| {
                let is_new = !Arc::ptr_eq(&known.version, &current.version);
                *known = current;
                is_new
            });
            return;
        }
        // The task for an older store ends, since its channel is closed.
        (self.store, self.current) = (store, None);
        let Some(reader) = self.store.upgrade().and_then(|store| store.take_reader()) else { return };
        let (sender, receiver) = watch::channel(current);
        self.current = Some(sender);
        tokio::spawn(keep_current(self.store.clone(), reader, receiver, front.metrics().clone()));
    }
}

async fn keep_current(
    store: Weak<OperationStore>,
    mut reader: SourceReader,
    mut changes: watch::Receiver<Current>,
    metrics: Arc<Metrics>,
) {
    let mut watch = Watch::new();
    let mut refused = None;
    let mut problem = None;
    // At first at once: the sources were read before they are watched.
    let mut wait = false;
    loop {
        let current = changes.borrow_and_update().clone();
        watch.follow(&reader.paths().collect(), current.watches);
        let every = current.config.poll.0;
        let poll = async {
            match reader.polls() && !every.is_zero() {
                true => tokio::time::sleep(every).await,
                false => std::future::pending().await,
            }
        };
        tokio::select! {
            () = std::future::ready(()), if !wait => {}
            () = watch.changed() => {}
            () = poll => {}
            changed = changes.changed() => match changed {
                Ok(()) => {}
                Err(_closed) => return,
            }
        }
        wait = true;
        let Some(store) = store.upgrade() else { return };
        let current = changes.borrow().clone();
        let (outcome, found) = look(&store, &mut reader, &mut refused, &current).await;
        if outcome == ReloadOutcome::Swapped {
            note(&store.list(), &metrics);
        }
        metrics.operation_list_reload(outcome);
        // Logged once, as long as it stays the same.
        match &found {
            Some(found) if problem.as_ref() != Some(found) => {
                tracing::error!(
                    error = found,
                    "The list of persisted operations can't be renewed; what is known stays in use"
                );
            }
            None if problem.is_some() => tracing::info!("The list of persisted operations can be renewed again"),
            _ => {}
        }
        problem = found;
    }
}

/// Reads what has changed, and puts it in use if it can be used. Also returns what is wrong. A list that the schema refuses is tried again:
/// the next schema may take it.
async fn look(
    store: &OperationStore,
    reader: &mut SourceReader,
    refused: &mut Option<Arc<OperationList>>,
    current: &Current,
) -> (ReloadOutcome, Option<String>) {
    let (read, errors) = reader.look().await;
    let mut problems: Vec<_> = errors.iter().map(|error| chain(error)).collect();
    let list = match read {
        Ok(list) => list.map(Arc::new).or(refused.take()),
        Err(error) => {
            problems.push(chain(&error));
            None
        }
    };
    let mut outcome = ReloadOutcome::Unchanged;
    if let Some(list) = list {
        match prepare_list(&current.version, &list, &current.config).await {
            Ok(()) => {
                store.replace(list);
                outcome = ReloadOutcome::Swapped;
            }
            Err(error) => {
                problems.push(chain(&error));
                *refused = Some(list);
            }
        }
    }
    if outcome == ReloadOutcome::Unchanged && !problems.is_empty() {
        outcome = ReloadOutcome::Failed;
    }
    (outcome, (!problems.is_empty()).then(|| problems.join("; ")))
}
