//! Takes up changes of schema and configuration while requests run: loads what a router is made of, builds the new version beside the
//! old one, warms it, swaps it in. What fails is reported, and the old version stays. Knows no request.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use braid_composition::{Composer, Diagnostic};
use braid_net::tls::Fingerprint;
use braid_telemetry::metrics::{Metrics, ReloadOutcome};

use crate::assemble::{self, Front, Version, VersionError};
use crate::config::{Config, ConfigError};
use crate::report::{self, Changes};
use crate::source::{Loaded, Source, SourceError, last_good};
use crate::watch::{Watch, written_since};

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

/// Where the schema comes from.
fn source(config: &Config) -> Option<Source> {
    match (&config.schema.supergraph, &config.schema.subgraphs) {
        (Some(path), _) => Some(Source::Supergraph(path.clone())),
        (None, Some(path)) => Some(Source::Subgraphs(path.clone())),
        (None, None) => None,
    }
}

/// What was loaded for a version.
struct Material {
    config: Config,
    certificates: Fingerprint,
    loaded: Loaded,
    /// The supergraph is the one that was kept, since the subgraphs were not there.
    is_kept: bool,
}

impl Blueprint {
    /// The configuration.
    pub fn config(&self) -> Result<Config, ConfigError> {
        Ok(self.config_and_ignored()?.0)
    }

    /// The configuration, and the variables of the environment that can't be obeyed.
    fn config_and_ignored(&self) -> Result<(Config, Vec<String>), ConfigError> {
        let (mut config, ignored) = Config::of_process(self.config_file.as_deref())?;
        if self.supergraph.is_some() || self.subgraphs.is_some() {
            config.schema.supergraph = self.supergraph.clone();
            config.schema.subgraphs = self.subgraphs.clone();
        }
        config.server.listen = self.listen.unwrap_or(config.server.listen);
        if self.development {
            config.for_development();
        }
        Ok((config, ignored))
    }

    /// The first version, and what it came from. Where subgraphs don't give their schema, that is the last good supergraph, if it
    /// was kept.
    pub async fn first(&self, metrics: &Arc<Metrics>) -> Result<(Version, Origins), LoadError> {
        let mut composer = Composer::default();
        let began = SystemTime::now();
        let (config, ignored) = self.config_and_ignored()?;
        for variable in ignored {
            tracing::warn!("{variable}; it is ignored");
        }
        let material = match self.load(config.clone(), &mut composer).await {
            Err(LoadError::Source(error @ SourceError::Introspection { .. })) => self.kept(config, error)?,
            loaded => loaded?,
        };
        let (watched, certificates) = (self.watched(&material), material.certificates);
        report::hints(&material.loaded.hints);
        let Built { version, config, supergraph_sdl, .. } = build(material, metrics, None).await?;
        Ok((version, Origins { config, supergraph_sdl, certificates, watched, began, composer }))
    }

    async fn load(&self, config: Config, composer: &mut Composer) -> Result<Material, LoadError> {
        let certificates = Fingerprint::of(config.certificates());
        let loaded = source(&config).ok_or(LoadError::NoSource)?.load(composer, &config.traffic).await?;
        Ok(Material { config, certificates, loaded, is_kept: false })
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
        let certificates = Fingerprint::of(config.certificates());
        let files = config.schema.subgraphs.iter().cloned().collect();
        let loaded = Loaded { supergraph_sdl, files, is_live: true, hints: Vec::new(), subgraphs: Vec::new() };
        Ok(Material { config, certificates, loaded, is_kept: true })
    }

    fn watched(&self, material: &Material) -> Watched {
        let files = material.loaded.files.iter().chain(&self.config_file).cloned();
        let files = files.chain(material.config.certificates()).collect();
        Watched { files, is_live: material.loaded.is_live }
    }
}

/// What the version in use came from.
#[derive(Debug)]
pub struct Origins {
    /// The configuration.
    pub config: Config,
    /// The supergraph as text: by it a change is seen.
    pub supergraph_sdl: String,
    certificates: Fingerprint,
    watched: Watched,
    /// When loading it began.
    began: SystemTime,
    /// Keeps the subgraphs as they were composed last.
    composer: Composer,
}

/// What changes a version when it changes.
#[derive(Debug)]
struct Watched {
    files: BTreeSet<PathBuf>,
    /// Whether subgraphs are asked for their schema.
    is_live: bool,
}

impl Watched {
    /// Adds what the configuration names now: a file that could not be used counts when it is fixed.
    fn extend(&mut self, blueprint: &Blueprint) {
        let Ok(config) = blueprint.config() else { return };
        self.files.extend(config.certificates());
        let Some(source) = source(&config) else { return };
        let (files, is_live) = source.outline();
        self.files.extend(files);
        self.is_live |= is_live;
    }
}

/// A version, what it was built of, and what it changes.
struct Built {
    version: Version,
    config: Config,
    supergraph_sdl: String,
    changes: Changes,
}

/// Building a schema takes a core for a while: not one that answers requests.
async fn build(material: Material, metrics: &Arc<Metrics>, previous: Option<Arc<Version>>) -> Result<Built, LoadError> {
    let metrics = metrics.clone();
    let built = tokio::task::spawn_blocking(move || {
        let Material { config, loaded, is_kept, .. } = material;
        let last_good = config.schema.last_good.clone().filter(|_| !is_kept);
        let supergraph_sdl = loaded.supergraph_sdl;
        let version = assemble::version(&config, &supergraph_sdl, &metrics, previous.as_deref())?;
        if let Some(file) = last_good
            && let Err(error) = last_good::keep(&file, &supergraph_sdl)
        {
            tracing::warn!(%error, file = %file.display(), "The supergraph can't be kept");
        }
        let changes =
            previous.map(|previous| Changes::between(&previous.gateway.supergraph, &version.gateway.supergraph));
        Ok::<_, VersionError>(Built { version, config, supergraph_sdl, changes: changes.unwrap_or_default() })
    });
    match built.await {
        Ok(built) => Ok(built?),
        Err(error) => Err(VersionError::Setting(format!("building the schema failed unexpectedly: {error}")).into()),
    }
}

/// Takes up changes of what the version of `front` came from, until it is dropped.
pub async fn keep_current(front: Arc<Front>, blueprint: Blueprint, mut origins: Origins) {
    let mut watch = Watch::new();
    let mut hang_up = hang_up_signal();
    // Whether something may have been missed: the files that are watched from now on were read before.
    let mut look = true;
    // The errors of composition at the last reload, if that failed.
    let mut failing: Option<Vec<Diagnostic>> = None;
    loop {
        let reload = origins.config.reload.clone();
        let Watched { files, is_live } = &origins.watched;
        watch.follow(files, reload.watch);
        let polls = *is_live && !reload.poll.0.is_zero();
        let missed = look && reload.watch && written_since(files, origins.began);
        let poll = async {
            match polls {
                true => tokio::time::sleep(reload.poll.0).await,
                false => std::future::pending().await,
            }
        };
        let asked = tokio::select! {
            () = std::future::ready(()), if missed => false,
            () = watch.changed() => false,
            () = hang_up.wait() => true,
            () = poll => false,
        };
        let outcome = reload_once(&front, &blueprint, &mut origins, asked).await;
        look = !matches!(outcome, Ok(ReloadOutcome::Unchanged));
        match &outcome {
            Err(error) => {
                origins.watched.extend(&blueprint);
                tracing::error!(
                    error = chain(error),
                    "The new schema, configuration or certificate can't be used; the old one stays in use"
                );
                let errors = match error {
                    LoadError::Source(SourceError::DoesNotCompose { errors, .. }) => errors.clone(),
                    _ => Vec::new(),
                };
                // While they stay the same, logging them again would only be noise.
                if failing.as_ref() != Some(&errors) {
                    report::errors(&errors);
                }
                failing = Some(errors);
            }
            Ok(_) => {
                if failing.take().is_some() {
                    tracing::info!("Schema and configuration can be used again");
                }
            }
        }
        front.metrics().reload(outcome.unwrap_or(ReloadOutcome::Failed));
    }
}

/// Loads everything anew; swaps if something is different.
async fn reload_once(
    front: &Front,
    blueprint: &Blueprint,
    origins: &mut Origins,
    asked: bool,
) -> Result<ReloadOutcome, LoadError> {
    let current = front.current();
    origins.began = SystemTime::now();
    let material = blueprint.load(blueprint.config()?, &mut origins.composer).await?;
    let (watched, certificates) = (blueprint.watched(&material), material.certificates);
    let is_same = material.loaded.supergraph_sdl == origins.supergraph_sdl
        && material.config == origins.config
        && certificates == origins.certificates;
    if is_same {
        origins.watched = watched;
        if asked {
            tracing::info!("Nothing has changed");
        }
        return Ok(ReloadOutcome::Unchanged);
    }
    report::hints(&material.loaded.hints);
    let Built { version, config, supergraph_sdl, changes } =
        build(material, front.metrics(), Some(current.clone())).await?;
    version.gateway.warm_from(&current.gateway, config.reload.warm_up).await;
    front.swap(version);
    (origins.config, origins.supergraph_sdl) = (config, supergraph_sdl);
    (origins.certificates, origins.watched) = (certificates, watched);
    changes.log();
    Ok(ReloadOutcome::Swapped)
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
