//! Notices changes of files, and of what is in folders: those since a time, and those from now on. Knows nothing of their content.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

/// Reports changes of some files.
#[derive(Debug)]
pub(crate) struct Watch {
    changes: mpsc::Receiver<()>,
    changed: mpsc::Sender<()>,
    watcher: Option<RecommendedWatcher>,
    files: BTreeSet<PathBuf>,
}

impl Watch {
    /// Watches nothing yet.
    pub(crate) fn new() -> Self {
        let (changed, changes) = mpsc::channel(1);
        Self { changes, changed, watcher: None, files: BTreeSet::new() }
    }

    /// Watches these files and folders from now on, or none if not `enabled`. Changes that were noticed before are kept.
    pub(crate) fn follow(&mut self, files: &BTreeSet<PathBuf>, enabled: bool) {
        if !enabled {
            self.watcher = None;
            return;
        }
        if self.watcher.is_none() || self.files != *files {
            self.files.clone_from(files);
            self.watcher = watcher(files, self.changed.clone());
        }
        // A folder that was deleted and created again has to be watched again; for others this does nothing.
        let Some(watcher) = &mut self.watcher else { return };
        let files = files.iter().map(|file| (folder(file), RecursiveMode::NonRecursive));
        let folders =
            self.files.iter().filter(|file| file.is_dir()).map(|file| (file.as_path(), RecursiveMode::Recursive));
        for (folder, mode) in files.chain(folders).collect::<BTreeMap<_, _>>() {
            if let Err(error) = watcher.watch(folder, mode) {
                tracing::warn!(%error, folder = %folder.display(), "A folder can't be watched; send SIGHUP after changes in it");
            }
        }
    }

    /// Waits for a change, and until writing seems to be over: editors write in steps, and several files change together.
    pub(crate) async fn changed(&mut self) {
        const PAUSE: Duration = Duration::from_millis(150);
        const LONGEST: Duration = Duration::from_secs(2);
        self.changes.recv().await;
        let quiet = async { while tokio::time::timeout(PAUSE, self.changes.recv()).await.is_ok() {} };
        let _ = tokio::time::timeout(LONGEST, quiet).await;
    }
}

/// Whether one of the files was written or replaced since `time`.
pub(crate) fn written_since(files: &BTreeSet<PathBuf>, time: SystemTime) -> bool {
    // The file system's clock is a little behind.
    let time = time.checked_sub(Duration::from_millis(100)).unwrap_or(time);
    files.iter().filter_map(|file| std::fs::metadata(file).ok()).any(|metadata| last_written(&metadata) >= time)
}

/// The time of the last change. A renamed file keeps the time at which it was written, but not the time at which its entry changed.
#[cfg(unix)]
fn last_written(metadata: &std::fs::Metadata) -> SystemTime {
    use std::os::unix::fs::MetadataExt;
    let seconds = Duration::from_secs(u64::try_from(metadata.ctime()).unwrap_or(0));
    let nanos = Duration::from_nanos(u64::try_from(metadata.ctime_nsec()).unwrap_or(0));
    SystemTime::UNIX_EPOCH + seconds + nanos
}

#[cfg(not(unix))]
fn last_written(metadata: &std::fs::Metadata) -> SystemTime {
    metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Folders are watched rather than files: editors and orchestrators replace files.
fn watcher(files: &BTreeSet<PathBuf>, changed: mpsc::Sender<()>) -> Option<RecommendedWatcher> {
    let files = files.clone();
    let folders: Vec<PathBuf> = files
        .iter()
        .filter(|file| file.is_dir())
        .flat_map(|folder| {
            // Changes are reported by either name.
            [Some(folder.clone()), folder.canonicalize().ok()].into_iter().flatten()
        })
        .collect();
    let report = move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        let concerns = |path: &PathBuf| {
            files.iter().any(|file| file.file_name() == path.file_name())
                || folders.iter().any(|folder| path.starts_with(folder))
                || is_swap(path)
        };
        if !event.kind.is_access() && event.paths.iter().any(concerns) {
            // If the channel is full, a change is reported already.
            let _ = changed.try_send(());
        }
    };
    notify::recommended_watcher(report)
        .inspect_err(|error| tracing::warn!(%error, "Files can't be watched; send SIGHUP after changes"))
        .ok()
}

/// Kubernetes updates mounted files by replacing this link.
fn is_swap(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "..data")
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
