//! Where lists of operations come from. Reads them, and notices whether they have changed. Knows no schedule.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use braid_net::{Endpoint, EndpointError, UrlError};
use braid_settings::Secret;
use bytes::Bytes;
use http::header::{ACCEPT, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use http::{Method, StatusCode};
use indexmap::IndexMap;

use crate::bucket::{BucketError, Object};
use crate::config::{SourceConfig, UrlConfig};
use crate::hash::QueryHash;
use crate::manifest::{Manifest, ManifestEntry, ManifestError};

/// A source that can't be read.
#[derive(Debug, thiserror::Error)]
#[error("{name}")]
pub struct SourceError {
    /// The source.
    pub name: String,
    /// Why.
    #[source]
    pub problem: SourceProblem,
}

/// Why a source can't be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceProblem {
    /// A file or folder can't be read.
    #[error("it can't be read")]
    Unreadable(#[from] std::io::Error),
    /// It is larger than what is read into memory.
    #[error("it is larger than {} MiB", MAX_BYTES >> 20)]
    TooLarge,
    /// It is no text.
    #[error("it is not UTF-8")]
    NotText,
    /// It is no manifest.
    #[error("the manifest can't be used")]
    Manifest(#[from] ManifestError),
    /// Its address or certificates can't be used.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// A header can't be sent.
    #[error("the header \"{0}\" can't be sent")]
    Header(String),
    /// Requests to it can't be signed.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// It could not be reached.
    #[error(transparent)]
    Unreachable(#[from] EndpointError),
    /// It answered something else than its content.
    #[error("it answered {0}")]
    Status(StatusCode),
    /// Reading panicked, which is a bug.
    #[error("it can't be read because of a bug in the router; please report it")]
    Panicked(#[from] tokio::task::JoinError),
}

/// More than this is a mistake.
const MAX_BYTES: usize = 64 << 20;
/// Folders can contain themselves by symbolic links.
const MAX_DEPTH: usize = 32;

/// A source, and what it had when it was last read.
#[derive(Debug)]
pub(crate) struct Source {
    config: SourceConfig,
    /// The hash of its content.
    content: Option<QueryHash>,
    /// The headers that ask for it only if it has changed.
    validators: HeaderMap,
    /// Its operations.
    pub(crate) entries: Arc<[ManifestEntry]>,
}

impl Source {
    /// A source that was not read yet.
    pub(crate) fn new(config: SourceConfig) -> Self {
        Self { config, content: None, validators: HeaderMap::new(), entries: Arc::default() }
    }

    /// The file or folder that it is.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.config {
            SourceConfig::File(path) | SourceConfig::Folder(path) => Some(path),
            SourceConfig::Url(_) | SourceConfig::Bucket(_) => None,
        }
    }

    /// Its name in messages.
    fn name(&self) -> String {
        match &self.config {
            SourceConfig::File(path) | SourceConfig::Folder(path) => path.display().to_string(),
            SourceConfig::Url(url) => url.url.clone(),
            SourceConfig::Bucket(bucket) => {
                format!("the object \"{}\" of the bucket \"{}\"", bucket.object, bucket.bucket)
            }
        }
    }

    /// Reads it, and says whether its operations have changed. One that can't be read keeps those that it had.
    pub(crate) async fn read(&mut self) -> Result<bool, SourceError> {
        self.read_changes().await.map_err(|problem| SourceError { name: self.name(), problem })
    }

    async fn read_changes(&mut self) -> Result<bool, SourceProblem> {
        let read = match &self.config {
            SourceConfig::Folder(path) => {
                let path = path.clone();
                let entries = tokio::task::spawn_blocking(move || folder(&path)).await??;
                Some((Content::Documents(entries), HeaderMap::new()))
            }
            SourceConfig::File(path) => Some((file(path).await?, HeaderMap::new())),
            SourceConfig::Url(UrlConfig { url, headers, timeout, tls }) => {
                let endpoint = Endpoint::new(url, tls, MAX_BYTES, timeout.0)?;
                fetch(&endpoint, header_map(headers)?, &self.validators).await?
            }
            SourceConfig::Bucket(config) => {
                let endpoint = Endpoint::new(&Object::new(config)?.get(), &config.tls, MAX_BYTES, config.timeout.0)?;
                fetch(&endpoint, HeaderMap::new(), &self.validators).await?
            }
        };
        let Some((content, validators)) = read else { return Ok(false) };
        let known = self.content;
        // Large manifests take a while, and requests need this thread.
        let read = tokio::task::spawn_blocking(move || content.read_unless(known)).await??;
        // What can't be used is not kept, so that a manifest that is broken stays one that has to be read.
        let Some((entries, hash)) = read else { return Ok(false) };
        (self.entries, self.content, self.validators) = (entries.into(), Some(hash), validators);
        Ok(true)
    }
}

/// What a source has.
enum Content {
    Manifest(String),
    Documents(Vec<ManifestEntry>),
}

impl Content {
    /// Its operations and its hash, unless that is the known one.
    fn read_unless(self, known: Option<QueryHash>) -> Result<Option<(Vec<ManifestEntry>, QueryHash)>, ManifestError> {
        let hash = self.hash();
        if known == Some(hash) {
            return Ok(None);
        }
        let manifest = match self {
            Self::Manifest(text) => Manifest::parse(&text)?,
            Self::Documents(entries) => Manifest::of(entries)?,
        };
        Ok(Some((manifest.operations, hash)))
    }

    fn hash(&self) -> QueryHash {
        match self {
            Self::Manifest(text) => QueryHash::of(text),
            Self::Documents(entries) => {
                let parts = entries.iter().flat_map(|entry| [&*entry.id, "\0", &*entry.text, "\0"]);
                QueryHash::of(&parts.collect::<String>())
            }
        }
    }
}

async fn file(path: &Path) -> Result<Content, SourceProblem> {
    if tokio::fs::metadata(path).await?.len() > MAX_BYTES as u64 {
        return Err(SourceProblem::TooLarge);
    }
    manifest(tokio::fs::read(path).await?)
}

fn manifest(bytes: Vec<u8>) -> Result<Content, SourceProblem> {
    String::from_utf8(bytes).map(Content::Manifest).map_err(|_| SourceProblem::NotText)
}

/// The manifest at an address and its validators, unless it is still the one of these `validators`.
async fn fetch(
    endpoint: &Endpoint,
    mut headers: HeaderMap,
    validators: &HeaderMap,
) -> Result<Option<(Content, HeaderMap)>, SourceProblem> {
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.extend(validators.clone());
    let response = endpoint.send(Method::GET, headers, Bytes::new()).await?;
    if response.status() == StatusCode::NOT_MODIFIED && !validators.is_empty() {
        return Ok(None);
    }
    if response.status() != StatusCode::OK {
        return Err(SourceProblem::Status(response.status()));
    }
    let of = |name: &HeaderName, condition: HeaderName| Some((condition, response.headers().get(name)?.clone()));
    let next = [of(&ETAG, IF_NONE_MATCH), of(&LAST_MODIFIED, IF_MODIFIED_SINCE)].into_iter().flatten().collect();
    Ok(Some((manifest(response.into_body().to_vec())?, next)))
}

fn header_map(headers: &IndexMap<String, Secret>) -> Result<HeaderMap, SourceProblem> {
    let header = |(name, value): (&String, &Secret)| {
        let (Ok(parsed), Ok(mut value)) = (name.parse::<HeaderName>(), value.0.parse::<HeaderValue>()) else {
            return Err(SourceProblem::Header(name.clone()));
        };
        value.set_sensitive(true);
        Ok((parsed, value))
    };
    headers.iter().map(header).collect()
}

/// The operations of a folder, each under the hash of its text, with and without the white space at its end, and the name of its file.
fn folder(path: &Path) -> Result<Vec<ManifestEntry>, SourceProblem> {
    let mut files = BTreeSet::new();
    documents(path, 0, &mut files)?;
    let (mut entries, mut bytes) = (Vec::new(), 0);
    for file in files {
        let text = String::from_utf8(std::fs::read(&file)?).map_err(|_| SourceProblem::NotText)?;
        bytes += text.len();
        if bytes > MAX_BYTES {
            return Err(SourceProblem::TooLarge);
        }
        let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let mut entry = |id: String, text: &str| {
            entries.push(ManifestEntry { id, name: stem.clone(), text: text.to_owned() });
        };
        entry(QueryHash::of(&text).hex(), &text);
        if text.trim_end() != text {
            entry(QueryHash::of(text.trim_end()).hex(), text.trim_end());
        }
        if let Some(stem) = &stem {
            entry(stem.clone(), &text);
        }
    }
    Ok(entries)
}

fn documents(folder: &Path, depth: usize, files: &mut BTreeSet<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && path.is_dir() && depth < MAX_DEPTH {
            documents(&path, depth + 1, files)?;
        } else if !is_hidden && path.extension().is_some_and(|extension| extension == "graphql" || extension == "gql") {
            files.insert(path);
        }
    }
    Ok(())
}
