//! One subgraph: its connections, its header rules, and what a request to it may take. Knows no plan and no schema.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use braid_executor::{SubgraphError, SubgraphErrorKind, SubgraphRequest, SubgraphResponse};
use braid_graphql::OperationType;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use tokio::select;

use super::client::Client;
use super::config::Traffic;
use super::headers::{RequestPlan, ResponsePlan};
use super::receive::{self, BodyError};
use super::retry::RetryBudget;
use super::{AnswerHeaders, ClientContext};
use crate::counted::Counted;
use crate::telemetry::metrics::{Metrics, SubgraphMetrics};
use crate::telemetry::otlp::Span;

/// The client of one subgraph.
#[derive(Debug)]
pub(super) struct SubgraphClient {
    shared: Arc<Shared>,
    request_headers: RequestPlan,
    response_headers: ResponsePlan,
}

/// What outlives a change of header rules.
#[derive(Debug)]
struct Shared {
    name: String,
    url: String,
    traffic: Traffic,
    client: Client,
    base_headers: HeaderMap,
    budget: RetryBudget,
    under_way: AtomicUsize,
    failed_in_a_row: AtomicUsize,
    metrics: SubgraphMetrics,
}

/// How a subgraph is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubgraphState {
    /// Requests under way.
    pub under_way: usize,
    /// Requests without an answer since the last that had one.
    pub failed_in_a_row: usize,
}

impl SubgraphClient {
    pub(super) fn new(
        name: &str,
        url: &str,
        traffic: Traffic,
        (request_headers, response_headers): (RequestPlan, ResponsePlan),
        metrics: &Metrics,
    ) -> Result<Self, String> {
        let mut base_headers = HeaderMap::with_capacity(8);
        base_headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        base_headers.insert(header::ACCEPT, HeaderValue::from_static(ACCEPT));
        if traffic.compression {
            base_headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("br, gzip"));
        }
        let shared = Shared {
            name: name.to_owned(),
            url: url.to_owned(),
            client: Client::new(url, &traffic)?,
            base_headers,
            budget: RetryBudget::new(traffic.retry.clone()),
            under_way: AtomicUsize::new(0),
            failed_in_a_row: AtomicUsize::new(0),
            metrics: metrics.subgraph(name),
            traffic,
        };
        Ok(Self { shared: Arc::new(shared), request_headers, response_headers })
    }

    /// The same connections under other header rules.
    pub(super) fn with_headers(&self, (request_headers, response_headers): (RequestPlan, ResponsePlan)) -> Self {
        Self { shared: self.shared.clone(), request_headers, response_headers }
    }

    pub(super) fn is_for(&self, name: &str, url: &str, traffic: &Traffic) -> bool {
        self.shared.name == name && self.shared.url == url && self.shared.traffic == *traffic
    }

    pub(super) fn name(&self) -> &str {
        &self.shared.name
    }

    pub(super) fn reads_client_headers(&self) -> bool {
        !self.request_headers.is_empty()
    }

    pub(super) fn writes_client_headers(&self) -> bool {
        !self.response_headers.is_empty()
    }

    pub(super) fn deduplicates(&self) -> bool {
        self.shared.traffic.deduplicate
    }

    pub(super) fn merge_headers(&self, answer: &HeaderMap, out: &mut HeaderMap) {
        self.response_headers.apply(answer, out);
    }

    pub(super) fn state(&self) -> SubgraphState {
        SubgraphState {
            under_way: self.shared.under_way.load(Ordering::Relaxed),
            failed_in_a_row: self.shared.failed_in_a_row.load(Ordering::Relaxed),
        }
    }

    /// The headers that the subgraph gets because of rules: what distinguishes requests with equal bodies.
    pub(super) fn forwarded(&self, context: &ClientContext) -> HeaderMap {
        let mut headers = HeaderMap::new();
        self.request_headers.apply(context.headers(), &mut headers);
        headers
    }

    pub(super) async fn call(
        &self,
        request: SubgraphRequest,
        context: &ClientContext,
    ) -> Result<SubgraphResponse<AnswerHeaders>, SubgraphError> {
        let shared = &*self.shared;
        let _slot = shared.slot()?;
        let mut span = context.trace().map(|trace| trace.fetch(&shared.name));
        let started = Instant::now();
        // The client's own deadline ends this by dropping it: that is no failure of the subgraph.
        let deadline = started + shared.traffic.timeout;
        let useful_until = request.deadline.map_or(deadline, |client| client.min(deadline));
        shared.budget.earn();
        let mut attempt = 0;
        let result = loop {
            let headers = self.headers(context, span.as_ref());
            let result = self.attempt(&request.body, headers, request.deadline.unwrap_or(deadline), deadline).await;
            attempt += 1;
            let again = request.kind == OperationType::Query && wants_again(&result) && shared.budget.spend(attempt);
            let pause = shared.budget.pause(attempt);
            if !again || Instant::now() + pause >= useful_until {
                break result;
            }
            shared.metrics.retries.inc();
            tokio::time::sleep(pause).await;
        };
        shared.note(&result, started.elapsed());
        if let Some(span) = span.as_mut().filter(|span| span.is_recorded()) {
            describe(span, &result, attempt);
        }
        result
    }

    fn headers(&self, context: &ClientContext, span: Option<&Span>) -> HeaderMap {
        let mut headers = self.shared.base_headers.clone();
        self.request_headers.apply(context.headers(), &mut headers);
        if let Some(span) = span {
            span.context().write(&mut headers);
        }
        headers
    }

    async fn attempt(
        &self,
        body: &Bytes,
        headers: HeaderMap,
        order: Instant,
        deadline: Instant,
    ) -> Result<SubgraphResponse<AnswerHeaders>, SubgraphError> {
        let shared = &*self.shared;
        // One timer for all waits: setting it again costs nearly nothing.
        let mut timer = pin!(tokio::time::sleep_until(deadline.into()));
        let _place = match shared.client.line().enter(order) {
            Ok(place) => Some(place),
            Err(waiting) => select! {
                biased;
                () = &mut timer => return Err(timeout("none of the connections to it came free in time")),
                place = waiting => place,
            },
        };
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = Method::POST;
        *request.headers_mut() = headers;
        timer.as_mut().reset(deadline.min(Instant::now() + shared.traffic.first_byte_timeout).into());
        let response = select! {
            biased;
            response = shared.client.request(request) => response,
            () = &mut timer => return Err(timeout("it did not begin to answer in time")),
        };
        let (parts, body) = response.map_err(|error| transport(receive::reason(&error), true))?.into_parts();
        check_head(&parts)?;
        timer.as_mut().reset(deadline.into());
        let body = select! {
            biased;
            body = receive::body(&parts, body, shared.traffic.max_response_bytes) => body,
            () = &mut timer => return Err(timeout("it did not end its answer in time")),
        };
        let body = body.map_err(|error| body_error(&error))?;
        let meta = self.writes_client_headers().then(|| Arc::new(parts.headers));
        Ok(SubgraphResponse { status: parts.status.as_u16(), body, meta })
    }
}

/// The subgraph may answer in either form; errors that refuse the whole request have a status only in the first.
const ACCEPT: &str = "application/graphql-response+json, application/json;q=0.9";

impl Shared {
    fn slot(&self) -> Result<Counted<'_>, SubgraphError> {
        let most = self.traffic.max_concurrent_requests;
        Counted::add(&self.under_way, most).ok_or_else(|| {
            self.metrics.failed(SubgraphErrorKind::Overloaded);
            let message = format!("{most} requests to it are under way already");
            SubgraphError { kind: SubgraphErrorKind::Overloaded, message, retryable: false }
        })
    }

    fn note<M>(&self, result: &Result<SubgraphResponse<M>, SubgraphError>, took: Duration) {
        self.metrics.took(took);
        match result {
            Ok(_) => self.failed_in_a_row.store(0, Ordering::Relaxed),
            Err(error) => {
                self.failed_in_a_row.fetch_add(1, Ordering::Relaxed);
                self.metrics.failed(error.kind);
                tracing::warn!(
                    subgraph = self.name,
                    kind = error.kind.code(),
                    error = error.message,
                    "A subgraph did not answer"
                );
            }
        }
    }
}

fn describe<M>(span: &mut Span, result: &Result<SubgraphResponse<M>, SubgraphError>, attempts: u32) {
    if attempts > 1 {
        span.set("http.request.resend_count", i64::from(attempts - 1));
    }
    match result {
        Ok(response) => {
            span.set("http.response.status_code", i64::from(response.status));
            span.set("http.response.body.size", response.body.len() as i64);
        }
        Err(error) => span.fail(error.kind.code()),
    }
}

fn wants_again<M>(result: &Result<SubgraphResponse<M>, SubgraphError>) -> bool {
    match result {
        Ok(response) => matches!(response.status, 502..=504),
        Err(error) => error.retryable,
    }
}

/// Refuses what can't be a GraphQL answer before its body is read.
fn check_head(parts: &http::response::Parts) -> Result<(), SubgraphError> {
    let malformed = |message| SubgraphError { kind: SubgraphErrorKind::Malformed, message, retryable: false };
    if parts.status.is_redirection() {
        return Err(malformed(format!("it redirects ({}), which is not followed; correct its address", parts.status)));
    }
    let content_type = parts.headers.get(header::CONTENT_TYPE).map_or("", |value| value.to_str().unwrap_or("?"));
    if content_type.is_empty() || is_json(content_type) {
        return Ok(());
    }
    if parts.status.is_success() {
        return Err(malformed(format!("it answered with \"{content_type}\" instead of JSON")));
    }
    let again =
        matches!(parts.status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT);
    Err(transport(format!("it answered {} with \"{content_type}\"", parts.status), again))
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json") || essence.to_ascii_lowercase().ends_with("+json")
}

fn body_error(error: &BodyError) -> SubgraphError {
    let kind = match error {
        BodyError::TooLarge(_) => SubgraphErrorKind::TooLarge,
        BodyError::UnknownEncoding(_) => SubgraphErrorKind::Malformed,
        BodyError::Broken(_) => SubgraphErrorKind::Transport,
    };
    SubgraphError { kind, message: error.to_string(), retryable: kind == SubgraphErrorKind::Transport }
}

pub(super) fn transport(message: String, retryable: bool) -> SubgraphError {
    SubgraphError { kind: SubgraphErrorKind::Transport, message, retryable }
}

fn timeout(message: &str) -> SubgraphError {
    SubgraphError { kind: SubgraphErrorKind::Timeout, message: message.to_owned(), retryable: false }
}
