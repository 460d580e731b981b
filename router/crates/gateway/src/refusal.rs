//! A request that is not executed: its errors and the status that goes with them. Knows no HTTP connection.

use braid_graphql::error::GraphQLError;
use braid_rate_limit::Refused;
use bytes::Bytes;
use http::{HeaderValue, StatusCode};

/// The time for a client's request is over: an error instead of an answer, also where parts of one are there.
pub(crate) const TIMEOUT: &str = "GATEWAY_TIMEOUT";

/// Why a request is not executed.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The status.
    pub status: RefusalStatus,
    /// At least one error.
    pub errors: Vec<GraphQLError>,
    /// What `WWW-Authenticate` says, where credentials are missing or invalid.
    pub challenge: Option<HeaderValue>,
}

/// The status of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalStatus {
    /// A well-formed request for something that can't be had: 400, or 200 for clients that take `application/json` only
    /// (<https://graphql.github.io/graphql-over-http/draft/#sec-Status-Codes>).
    Request,
    /// The same whatever the client takes.
    Fixed(StatusCode),
}

impl Refusal {
    /// Errors of the GraphQL request itself.
    pub fn request(errors: Vec<GraphQLError>) -> Self {
        Self { status: RefusalStatus::Request, errors, challenge: None }
    }

    /// One error with its status.
    pub fn fixed(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self { status: RefusalStatus::Fixed(status), errors: vec![GraphQLError::new(code, message)], challenge: None }
    }

    /// The body: there is no `data`, since nothing was executed.
    pub fn body(&self) -> Bytes {
        braid_executor::refuse(&self.errors)
    }
}

/// When to come again is said by the limits themselves, in headers of the response.
impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Self::fixed(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", refused.to_string())
    }
}

impl From<GraphQLError> for Refusal {
    fn from(error: GraphQLError) -> Self {
        Self::request(vec![error])
    }
}
