//! The main street: from a GraphQL request to the bytes of its response. Knows no HTTP connection and no transport.
//!
//! ```text
//! GraphQLRequest → [operation cache] → CompiledOperation → variables → execute ⇄ subgraphs → bytes
//!                        │ miss
//!                        ▼
//!      parse → validate → limits → normalize → plan → compile
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use braid_executor::{ExecuteContext, ExecuteLimits, Response, SubgraphErrors, SubgraphService, execute, refuse};
use braid_graphql::OperationType;
use braid_graphql::error::GraphQLError;
use braid_request_context::headers::{HeaderPlans, SubgraphHeaders};
use braid_request_context::{RequestContext, SubgraphContext};
use braid_supergraph::{SubgraphId, Supergraph};
use braid_telemetry::metrics::Metrics;
use http::StatusCode;

use crate::compile::Compiler;
use crate::config::ExposureConfig;
use crate::limits::LimitsConfig;
use crate::operation_cache::{CachedOperation, OperationCache};
use crate::refusal::Refusal;
use crate::request::GraphQLRequest;

/// What a gateway asks of the world: subgraphs that take a part of the request's context, and say which headers came back.
pub trait Subgraphs: SubgraphService<Context = SubgraphContext, Meta = SubgraphHeaders> {}

impl<S: SubgraphService<Context = SubgraphContext, Meta = SubgraphHeaders>> Subgraphs for S {}

/// One version of a graph that is served: its schema, the operations compiled for it, and its subgraphs. Never changed; a new schema
/// or other settings are another gateway.
#[derive(Debug)]
pub struct Gateway<S> {
    /// The schema.
    pub supergraph: Arc<Supergraph>,
    /// The operations.
    pub operations: OperationCache,
    /// The subgraphs.
    pub subgraphs: S,
    /// Which headers pass.
    pub headers: Arc<HeaderPlans>,
    /// What clients see of the inside.
    pub exposure: ExposureConfig,
    subgraph_errors: SubgraphErrors,
    limits: ExecuteLimits,
}

impl<S: Subgraphs> Gateway<S> {
    /// A gateway to the subgraphs of `supergraph`.
    pub fn new(
        supergraph: Arc<Supergraph>,
        subgraphs: S,
        headers: HeaderPlans,
        limits: &LimitsConfig,
        exposure: ExposureConfig,
        metrics: &Arc<Metrics>,
    ) -> Self {
        Self {
            operations: OperationCache::new(Compiler::new(supergraph.clone(), limits.clone()), metrics.clone()),
            subgraphs,
            headers: Arc::new(headers),
            subgraph_errors: subgraph_errors(&exposure, &supergraph),
            limits: limits.execute(),
            exposure,
            supergraph,
        }
    }
}

fn subgraph_errors(exposure: &ExposureConfig, supergraph: &Supergraph) -> SubgraphErrors {
    if exposure.subgraph_errors {
        return SubgraphErrors::Shown;
    }
    let shown: Vec<SubgraphId> =
        exposure.subgraph_errors_of.iter().filter_map(|name| supergraph.subgraph_named(name)).collect();
    if shown.is_empty() { SubgraphErrors::Hidden } else { SubgraphErrors::ShownFor(shown.into()) }
}

/// What came of a request that was executed.
#[derive(Debug)]
pub struct Executed {
    /// The response.
    pub response: Response<SubgraphHeaders>,
    /// The operation that was run.
    pub operation: Arc<CachedOperation>,
    /// Whether it was in the cache.
    pub cached: bool,
    /// From the request to the compiled operation.
    pub found_after: Duration,
    /// How long executing took.
    pub executed_in: Duration,
}

/// The time for a client's request is over: an error instead of an answer, also where parts of one are there.
const TIMEOUT: &str = "GATEWAY_TIMEOUT";

impl Executed {
    /// The status that goes with it: an operation that was executed is answered, also in part.
    pub fn status(&self) -> StatusCode {
        if self.response.timed_out { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::OK }
    }
}

/// Answers one request. One that may not mutate, such as a GET, changes nothing.
pub async fn answer<S: Subgraphs>(
    gateway: &Gateway<S>,
    request: &GraphQLRequest<'_>,
    context: &Arc<RequestContext>,
    may_mutate: bool,
) -> Result<Executed, Refusal> {
    let started = Instant::now();
    let (operation, cached) = find(&gateway.operations, request, context.deadline).await?;
    let found_after = started.elapsed();
    if let (false, Some(trace)) = (cached, &context.trace) {
        let refused = operation.result.as_ref().err();
        let code = refused.and_then(|refusal| refusal.errors.first()?.code());
        trace.compiled(found_after, operation.planned_in, code);
    }
    let compiled = operation.result.as_ref().map_err(Clone::clone)?;
    check_allowed(&gateway.exposure, compiled.kind(), compiled.uses_introspection(), may_mutate)?;
    let variables = compiled.coerce_variables(request.variables.as_deref()).map_err(Refusal::request)?;
    let context = ExecuteContext {
        service: SubgraphContext::new(context.clone()),
        deadline: Some(context.deadline),
        limits: gateway.limits,
        subgraph_errors: gateway.subgraph_errors.clone(),
    };
    let mut response = execute(compiled, &variables, &gateway.subgraphs, &context).await;
    if response.timed_out {
        response.bytes = refuse(&[GraphQLError::new(TIMEOUT, "The request took too long.")]);
    }
    let executed_in = started.elapsed() - found_after;
    Ok(Executed { response, operation, cached, found_after, executed_in })
}

/// Only a miss can take long, so only a miss is timed.
async fn find(
    operations: &OperationCache,
    request: &GraphQLRequest<'_>,
    deadline: Instant,
) -> Result<(Arc<CachedOperation>, bool), Refusal> {
    if let Some(found) = operations.hit(request) {
        return Ok((found, true));
    }
    // Boxed, so that hits don't carry what only a miss needs.
    let found = tokio::time::timeout_at(deadline.into(), Box::pin(operations.get(request))).await;
    found.unwrap_or_else(|_| {
        let message = "The request took too long: its operation was not ready in time.";
        Err(Refusal::fixed(StatusCode::GATEWAY_TIMEOUT, TIMEOUT, message))
    })
}

fn check_allowed(
    exposure: &ExposureConfig,
    kind: OperationType,
    introspects: bool,
    may_mutate: bool,
) -> Result<(), Refusal> {
    match kind {
        OperationType::Mutation if !may_mutate => {
            let code = "MUTATION_NOT_ALLOWED_OVER_HTTP_GET";
            Err(Refusal::fixed(StatusCode::METHOD_NOT_ALLOWED, code, "A mutation must be sent by POST."))
        }
        OperationType::Subscription => {
            let message = "This router does not run subscriptions.";
            Err(GraphQLError::new("SUBSCRIPTION_NOT_SUPPORTED", message).into())
        }
        _ if introspects && !exposure.introspection => {
            let message = "Introspection is switched off (exposure.introspection).";
            Err(GraphQLError::new("INTROSPECTION_DISABLED", message).into())
        }
        _ => Ok(()),
    }
}
