//! One subgraph: its connections, its header rules, and what a request to it may take. Knows no plan and no schema.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use braid_executor::{SubgraphError, SubgraphErrorKind, SubgraphRequest, SubgraphResponse, SubgraphState};
use braid_graphql::OperationType;
use braid_net::receive::{self, BodyError};
use braid_net::tls::Fingerprint;
use braid_net::{Client, Counted};
use braid_request_context::SubgraphContext;
use braid_request_context::headers::SubgraphHeaders;
use braid_supergraph::SubgraphId;
use braid_telemetry::metrics::{Metrics, SubgraphMetrics};
use braid_telemetry::otlp::Span;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use tokio::select;

use crate::config::Traffic;
use crate::retry::RetryBudget;

/// The client of one subgraph.
#[derive(Debug)]
pub(crate) struct SubgraphClient {
    name: String,
    url: String,
    traffic: Traffic,
    certificates: Fingerprint,
    client: Client,
    base_headers: HeaderMap,
    budget: RetryBudget,
    under_way: AtomicUsize,
    failed_in_a_row: AtomicUsize,
    metrics: SubgraphMetrics,
}

impl SubgraphClient {
    pub(crate) fn new(name: &str, url: &str, traffic: Traffic, metrics: &Metrics) -> Result<Self, String> {
        let mut base_headers = HeaderMap::with_capacity(8);
        base_headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        base_headers.insert(header::ACCEPT, HeaderValue::from_static(ACCEPT));
        if traffic.compression {
            base_headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("br, gzip"));
        }
        Ok(Self {
            name: name.to_owned(),
            url: url.to_owned(),
            certificates: Fingerprint::of(traffic.client.tls.files()),
            client: Client::new(url, &traffic.client)?,
            base_headers,
            budget: RetryBudget::new(traffic.retry.clone()),
            under_way: AtomicUsize::new(0),
            failed_in_a_row: AtomicUsize::new(0),
            metrics: metrics.subgraph(name, SubgraphErrorKind::ALL.map(SubgraphErrorKind::code)),
            traffic,
        })
    }

    /// Whether a new client would be the same, also in the content of its certificates.
    pub(crate) fn is_for(&self, name: &str, url: &str, traffic: &Traffic) -> bool {
        let is_same = self.name == name && self.url == url && self.traffic == *traffic;
        is_same && self.certificates == Fingerprint::of(traffic.client.tls.files())
    }

    pub(crate) fn deduplicates(&self) -> bool {
        self.traffic.deduplicate
    }

    pub(crate) fn state(&self) -> SubgraphState {
        SubgraphState {
            under_way: self.under_way.load(Ordering::Relaxed),
            failed_in_a_row: self.failed_in_a_row.load(Ordering::Relaxed),
        }
    }

    pub(crate) async fn call(
        &self,
        request: SubgraphRequest,
        context: &SubgraphContext,
    ) -> Result<SubgraphResponse<SubgraphHeaders>, SubgraphError> {
        let _slot = self.slot()?;
        let mut span = context.trace().map(|trace| trace.fetch(&self.name));
        let started = Instant::now();
        // The client's own deadline ends this by dropping it: that is no failure of the subgraph.
        let deadline = started + self.traffic.timeout;
        let useful_until = request.deadline.map_or(deadline, |client| client.min(deadline));
        self.budget.earn();
        let mut attempt = 0;
        let result = loop {
            let headers = self.headers(request.subgraph, context, span.as_ref());
            let result = self.attempt(&request, headers, context, deadline).await;
            attempt += 1;
            let again = request.kind == OperationType::Query && wants_again(&result) && self.budget.spend(attempt);
            let pause = self.budget.pause(attempt);
            if !again || Instant::now() + pause >= useful_until {
                break result;
            }
            self.metrics.retries.inc();
            tokio::time::sleep(pause).await;
        };
        self.note(&result, started.elapsed());
        if let Some(span) = span.as_mut().filter(|span| span.is_recorded()) {
            describe(span, &result, attempt);
        }
        result
    }

    fn headers(&self, subgraph: SubgraphId, context: &SubgraphContext, span: Option<&Span>) -> HeaderMap {
        let mut headers = self.base_headers.clone();
        if let Some(forwarded) = context.headers(subgraph) {
            // No rule can set what is there already.
            for (name, value) in forwarded {
                headers.append(name.clone(), value.clone());
            }
        }
        if let Some(span) = span {
            span.context().write(&mut headers);
        }
        headers
    }

    async fn attempt(
        &self,
        request: &SubgraphRequest,
        headers: HeaderMap,
        context: &SubgraphContext,
        deadline: Instant,
    ) -> Result<SubgraphResponse<SubgraphHeaders>, SubgraphError> {
        // One timer for all waits: setting it again costs nearly nothing.
        let mut timer = pin!(tokio::time::sleep_until(deadline.into()));
        let _permit = match self.client.permits().acquire(request.deadline.unwrap_or(deadline)) {
            Ok(permit) => Some(permit),
            Err(waiting) => select! {
                biased;
                () = &mut timer => return Err(timeout("none of the connections to it came free in time")),
                permit = waiting => permit,
            },
        };
        let mut http = Request::new(Full::new(request.body.clone()));
        *http.method_mut() = Method::POST;
        *http.headers_mut() = headers;
        timer.as_mut().reset(deadline.min(Instant::now() + self.traffic.first_byte_timeout).into());
        let response = select! {
            biased;
            response = self.client.request(http) => response,
            () = &mut timer => return Err(timeout("it did not begin to answer in time")),
        };
        let (parts, body) = response.map_err(|error| transport(receive::reason(&error), true))?.into_parts();
        check_head(&parts)?;
        timer.as_mut().reset(deadline.into());
        let body = select! {
            biased;
            body = receive::body(&parts, body, self.traffic.max_response_bytes) => body,
            () = &mut timer => return Err(timeout("it did not end its answer in time")),
        };
        let body = body.map_err(|error| body_error(&error))?;
        let meta = match context.reads_response_headers(request.subgraph) {
            true => SubgraphHeaders::new(parts.headers),
            false => SubgraphHeaders::default(),
        };
        Ok(SubgraphResponse { status: parts.status.as_u16(), body, meta })
    }

    fn slot(&self) -> Result<Counted<'_>, SubgraphError> {
        let most = self.traffic.max_concurrent_requests;
        Counted::add(&self.under_way, most).ok_or_else(|| {
            self.metrics.failed(SubgraphErrorKind::Overloaded.code());
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
                self.metrics.failed(error.kind.code());
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

/// The subgraph may answer in either form; errors that refuse the whole request have a status only in the first.
const ACCEPT: &str = "application/graphql-response+json, application/json;q=0.9";

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

pub(crate) fn transport(message: String, retryable: bool) -> SubgraphError {
    SubgraphError { kind: SubgraphErrorKind::Transport, message, retryable }
}

fn timeout(message: &str) -> SubgraphError {
    SubgraphError { kind: SubgraphErrorKind::Timeout, message: message.to_owned(), retryable: false }
}
