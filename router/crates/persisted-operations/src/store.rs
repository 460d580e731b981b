//! The list of operations in use, and the sources that it is made of. A list that can't be read or used changes nothing. Knows no
//! schedule and no schema.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};
use braid_net::chain;
use braid_net::tls::Fingerprint;

use crate::config::{PersistedOperationsConfig, SourceConfig};
use crate::list::OperationList;
use crate::manifest::{Manifest, ManifestError};
use crate::source::{Source, SourceError};

/// The list in use.
#[derive(Debug)]
pub struct OperationStore {
    origin: Origin,
    list: ArcSwap<OperationList>,
    reader: Mutex<Option<SourceReader>>,
}

/// All that a list depends on: while it is the same, a reload of the configuration keeps the list.
#[derive(Debug, PartialEq)]
struct Origin {
    sources: Vec<SourceConfig>,
    certificates: Fingerprint,
}

/// Reads the sources again.
#[derive(Debug)]
pub struct SourceReader {
    sources: Vec<Source>,
    /// How many lists there were.
    lists: u64,
    /// Whether what the sources have makes no list.
    contradicts: bool,
}

/// Why there is no list of operations.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Sources can't be read.
    #[error("persisted_operations.sources: {}", .0.iter().map(|error| chain(error)).collect::<Vec<_>>().join("; "))]
    Sources(Vec<SourceError>),
    /// Sources contradict each other.
    #[error("persisted_operations.sources: two of them contradict each other")]
    Contradiction(#[source] ManifestError),
    /// Reading them panicked, which is a bug.
    #[error("persisted_operations.sources: they can't be read because of a bug in the router; please report it")]
    Panicked(#[source] tokio::task::JoinError),
}

impl Origin {
    fn of(config: &PersistedOperationsConfig) -> Self {
        Self { sources: config.sources.clone(), certificates: Fingerprint::of(config.certificates()) }
    }
}

impl OperationStore {
    /// Reads the list of operations from all sources. The store of `older` is kept if its sources are the same. There is none where no
    /// sources are configured.
    pub async fn open(
        config: &PersistedOperationsConfig,
        older: Option<&Arc<Self>>,
    ) -> Result<Option<Arc<Self>>, LoadError> {
        if config.sources.is_empty() {
            return Ok(None);
        }
        let origin = Origin::of(config);
        if let Some(older) = older.filter(|older| older.origin == origin) {
            return Ok(Some(older.clone()));
        }
        let sources = config.sources.iter().cloned().map(Source::new).collect();
        let mut reader = SourceReader { sources, lists: 0, contradicts: false };
        let errors = reader.read().await.1;
        if !errors.is_empty() {
            return Err(LoadError::Sources(errors));
        }
        let list = ArcSwap::from_pointee(reader.list().await?);
        Ok(Some(Arc::new(Self { origin, list, reader: Mutex::new(Some(reader)) })))
    }

    /// The list in use.
    pub fn list(&self) -> Guard<Arc<OperationList>> {
        self.list.load()
    }

    /// Puts another list in use.
    pub fn replace(&self, list: Arc<OperationList>) {
        self.list.store(list);
    }

    /// What reads the sources again: for one who keeps the list up to date, once.
    pub fn take_reader(&self) -> Option<SourceReader> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl SourceReader {
    /// Reads what has changed. Returns the new list if there is one, and the sources that can't be read: of those, what they had counts.
    pub async fn look(&mut self) -> (Result<Option<OperationList>, LoadError>, Vec<SourceError>) {
        let (has_changed, errors) = self.read().await;
        let list = match has_changed || self.contradicts {
            true => self.list().await.map(Some),
            false => Ok(None),
        };
        (list, errors)
    }

    /// The files and folders among the sources.
    pub fn paths(&self) -> impl Iterator<Item = PathBuf> {
        self.sources.iter().filter_map(Source::path).map(Path::to_owned)
    }

    /// Whether some source is no file, so that it has to be asked for changes.
    pub fn polls(&self) -> bool {
        self.sources.iter().any(|source| source.path().is_none())
    }

    async fn read(&mut self) -> (bool, Vec<SourceError>) {
        let (mut has_changed, mut errors) = (false, Vec::new());
        for source in &mut self.sources {
            match source.read().await {
                Ok(changed) => has_changed |= changed,
                Err(error) => errors.push(error),
            }
        }
        (has_changed, errors)
    }

    async fn list(&mut self) -> Result<OperationList, LoadError> {
        let entries: Vec<_> = self.sources.iter().map(|source| source.entries.clone()).collect();
        // Each text is parsed, and requests need this thread.
        let reading = tokio::task::spawn_blocking(move || {
            let manifest = Manifest::of(entries.iter().flat_map(|entries| entries.iter()).cloned())?;
            Ok(OperationList::new(&manifest.operations))
        });
        let list = reading.await.map_err(LoadError::Panicked)?;
        self.contradicts = list.is_err();
        self.lists += 1;
        Ok(list.map_err(LoadError::Contradiction)?.numbered(self.lists))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::QueryHash;

    fn config(sources: Vec<SourceConfig>) -> PersistedOperationsConfig {
        PersistedOperationsConfig { sources, ..PersistedOperationsConfig::default() }
    }

    #[tokio::test]
    async fn files_and_folders_are_one_list_that_follows_them() {
        let folder = tempfile::tempdir().unwrap();
        let (manifest, documents) = (folder.path().join("manifest.json"), folder.path().join("documents"));
        std::fs::create_dir_all(documents.join("deep")).unwrap();
        std::fs::write(&manifest, r#"{"1":"{ a }"}"#).unwrap();
        std::fs::write(documents.join("deep/Two.graphql"), "query Two { b }\n").unwrap();
        std::fs::write(documents.join("readme.md"), "no operation").unwrap();
        let config = config(vec![SourceConfig::File(manifest.clone()), SourceConfig::Folder(documents.clone())]);
        let store = OperationStore::open(&config, None).await.unwrap().unwrap();
        let first = store.list().number();
        for id in ["1", "Two", &QueryHash::of("query Two { b }\n").hex(), &QueryHash::of("query Two { b }").hex()] {
            assert!(store.list().get(id).is_some(), "{id}");
        }
        let mut reader = store.take_reader().unwrap();
        assert!(store.take_reader().is_none());
        assert!(!reader.polls() && reader.paths().count() == 2);
        assert!(matches!(reader.look().await, (Ok(None), errors) if errors.is_empty()));

        std::fs::write(documents.join("Three.graphql"), "{ c }").unwrap();
        std::fs::write(&manifest, r#"{"1":"{ a }", "#).unwrap();
        let (list, errors) = reader.look().await;
        assert!(chain(&errors[0]).contains("only a part of it has been written"), "{errors:?}");
        store.replace(Arc::new(list.unwrap().unwrap()));
        assert!(store.list().get("1").is_some() && store.list().get("Three").is_some());
        assert!(store.list().number() > first);

        std::fs::write(&manifest, r#"{"Three":"{ d }"}"#).unwrap();
        let (list, errors) = reader.look().await;
        assert!(errors.is_empty() && chain(&list.unwrap_err()).contains("\"Three\" is given to two different texts"));
        // Still, when it is read again.
        assert!(reader.look().await.0.is_err());

        // The same sources keep their list over a reload.
        let kept = OperationStore::open(&config, Some(&store)).await.unwrap().unwrap();
        assert!(Arc::ptr_eq(&kept, &store));
        assert!(OperationStore::open(&self::config(vec![]), Some(&store)).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_start_without_a_usable_list_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let (broken, missing) = (folder.path().join("broken.json"), folder.path().join("missing.json"));
        std::fs::write(&broken, "[]").unwrap();
        let config = config(vec![SourceConfig::File(broken), SourceConfig::File(missing)]);
        let error = chain(&OperationStore::open(&config, None).await.unwrap_err());
        for part in ["broken.json", "it is not a manifest", "missing.json", "it can't be read"] {
            assert!(error.contains(part), "{error}");
        }
    }
}
