//! Requests with files: the GraphQL multipart request specification, as a client of it
//! (<https://github.com/jaydenseric/graphql-multipart-request-spec>). Knows no circuit and no metric.

use std::time::Instant;

use braid_executor::{SubgraphError, SubgraphErrorKind, SubgraphRequest};
use braid_net::{ConnectError, StreamBody, chain, receive};
use braid_request_context::SubgraphContext;
use braid_request_context::uploads::{FilePiece, UploadedFile, Uploads};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, Stream};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, Request};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody as Frames};
use serde_json::{Map, Value};

use crate::Outcome;
use crate::exchange::{Attempt, Exchange, answered, body_error, check_head, timeout, transport};
use crate::secret::secret;

/// A request with files, ready to be sent once.
pub(crate) struct Upload {
    boundary: String,
    operations: Vec<u8>,
    map: Vec<u8>,
    files: Vec<UploadedFile>,
}

impl Upload {
    /// A request as it is sent if files are in its variables; none if not.
    pub(crate) fn of(request: &SubgraphRequest, context: &SubgraphContext) -> Result<Option<Self>, SubgraphError> {
        let Some(uploads) = context.uploads().filter(|uploads| uploads.are_in(&request.body)) else { return Ok(None) };
        let mut operations: Value =
            serde_json::from_slice(&request.body).map_err(|error| unsendable(error.to_string()))?;
        let mut places = Vec::new();
        if let Some(variables) = operations.get_mut("variables") {
            find(variables, uploads, "variables", &mut places);
        }
        places.sort_unstable();
        let (mut map, mut files) = (Map::new(), Vec::new());
        for (number, path) in places {
            let key = number.to_string();
            match map.get_mut(&key).and_then(Value::as_array_mut) {
                Some(paths) => paths.push(path.into()),
                None => {
                    files.push(uploads.take(number).map_err(|error| unsendable(error.to_string()))?);
                    map.insert(key, Value::Array(vec![path.into()]));
                }
            }
        }
        Ok(Some(Self {
            // A file with the boundary in it could add parts of its own, such as another operation.
            boundary: format!("braid-{}", secret()?),
            operations: operations.to_string().into_bytes(),
            map: Value::Object(map).to_string().into_bytes(),
            files,
        }))
    }

    /// The body, and its content type.
    fn into_body(self) -> (StreamBody, Result<HeaderValue, http::header::InvalidHeaderValue>) {
        let Self { boundary, operations, map, files } = self;
        let content_type = HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}"));
        let field = |name: &str, value: Vec<u8>| {
            let head = format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n");
            Bytes::from([head.as_bytes(), &value, b"\r\n"].concat())
        };
        let head = [Ok(field("operations", operations)), Ok(field("map", map))];
        let end = Bytes::from(format!("--{boundary}--\r\n"));
        let numbers: Vec<String> = (0..files.len()).map(|number| number.to_string()).collect();
        let files: Vec<_> =
            files.into_iter().zip(numbers).map(|(file, number)| written(file, number, boundary.clone())).collect();
        let all = stream::iter(head).chain(stream::iter(files).flatten()).chain(stream::iter([Ok(end)]));
        (BodyExt::boxed_unsync(Frames::new(all.map(|bytes| bytes.map(Frame::data)))), content_type)
    }
}

/// Replaces markers by null, as the specification has it, and says where they were. Recursive as deep as JSON is parsed.
fn find(value: &mut Value, uploads: &Uploads, path: &str, places: &mut Vec<(usize, String)>) {
    match value {
        Value::String(text) => {
            if let Some(number) = uploads.number(text) {
                places.push((number, path.to_owned()));
                *value = Value::Null;
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                find(item, uploads, &format!("{path}.{at}"), places);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                find(member, uploads, &format!("{path}.{name}"), places);
            }
        }
        _ => {}
    }
}

/// A file as a part, read as it comes.
fn written(file: UploadedFile, name: String, boundary: String) -> impl Stream<Item = Result<Bytes, ConnectError>> {
    stream::unfold(Some(file), move |file| {
        let (name, boundary) = (name.clone(), boundary.clone());
        async move {
            let mut file = file?;
            Some(match file.recv().await {
                Some(FilePiece::Head { name: file_name, content_type }) => {
                    let head = part_head(&boundary, &name, file_name.as_deref(), content_type.as_deref());
                    (Ok(head), Some(file))
                }
                Some(FilePiece::Data(bytes)) => (Ok(bytes), Some(file)),
                Some(FilePiece::End) => (Ok(Bytes::from_static(b"\r\n")), None),
                None => (Err("the client cut a file off".into()), None),
            })
        }
    })
}

/// The names come from the client, so what could end a header is left out.
fn part_head(boundary: &str, name: &str, file_name: Option<&str>, content_type: Option<&str>) -> Bytes {
    let plain = |text: &str| text.chars().filter(|c| !c.is_control() && *c != '"').collect::<String>();
    let file_name = plain(file_name.unwrap_or("file"));
    let content_type = plain(content_type.unwrap_or("application/octet-stream"));
    Bytes::from(format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"{file_name}\"\r\ncontent-type: {content_type}\r\n\r\n"
    ))
}

fn unsendable(message: String) -> SubgraphError {
    SubgraphError { kind: SubgraphErrorKind::Malformed, message, retryable: false }
}

impl Exchange {
    /// Sends a request with files. The response must be there by `deadline`.
    pub(crate) async fn upload(
        &self,
        request: &SubgraphRequest,
        upload: Upload,
        headers: HeaderMap,
        context: &SubgraphContext,
        deadline: Instant,
    ) -> Attempt {
        let mut status = None;
        let exchanging = self.exchange_files(request, upload, headers, context, &mut status);
        let outcome = tokio::time::timeout_at(deadline.into(), exchanging).await;
        let outcome = outcome.unwrap_or_else(|_| Err(timeout("the response did not come in time")));
        Attempt::new(outcome, status)
    }

    async fn exchange_files(
        &self,
        request: &SubgraphRequest,
        upload: Upload,
        headers: HeaderMap,
        context: &SubgraphContext,
        status: &mut Option<http::StatusCode>,
    ) -> Outcome {
        let (body, content_type) = upload.into_body();
        let mut http = Request::new(body);
        *http.method_mut() = Method::POST;
        *http.headers_mut() = headers;
        http.headers_mut().insert(CONTENT_TYPE, content_type.map_err(|error| unsendable(error.to_string()))?);
        let response = self.client.request_streaming(http).await;
        let (parts, body) = response.map_err(|error| transport(chain(&error), false))?.into_parts();
        *status = Some(parts.status);
        check_head(&parts)?;
        let body = receive::body(&parts, body, self.max_response_bytes).await.map_err(|error| body_error(&error))?;
        Ok(answered(request, context, parts, body))
    }
}
