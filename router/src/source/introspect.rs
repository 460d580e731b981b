//! Asks a running subgraph for its schema (`_service { sdl }`). Knows no configuration.

use std::time::Duration;

use braid_net::Endpoint;
use braid_net::config::TlsClientConfig;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use indexmap::IndexMap;
use serde::Deserialize;

/// Why a subgraph did not say its schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntrospectError {
    /// It could not be asked.
    #[error("{0}")]
    Unreachable(String),
    /// It answered something else.
    #[error("{0}")]
    Answer(String),
}

const BODY: &str = r#"{"query":"query SubgraphSdl { _service { sdl } }","operationName":"SubgraphSdl"}"#;
/// A schema larger than this is a mistake.
const MAX_BYTES: usize = 32 << 20;
const TIMEOUT: Duration = Duration::from_secs(10);
/// Subgraphs that start together with the router are not there at once.
const PAUSES: [u64; 4] = [100, 300, 700, 1500];

/// The SDL of the subgraph at `url`.
pub(super) async fn sdl(
    url: &str,
    headers: &IndexMap<String, String>,
    tls: &TlsClientConfig,
) -> Result<String, IntrospectError> {
    let mut pauses = PAUSES.iter();
    loop {
        match ask(url, headers, tls).await {
            Err(IntrospectError::Unreachable(reason)) => match pauses.next() {
                Some(pause) => tokio::time::sleep(Duration::from_millis(*pause)).await,
                None => return Err(IntrospectError::Unreachable(reason)),
            },
            outcome => return outcome,
        }
    }
}

async fn ask(url: &str, headers: &IndexMap<String, String>, tls: &TlsClientConfig) -> Result<String, IntrospectError> {
    let mut map = HeaderMap::new();
    map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    map.insert(ACCEPT, HeaderValue::from_static("application/json"));
    for (name, value) in headers {
        let pair = (name.parse::<HeaderName>(), value.parse::<HeaderValue>());
        let (Ok(name), Ok(value)) = pair else {
            return Err(IntrospectError::Answer(format!("the header \"{name}\" can't be sent")));
        };
        map.insert(name, value);
    }
    let endpoint = Endpoint::new(url, tls, MAX_BYTES, TIMEOUT).map_err(IntrospectError::Unreachable)?;
    let asked = endpoint.post(map, Bytes::from_static(BODY.as_bytes())).await;
    let (status, body) = asked.map_err(IntrospectError::Unreachable)?;
    read(&body).map_err(|problem| IntrospectError::Answer(format!("it answered {status}, but {problem}")))
}

fn read(body: &[u8]) -> Result<String, String> {
    #[derive(Deserialize)]
    struct Answer {
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
    let answer: Answer = serde_json::from_slice(body).map_err(|error| format!("not with GraphQL JSON ({error})"))?;
    let sdl = answer.data.and_then(|data| data.service).and_then(|service| service.sdl);
    match (sdl, answer.errors.first()) {
        (Some(sdl), _) => Ok(sdl),
        (None, Some(error)) => Err(format!("without a schema: {}", error.message)),
        (None, None) => Err("without a schema: is it a federated subgraph?".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn answers() {
        assert_eq!(read(br#"{"data":{"_service":{"sdl":"type Query"}}}"#).unwrap(), "type Query");
        let no_field = br#"{"errors":[{"message":"Unknown field _service"}]}"#;
        assert!(read(no_field).unwrap_err().contains("Unknown field"));
        assert!(read(br#"{"data":{"_service":null}}"#).unwrap_err().contains("federated"));
        assert!(read(b"<html>").unwrap_err().contains("not with GraphQL JSON"));
    }
}
