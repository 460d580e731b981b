//! What a plugin gives instead of going on. Knows no stage.

use braid_graphql::error::GraphQLError;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

/// What a client, or the executor in place of a subgraph's response, gets from a plugin that does not go on.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// The status.
    pub status: StatusCode,
    /// For log, metrics and the body, unless that is given.
    pub errors: Vec<GraphQLError>,
    /// Headers of the response.
    pub headers: HeaderMap,
    /// A JSON object as GraphQL responses are; if not given, it has the errors.
    pub body: Option<Bytes>,
}

impl Refused {
    /// One error.
    pub fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        let errors = vec![GraphQLError::new(code, message)];
        Self { status, errors, headers: HeaderMap::new(), body: None }
    }

    /// With a body of its own, whose errors are for log and metrics. Fails if the body is no object as GraphQL responses are.
    pub fn with_body(status: StatusCode, body: Bytes) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct Read {
            #[serde(default)]
            errors: Vec<GraphQLError>,
        }
        let Read { errors } = serde_json::from_slice(&body)?;
        Ok(Self { status, errors, headers: HeaderMap::new(), body: Some(body) })
    }

    /// The body.
    pub fn body(&self) -> Bytes {
        self.body.clone().unwrap_or_else(|| braid_executor::refuse(&self.errors))
    }
}
