//! One attempt at a request: a connection, the head of the response, its body, each within its time. Knows no retry and no metric.

use std::pin::pin;
use std::time::{Duration, Instant};

use braid_executor::{SubgraphError, SubgraphErrorKind, SubgraphRequest, SubgraphResponse};
use braid_net::receive::{self, BodyError};
use braid_net::{Client, UrlError, chain};
use braid_request_context::SubgraphContext;
use braid_request_context::headers::SubgraphHeaders;
use bytes::Bytes;
use http::header::{self, HeaderMap};
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use tokio::select;

use crate::Outcome;
use crate::config::Traffic;

/// A URL that requests are sent to.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) client: Client,
    pub(crate) first_byte_timeout: Duration,
    pub(crate) max_response_bytes: usize,
}

/// What one attempt brought.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) outcome: Outcome,
    /// Whether it says that the subgraph is in trouble: a response of 5xx, none in time, or no connection. A response that can't be used
    /// is an error, but no such failure.
    pub(crate) is_failure: bool,
}

impl Attempt {
    pub(crate) fn new(outcome: Outcome, status: Option<StatusCode>) -> Self {
        let is_failure = match (&outcome, status) {
            (_, Some(status)) if status.is_server_error() => true,
            (Err(error), status) => match error.kind {
                SubgraphErrorKind::Timeout => true,
                SubgraphErrorKind::Transport => !status.is_some_and(|status| status.is_client_error()),
                _ => false,
            },
            (Ok(_), _) => false,
        };
        Self { outcome, is_failure }
    }

    /// Whether there is nothing better to wait for.
    pub(crate) fn is_good(&self) -> bool {
        self.outcome.is_ok() && !self.is_failure
    }
}

impl Exchange {
    pub(crate) fn new(url: &str, traffic: &Traffic) -> Result<Self, UrlError> {
        Ok(Self {
            client: Client::new(url, &traffic.client)?,
            first_byte_timeout: traffic.first_byte_timeout,
            max_response_bytes: traffic.max_response_bytes,
        })
    }

    /// Sends the request once. The response must be there by `deadline`.
    pub(crate) async fn call(
        &self,
        request: &SubgraphRequest,
        headers: HeaderMap,
        context: &SubgraphContext,
        deadline: Instant,
    ) -> Attempt {
        let mut status = None;
        let outcome = self.exchange(request, headers, context, deadline, &mut status).await;
        Attempt::new(outcome, status)
    }

    /// Sets `status` as soon as there is one.
    async fn exchange(
        &self,
        request: &SubgraphRequest,
        headers: HeaderMap,
        context: &SubgraphContext,
        deadline: Instant,
        status: &mut Option<StatusCode>,
    ) -> Outcome {
        // One timer for all waits: setting it again costs next to nothing.
        let mut timer = pin!(tokio::time::sleep_until(deadline.into()));
        let _permit = match self.client.permits().acquire(request.deadline.unwrap_or(deadline)) {
            Ok(permit) => Some(permit),
            Err(waiting) => select! {
                biased;
                () = &mut timer => return Err(timeout("no connection became free in time")),
                permit = waiting => permit,
            },
        };
        let mut http = Request::new(Full::new(request.body.clone()));
        *http.method_mut() = Method::POST;
        *http.headers_mut() = headers;
        timer.as_mut().reset(deadline.min(Instant::now() + self.first_byte_timeout).into());
        let response = select! {
            biased;
            response = self.client.request(http) => response,
            () = &mut timer => return Err(timeout("the response did not start in time")),
        };
        let (parts, body) = response.map_err(|error| transport(chain(&error), true))?.into_parts();
        *status = Some(parts.status);
        check_head(&parts)?;
        timer.as_mut().reset(deadline.into());
        let body = select! {
            biased;
            body = receive::body(&parts, body, self.max_response_bytes) => body,
            () = &mut timer => return Err(timeout("the response did not end in time")),
        };
        let body = body.map_err(|error| body_error(&error))?;
        Ok(answered(request, context, parts, body))
    }
}

/// A response, with its headers if a rule looks at them.
pub(crate) fn answered(
    request: &SubgraphRequest,
    context: &SubgraphContext,
    parts: http::response::Parts,
    body: Bytes,
) -> SubgraphResponse<SubgraphHeaders> {
    let status = parts.status.as_u16();
    let meta = match context.reads_response_headers(request.subgraph) {
        true => SubgraphHeaders::new(parts.headers),
        false => SubgraphHeaders::default(),
    };
    SubgraphResponse::new(status, body, meta)
}

/// Refuses a response that can't be GraphQL before its body is read.
pub(crate) fn check_head(parts: &http::response::Parts) -> Result<(), SubgraphError> {
    let malformed = |message| SubgraphError { kind: SubgraphErrorKind::Malformed, message, retryable: false };
    if parts.status.is_redirection() {
        let message =
            format!("the response is a redirect ({}), which is not followed; correct the subgraph's URL", parts.status);
        return Err(malformed(message));
    }
    let content_type = parts.headers.get(header::CONTENT_TYPE).map_or("", |value| value.to_str().unwrap_or("?"));
    if content_type.is_empty() || is_json(content_type) {
        return Ok(());
    }
    if parts.status.is_success() {
        return Err(malformed(format!("the response has the content-type \"{content_type}\", not JSON")));
    }
    let again =
        matches!(parts.status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT);
    Err(transport(format!("the response is {} with the content-type \"{content_type}\"", parts.status), again))
}

pub(crate) fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json") || essence.to_ascii_lowercase().ends_with("+json")
}

pub(crate) fn body_error(error: &BodyError) -> SubgraphError {
    let kind = match error {
        BodyError::TooLarge(_) => SubgraphErrorKind::TooLarge,
        BodyError::UnknownEncoding(_) => SubgraphErrorKind::Malformed,
        BodyError::Incomplete(_) | BodyError::Corrupt(_) => SubgraphErrorKind::Transport,
    };
    SubgraphError { kind, message: chain(error), retryable: kind == SubgraphErrorKind::Transport }
}

pub(crate) fn transport(message: String, retryable: bool) -> SubgraphError {
    SubgraphError { kind: SubgraphErrorKind::Transport, message, retryable }
}

pub(crate) fn timeout(message: &str) -> SubgraphError {
    SubgraphError { kind: SubgraphErrorKind::Timeout, message: message.to_owned(), retryable: false }
}
