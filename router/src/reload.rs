//! Takes up changes of schema, configuration and certificates while requests run: loads them, builds a new version beside the old one,
//! warms it up, swaps it in. If a step fails, the error is logged and the old version stays in use. Knows no request.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use braid_cache_invalidation::Ways;
use braid_composition::{Composer, Diagnostic};
use braid_mock::config::MocksConfig;
use braid_net::chain;
use braid_net::tls::Fingerprint;
use braid_persisted_operations::OperationStore;
use braid_plugin::Plugins;
use braid_telemetry::metrics::{Metrics, ReloadOutcome};
use braid_telemetry::otlp::Exporter;
use indexmap::IndexMap;

use crate::assemble::{self, Additions, Front, Version, VersionError};
use crate::hang_up::hang_up_signal;
use crate::hooks::HookPrograms;
use crate::invalidation;
use crate::load_error::LoadError;
use crate::operations;
use crate::popular;
use crate::problems::Problems;
use crate::report::{self, Changes};
use crate::schema_tools::with_schema_tools;
use crate::source::supergraph_yaml::SubgraphYaml;
use crate::source::{Loaded, Source, SourceError, last_good};
use crate::stand_ins::StandInOptions;
use crate::watch::{Watch, written_since};
use braid_config::{Config, ConfigError};

/// What a router is started with: a configuration file if there is one, and the options of the command line, which override it.
#[derive(Debug, Clone, Default)]
pub struct Blueprint {
    /// `router.yaml`.
    pub config_file: Option<PathBuf>,
    /// A supergraph, instead of the configured schema source.
    pub supergraph: Option<PathBuf>,
    /// A supergraph.yaml, instead of the configured schema source.
    pub subgraphs: Option<PathBuf>,
    /// Subgraphs by name, instead of the configured schema source.
    pub listed: Option<IndexMap<String, SubgraphYaml>>,
    /// The address to listen on, instead of the configured one.
    pub listen: Option<std::net::SocketAddr>,
    /// Whether nothing is hidden (`--dev`).
    pub development: bool,
    /// The longest time after which running subgraphs are asked for their schema again.
    pub poll_at_least: Option<std::time::Duration>,
    /// Plugins of a program of one's own.
    pub plugins: Plugins,
    /// The components of hooks that are compiled already.
    pub hooks: HookPrograms,
    /// What answers for subgraphs that are not there.
    pub stand_ins: StandInOptions,
    /// Learns why a new version can't be used.
    pub problems: Problems,
}

/// What was loaded for a version.
struct Material {
    config: Config,
    certificates: Fingerprint,
    loaded: Loaded,
    operations: Option<Arc<OperationStore>>,
    /// Whether the supergraph is the saved one, because subgraphs could not be reached.
    is_saved: bool,
    mocks: Arc<MocksConfig>,
    /// What the blueprint has beside files.
    plugins: Plugins,
    hooks: HookPrograms,
    stand_ins: StandInOptions,
    problems: Problems,
}

impl Blueprint {
    /// The configuration.
    pub fn config(&self) -> Result<Config, ConfigError> {
        Ok(self.config_and_ignored()?.0)
    }

    /// The configuration, and the environment variables that are ignored, with the reasons.
    fn config_and_ignored(&self) -> Result<(Config, Vec<String>), ConfigError> {
        let (mut config, ignored) = Config::of_process(self.config_file.as_deref())?;
        if self.supergraph.is_some() || self.subgraphs.is_some() {
            config.schema.supergraph = self.supergraph.clone();
            config.schema.subgraphs = self.subgraphs.clone();
        }
        config.server.listen = self.listen.unwrap_or(config.server.listen);
        if let Some(poll) = self.poll_at_least
            && !config.reload.poll.0.is_zero()
        {
            config.reload.poll.0 = config.reload.poll.0.min(poll);
        }
        if self.development {
            config.for_development();
        }
        Ok((config, ignored))
    }

    /// The first version, and what it came from. If subgraphs can't be reached, it is the saved supergraph, if there is one.
    pub async fn first(&self, metrics: &Arc<Metrics>) -> Result<(Version, Origins), LoadError> {
        let mut composer = Composer::default();
        let began = SystemTime::now();
        let (config, ignored) = self.config_and_ignored()?;
        for variable in ignored {
            tracing::warn!("{variable}; the variable is ignored");
        }
        let operations = operations::open(&config, None).await?;
        let material = match self.load(config.clone(), operations.clone(), &mut composer).await {
            Err(LoadError::Source(error @ SourceError::Introspection { .. })) => {
                self.saved(config, operations, error)?
            }
            loaded => loaded?,
        };
        let (watched, certificates) = (self.watched(&material), material.certificates);
        report::hints(&material.loaded.hints);
        let mocks = material.mocks.clone();
        let Built { version, config, supergraph_sdl, .. } = build(material, metrics, None).await?;
        operations::prepare(&version, &config, metrics).await?;
        popular::warm_up(&version, &config, metrics).await?;
        Ok((version, Origins { config, supergraph_sdl, certificates, mocks, watched, began, composer }))
    }

    /// Waits until something changes after `since` that it refers to, while there is no version of it.
    pub async fn changed(&self, since: SystemTime) {
        let files = self.config_file.iter().chain(&self.stand_ins.mocks).cloned().collect();
        let mut watched = Watched { files, is_live: false };
        watched.extend(self);
        let mut watch = Watch::new();
        watch.follow(&watched.files, true);
        if written_since(&watched.files, since) {
            return;
        }
        // Files that are read are watched; running subgraphs have to be asked.
        let again = std::time::Duration::from_secs(if watched.is_live { 1 } else { 3600 });
        let _ = tokio::time::timeout(again, watch.changed()).await;
    }

    async fn load(
        &self,
        config: Config,
        operations: Option<Arc<OperationStore>>,
        composer: &mut Composer,
    ) -> Result<Material, LoadError> {
        let certificates = Fingerprint::of(config.certificates());
        let mocks = self.stand_ins.mocks()?;
        let substitutes = self.stand_ins.substitutes(&mocks);
        let source = self.source(&config).ok_or(LoadError::NoSource)?;
        let loaded = source.load_with(composer, &config.traffic, &substitutes).await?;
        self.stand_ins.record_schemas(&loaded.subgraphs).await?;
        Ok(self.material(config, certificates, loaded, operations, mocks))
    }

    fn material(
        &self,
        config: Config,
        certificates: Fingerprint,
        loaded: Loaded,
        operations: Option<Arc<OperationStore>>,
        mocks: Arc<MocksConfig>,
    ) -> Material {
        Material {
            config,
            certificates,
            loaded,
            operations,
            is_saved: false,
            mocks,
            plugins: self.plugins.clone(),
            hooks: self.hooks.clone(),
            stand_ins: self.stand_ins.clone(),
            problems: self.problems.clone(),
        }
    }

    /// Where the schema comes from.
    fn source(&self, config: &Config) -> Option<Source> {
        if let Some(listed) = &self.listed {
            return Some(Source::Listed(listed.clone()));
        }
        match (&config.schema.supergraph, &config.schema.subgraphs) {
            (Some(path), _) => Some(Source::Supergraph(path.clone())),
            (None, Some(path)) => Some(Source::Subgraphs(path.clone())),
            (None, None) => None,
        }
    }

    /// The saved supergraph instead of subgraphs that can't be reached.
    fn saved(
        &self,
        config: Config,
        operations: Option<Arc<OperationStore>>,
        error: SourceError,
    ) -> Result<Material, LoadError> {
        let saved = config.schema.last_good.as_deref().and_then(|file| Some((file, last_good::read(file)?)));
        let Some((file, supergraph_sdl)) = saved else { return Err(error.into()) };
        tracing::warn!(
            error = %error,
            file = %file.display(),
            "Subgraphs can't be reached: starting with the saved supergraph"
        );
        let certificates = Fingerprint::of(config.certificates());
        let files = config.schema.subgraphs.iter().cloned().collect();
        let loaded = Loaded { supergraph_sdl, files, is_live: true, hints: Vec::new(), subgraphs: Vec::new() };
        Ok(Material { is_saved: true, ..self.material(config, certificates, loaded, operations, Arc::default()) })
    }

    fn watched(&self, material: &Material) -> Watched {
        let files = material.loaded.files.iter().chain(&self.config_file).chain(&self.stand_ins.mocks).cloned();
        let files = files.chain(material.config.certificates()).collect();
        Watched { files, is_live: material.loaded.is_live }
    }
}

/// What the version in use was loaded from.
#[derive(Debug)]
pub struct Origins {
    /// The configuration.
    pub config: Config,
    /// The text of the supergraph, to see whether it changes.
    pub supergraph_sdl: String,
    certificates: Fingerprint,
    mocks: Arc<MocksConfig>,
    watched: Watched,
    /// When loading it started.
    began: SystemTime,
    /// Has what it read of the subgraphs when it last composed them.
    composer: Composer,
}

/// What is watched for changes.
#[derive(Debug)]
struct Watched {
    files: BTreeSet<PathBuf>,
    /// Whether running subgraphs are asked for their schema.
    is_live: bool,
}

impl Watched {
    /// Adds what the configuration refers to now, so that fixing a file that can't be used is noticed.
    fn extend(&mut self, blueprint: &Blueprint) {
        let Ok(config) = blueprint.config() else { return };
        self.files.extend(config.certificates());
        let Some(source) = blueprint.source(&config) else { return };
        let (files, is_live) = source.outline();
        self.files.extend(files);
        self.is_live |= is_live;
    }
}

/// A version, what it was built from, and what it changes.
struct Built {
    version: Version,
    config: Config,
    supergraph_sdl: String,
    changes: Changes,
}

/// The version before the one that is built.
struct Previous {
    version: Arc<Version>,
    /// Whether its configuration is the same.
    is_alike: bool,
}

/// Builds a version on a thread of its own: it takes a core for a while, and requests need the others.
async fn build(material: Material, metrics: &Arc<Metrics>, previous: Option<Previous>) -> Result<Built, LoadError> {
    let metrics = metrics.clone();
    let built = tokio::task::spawn_blocking(move || {
        let Material { config, loaded, operations, is_saved, mocks, plugins, hooks, stand_ins, problems, .. } =
            material;
        let subgraphs = loaded.subgraphs;
        // The saved supergraph has no schemas of subgraphs.
        let stand_ins = if is_saved { Default::default() } else { stand_ins.of(&subgraphs, &mocks)? };
        let additions = Additions { plugins, hooks, stand_ins };
        let save_to = config.schema.last_good.clone().filter(|_| !is_saved);
        let supergraph_sdl = loaded.supergraph_sdl;
        let previous_version = previous.as_ref().map(|previous| &*previous.version);
        let version =
            assemble::version_with(additions, &config, &supergraph_sdl, operations, &metrics, previous_version)?;
        let version = with_schema_tools(version, &config, subgraphs, problems);
        if let Some(file) = save_to
            && let Err(error) = last_good::save(&file, &supergraph_sdl)
        {
            tracing::warn!(%error, file = %file.display(), "The supergraph can't be saved");
        }
        let changes = match previous {
            None => Changes::default(),
            Some(Previous { version: previous, is_alike }) => {
                let changes = Changes::between(&previous.gateway.supergraph, &version.gateway.supergraph);
                let kept = if is_alike { version.gateway.take_over(&previous.gateway) } else { 0 };
                changes.with_kept_operations(kept)
            }
        };
        Ok::<_, LoadError>(Built { version, config, supergraph_sdl, changes })
    });
    match built.await {
        Ok(built) => built,
        Err(error) => Err(VersionError::Panicked(error).into()),
    }
}

/// Takes up changes of what the version of `front` was loaded from, also in the ways to it, until the future is dropped.
pub async fn keep_current(front: Arc<Front>, ways: Arc<Ways>, blueprint: Blueprint, mut origins: Origins) {
    let mut watch = Watch::new();
    let mut hang_up = hang_up_signal();
    // Whether changes may have been missed: the files were read before they are watched.
    let mut look = true;
    // The composition errors of the last reload, if it failed.
    let mut failing: Option<Vec<Diagnostic>> = None;
    let mut operations = operations::Follower::default();
    let mut sharing = popular::Sharing::default();
    loop {
        operations.follow(&front, &origins.config);
        sharing.follow(&front, &origins.config);
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
                let problem = error.problem();
                if !blueprint.problems.are_shown {
                    tracing::error!(
                        error = problem.message,
                        "The new schema, configuration or certificates can't be used; the old ones stay in use"
                    );
                    // Logged once, as long as they stay the same.
                    if failing.as_ref() != Some(&problem.errors) {
                        report::errors(&problem.errors);
                    }
                }
                failing = Some(problem.errors.clone());
                blueprint.problems.found(problem);
            }
            Ok(outcome) => {
                blueprint.problems.gone(matches!(outcome, ReloadOutcome::Swapped));
                if failing.take().is_some() {
                    tracing::info!("Schema, configuration and certificates can be used again");
                }
            }
        }
        if matches!(outcome, Ok(ReloadOutcome::Swapped))
            && let Err(error) = invalidation::follow(&ways, &origins.config).await
        {
            let error = chain(&error);
            tracing::error!(
                error,
                "The new settings of cache.invalidation can't be used; invalidations are taken as before"
            );
        }
        front.metrics().reload(outcome.unwrap_or(ReloadOutcome::Failed));
    }
}

/// Loads everything again, and swaps the version if anything has changed.
async fn reload_once(
    front: &Front,
    blueprint: &Blueprint,
    origins: &mut Origins,
    asked: bool,
) -> Result<ReloadOutcome, LoadError> {
    let current = front.current();
    origins.began = SystemTime::now();
    let config = blueprint.config()?;
    let operations = operations::open(&config, current.gateway.documents.store()).await?;
    let material = blueprint.load(config, operations, &mut origins.composer).await?;
    let (watched, certificates) = (blueprint.watched(&material), material.certificates);
    let is_same = material.loaded.supergraph_sdl == origins.supergraph_sdl
        && material.config == origins.config
        && certificates == origins.certificates
        && material.mocks == origins.mocks;
    if is_same {
        origins.watched = watched;
        if asked {
            tracing::info!("Nothing has changed");
        }
        return Ok(ReloadOutcome::Unchanged);
    }
    report::hints(&material.loaded.hints);
    let mocks = material.mocks.clone();
    let previous = Previous { version: current.clone(), is_alike: material.config == origins.config };
    let Built { version, config, supergraph_sdl, changes } = build(material, front.metrics(), Some(previous)).await?;
    if certificates != origins.certificates {
        front.exporter().map(Exporter::renew_certificates).transpose()?;
    }
    operations::prepare(&version, &config, front.metrics()).await?;
    version.gateway.warm_from(&current.gateway, config.reload.warm_up).await;
    front.swap(version);
    (origins.config, origins.supergraph_sdl) = (config, supergraph_sdl);
    (origins.certificates, origins.watched) = (certificates, watched);
    origins.mocks = mocks;
    changes.log();
    Ok(ReloadOutcome::Swapped)
}
