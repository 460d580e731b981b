//! Asks a running subgraph for its schema (`_service { sdl }`). Knows no configuration.

use std::time::Duration;

use braid_net::config::TlsClientConfig;
use braid_net::{Endpoint, EndpointError, UrlError};
use bytes::Bytes;
use http::StatusCode;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use indexmap::IndexMap;
use serde::Deserialize;

/// Why a subgraph did not give its schema.
#[derive(Debug, thiserror::Error)]
pub enum IntrospectError {
    /// Its URL or certificates can't be used.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// A header can't be sent.
    #[error("introspection_headers has \"{0}\", which can't be sent")]
    Header(String),
    /// It could not be reached.
    #[error(transparent)]
    Unreachable(#[from] EndpointError),
    /// Its response is not GraphQL.
    #[error("the response ({status}) is not JSON of a GraphQL response")]
    NotGraphQL {
        /// The HTTP status.
        status: StatusCode,
        /// The cause.
        source: serde_json::Error,
    },
    /// It refused the query.
    #[error("the response ({status}) has an error instead of a schema: {message}")]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// The message of its first error.
        message: String,
    },
    /// Its response has no schema.
    #[error("the response ({status}) has no schema; is it a federated subgraph?")]
    NoSchema {
        /// The HTTP status.
        status: StatusCode,
    },
}

const BODY: &str = r#"{"query":"query SubgraphSdl { _service { sdl } }","operationName":"SubgraphSdl"}"#;
/// A schema larger than this is a mistake.
const MAX_BYTES: usize = 32 << 20;
const TIMEOUT: Duration = Duration::from_secs(10);
/// The pauses before further attempts, in milliseconds: subgraphs that start together with the router are not ready at once.
const PAUSES: [u64; 4] = [100, 300, 700, 1500];

/// The SDL of the subgraph at `url`. Certificates are read each time.
pub(super) async fn sdl(
    url: &str,
    headers: &IndexMap<String, String>,
    tls: &TlsClientConfig,
) -> Result<String, IntrospectError> {
    let headers = header_map(headers)?;
    let endpoint = Endpoint::new(url, tls, MAX_BYTES, TIMEOUT)?;
    let mut pauses = PAUSES.iter();
    let (status, body) = loop {
        match endpoint.post(headers.clone(), Bytes::from_static(BODY.as_bytes())).await {
            Ok(response) => break response,
            Err(error) => match pauses.next() {
                Some(pause) => tokio::time::sleep(Duration::from_millis(*pause)).await,
                None => return Err(error.into()),
            },
        }
    };
    read(status, &body)
}

fn header_map(headers: &IndexMap<String, String>) -> Result<HeaderMap, IntrospectError> {
    let mut map = HeaderMap::new();
    map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    map.insert(ACCEPT, HeaderValue::from_static("application/json"));
    for (name, value) in headers {
        let pair = (name.parse::<HeaderName>(), value.parse::<HeaderValue>());
        let (Ok(parsed), Ok(value)) = pair else { return Err(IntrospectError::Header(name.clone())) };
        map.insert(parsed, value);
    }
    Ok(map)
}

fn read(status: StatusCode, body: &[u8]) -> Result<String, IntrospectError> {
    #[derive(Deserialize)]
    struct Response {
        data: Option<Data>,
        #[serde(default)]
        errors: Vec<ErrorMessage>,
    }
    #[derive(Deserialize)]
    struct Data {
        #[serde(rename = "_service")]
        service: Option<Service>,
    }
    #[derive(Deserialize)]
    struct Service {
        sdl: Option<String>,
    }
    #[derive(Deserialize)]
    struct ErrorMessage {
        message: String,
    }
    let response: Response =
        serde_json::from_slice(body).map_err(|source| IntrospectError::NotGraphQL { status, source })?;
    let sdl = response.data.and_then(|data| data.service).and_then(|service| service.sdl);
    match (sdl, response.errors.into_iter().next()) {
        (Some(sdl), _) => Ok(sdl),
        (None, Some(error)) => Err(IntrospectError::Refused { status, message: error.message }),
        (None, None) => Err(IntrospectError::NoSchema { status }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses() {
        let read = |body: &[u8]| super::read(StatusCode::OK, body);
        assert_eq!(read(br#"{"data":{"_service":{"sdl":"type Query"}}}"#).unwrap(), "type Query");
        let no_field = br#"{"errors":[{"message":"Unknown field _service"}]}"#;
        assert!(read(no_field).unwrap_err().to_string().contains("Unknown field"));
        assert!(matches!(read(br#"{"data":{"_service":null}}"#), Err(IntrospectError::NoSchema { .. })));
        assert!(matches!(read(b"<html>"), Err(IntrospectError::NotGraphQL { .. })));
    }
}
