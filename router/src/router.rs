//! The main street: from a GraphQL request to the bytes of its answer. Knows no HTTP connection.
//!
//! ```text
//! GraphQLRequest → [operation cache] → CompiledOperation → variables → execute ⇄ subgraphs → bytes
//!                        │ miss
//!                        ▼
//!      parse → validate → limits → normalize → plan → compile
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use braid_executor::{ExecuteContext, Response, execute, refuse};
use braid_graphql::OperationType;
use braid_graphql::error::GraphQLError;
use http::{HeaderMap, StatusCode};

use crate::operation_cache::CachedOperation;
use crate::refusal::Refusal;
use crate::request::GraphQLRequest;
use crate::subgraphs::{AnswerHeaders, ClientContext};
use crate::telemetry::metrics::Metrics;
use crate::telemetry::trace::TraceContext;
use crate::version::Version;

/// A router: the version in use, and the numbers that outlive it.
#[derive(Debug)]
pub struct Router {
    current: ArcSwap<Version>,
    metrics: Arc<Metrics>,
}

/// How a request came.
#[derive(Debug)]
pub struct Call<'a> {
    /// The client's headers.
    pub headers: &'a HeaderMap,
    /// The trace that it belongs to.
    pub trace: Option<TraceContext>,
    /// Whether it may change anything: a GET may not.
    pub may_mutate: bool,
    /// When it is given up.
    pub deadline: Instant,
}

/// What came of a request that was executed.
#[derive(Debug)]
pub struct Answer {
    /// The answer.
    pub response: Response<AnswerHeaders>,
    /// The operation that was run.
    pub operation: Arc<CachedOperation>,
    /// Whether it was in the cache.
    pub cached: bool,
    /// From the request to the compiled operation.
    pub found_after: Duration,
    /// How long executing took.
    pub executed_in: Duration,
}

impl Router {
    /// A router that begins with `version`.
    pub fn new(version: Version) -> Self {
        let router = Self { metrics: version.metrics.clone(), current: ArcSwap::from_pointee(version) };
        router.note_since();
        router
    }

    /// The version in use. A request takes it once and keeps it to its end.
    pub fn current(&self) -> Arc<Version> {
        self.current.load_full()
    }

    /// The router's numbers.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Takes a new version up. Requests under way end with the one they began with.
    pub fn swap(&self, version: Version) {
        self.current.store(Arc::new(version));
        self.note_since();
    }

    fn note_since(&self) {
        let since = self.current.load().since.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        self.metrics.schema_since.set(since.as_secs() as i64);
    }
}

/// The time for a client's request is over: an error instead of an answer, also where parts of one are there.
const TIMEOUT: &str = "GATEWAY_TIMEOUT";

impl Answer {
    /// The status that goes with it: an operation that was executed is answered, also in part.
    pub fn status(&self) -> StatusCode {
        if self.response.timed_out { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::OK }
    }
}

/// Answers one request.
pub async fn answer(version: &Version, request: &GraphQLRequest<'_>, call: Call<'_>) -> Result<Answer, Refusal> {
    let started = Instant::now();
    let (operation, cached) = find(version, request, call.deadline).await?;
    let found_after = started.elapsed();
    if let (false, Some(trace)) = (cached, &call.trace) {
        let refused = operation.result.as_ref().err();
        let code = refused.and_then(|refusal| refusal.errors.first()?.code());
        trace.compiled(found_after, operation.planned_in, code);
    }
    let compiled = operation.result.as_ref().map_err(Clone::clone)?;
    check_allowed(version, compiled.kind(), compiled.uses_introspection(), call.may_mutate)?;
    let variables = compiled.coerce_variables(request.variables.as_deref()).map_err(Refusal::request)?;
    let context = ExecuteContext {
        service: client_context(version, &call),
        deadline: Some(call.deadline),
        limits: version.config.limits.execute(),
        subgraph_errors: version.subgraph_errors.clone(),
    };
    let mut response = execute(compiled, &variables, &version.service, &context).await;
    if response.timed_out {
        response.bytes = refuse(&[GraphQLError::new(TIMEOUT, "The request took too long.")]);
    }
    let executed_in = started.elapsed() - found_after;
    Ok(Answer { response, operation, cached, found_after, executed_in })
}

/// Only a miss can take long, so only a miss is timed.
async fn find(
    version: &Version,
    request: &GraphQLRequest<'_>,
    deadline: Instant,
) -> Result<(Arc<CachedOperation>, bool), Refusal> {
    if let Some(found) = version.operations.hit(request) {
        return Ok((found, true));
    }
    // Boxed, so that hits don't carry what only a miss needs.
    let found = tokio::time::timeout_at(deadline.into(), Box::pin(version.operations.get(request))).await;
    found.unwrap_or_else(|_| {
        let message = "The request took too long: its operation was not ready in time.";
        Err(Refusal::fixed(StatusCode::GATEWAY_TIMEOUT, TIMEOUT, message))
    })
}

fn check_allowed(version: &Version, kind: OperationType, introspects: bool, may_mutate: bool) -> Result<(), Refusal> {
    match kind {
        OperationType::Mutation if !may_mutate => {
            let code = "MUTATION_NOT_ALLOWED_OVER_HTTP_GET";
            Err(Refusal::fixed(StatusCode::METHOD_NOT_ALLOWED, code, "A mutation must be sent by POST."))
        }
        OperationType::Subscription => {
            let message = "This router does not run subscriptions.";
            Err(GraphQLError::new("SUBSCRIPTION_NOT_SUPPORTED", message).into())
        }
        _ if introspects && !version.config.exposure.introspection => {
            let message = "Introspection is switched off (exposure.introspection).";
            Err(GraphQLError::new("INTROSPECTION_DISABLED", message).into())
        }
        _ => Ok(()),
    }
}

fn client_context(version: &Version, call: &Call<'_>) -> ClientContext {
    let subgraphs = version.service.subgraphs();
    let headers = if subgraphs.reads_client_headers() { call.headers.clone() } else { HeaderMap::new() };
    ClientContext::new(headers, call.trace.clone(), subgraphs.clone())
}
