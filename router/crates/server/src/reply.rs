//! Makes HTTP responses, whose bodies are whole. Knows neither GraphQL nor who asked.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Response, StatusCode};

pub(crate) fn with_body(status: StatusCode, content_type: HeaderValue, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

pub(crate) fn empty(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

/// A file of a page; browsers shall take its type as it is said.
pub(crate) fn file(content_type: HeaderValue, cache: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = with_body(StatusCode::OK, content_type, body);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = with_body(status, HeaderValue::from_static("application/json"), body.into());
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

pub(crate) fn not_found(endpoint: &str) -> Response<Bytes> {
    let error = braid_graphql::error::GraphQLError::new("NOT_FOUND", format!("The GraphQL endpoint is at {endpoint}."));
    json(StatusCode::NOT_FOUND, braid_executor::refuse(&[error]))
}
