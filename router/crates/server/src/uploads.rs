//! Requests with files: the GraphQL multipart request specification
//! (<https://github.com/jaydenseric/graphql-multipart-request-spec>). Files are read when a subgraph takes them. Knows no subgraph.

use std::time::Duration;

use braid_gateway::refusal::Refusal;
use braid_request_context::uploads::{FilePiece, FileSender, Uploads};
use bytes::Bytes;
use futures_util::StreamExt;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyDataStream;
use indexmap::IndexMap;
use multer::{Constraints, Field, Multipart, SizeLimit};
use serde_json::Value;

use crate::config::UploadsConfig;

/// A request with files: all but the files has been read.
pub(crate) struct Uploading {
    /// The request as JSON, with markers where files are.
    pub(crate) operations: Vec<u8>,
    /// The files.
    pub(crate) uploads: Uploads,
    rest: Files,
}

/// The files that come after it.
pub(crate) struct Files {
    parts: Multipart<'static>,
    /// By the name of the part.
    senders: IndexMap<String, FileSender>,
}

/// The connection broke.
#[derive(Debug, thiserror::Error)]
#[error("the connection broke")]
struct Broken;

/// The largest `map`.
const MAX_MAP: usize = 64 << 10;

impl Uploading {
    /// Reads what comes before the files.
    pub(crate) async fn begin<B>(
        headers: &HeaderMap,
        body: B,
        config: &UploadsConfig,
        max_operations: usize,
        time: Duration,
    ) -> Result<Self, Refusal>
    where
        B: hyper::body::Body<Data = Bytes> + Unpin + Send + 'static,
    {
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let boundary = multer::parse_boundary(content_type).map_err(|error| malformed(error.to_string()))?;
        let sizes = SizeLimit::new()
            .whole_stream((config.max_total_bytes.0 + max_operations + MAX_MAP) as u64)
            .per_field(config.max_file_bytes.0 as u64)
            .for_field("operations", max_operations as u64)
            .for_field("map", MAX_MAP as u64);
        let bytes = BodyDataStream::new(body).map(|bytes| bytes.map_err(|_| Broken));
        let mut parts = Multipart::with_constraints(bytes, boundary, Constraints::new().size_limit(sizes));
        let head = async {
            let operations = field(&mut parts, "operations").await?;
            let map = field(&mut parts, "map").await?;
            Ok::<_, Refusal>((operations, map))
        };
        let (operations, map) = tokio::time::timeout(time, head).await.map_err(|_| {
            let message = "The body of the request did not come in time.";
            Refusal::fixed(StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT", message)
        })??;
        let mut operations: Value = serde_json::from_slice(&operations)
            .map_err(|error| malformed(format!("the part \"operations\" is not JSON: {error}")))?;
        if operations.is_array() {
            return Err(malformed("a batch can't have files; send each operation in a request of its own".to_owned()));
        }
        let map: IndexMap<String, Vec<String>> = serde_json::from_slice(&map)
            .map_err(|error| malformed(format!("the part \"map\" is not an object of lists of paths: {error}")))?;
        if map.len() > config.max_files {
            let message = format!("A request may have {} files, this one has {}.", config.max_files, map.len());
            return Err(Refusal::fixed(StatusCode::PAYLOAD_TOO_LARGE, "UPLOADS_LIMIT_EXCEEDED", message));
        }
        let (uploads, senders) = Uploads::new(map.len());
        for (number, (name, paths)) in map.iter().enumerate() {
            for path in paths {
                let place = place(&mut operations, path).filter(|place| place.is_null());
                let problem = || {
                    malformed(format!(
                        "the file \"{name}\" belongs to \"{path}\", which is not a null in the variables"
                    ))
                };
                *place.ok_or_else(problem)? = uploads.marker(number).into();
            }
        }
        let senders = map.into_keys().zip(senders).collect();
        Ok(Self { operations: operations.to_string().into_bytes(), uploads, rest: Files { parts, senders } })
    }

    /// Takes it apart.
    pub(crate) fn split(self) -> (Vec<u8>, Uploads, Files) {
        (self.operations, self.uploads, self.rest)
    }
}

impl Files {
    /// Reads the files as they are taken, to the end of the request.
    pub(crate) async fn pass_on(mut self) -> Result<(), Refusal> {
        while let Some(mut part) = self.parts.next_field().await.map_err(refusal)? {
            let sender = part.name().and_then(|name| self.senders.shift_remove(name));
            let Some(sender) = sender else {
                let name = part.name().unwrap_or_default();
                return Err(malformed(format!("the part \"{name}\" is not in the map, or came before")));
            };
            let head = FilePiece::Head {
                name: part.file_name().map(str::to_owned),
                content_type: part.content_type().map(ToString::to_string),
            };
            // A file that nobody takes any more is read past.
            let mut is_taken = sender.send(head).await.is_ok();
            while let Some(bytes) = part.chunk().await.map_err(refusal)? {
                is_taken = is_taken && sender.send(FilePiece::Data(bytes)).await.is_ok();
            }
            if is_taken {
                // As above.
                let _ = sender.send(FilePiece::End).await;
            }
        }
        match self.senders.keys().next() {
            None => Ok(()),
            Some(name) => Err(malformed(format!("the file \"{name}\" is missing"))),
        }
    }
}

/// The refusal of a request with files where they are not accepted.
pub(crate) fn not_enabled() -> Refusal {
    let message = "Files are not accepted (server.uploads).";
    Refusal::fixed(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UPLOADS_NOT_ENABLED", message)
}

/// The next part, which must have this name.
async fn field(parts: &mut Multipart<'static>, name: &str) -> Result<Bytes, Refusal> {
    let part = parts.next_field().await.map_err(refusal)?.filter(|part: &Field<'_>| part.name() == Some(name));
    let part = part.ok_or_else(|| malformed(format!("the part \"{name}\" must come first: operations, map, files")))?;
    part.bytes().await.map_err(refusal)
}

/// `variables.files.0` in the request.
fn place<'a>(operations: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    let path = path.strip_prefix("variables.")?;
    path.split('.').try_fold(operations.get_mut("variables")?, |value, segment| match value {
        Value::Object(members) => members.get_mut(segment),
        Value::Array(items) => items.get_mut(segment.parse::<usize>().ok()?),
        _ => None,
    })
}

fn refusal(error: multer::Error) -> Refusal {
    match error {
        multer::Error::FieldSizeExceeded { limit, field_name } => {
            let name = field_name.unwrap_or_default();
            let message = format!("The part \"{name}\" is larger than {limit} bytes.");
            Refusal::fixed(StatusCode::PAYLOAD_TOO_LARGE, "UPLOADS_LIMIT_EXCEEDED", message)
        }
        multer::Error::StreamSizeExceeded { limit } => {
            let message = format!("The files are together larger than {limit} bytes.");
            Refusal::fixed(StatusCode::PAYLOAD_TOO_LARGE, "UPLOADS_LIMIT_EXCEEDED", message)
        }
        other => malformed(other.to_string()),
    }
}

fn malformed(problem: String) -> Refusal {
    let message = format!("The request with files can't be read: {problem}.");
    Refusal::fixed(StatusCode::BAD_REQUEST, "INVALID_GRAPHQL_REQUEST", message)
}
