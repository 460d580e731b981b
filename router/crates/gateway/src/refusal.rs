//! A request that is not executed: its errors and the status that goes with them. Knows no HTTP connection.

use braid_graphql::error::GraphQLError;
use braid_rate_limit::Refused;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};

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
    /// What a plugin gives as the response.
    pub given: Option<Box<GivenResponse>>,
}

/// What a plugin gives as the response to a request that it refuses.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenResponse {
    /// Headers.
    pub headers: HeaderMap,
    /// The body, unless it is that of the errors.
    pub body: Option<Bytes>,
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
        Self { status: RefusalStatus::Request, errors, challenge: None, given: None }
    }

    /// One error with its status.
    pub fn fixed(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        let errors = vec![GraphQLError::new(code, message)];
        Self { status: RefusalStatus::Fixed(status), errors, challenge: None, given: None }
    }

    /// The body: there is no `data`, since nothing was executed.
    pub fn body(&self) -> Bytes {
        let given = self.given.as_ref().and_then(|given| given.body.clone());
        given.unwrap_or_else(|| braid_executor::refuse(&self.errors))
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
