//! What is seen of a request from outside: its line in the access log, and its numbers. Knows no GraphQL rule.

use std::sync::Arc;
use std::time::Duration;

use braid_gateway::operation_cache::CachedOperation;
use braid_gateway::refusal::Refusal;
use braid_gateway::subscriptions::Ended;
use braid_gateway::{Executed, Made};
use braid_graphql::OperationType;
use braid_request_context::identity::Identity;
use braid_request_context::request_id::RequestIdText;
use braid_request_context::{CacheReport, RequestContext};
use braid_supergraph::Supergraph;
use braid_telemetry::access_log::AccessLog;
use braid_telemetry::key;
use braid_telemetry::line::Line;
use braid_telemetry::metrics::Metrics;
use braid_telemetry::otlp::{Exporter, Span};
use braid_telemetry::trace::TraceContext;
use http::StatusCode;

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

/// What was seen of a request so far.
pub(crate) struct Observed {
    observers: Arc<Observers>,
    /// Boxed: most requests belong to no trace.
    span: Option<Box<Span>>,
    pub(crate) request_bytes: usize,
    answers: Vec<Executed>,
    codes: Vec<String>,
    /// How the response is sent, where it is not a body of its own.
    pub(crate) protocol: Option<&'static str>,
    /// What was called, where clients call something by its name.
    pub(crate) called: Option<String>,
    stream: Option<Box<SeenStream>>,
}

/// A stream that was opened.
pub(crate) struct OpenedStream {
    pub(crate) protocol: &'static str,
    pub(crate) operation: Arc<CachedOperation>,
    pub(crate) cached: bool,
}

/// What was seen of a stream. Of its operation it keeps what the log says, and not its plan.
struct SeenStream {
    name: Box<str>,
    hash: u64,
    cached: bool,
    events: u64,
    bytes: u64,
}

impl Observed {
    /// Begins to observe. The context takes the trace on.
    pub(crate) fn begin<S>(observers: &Arc<Observers>, version: &Version<S>, context: &mut RequestContext) -> Self {
        observers.metrics.active_requests.inc();
        let span = begin_span(observers, version, context);
        context.trace = span.as_ref().map(|span| span.context().clone());
        Self {
            observers: observers.clone(),
            span,
            request_bytes: 0,
            answers: Vec::new(),
            codes: Vec::new(),
            protocol: None,
            called: None,
            stream: None,
        }
    }

    /// What was seen so far, for somebody who goes on.
    pub(crate) fn take(&mut self) -> Self {
        Self {
            observers: self.observers.clone(),
            span: self.span.take(),
            request_bytes: self.request_bytes,
            answers: std::mem::take(&mut self.answers),
            codes: std::mem::take(&mut self.codes),
            protocol: self.protocol,
            called: self.called.take(),
            stream: self.stream.take(),
        }
    }

    /// Who asks is known.
    pub(crate) fn identified(&self, identity: &Identity) {
        let kind = identity.principal().map_or("none", |principal| principal.kind.name());
        self.observers.metrics.authenticated(kind);
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

    /// The response is a stream, which has begun. As a request it is over.
    pub(crate) fn opened<S>(&mut self, opened: OpenedStream, version: &Version<S>, context: &RequestContext) {
        record_use(version, context, &opened.operation, false);
        let metrics = &self.observers.metrics;
        metrics.active_requests.dec();
        metrics.request(StatusCode::OK, context.started.elapsed(), None);
        count_for_graph(version, context, StatusCode::OK);
        metrics.streams.opened(opened.protocol);
        self.protocol = Some(opened.protocol);
        let name = opened.operation.result.as_ref().ok().and_then(|compiled| compiled.name()).unwrap_or_default();
        let (name, hash) = (name.into(), opened.operation.hash);
        self.stream = Some(Box::new(SeenStream { name, hash, cached: opened.cached, events: 0, bytes: 0 }));
    }

    /// An event of the stream was sent.
    pub(crate) fn sent(&mut self, bytes: usize) {
        if let Some(stream) = &mut self.stream {
            stream.events += 1;
            stream.bytes += bytes as u64;
        }
    }

    /// The stream is over.
    pub(crate) fn end_stream<S>(
        &mut self,
        version: &Version<S>,
        context: &RequestContext,
        ended: &Ended,
        dropped: u64,
    ) {
        let (protocol, cause) = (self.protocol.unwrap_or_default(), ended.cause.name());
        ended.errors.iter().filter_map(|error| error.code()).for_each(|code| self.code(code));
        self.observers.metrics.streams.ended(protocol, cause);
        let (events, bytes) = self.stream.as_ref().map_or((0, 0), |stream| (stream.events, stream.bytes));
        if let Some(log) = &self.observers.access_log {
            let took = context.started.elapsed();
            log.line(|line| {
                self.line(version, context, line, StatusCode::OK, took, bytes);
                line.number(key!("dropped"), dropped);
                line.text(key!("cause"), cause);
            });
        }
        if let Some(span) = self.span.as_mut().filter(|span| span.is_recorded()) {
            span.set("graphql.operation.type", "subscription");
            span.set("braid.stream.protocol", protocol);
            span.set("braid.stream.cause", cause);
            span.set("braid.stream.dropped", i64::try_from(dropped).unwrap_or(i64::MAX));
            span.set("braid.stream.events", i64::try_from(events).unwrap_or(i64::MAX));
            if let Some(stream) = &self.stream {
                span.set("graphql.operation.name", stream.name.to_string());
            }
        }
        self.end_span(StatusCode::OK);
    }

    fn code(&mut self, code: &str) {
        self.observers.metrics.error(code);
        if !self.codes.iter().any(|known| known == code) {
            self.codes.push(code.to_owned());
        }
    }

    /// The request is over: so many bytes with this status.
    pub(crate) fn end<S>(&mut self, version: &Version<S>, context: &RequestContext, status: StatusCode, bytes: u64) {
        for answer in self.answers.iter().filter(|answer| answer.made != Made::Planned) {
            record_use(version, context, &answer.operation, answer.response.errors > 0);
        }
        let took = context.started.elapsed();
        // Who shares an execution waits for another request, whose fetches are not its own.
        let own = self.answers.first().filter(|answer| answer.made != Made::Shared);
        let overhead = own.map(|answer| took.saturating_sub(waited(answer)));
        self.observers.metrics.active_requests.dec();
        self.observers.metrics.request(status, took, overhead);
        count_for_graph(version, context, status);
        if let Some(log) = &self.observers.access_log {
            log.line(|line| self.line(version, context, line, status, took, bytes));
        }
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

    fn line<S>(
        &self,
        version: &Version<S>,
        context: &RequestContext,
        line: &mut Line<'_>,
        status: StatusCode,
        took: Duration,
        bytes: u64,
    ) {
        match context.id.text() {
            RequestIdText::Given(id) => line.text(key!("requestId"), id),
            RequestIdText::Own(id) => line.hex(key!("requestId"), id),
        }
        if let Some(id) = context.id.other(&context.headers) {
            line.text(key!("clientRequestId"), id);
        }
        if let Some(trace) = &context.trace {
            line.text(key!("traceId"), &trace.trace_id());
        }
        if let Some(peer) = context.peer {
            line.address(key!("peer"), peer.ip());
        }
        let client = &version.logged_client;
        for (key, value) in [key!("client"), key!("clientVersion")].into_iter().zip(client.of(context)) {
            if let Some(value) = value {
                line.text(key, value);
            }
        }
        if let Some(principal) = context.identity.principal() {
            client.write(line, principal);
        }
        if let Some(graph) = &context.graph {
            line.text(key!("graph"), graph);
        }
        line.text(key!("method"), context.method.as_str());
        line.number(key!("status"), u64::from(status.as_u16()));
        line.millis(key!("tookMs"), took);
        line.number(key!("requestBytes"), self.request_bytes as u64);
        line.number(key!("responseBytes"), bytes);
        if let Some(protocol) = self.protocol {
            line.text(key!("protocol"), protocol);
        }
        if let Some(called) = &self.called {
            line.text(key!("called"), called);
        }
        if let Some(stream) = &self.stream {
            line.text(key!("operation"), &stream.name);
            line.text(key!("kind"), kind_name(OperationType::Subscription));
            line.hex(key!("operationHash"), stream.hash);
            line.text(key!("cache"), if stream.cached { "hit" } else { "miss" });
            line.number(key!("events"), stream.events);
        }
        let supergraph = &version.gateway.supergraph;
        match &self.answers[..] {
            [] => {}
            [answer] => operation(line, supergraph, answer),
            several => {
                line.list(key!("operations"), several.iter(), |line, answer| operation(line, supergraph, answer))
            }
        }
        if !self.codes.is_empty() {
            line.text(key!("errorCodes"), &self.codes.join(","));
        }
    }
}

fn operation(line: &mut Line<'_>, supergraph: &Supergraph, answer: &Executed) {
    if let Ok(compiled) = &answer.operation.result {
        line.text(key!("operation"), compiled.name().unwrap_or(""));
        line.text(key!("kind"), kind_name(compiled.kind()));
    }
    line.hex(key!("operationHash"), answer.operation.hash);
    line.text(key!("cache"), if answer.cached { "hit" } else { "miss" });
    match answer.made {
        Made::Own => {}
        Made::Shared => line.text(key!("execution"), "shared"),
        Made::Kept => line.text(key!("execution"), "kept"),
        Made::Planned => line.text(key!("execution"), "planned"),
    }
    line.millis(key!("compileMs"), answer.found_after);
    line.millis(key!("executeMs"), answer.executed_in);
    line.number(key!("errors"), answer.response.errors as u64);
    let mut reports = answer.response.subgraph_answers.iter().filter_map(|(_, headers)| headers.cache.as_deref());
    if let Some(first) = reports.next() {
        let count = |report: &CacheReport| [report.fresh + report.stale, report.missing].map(u64::from);
        let [known, missing] = reports.map(count).fold(count(first), |[a, b], [c, d]| [a + c, b + d]);
        line.number(key!("cachedItems"), known);
        line.number(key!("missedItems"), missing);
    }
    if let Some(cost) = &answer.cost {
        line.number(key!("costEstimated"), cost.estimated);
        line.number(key!("costActual"), cost.actual);
    }
    line.list(key!("fetches"), answer.response.fetches.iter(), |line, fetch| {
        line.text(key!("subgraph"), &supergraph.subgraph(fetch.subgraph).name);
        line.millis(key!("startMs"), fetch.started);
        line.millis(key!("tookMs"), fetch.took);
        line.number(key!("status"), u64::from(fetch.status.unwrap_or(0)));
        line.number(key!("bytes"), fetch.response_bytes as u64);
        if let Some(failure) = fetch.failure {
            line.text(key!("failure"), failure);
        }
    });
}

/// Records that the client used an operation, where that is recorded.
fn record_use<S>(version: &Version<S>, context: &RequestContext, operation: &CachedOperation, has_errors: bool) {
    if version.gateway.usage.is_some() {
        let [client, client_version] = version.logged_client.of(context);
        version.gateway.used(operation, client, client_version, has_errors);
    }
}

fn count_for_graph<S>(version: &Version<S>, context: &RequestContext, status: StatusCode) {
    // What is refused before it is known for which graph it is, is for none of them only if there is none.
    let is_known = context.graph.is_some() || status == StatusCode::NOT_FOUND;
    if let Some(graphs) = version.graphs.as_ref().filter(|_| is_known) {
        graphs.count(context.graph.as_deref(), status, context.started.elapsed());
    }
}

/// The span of the request, when it belongs to a trace.
fn begin_span<S>(observers: &Observers, version: &Version<S>, context: &RequestContext) -> Option<Box<Span>> {
    let telemetry = &version.telemetry.trace;
    let mut span = TraceContext::of_request(telemetry, &context.headers, observers.exporter.as_ref())?;
    if span.is_recorded() {
        let path = context.uri.path();
        let is_other =
            version.is_endpoint(path) || version.endpoint.as_ref().is_some_and(|endpoint| endpoint.is_path(path));
        let route = if is_other { path } else { &version.config.path };
        span.rename(format!("{} {route}", context.method));
        span.set("http.request.method", context.method.as_str().to_owned());
        span.set("http.route", route.to_owned());
    }
    Some(Box::new(span))
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
