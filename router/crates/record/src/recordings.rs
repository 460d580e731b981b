//! The folder: keeps an answer, finds it again. Knows no router.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::name::{canonical, file_name};
use crate::pretty::pretty;

/// A folder with answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recordings(PathBuf);

/// An answer as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The HTTP status.
    pub status: u16,
    /// The headers that were kept.
    pub headers: BTreeMap<String, String>,
    /// The body, which is JSON.
    pub body: Vec<u8>,
}

/// Why an answer can't be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The request was not recorded.
    #[error("no answer of \"{subgraph}\" to this request is recorded ({} is missing); record it with braid dev --record", file.display())]
    Missing {
        /// The subgraph.
        subgraph: String,
        /// The file that it would be in.
        file: PathBuf,
    },
    /// The file can't be read or written.
    #[error("{} can't be read or written", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is not what was written.
    #[error("{} is not a recorded answer; correct or delete it", file.display())]
    Invalid {
        /// The file.
        file: PathBuf,
        /// The cause.
        source: serde_json::Error,
    },
    /// The name of a subgraph can't be that of a folder.
    #[error("the name of the subgraph \"{0}\" can't be the name of a folder")]
    Name(String),
    /// The request is no GraphQL request.
    #[error("the request is no GraphQL request")]
    Request,
    /// The answer is not JSON.
    #[error("the answer is not JSON, so it is not recorded")]
    NotJson,
}

/// What is in a file.
#[derive(Serialize, Deserialize)]
struct File {
    subgraph: String,
    request: Value,
    response: Response,
}

#[derive(Serialize, Deserialize)]
struct Response {
    status: u16,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    body: Box<RawValue>,
}

/// The headers of an answer that are kept: what says how long it may be cached. Others may be secrets.
const KEPT_HEADERS: [&str; 2] = ["age", "cache-control"];

impl Recordings {
    /// The answers in a folder. Nothing is read or written before it is needed.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The file with the schema of a subgraph.
    pub fn schema_file(&self, subgraph: &str) -> Result<PathBuf, RecordError> {
        Ok(self.folder_of(subgraph)?.join("schema.graphql"))
    }

    /// Keeps the schema of a subgraph.
    pub async fn keep_schema(&self, subgraph: &str, sdl: &str) -> Result<(), RecordError> {
        replace(self.schema_file(subgraph)?, sdl.as_bytes()).await
    }

    /// Keeps the answer to a request; an earlier one to the same request is replaced. `headers` are names in lower case with values.
    pub async fn keep<'h>(
        &self,
        subgraph: &str,
        request: &[u8],
        status: u16,
        headers: impl IntoIterator<Item = (&'h str, &'h str)>,
        body: &[u8],
    ) -> Result<(), RecordError> {
        let (file, request) = self.file_of(subgraph, request)?;
        let body: Box<RawValue> = serde_json::from_slice(body).map_err(|_| RecordError::NotJson)?;
        let headers = headers.into_iter().filter(|(name, _)| KEPT_HEADERS.contains(name));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let content = File { subgraph: subgraph.to_owned(), request, response: Response { status, headers, body } };
        write(file, &content).await
    }

    /// The answer to a request.
    pub async fn find(&self, subgraph: &str, request: &[u8]) -> Result<Recorded, RecordError> {
        let content: File = self.read(subgraph, request).await?;
        let Response { status, headers, body } = content.response;
        Ok(Recorded { status, headers, body: Box::<str>::from(body).into_string().into_bytes() })
    }

    /// The file for a request, and what of the request is written into it.
    pub(crate) fn file_of(&self, subgraph: &str, request: &[u8]) -> Result<(PathBuf, Value), RecordError> {
        let request = canonical(request).ok_or(RecordError::Request)?;
        Ok((self.folder_of(subgraph)?.join(file_name(&request)), request))
    }

    /// What is in the file for a request.
    pub(crate) async fn read<T: DeserializeOwned>(&self, subgraph: &str, request: &[u8]) -> Result<T, RecordError> {
        let (file, _) = self.file_of(subgraph, request)?;
        let text = match tokio::fs::read(&file).await {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(RecordError::Missing { subgraph: subgraph.to_owned(), file });
            }
            Err(source) => return Err(RecordError::File { file, source }),
        };
        serde_json::from_slice(&text).map_err(|source| RecordError::Invalid { file, source })
    }

    fn folder_of(&self, subgraph: &str) -> Result<PathBuf, RecordError> {
        let is_name = subgraph.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        match is_name && !subgraph.starts_with('.') && !subgraph.is_empty() {
            true => Ok(self.0.join(subgraph)),
            false => Err(RecordError::Name(subgraph.to_owned())),
        }
    }
}

/// Writes what is in a file, for people to read.
pub(crate) async fn write(file: PathBuf, content: &impl Serialize) -> Result<(), RecordError> {
    let text = serde_json::to_string(content).map_err(|source| RecordError::Invalid { file: file.clone(), source })?;
    replace(file, format!("{}\n", pretty(&text)).as_bytes()).await
}

/// Writes a file as a whole, so that nobody reads a half one; none if it is the same already.
async fn replace(file: PathBuf, text: &[u8]) -> Result<(), RecordError> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    if tokio::fs::read(&file).await.is_ok_and(|old| old == text) {
        return Ok(());
    }
    // Equal requests can be answered at the same time.
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let temporary = file.with_extension(format!("{}-{number}.part", std::process::id()));
    let written = async {
        if let Some(folder) = file.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        tokio::fs::write(&temporary, text).await?;
        tokio::fs::rename(&temporary, &file).await
    };
    written.await.map_err(|source| RecordError::File { file, source })
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    const REQUEST: &[u8] = br#"{"query":"{ products { sku } }","variables":{"b":1,"a":2}}"#;

    #[tokio::test]
    async fn an_answer_is_found_again_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let recordings = Recordings::new(folder.path().join("new"));
        let body = br#"{"data":{"products":[{"price":12.50,"big":1e400}]}}"#;
        let headers = [("cache-control", "max-age=5"), ("set-cookie", "secret")];
        recordings.keep("products", REQUEST, 200, headers, body).await.unwrap();
        let same = br#"{"variables":{"a":2,"b":1},"query":"{ products { sku } }"}"#;
        let found = recordings.find("products", same).await.unwrap();
        assert_eq!(found.status, 200);
        assert_eq!(found.headers.keys().collect::<Vec<_>>(), ["cache-control"]);
        let compact: String = String::from_utf8(found.body).unwrap().split_whitespace().collect();
        assert_eq!(compact.as_bytes(), body, "numbers stay as they were written");
        let files: Vec<_> = std::fs::read_dir(folder.path().join("new/products")).unwrap().collect();
        assert_eq!(files.len(), 1, "no temporary file is left: {files:?}");
    }

    #[tokio::test]
    async fn what_is_not_there_or_broken_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let recordings = Recordings::new(folder.path());
        let missing = recordings.find("products", REQUEST).await.unwrap_err();
        assert!(matches!(&missing, RecordError::Missing { .. }), "{missing}");
        assert!(missing.to_string().contains("products-sku-"), "{missing}");
        recordings.keep("products", REQUEST, 200, [], b"{}").await.unwrap();
        let file = std::fs::read_dir(folder.path().join("products")).unwrap().next().unwrap().unwrap().path();
        std::fs::write(&file, "{ edited badly").unwrap();
        let invalid = recordings.find("products", REQUEST).await.unwrap_err();
        assert!(matches!(invalid, RecordError::Invalid { .. }), "{invalid}");
        let html = recordings.keep("products", REQUEST, 502, [], b"<html>").await.unwrap_err();
        assert!(matches!(html, RecordError::NotJson));
        for name in ["../x", ".git", "", "a/b"] {
            assert!(matches!(recordings.schema_file(name), Err(RecordError::Name(_))), "{name}");
        }
    }

    #[tokio::test]
    async fn answers_are_replaced_and_edits_are_given() {
        let folder = tempfile::tempdir().unwrap();
        let recordings = Recordings::new(folder.path());
        recordings.keep("a", REQUEST, 200, [], br#"{"data":1}"#).await.unwrap();
        recordings.keep("a", REQUEST, 200, [], br#"{"data":2}"#).await.unwrap();
        let file = std::fs::read_dir(folder.path().join("a")).unwrap().next().unwrap().unwrap().path();
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("\"data\": 2", "\"data\": 3")).unwrap();
        let found = String::from_utf8(recordings.find("a", REQUEST).await.unwrap().body).unwrap();
        assert!(found.contains('3'), "{found}");
    }

    #[tokio::test]
    async fn the_same_request_can_be_kept_many_times_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let recordings = Recordings::new(folder.path());
        let keeping = (0..50).map(|number| {
            let recordings = recordings.clone();
            tokio::spawn(async move {
                recordings.keep("a", REQUEST, 200, [], format!("{{\"data\":{number}}}").as_bytes()).await
            })
        });
        for kept in keeping.collect::<Vec<_>>() {
            kept.await.unwrap().unwrap();
        }
        recordings.find("a", REQUEST).await.unwrap();
    }
}
