//! The main street: from a GraphQL request to the bytes of its response, on a hit and on a miss. Knows no HTTP connection and no
//! transport.
//!
//! ```text
//! GraphQLRequest → document → [operation cache] → CompiledOperation → variables → cost → execute ⇄ subgraphs → bytes
//!  └──────────────────────────── ready ──────────────────────────────────────┘  └────────── Ready::answer ───────┘
//!                                   │ miss
//!                                   ▼
//!                 parse → validate → limits → normalize → may it run? → what may be seen? → plan → compile
//! ```
//!
//! An operation that is answered in parts is looked for once more before it is executed ([`crate::incremental`]).
//! A dry run ends where the operation would be executed.
//! A subscription takes the same way up to its cost; then it begins ([`crate::Subscriptions`]) instead of being executed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use braid_executor::{ExecuteContext, Response, execute, refuse};
use braid_graphql::OperationType;
use braid_graphql::error::GraphQLError;
use braid_rate_limit::{Operation as LimitedOperation, RequestLimits};
use braid_request_context::headers::SubgraphHeaders;
use braid_request_context::identity::Identity;
use braid_request_context::{RequestContext, SubgraphContext};
use braid_supergraph::SubgraphId;
use http::header::{CACHE_CONTROL, EXPIRES};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::accepts::{Accepts, takes_no_stream};
use crate::answers::{Keeping, Wants, is_whole_query};
use crate::costs::OperationCost;
use crate::exposed::Exposed;
use crate::extend;
use crate::gateway::{Gateway, Subgraphs};
use crate::incremental::Incremental;
use crate::operation_cache::CachedOperation;
use crate::ready::{Ready, ready};
use crate::refusal::{Refusal, TIMEOUT};
use crate::request::GraphQLRequest;
use crate::subscriptions::{Asked, Subscription};

/// What comes of a request that is not refused.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all answers are executed, and a box would cost each of them")]
pub enum Answer {
    /// A response.
    Executed(Executed),
    /// A subscription that may begin.
    Subscription(Box<Subscription>),
    /// An operation that may be answered in parts.
    Incremental(Box<Incremental>),
}

impl Answer {
    /// The response, where the client takes no stream.
    pub fn executed(self) -> Result<Executed, Refusal> {
        match self {
            Self::Executed(executed) => Ok(executed),
            // Neither is given to a client that takes none.
            Self::Subscription(_) | Self::Incremental(_) => Err(takes_no_stream()),
        }
    }
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
    /// What it cost, where that is of interest.
    pub cost: Option<OperationCost>,
    /// How the response was made.
    pub made: Made,
    /// What the client sees of how it was made, if it asked for that and may see it.
    pub exposed: Option<Box<Exposed>>,
    /// Status and headers as plugins changed them.
    pub(crate) head: Option<Box<(StatusCode, HeaderMap)>>,
}

/// How a response was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// The operation was executed for it.
    Own,
    /// The operation was being executed for an equal request.
    Shared,
    /// The operation had been executed for an equal request, and the response was kept.
    Kept,
    /// Nothing was executed: the client asked for the plan alone.
    Planned,
}

impl Executed {
    /// The status that goes with it: an operation that was executed is answered, also in part.
    pub fn status(&self) -> StatusCode {
        match &self.head {
            Some(head) => head.0,
            None if self.response.timed_out => StatusCode::GATEWAY_TIMEOUT,
            None => StatusCode::OK,
        }
    }

    /// Adds all headers that depend on what was executed: those that [`Executed::merge_headers`] adds, and who may keep the response. A response
    /// that lacks a part, or that changed something, may be kept by nobody.
    pub fn write_headers<S>(&self, gateway: &Gateway<S>, out: &mut HeaderMap) {
        self.merge_headers(gateway, out);
        match &gateway.told {
            _ if self.head.is_some() => {}
            Some(told) => told.write(Keeping::of(&self.operation, &self.response), out),
            None if is_whole_query(&self.operation, &self.response) => {}
            None => forbid_caching(out),
        }
    }

    /// Adds the headers that the rules make of the subgraphs', and those about costs, which can be done for several responses that are sent
    /// together.
    pub fn merge_headers<S>(&self, gateway: &Gateway<S>, out: &mut HeaderMap) {
        if let Some(head) = &self.head {
            out.extend(head.1.clone());
            return;
        }
        gateway.headers.merge(&self.response.subgraph_answers, out);
        if let (Some(costs), Some(cost)) = (&gateway.costs, self.cost) {
            costs.write_headers(cost, out);
        }
    }
}

/// Read by nginx, before `Cache-Control`: for how many seconds it may keep the response.
pub(crate) const X_ACCEL_EXPIRES: HeaderName = HeaderName::from_static("x-accel-expires");

/// Takes back that a response may be cached.
pub fn forbid_caching(headers: &mut HeaderMap) {
    headers.remove(EXPIRES);
    headers.remove(X_ACCEL_EXPIRES);
    if headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Answers one request with something that its client accepts.
pub async fn answer<S: Subgraphs>(
    gateway: &Arc<Gateway<S>>,
    request: &GraphQLRequest<'_>,
    context: &Arc<RequestContext>,
    accepts: Accepts,
) -> Result<Answer, Refusal> {
    ready(gateway, request, context, accepts).await?.answer(gateway).await
}

impl Ready<'_> {
    /// Executes the operation, or begins it if it is answered with more than one response.
    pub async fn answer<S: Subgraphs>(self, gateway: &Arc<Gateway<S>>) -> Result<Answer, Refusal> {
        let Self { operation, cached, started, found_after, variables, declined, estimate, exposes, .. } = self;
        let (document, request, context) = (self.document, self.request, self.context);
        let compiled = operation.result.as_ref().map_err(Clone::clone)?;
        if let Some(limits) = context.extensions.get::<Arc<RequestLimits>>().filter(|limits| limits.need_operation()) {
            let cost = estimate.map_or(1, |estimate| estimate.cost);
            let known = LimitedOperation { name: compiled.name(), hash: operation.hash, cost };
            Box::pin(limits.check_operation(context, &known)).await?;
        }
        let exposed = exposes.map(|exposes| gateway.exposed(exposes, &operation, &variables, estimate));
        if exposes.is_some_and(|exposes| exposes.dry_run) {
            let cost = estimate.map(|estimate| estimate.with_actual(&[]));
            let (response, executed_in, made) = (Response::without_execution(), Duration::ZERO, Made::Planned);
            return Ok(Answer::Executed(Executed {
                response,
                operation,
                cached,
                found_after,
                executed_in,
                cost,
                made,
                exposed,
                head: None,
            }));
        }
        let changed = extend::execution(gateway, context, request, compiled).await?;
        let context = changed.as_ref().unwrap_or(context);
        if compiled.kind() == OperationType::Subscription && compiled.has_fetches() {
            let wanted = document.wanted(request, context.graph.as_ref());
            let asked = Asked::new(wanted, request);
            let (operation, context) = (operation.clone(), context.clone());
            let subscription =
                Subscription { operation, cached, found_after, asked, variables, declined, context, exposed };
            return Ok(Answer::Subscription(Box::new(subscription)));
        }
        if compiled.has_parts() {
            let (operation, context) = (operation.clone(), context.clone());
            let incremental =
                Incremental { operation, cached, found_after, variables, declined, estimate, context, exposed };
            return Ok(Answer::Incremental(Box::new(incremental)));
        }
        let exposes = exposes.unwrap_or_default();
        let record = exposes.record();
        // An answer that was kept has no exchanges.
        let (mut response, made) = match gateway.reuse.as_ref().filter(|_| !exposes.exchanges) {
            Some(reuse) if compiled.kind() == OperationType::Query && compiled.has_fetches() => {
                let wants = Wants { operation: &operation, variables, declined, context };
                // Boxed, so that others don't carry it.
                Box::pin(reuse.answer(gateway, wants)).await?
            }
            _ => {
                let context = gateway.execute_context(context, declined, context.deadline);
                let context = ExecuteContext { record, ..context };
                (execute(compiled, &variables, &gateway.subgraphs, &context).await, Made::Own)
            }
        };
        if response.timed_out {
            response.bytes = refuse(&[GraphQLError::new(TIMEOUT, "The request took too long.")]);
        }
        let executed_in = started.elapsed() - found_after;
        let cost = estimate.map(|estimate| estimate.with_actual(&response.fetches));
        if let Some(cost) = cost.filter(|_| made == Made::Own) {
            gateway.metrics.cost_actual(cost.actual);
        }
        let head = None;
        let mut executed =
            Executed { response, operation, cached, found_after, executed_in, cost, made, exposed, head };
        extend::executed(gateway, context, &mut executed).await?;
        Ok(Answer::Executed(executed))
    }
}

/// What is due to a client that asked for something it may not see, where that is not left out of the answer.
pub(crate) fn refuse_unseen<S>(
    gateway: &Gateway<S>,
    operation: &CachedOperation,
    identity: &Identity,
) -> Result<(), Refusal> {
    gateway.metrics.unauthorized(gateway.permissions.dry_run);
    if gateway.permissions.dry_run {
        let name = operation.result.as_ref().ok().and_then(|compiled| compiled.name());
        let refused = operation.refused.join(", ");
        tracing::info!(operation = name, refused, "An operation asks for what its client may not see (dry run)");
        return Ok(());
    }
    if !gateway.permissions.rejects {
        return Ok(());
    }
    let status = match identity {
        Identity::Anonymous => StatusCode::UNAUTHORIZED,
        Identity::Known(_) => StatusCode::FORBIDDEN,
    };
    let message = format!("The request lacks permissions that {} needs.", operation.refused.join(", "));
    let refusal = Refusal::fixed(status, "UNAUTHORIZED_OPERATION", message);
    // A 401 says how to show who one is (RFC 9110 §15.5.2).
    let challenge = (status == StatusCode::UNAUTHORIZED).then_some(HeaderValue::from_static("Bearer"));
    Err(Refusal { challenge, ..refusal })
}

impl<S: Subgraphs> Gateway<S> {
    /// What an operation of a request is executed with.
    pub(crate) fn execute_context(
        &self,
        context: &Arc<RequestContext>,
        declined: Vec<SubgraphId>,
        deadline: Instant,
    ) -> ExecuteContext<SubgraphContext> {
        ExecuteContext {
            service: SubgraphContext::new(context.clone()),
            deadline: Some(deadline),
            limits: self.limits,
            subgraph_errors: self.subgraph_errors.clone(),
            names: self.names(context.graph.as_deref()),
            refusals: self.permissions.refusal_place,
            declined,
            record: false,
            long_work: self.long_work,
        }
    }
}
