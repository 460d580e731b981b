//! Schema sources: a supergraph file, or a supergraph.yaml whose subgraphs are composed here. Knows no request.

mod introspect;
pub mod last_good;
pub(crate) mod paths;
pub mod substitutes;
pub mod supergraph_yaml;

use std::path::{Path, PathBuf};

use braid_composition::{Composed, Composer, Diagnostic, SubgraphSdl};
use braid_net::chain;
use braid_net::config::TlsClientConfig;
use braid_transport::config::TrafficConfig;
use futures_util::future::join_all;
use indexmap::IndexMap;

pub use introspect::IntrospectError;
use substitutes::{Substitute, Substitutes};
pub use supergraph_yaml::InvalidSupergraphYaml;
use supergraph_yaml::{SchemaLocation, SubgraphYaml, SupergraphYaml};

/// A schema source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file with a composed supergraph.
    Supergraph(PathBuf),
    /// A supergraph.yaml.
    Subgraphs(PathBuf),
    /// Subgraphs by name, with files relative to the current folder.
    Listed(IndexMap<String, SubgraphYaml>),
}

/// A supergraph that was read or composed, and what it was made from.
#[derive(Debug)]
pub struct Loaded {
    /// The supergraph.
    pub supergraph_sdl: String,
    /// The files that it came from: it has to be loaded again when one changes.
    pub files: Vec<PathBuf>,
    /// Whether a running subgraph was asked for its schema, which can change at any time.
    pub is_live: bool,
    /// What composes but may be a mistake.
    pub hints: Vec<Diagnostic>,
    /// The subgraphs that it was composed from, so that hints can quote their schemas.
    pub subgraphs: Vec<SubgraphSdl>,
}

/// Why a source has no supergraph.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Files can't be read.
    #[error("{}", listed(files))]
    Unreadable {
        /// All of them.
        files: Vec<UnreadableFile>,
    },
    /// supergraph.yaml is invalid.
    #[error("{}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: InvalidSupergraphYaml,
    },
    /// Composition panicked, which is a bug.
    #[error("the subgraphs can't be composed because of a bug in the router; please report it")]
    Panicked(#[source] tokio::task::JoinError),
    /// Subgraphs do not give their schema.
    #[error("{}", listed(failures))]
    Introspection {
        /// All of them.
        failures: Vec<IntrospectionFailure>,
    },
    /// The subgraphs do not compose.
    #[error("the subgraphs do not compose: {} errors", errors.len())]
    DoesNotCompose {
        /// All errors.
        errors: Vec<Diagnostic>,
        /// What may be a mistake too.
        hints: Vec<Diagnostic>,
        /// The subgraphs, so that errors can quote their schemas.
        subgraphs: Vec<SubgraphSdl>,
    },
}

/// A file that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("{} can't be read: {reason}", path.display())]
pub struct UnreadableFile {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub reason: std::io::Error,
}

/// A subgraph that does not give its schema.
#[derive(Debug, thiserror::Error)]
#[error("the subgraph \"{subgraph}\" at {url} does not give its schema: {}", chain(reason))]
pub struct IntrospectionFailure {
    /// The subgraph.
    pub subgraph: String,
    /// The URL at which it was asked.
    pub url: String,
    /// Why.
    pub reason: IntrospectError,
}

fn listed(failures: &[impl ToString]) -> String {
    failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Source {
    /// What it refers to, as far as that is known while it can't be loaded: its files, and whether it asks subgraphs.
    pub fn outline(&self) -> (Vec<PathBuf>, bool) {
        let (mut files, folder, subgraphs) = match self {
            Self::Supergraph(path) => return (vec![path.clone()], false),
            Self::Subgraphs(path) => {
                let folder = path.parent().unwrap_or(Path::new(""));
                let text = std::fs::read_to_string(path).unwrap_or_default();
                let subgraphs = SupergraphYaml::parse(&text, folder).map(|yaml| yaml.subgraphs).unwrap_or_default();
                (vec![path.clone()], folder, subgraphs)
            }
            Self::Listed(subgraphs) => (Vec::new(), Path::new(""), subgraphs.clone()),
        };
        let mut is_live = false;
        for subgraph in subgraphs.values() {
            match &subgraph.schema {
                SchemaLocation::File(file) => files.push(folder.join(file)),
                SchemaLocation::Inline(_) => {}
                SchemaLocation::Live { .. } => is_live = true,
            }
        }
        (files, is_live)
    }

    /// Reads the source, and composes it if it is not composed. A composer that has composed it before reads only what changed.
    /// Subgraphs are asked with the certificates of `traffic`.
    pub async fn load(&self, composer: &mut Composer, traffic: &TrafficConfig) -> Result<Loaded, SourceError> {
        self.load_with(composer, traffic, &Substitutes::default()).await
    }

    /// The same, where some running subgraphs need not be asked or reached.
    pub async fn load_with(
        &self,
        composer: &mut Composer,
        traffic: &TrafficConfig,
        substitutes: &Substitutes,
    ) -> Result<Loaded, SourceError> {
        let LoadedSubgraphs { sdl, files, is_live } = match self {
            Self::Supergraph(path) => {
                let supergraph_sdl = read(path).await?;
                return Ok(Loaded {
                    supergraph_sdl,
                    files: vec![path.clone()],
                    is_live: false,
                    hints: Vec::new(),
                    subgraphs: Vec::new(),
                });
            }
            Self::Subgraphs(path) => load_file(path, traffic, substitutes).await?,
            Self::Listed(subgraphs) => load_all(subgraphs, Path::new(""), traffic, substitutes).await?,
        };
        let (Composed { supergraph_sdl }, hints, subgraphs) = compose_subgraphs(sdl, composer).await?;
        Ok(Loaded { supergraph_sdl, files, is_live, hints, subgraphs })
    }
}

/// The subgraphs of a supergraph.yaml.
#[derive(Debug)]
pub struct LoadedSubgraphs {
    /// The subgraphs with their schemas.
    pub sdl: Vec<SubgraphSdl>,
    /// The files that were read, first supergraph.yaml itself.
    pub files: Vec<PathBuf>,
    /// Whether a running subgraph was asked for its schema.
    pub is_live: bool,
}

/// Reads a supergraph.yaml and all schemas that it refers to, concurrently.
pub async fn load_subgraphs(path: &Path, traffic: &TrafficConfig) -> Result<LoadedSubgraphs, SourceError> {
    load_file(path, traffic, &Substitutes::default()).await
}

async fn load_file(
    path: &Path,
    traffic: &TrafficConfig,
    substitutes: &Substitutes,
) -> Result<LoadedSubgraphs, SourceError> {
    let text = read(path).await?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let yaml = SupergraphYaml::parse(&text, folder)
        .map_err(|source| SourceError::Invalid { path: path.to_owned(), source })?;
    let mut loaded = load_all(&yaml.subgraphs, folder, traffic, substitutes).await?;
    loaded.files.insert(0, path.to_owned());
    Ok(loaded)
}

/// Reads the schemas of subgraphs, concurrently. Files are relative to `folder`.
async fn load_all(
    subgraphs: &IndexMap<String, SubgraphYaml>,
    folder: &Path,
    traffic: &TrafficConfig,
    substitutes: &Substitutes,
) -> Result<LoadedSubgraphs, SourceError> {
    let loading = subgraphs.iter().map(|(name, subgraph)| async move {
        let url = subgraph.routing_url.clone();
        let (found, url) = match &subgraph.schema {
            SchemaLocation::File(file) => (Found::read(folder.join(file)).await?, url.unwrap_or_default()),
            SchemaLocation::Inline(sdl) => {
                (Found { sdl: sdl.clone(), shown: None, file: None }, url.unwrap_or_default())
            }
            SchemaLocation::Live { url: asked, headers } => {
                let tls = &traffic.for_subgraph(name).client.tls;
                (live(name, asked, headers, tls, substitutes).await?, url.unwrap_or_else(|| asked.clone()))
            }
        };
        Ok((SubgraphSdl { name: name.clone(), url, sdl: found.sdl, file: found.shown }, found.file))
    });
    let loaded = all_of(join_all(loading).await)?;
    let is_live = subgraphs.iter().any(|(name, subgraph)| {
        matches!(subgraph.schema, SchemaLocation::Live { .. }) && substitutes.instead(name).is_none()
    });
    let (sdl, files): (Vec<_>, Vec<_>) = loaded.into_iter().unzip();
    Ok(LoadedSubgraphs { sdl, files: files.into_iter().flatten().collect(), is_live })
}

/// A schema, where reports say that it is, and the file that it was read from.
struct Found {
    sdl: String,
    shown: Option<String>,
    file: Option<PathBuf>,
}

impl Found {
    async fn read(file: PathBuf) -> Result<Self, SourceError> {
        Ok(Self { sdl: read(&file).await?, shown: Some(paths::name(&file)), file: Some(file) })
    }
}

/// The schema that a running subgraph gives, or what takes its place.
async fn live(
    name: &str,
    url: &str,
    headers: &IndexMap<String, String>,
    tls: &TlsClientConfig,
    substitutes: &Substitutes,
) -> Result<Found, SourceError> {
    if let Some(file) = substitutes.instead(name) {
        return Found::read(file).await;
    }
    let shown = Some(url.to_owned());
    let reason = match introspect::sdl(url, headers, tls).await {
        Ok(sdl) => {
            substitutes.remember(name, &sdl);
            return Ok(Found { sdl, shown, file: None });
        }
        Err(reason) => reason,
    };
    match substitutes.otherwise(name).filter(|_| matches!(reason, IntrospectError::Unreachable(_))) {
        Some(Substitute::Sdl(sdl)) => Ok(Found { sdl, shown, file: None }),
        Some(Substitute::File(file)) => Found::read(file).await,
        None => Err(SourceError::Introspection {
            failures: vec![IntrospectionFailure { subgraph: name.to_owned(), url: url.to_owned(), reason }],
        }),
    }
}

/// Everything that was loaded, or all failures: all files that can't be read, or else all subgraphs that don't give their schema.
fn all_of<T>(outcomes: Vec<Result<T, SourceError>>) -> Result<Vec<T>, SourceError> {
    let (mut loaded, mut files, mut failures) = (Vec::with_capacity(outcomes.len()), Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(one) => loaded.push(one),
            Err(SourceError::Unreadable { files: more }) => files.extend(more),
            Err(SourceError::Introspection { failures: more }) => failures.extend(more),
            Err(error) => return Err(error),
        }
    }
    match (files.is_empty(), failures.is_empty()) {
        (true, true) => Ok(loaded),
        (false, _) => Err(SourceError::Unreadable { files }),
        (true, false) => Err(SourceError::Introspection { failures }),
    }
}

/// Composes subgraphs on a thread that can block. Also returns the hints and the subgraphs.
pub async fn compose_subgraphs(
    subgraphs: Vec<SubgraphSdl>,
    composer: &mut Composer,
) -> Result<(Composed, Vec<Diagnostic>, Vec<SubgraphSdl>), SourceError> {
    let mut taken = std::mem::take(composer);
    let composing = tokio::task::spawn_blocking(move || {
        let composition = taken.compose(&subgraphs);
        (taken, composition, subgraphs)
    });
    let (taken, composition, subgraphs) = composing.await.map_err(SourceError::Panicked)?;
    *composer = taken;
    match composition.result {
        Ok(composed) => Ok((composed, composition.hints, subgraphs)),
        Err(errors) => Err(SourceError::DoesNotCompose { errors, hints: composition.hints, subgraphs }),
    }
}

async fn read(path: &Path) -> Result<String, SourceError> {
    tokio::fs::read_to_string(path)
        .await
        .map_err(|reason| SourceError::Unreadable { files: vec![UnreadableFile { path: path.to_owned(), reason }] })
}
