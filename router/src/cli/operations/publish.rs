//! `braid operations publish`: adds a manifest's operations to one that routers read. The text of an id never changes, and nothing is
//! removed unless that is asked for: clients that are out there still send it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use braid_net::config::TlsClientConfig;
use braid_net::{Endpoint, chain};
use braid_persisted_operations::manifest::{Manifest, ManifestEntry, ManifestFormat};
use bytes::Bytes;
use clap::Args;
use http::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use http::{Method, StatusCode};

use super::diff::{Differences, differences, shown};
use super::read_manifest;
use crate::cli::terminal::{Failure, block_on, complain, print};
use crate::source::last_good::save;

/// Add a manifest's operations to one that routers read.
///
/// Refuses to change the text of an id. Operations that are only in the target stay there, unless --replace is given.
#[derive(Debug, Args)]
pub(in crate::cli) struct Publish {
    /// The manifest; `-` is standard input
    #[arg(value_name = "MANIFEST")]
    manifest: PathBuf,
    /// A manifest file, a folder of .graphql files (with a `/` at its end if it does not exist yet), or an http(s):// URL that takes GET and PUT
    #[arg(value_name = "FILE|FOLDER/|URL")]
    target: String,
    /// Remove operations that the manifest does not have
    #[arg(long)]
    replace: bool,
    /// A header for the URL, such as `authorization: Bearer …`. Can be repeated
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
}

const MAX_BYTES: usize = 64 << 20;
const TIMEOUT: Duration = Duration::from_secs(30);

impl Publish {
    pub(in crate::cli) fn run(self) -> Result<(), Failure> {
        let new = read_manifest(&self.manifest)?;
        let is_url = self.target.starts_with("http://") || self.target.starts_with("https://");
        let path = Path::new(&self.target);
        if is_url {
            return block_on(self.to_url(&new));
        }
        if path.is_dir() || self.target.ends_with('/') {
            return self.to_folder(&new, path);
        }
        let old = match path.exists() {
            true => read_manifest(path)?,
            false => Manifest::default(),
        };
        let text = self.merged(&old, &new)?.write(ManifestFormat::Apollo);
        save(path, &text).map_err(|error| Failure::Other(format!("{} can't be written: {error}", path.display())))
    }

    /// The operations of both. Prints what that changes.
    fn merged(&self, old: &Manifest, new: &Manifest) -> Result<Manifest, Failure> {
        let Differences { added, removed, changed } = differences(old, new);
        if !changed.is_empty() {
            let changed: String = changed.iter().map(|entry| format!("{}\n", shown(entry))).collect();
            complain(&format!(
                "{changed}the target has other texts under these ids, which clients already use; give new ids\n"
            ));
            return Err(Failure::Negative);
        }
        let kept: &[&ManifestEntry] = if self.replace { &[] } else { &removed };
        let entries = new.operations.iter().chain(kept.iter().copied()).cloned();
        let merged = Manifest::of(entries).map_err(|error| Failure::Other(error.to_string()))?;
        let removed = removed.len() - kept.len();
        print(&format!("{} added, {removed} removed, {} in all\n", added.len(), merged.operations.len()))?;
        Ok(merged)
    }

    /// A file for each operation, named by its id.
    fn to_folder(&self, new: &Manifest, folder: &Path) -> Result<(), Failure> {
        let problem = |path: &Path, error: &std::io::Error| Failure::Other(format!("{}: {error}", path.display()));
        std::fs::create_dir_all(folder).map_err(|error| problem(folder, &error))?;
        let file = |id: &str| folder.join(format!("{id}.graphql"));
        let mut old = Manifest::default();
        for entry in std::fs::read_dir(folder).map_err(|error| problem(folder, &error))?.flatten() {
            let path = entry.path();
            let Some(id) = path.file_stem().filter(|_| path.extension().is_some_and(|kind| kind == "graphql")) else {
                continue;
            };
            let text = std::fs::read_to_string(&path).map_err(|error| problem(&path, &error))?;
            old.operations.push(ManifestEntry { id: id.to_string_lossy().into_owned(), name: None, text });
        }
        let is_name = |id: &str| !id.starts_with('.') && !id.contains(['/', '\\', ':']);
        if let Some(entry) = new.operations.iter().find(|entry| !is_name(&entry.id)) {
            return Err(Failure::Usage(format!(
                "\"{}\" can't be the name of a file; publish to a manifest file",
                entry.id
            )));
        }
        self.merged(&old, new)?;
        for entry in &new.operations {
            let path = file(&entry.id);
            // Without a line break at the end: the id may be the hash of these bytes.
            save(&path, &entry.text).map_err(|error| problem(&path, &error))?;
        }
        let gone = |entry: &&ManifestEntry| self.replace && !new.operations.iter().any(|one| one.id == entry.id);
        for entry in old.operations.iter().filter(gone) {
            std::fs::remove_file(file(&entry.id)).map_err(|error| problem(&file(&entry.id), &error))?;
        }
        Ok(())
    }

    async fn to_url(&self, new: &Manifest) -> Result<(), Failure> {
        let failed = |error: &dyn std::error::Error| Failure::Other(format!("{}: {}", self.target, chain(error)));
        let headers = self.header_map()?;
        let endpoint = Endpoint::new(&self.target, &TlsClientConfig::default(), MAX_BYTES, TIMEOUT)
            .map_err(|error| Failure::Usage(chain(&error)))?;
        let response =
            endpoint.send(Method::GET, headers.clone(), Bytes::new()).await.map_err(|error| failed(&error))?;
        let old = match response.status() {
            StatusCode::OK => {
                let text = String::from_utf8_lossy(response.body());
                Manifest::parse(&text).map_err(|error| failed(&error))?
            }
            StatusCode::NOT_FOUND => Manifest::default(),
            status => return Err(Failure::Other(format!("{}: it answered {status}", self.target))),
        };
        let mut conditions = headers;
        // What somebody else publishes at the same time is not lost, where the server knows these headers.
        match response.headers().get(ETAG) {
            Some(tag) => conditions.insert(IF_MATCH, tag.clone()),
            None if response.status() == StatusCode::NOT_FOUND => {
                conditions.insert(IF_NONE_MATCH, HeaderValue::from_static("*"))
            }
            None => None,
        };
        conditions.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let text = self.merged(&old, new)?.write(ManifestFormat::Apollo);
        let response = endpoint.send(Method::PUT, conditions, text.into()).await.map_err(|error| failed(&error))?;
        match response.status() {
            status if status.is_success() => Ok(()),
            StatusCode::PRECONDITION_FAILED => {
                Err(Failure::Other(format!("{} has changed meanwhile; publish again", self.target)))
            }
            status => Err(Failure::Other(format!("{}: it answered {status} to PUT", self.target))),
        }
    }

    fn header_map(&self) -> Result<HeaderMap, Failure> {
        let header = |line: &String| {
            let (name, value) = line.split_once(':')?;
            Some((name.trim().parse::<HeaderName>().ok()?, value.trim().parse::<HeaderValue>().ok()?))
        };
        let headers = self.headers.iter().map(|line| {
            header(line).ok_or_else(|| Failure::Usage("--header must have the form NAME: VALUE".to_owned()))
        });
        headers.collect()
    }
}
