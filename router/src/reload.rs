//! Takes up changes of schema and configuration while requests run: loads what a router is made of, builds the new version beside the
//! old one, warms it, swaps it in. What fails is reported, and the old version stays. Knows no request.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use braid_composition::Composer;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::config::{Config, ConfigError};
use crate::router::Router;
use crate::source::{Loaded, Source, SourceError, last_good};
use crate::telemetry::metrics::{Metrics, ReloadOutcome};
use crate::version::{Version, VersionError};

/// What a router is made of: a configuration file, or none, and what the command line says instead.
#[derive(Debug, Clone, Default)]
pub struct Blueprint {
    /// `router.yaml`.
    pub config_file: Option<PathBuf>,
    /// A supergraph, instead of the configured source.
    pub supergraph: Option<PathBuf>,
    /// A supergraph.yaml, instead of the configured source.
    pub subgraphs: Option<PathBuf>,
    /// The address, instead of the configured one.
    pub listen: Option<std::net::SocketAddr>,
    /// Whether everything can be seen.
    pub development: bool,
}

/// Why no version could be built.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No source was given.
    #[error("no schema: give --supergraph FILE, --subgraphs supergraph.yaml, or --config with one of both")]
    NoSource,
    /// The schema's source.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The schema or its settings.
    #[error(transparent)]
    Version(#[from] VersionError),
}

/// What was loaded for a version.
struct Material {
    config: Config,
    loaded: Loaded,
    /// The supergraph is the one that was kept, since the subgraphs were not there.
    is_kept: bool,
}

impl Blueprint {
    /// The configuration.
    pub fn config(&self) -> Result<Config, ConfigError> {
        let mut config = match &self.config_file {
            Some(path) => Config::load(path)?,
            None => Config::default(),
        };
        if self.supergraph.is_some() || self.subgraphs.is_some() {
            config.schema.supergraph = self.supergraph.clone();
            config.schema.subgraphs = self.subgraphs.clone();
        }
        config.server.listen = self.listen.unwrap_or(config.server.listen);
        if self.development {
            config.for_development();
        }
        Ok(config)
    }

    /// The first version, and what it came from. Where subgraphs don't give their schema, that is the last good supergraph, if it
    /// was kept.
    pub async fn first(&self, metrics: &Arc<Metrics>) -> Result<(Version, Origins), LoadError> {
        let mut composer = Composer::default();
        let config = self.config()?;
        let material = match self.load(config.clone(), &mut composer).await {
            Err(LoadError::Source(error @ SourceError::Introspection { .. })) => self.kept(config, error)?,
            loaded => loaded?,
        };
        let watched = self.watched(&material);
        report_hints(&material.loaded);
        let version = build(material, metrics, None).await?;
        Ok((version, Origins { watched, composer }))
    }

    async fn load(&self, config: Config, composer: &mut Composer) -> Result<Material, LoadError> {
        let source = match (&config.schema.supergraph, &config.schema.subgraphs) {
            (Some(path), _) => Source::Supergraph(path.clone()),
            (None, Some(path)) => Source::Subgraphs(path.clone()),
            (None, None) => return Err(LoadError::NoSource),
        };
        let loaded = source.load(composer).await?;
        Ok(Material { config, loaded, is_kept: false })
    }

    /// The last good supergraph in the place of subgraphs that are not there.
    fn kept(&self, config: Config, error: SourceError) -> Result<Material, LoadError> {
        let kept = config.schema.last_good.as_deref().and_then(|file| Some((file, last_good::read(file)?)));
        let Some((file, supergraph_sdl)) = kept else { return Err(error.into()) };
        tracing::warn!(
            error = %error,
            file = %file.display(),
            "Starting with the last good supergraph; the subgraphs are asked again"
        );
        let files = config.schema.subgraphs.iter().cloned().collect();
        let loaded = Loaded { supergraph_sdl, files, is_live: true, hints: Vec::new() };
        Ok(Material { config, loaded, is_kept: true })
    }

    fn watched(&self, material: &Material) -> Watched {
        let files = material.loaded.files.iter().chain(&self.config_file);
        Watched { files: files.cloned().collect(), is_live: material.loaded.is_live }
    }
}

/// What a version came from.
#[derive(Debug, Default)]
pub struct Origins {
    watched: Watched,
    /// Knows the subgraphs as they were composed last.
    composer: Composer,
}

/// What changes a version when it changes.
#[derive(Debug, Default)]
struct Watched {
    files: BTreeSet<PathBuf>,
    /// Whether subgraphs are asked for their schema.
    is_live: bool,
}

/// Building a schema takes a core for a while: not one that answers requests.
async fn build(
    material: Material,
    metrics: &Arc<Metrics>,
    previous: Option<Arc<Version>>,
) -> Result<Version, LoadError> {
    let metrics = metrics.clone();
    let built = tokio::task::spawn_blocking(move || {
        let Material { config, loaded, is_kept } = material;
        let last_good = config.schema.last_good.clone().filter(|_| !is_kept);
        let version = Version::new(Arc::new(config), loaded.supergraph_sdl, &metrics, previous.as_deref())?;
        if let Some(file) = last_good
            && let Err(error) = last_good::keep(&file, &version.supergraph_sdl)
        {
            tracing::warn!(%error, file = %file.display(), "The supergraph can't be kept");
        }
        Ok::<_, VersionError>(version)
    });
    match built.await {
        Ok(version) => Ok(version?),
        Err(error) => Err(VersionError::Setting(format!("building the schema failed unexpectedly: {error}")).into()),
    }
}

/// Watches what `router` came from and takes changes up, until it is dropped.
pub async fn keep_current(router: Arc<Router>, blueprint: Blueprint, mut origins: Origins) {
    let (changed, mut changes) = mpsc::channel(1);
    let mut hang_up = hang_up_signal();
    loop {
        let reload = router.current().config.reload.clone();
        // Dropping the watcher ends it, so it lives as long as the files stay the same.
        let watcher = reload.watch.then(|| watch(&origins.watched.files, changed.clone())).flatten();
        let poll = async {
            match origins.watched.is_live && !reload.poll.0.is_zero() {
                true => tokio::time::sleep(reload.poll.0).await,
                false => std::future::pending().await,
            }
        };
        let asked = tokio::select! {
            _ = changes.recv() => {
                // Editors write in steps, and several files change together.
                while tokio::time::timeout(Duration::from_millis(150), changes.recv()).await.is_ok() {}
                false
            }
            () = hang_up.wait() => true,
            () = poll => false,
        };
        drop(watcher);
        if let Err(error) = reload_once(&router, &blueprint, &mut origins, asked).await {
            router.metrics().reload(ReloadOutcome::Failed);
            tracing::error!(
                error = describe(&error),
                "The new schema or configuration can't be used; the old one stays"
            );
        }
    }
}

/// Loads everything anew; swaps when something is different.
async fn reload_once(
    router: &Arc<Router>,
    blueprint: &Blueprint,
    origins: &mut Origins,
    asked: bool,
) -> Result<(), LoadError> {
    let current = router.current();
    let material = blueprint.load(blueprint.config()?, &mut origins.composer).await?;
    let watched = blueprint.watched(&material);
    if material.loaded.supergraph_sdl == current.supergraph_sdl && material.config == *current.config {
        origins.watched = watched;
        router.metrics().reload(ReloadOutcome::Unchanged);
        if asked {
            tracing::info!("Nothing has changed");
        }
        return Ok(());
    }
    report_hints(&material.loaded);
    let version = build(material, router.metrics(), Some(current.clone())).await?;
    version.operations.warm_from(&current.operations, version.config.reload.warm_up).await;
    router.swap(version);
    origins.watched = watched;
    router.metrics().reload(ReloadOutcome::Swapped);
    tracing::info!("A new version of schema or configuration is in use");
    Ok(())
}

fn report_hints(loaded: &Loaded) {
    for hint in &loaded.hints {
        tracing::debug!(code = %hint.code, message = hint.message, "Composition has a hint");
    }
}

/// Folders are watched rather than files: editors and orchestrators put new files in the place of old ones.
fn watch(files: &BTreeSet<PathBuf>, changed: mpsc::Sender<()>) -> Option<RecommendedWatcher> {
    let watched = files.clone();
    let report = move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        let concerns =
            |path: &PathBuf| watched.iter().any(|file| file.file_name() == path.file_name()) || is_swap(path);
        if !event.kind.is_access() && event.paths.iter().any(concerns) {
            // A full channel has a change in it already.
            let _ = changed.try_send(());
        }
    };
    let mut watcher = notify::recommended_watcher(report)
        .inspect_err(|error| tracing::warn!(%error, "Files can't be watched; send SIGHUP to have them read again"))
        .ok()?;
    let folders: BTreeSet<&Path> = files.iter().map(|file| folder(file)).collect();
    for folder in folders {
        if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
            tracing::warn!(%error, folder = %folder.display(), "The folder can't be watched");
        }
    }
    Some(watcher)
}

/// Kubernetes changes mounted files by swapping this link.
fn is_swap(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "..data")
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// SIGHUP, where there is such a thing.
struct HangUp {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

fn hang_up_signal() -> HangUp {
    HangUp {
        #[cfg(unix)]
        signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok(),
    }
}

impl HangUp {
    async fn wait(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal {
            signal.recv().await;
            return;
        }
        std::future::pending::<()>().await;
    }
}

/// A failure and its causes in one line.
fn describe(error: &LoadError) -> String {
    let mut text = chain(error);
    if let LoadError::Source(SourceError::DoesNotCompose { errors, .. }) = error {
        for diagnostic in errors.iter().take(5) {
            text.push_str(&format!("; {}: {}", diagnostic.code, diagnostic.message));
        }
    }
    text
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
