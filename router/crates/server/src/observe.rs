//! What is seen of a request from outside: its line in the access log, its numbers, and its plan when a header asks for it.
//! Knows no GraphQL rule.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use braid_gateway::refusal::Refusal;
use braid_gateway::{Executed, Gateway};
use braid_supergraph::Supergraph;
use braid_telemetry::access_log::{AccessLog, Line};
use braid_telemetry::metrics::Metrics;
use braid_telemetry::otlp::{Exporter, Span};
use braid_telemetry::trace::{TraceContext, random};
use chrono::{SecondsFormat, Utc};
use http::header::{HeaderMap, HeaderValue};
use http::{Method, Request, StatusCode};

use crate::admission::Admitted;
use crate::graphql::kind_name;
use crate::version::Version;

/// Where what is seen goes.
#[derive(Debug, Default)]
pub struct Observers {
    /// Numbers.
    pub metrics: Arc<Metrics>,
    /// One line per request.
    pub access_log: Option<AccessLog>,
    /// Spans.
    pub exporter: Option<Exporter>,
}

/// A request while it is answered. One that is dropped before its end was given up by the client.
pub(crate) struct Observed {
    observers: Arc<Observers>,
    supergraph: Arc<Supergraph>,
    pub(crate) started: Instant,
    span: Option<Span>,
    pub(crate) request_bytes: usize,
    answers: Vec<Executed>,
    codes: Vec<String>,
    who: Option<Who>,
    ended: bool,
    /// Held as long as the request is in flight.
    pub(crate) admitted: Option<Admitted>,
}

/// What the access log says of the client.
struct Who {
    method: Method,
    peer: Option<SocketAddr>,
    request_id: Option<HeaderValue>,
    client: Option<HeaderValue>,
    client_version: Option<HeaderValue>,
}

/// How a request ends whose client went away.
const CLIENT_CLOSED: u16 = 499;

impl Observed {
    pub(crate) fn begin<S, B>(
        observers: &Arc<Observers>,
        version: &Version<S>,
        request: &Request<B>,
        peer: Option<SocketAddr>,
    ) -> Self {
        observers.metrics.active_requests.inc();
        let (telemetry, headers) = (&version.telemetry, request.headers());
        let who = observers.access_log.as_ref().map(|_| Who {
            method: request.method().clone(),
            peer,
            request_id: headers.get("x-request-id").cloned(),
            client: headers.get(&telemetry.access_log.client_name_header).cloned(),
            client_version: headers.get(&telemetry.access_log.client_version_header).cloned(),
        });
        Self {
            observers: observers.clone(),
            admitted: None,
            supergraph: version.gateway.supergraph.clone(),
            started: Instant::now(),
            span: begin_span(observers, version, request),
            request_bytes: 0,
            answers: Vec::new(),
            codes: Vec::new(),
            who,
            ended: false,
        }
    }

    /// The trace that the request belongs to.
    pub(crate) fn trace(&self) -> Option<TraceContext> {
        self.span.as_ref().map(|span| span.context().clone())
    }

    pub(crate) fn answered(&mut self, answer: Executed) {
        for code in &answer.response.error_codes {
            self.code(code);
        }
        self.answers.push(answer);
    }

    pub(crate) fn refused(&mut self, refusal: &Refusal) {
        refusal.errors.iter().filter_map(|error| error.code()).for_each(|code| self.code(code));
    }

    fn code(&mut self, code: &str) {
        self.observers.metrics.error(code);
        if !self.codes.iter().any(|known| known == code) {
            self.codes.push(code.to_owned());
        }
    }

    /// The response was handed over: so many bytes with this status.
    pub(crate) fn end(&mut self, status: StatusCode, bytes: u64) {
        self.ended = true;
        self.admitted = None;
        let took = self.started.elapsed();
        let overhead = self.answers.first().map(|answer| took.saturating_sub(waited(answer)));
        self.observers.metrics.request(status, took, overhead);
        self.log(status.as_u16(), took, bytes);
        self.end_span(status);
    }

    fn end_span(&mut self, status: StatusCode) {
        let Some(mut span) = self.span.take_if(|span| span.is_recorded()) else { return };
        span.set("http.response.status_code", i64::from(status.as_u16()));
        if let [answer] = &self.answers[..]
            && let Ok(compiled) = &answer.operation.result
        {
            span.set("graphql.operation.type", kind_name(compiled.kind()));
            span.set("graphql.operation.name", compiled.name().unwrap_or("").to_owned());
        }
        if !self.codes.is_empty() {
            span.set("graphql.error.codes", self.codes.join(","));
        }
        if status.is_server_error() {
            span.fail(self.codes.first().map_or(status.as_str(), String::as_str));
        }
    }

    fn log(&self, status: u16, took: Duration, bytes: u64) {
        let (Some(log), Some(who)) = (&self.observers.access_log, &self.who) else { return };
        log.line(|out| {
            let mut line = Line::begin(out);
            line.text("time", &Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true));
            match who.request_id.as_ref().and_then(|id| id.to_str().ok()) {
                Some(id) => line.text("requestId", id),
                None => line.text("requestId", &format!("{:016x}", random())),
            }
            if let Some(span) = &self.span {
                line.text("traceId", &span.context().trace_id());
            }
            if let Some(peer) = who.peer {
                line.text("peer", &peer.ip().to_string());
            }
            for (key, value) in [("client", &who.client), ("clientVersion", &who.client_version)] {
                if let Some(value) = value.as_ref().and_then(|value| value.to_str().ok()) {
                    line.text(key, value);
                }
            }
            line.text("method", who.method.as_str());
            line.number("status", u64::from(status));
            line.millis("tookMs", took);
            line.number("requestBytes", self.request_bytes as u64);
            line.number("responseBytes", bytes);
            match &self.answers[..] {
                [] => {}
                [answer] => self.operation(&mut line, answer),
                several => line.list("operations", several.iter(), |line, answer| self.operation(line, answer)),
            }
            if !self.codes.is_empty() {
                line.text("errorCodes", &self.codes.join(","));
            }
            line.end();
        });
    }

    fn operation(&self, line: &mut Line<'_>, answer: &Executed) {
        if let Ok(compiled) = &answer.operation.result {
            line.text("operation", compiled.name().unwrap_or(""));
            line.text("kind", kind_name(compiled.kind()));
        }
        line.text("operationHash", &format!("{:016x}", answer.operation.hash));
        line.text("cache", if answer.cached { "hit" } else { "miss" });
        line.millis("compileMs", answer.found_after);
        line.millis("executeMs", answer.executed_in);
        line.number("errors", answer.response.errors as u64);
        line.list("fetches", answer.response.fetches.iter(), |line, fetch| {
            line.text("subgraph", &self.supergraph.subgraph(fetch.subgraph).name);
            line.millis("startMs", fetch.started);
            line.millis("tookMs", fetch.took);
            line.number("status", u64::from(fetch.status.unwrap_or(0)));
            line.number("bytes", fetch.response_bytes as u64);
            if let Some(failure) = fetch.failure {
                line.text("failure", failure);
            }
        });
    }
}

/// The span of the request, when it belongs to a trace.
fn begin_span<S, B>(observers: &Observers, version: &Version<S>, request: &Request<B>) -> Option<Span> {
    let mut span = TraceContext::of_request(&version.telemetry.trace, request.headers(), observers.exporter.as_ref())?;
    if span.is_recorded() {
        span.rename(format!("{} {}", request.method(), version.config.path));
        span.set("http.request.method", request.method().as_str().to_owned());
        span.set("http.route", version.config.path.clone());
    }
    Some(span)
}

impl Drop for Observed {
    fn drop(&mut self) {
        self.observers.metrics.active_requests.dec();
        if !self.ended {
            let (took, status) = (self.started.elapsed(), StatusCode::from_u16(CLIENT_CLOSED));
            let status = status.unwrap_or(StatusCode::BAD_REQUEST);
            self.observers.metrics.request(status, took, None);
            self.log(CLIENT_CLOSED, took, 0);
            self.end_span(status);
        }
    }
}

/// How long at least one subgraph was being waited for.
fn waited(answer: &Executed) -> Duration {
    let mut spans: Vec<_> =
        answer.response.fetches.iter().map(|fetch| (fetch.started, fetch.started + fetch.took)).collect();
    spans.sort_unstable();
    let mut total = Duration::ZERO;
    let mut until = Duration::ZERO;
    for (start, end) in spans {
        total += end.saturating_sub(start.max(until));
        until = until.max(end);
    }
    total
}

/// The answer with plan and timings in `extensions`, where the configuration lets a header ask for them.
pub(crate) fn exposed<S>(gateway: &Gateway<S>, headers: &HeaderMap, answer: &Executed) -> Option<bytes::Bytes> {
    let wanted = headers.get("braid-expose").filter(|_| gateway.exposure.plan)?.to_str().ok()?;
    let wants = |name: &str| wanted.split(',').any(|part| part.trim().eq_ignore_ascii_case(name));
    let compiled = answer.operation.result.as_ref().ok()?;
    let mut braid = serde_json::Map::new();
    if wants("plan") {
        let plan = braid_query_plan::print::print(compiled.plan(), &gateway.supergraph);
        braid.insert("plan".to_owned(), plan.into());
    }
    if wants("timings") {
        let millis = |duration: Duration| duration.as_secs_f64() * 1000.0;
        let fetches = answer.response.fetches.iter().map(|fetch| {
            serde_json::json!({
                "fetch": fetch.fetch,
                "subgraph": gateway.supergraph.subgraph(fetch.subgraph).name,
                "startMs": millis(fetch.started),
                "tookMs": millis(fetch.took),
                "status": fetch.status,
                "requestBytes": fetch.request_bytes,
                "responseBytes": fetch.response_bytes,
            })
        });
        let timings = serde_json::json!({
            "cache": if answer.cached { "hit" } else { "miss" },
            "compileMs": millis(answer.found_after),
            "executeMs": millis(answer.executed_in),
            "fetches": fetches.collect::<Vec<_>>(),
        });
        braid.insert("timings".to_owned(), timings);
    }
    let extensions = serde_json::to_vec(&serde_json::json!({ "braid": braid })).ok()?;
    Some(answer.response.bytes_with_extensions(&extensions))
}
