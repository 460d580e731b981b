//! The main street: from a GraphQL request to the bytes of its response, on a hit and on a miss. Knows no HTTP connection and no
//! transport.
//!
//! ```text
//! GraphQLRequest → document → [operation cache] → CompiledOperation → variables → cost → execute ⇄ subgraphs → bytes
//!                                   │ miss
//!                                   ▼
//!                 parse → validate → limits → normalize → may it run? → what may be seen? → plan → compile
//! ```

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use braid_authorization::{RequirementSet, filter, relevant};
use braid_executor::{ExecuteContext, Response, execute, refuse};
use braid_graphql::OperationType;
use braid_graphql::error::GraphQLError;
use braid_graphql::operation::Operation;
use braid_rate_limit::{Operation as LimitedOperation, RequestLimits};
use braid_request_context::headers::SubgraphHeaders;
use braid_request_context::identity::{Identity, Principal};
use braid_request_context::{RequestContext, SubgraphContext};
use http::header::{CACHE_CONTROL, EXPIRES};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::anonymous::{self, AnonymousRules};
use crate::compile::Compiler;
use crate::costs::{Affordable, OperationCost};
use crate::decisions::{Decisions, Facts, Undecided};
use crate::documents::{Membership, Search};
use crate::gateway::{Gateway, Subgraphs};
use crate::labels::OverrideLabels;
use crate::operation_cache::{CachedOperation, Found, Wanted};
use crate::permissions::{PermissionRules, Permissions};
use crate::policies::DecidedPolicies;
use crate::refusal::Refusal;
use crate::request::{GraphQLRequest, Unreadable, unescape};

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
}

/// The time for a client's request is over: an error instead of an answer, also where parts of one are there.
const TIMEOUT: &str = "GATEWAY_TIMEOUT";

impl Executed {
    /// The status that goes with it: an operation that was executed is answered, also in part.
    pub fn status(&self) -> StatusCode {
        if self.response.timed_out { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::OK }
    }

    /// Adds the headers that the rules make of the subgraphs', and those about costs. The subgraphs that answered allow caching of what they gave; a response
    /// that lacks a part, or that changed something, may be kept by nobody.
    pub fn write_headers<S>(&self, gateway: &Gateway<S>, out: &mut HeaderMap) {
        gateway.headers.merge(&self.response.subgraph_answers, out);
        if let (Some(costs), Some(cost)) = (&gateway.costs, self.cost) {
            costs.write_headers(cost, out);
        }
        if !self.is_whole_query() {
            forbid_caching(out);
        }
    }

    fn is_whole_query(&self) -> bool {
        let is_query = self.operation.result.as_ref().is_ok_and(|operation| operation.kind() == OperationType::Query);
        is_query && self.response.errors == 0 && self.response.refused == 0 && !self.response.timed_out
    }
}

/// Takes back that subgraphs allowed a response to be cached.
pub fn forbid_caching(headers: &mut HeaderMap) {
    headers.remove(EXPIRES);
    if headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
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
    let undecided = DecidedPolicies::default();
    let facts = gateway.facts(context.override_labels, context.identity.principal(), &undecided);
    let documents = &gateway.documents;
    let document = match documents.get(request)? {
        Search::Found(document) => document,
        Search::Elsewhere(hash) => in_time(context.deadline, Box::pin(documents.fetch(hash))).await?,
    };
    let wanted = document.wanted(request);
    let (operation, cached) = match gateway.operations.hit(wanted, &facts) {
        Ok(Some(found)) => {
            documents.admit(&document, &found.membership, context)?;
            (found, true)
        }
        _ => {
            let membership = Membership::default();
            documents.admit(&document, &membership, context)?;
            // Boxed, so that hits don't carry what only a miss needs.
            let found = in_time(context.deadline, Box::pin(find(gateway, wanted, context, may_mutate))).await?;
            found.0.membership.take_over(&membership);
            found
        }
    };
    let found_after = started.elapsed();
    if let (false, Some(trace)) = (cached, &context.trace) {
        let refused = operation.result.as_ref().err();
        let code = refused.and_then(|refusal| refusal.errors.first()?.code());
        trace.compiled(found_after, operation.planned_in, code);
    }
    let compiled = operation.result.as_ref().map_err(Clone::clone)?;
    check_method(compiled.kind(), may_mutate)?;
    anonymous::check(&context.identity, operation.is_open)?;
    documents.register(&document);
    if !operation.refused.is_empty() {
        refuse_unseen(gateway, &operation, &context.identity)?;
    }
    let names = gateway.exposure.names();
    let variables = compiled.coerce_variables(request.variables.as_deref(), names).map_err(Refusal::request)?;
    let affordable = match (&gateway.costs, &operation.cost) {
        (Some(costs), Some(cost)) => Some(costs.check(cost, &variables, &context.identity, &gateway.metrics)?),
        _ => None,
    };
    let (declined, estimate) = affordable.map_or((Vec::new(), None), Affordable::split);
    if let Some(limits) = context.extensions.get::<Arc<RequestLimits>>().filter(|limits| limits.need_operation()) {
        let cost = estimate.map_or(1, |estimate| estimate.cost);
        let known = LimitedOperation { name: compiled.name(), hash: operation.hash, cost };
        Box::pin(limits.check_operation(context, &known)).await?;
    }
    let context = ExecuteContext {
        service: SubgraphContext::new(context.clone()),
        deadline: Some(context.deadline),
        limits: gateway.limits,
        subgraph_errors: gateway.subgraph_errors.clone(),
        names,
        refusals: gateway.permissions.refusal_place,
        declined,
    };
    let mut response = execute(compiled, &variables, &gateway.subgraphs, &context).await;
    if response.timed_out {
        response.bytes = refuse(&[GraphQLError::new(TIMEOUT, "The request took too long.")]);
    }
    let executed_in = started.elapsed() - found_after;
    let cost = estimate.map(|estimate| estimate.with_actual(&response.fetches));
    if let Some(cost) = cost {
        gateway.metrics.cost_actual(cost.actual);
    }
    Ok(Executed { response, operation, cached, found_after, executed_in, cost })
}

/// The operation of a request that was not found at once, and whether it was compiled before: it is compiled, or policies are decided
/// that it depends on. Each round decides all that are known to matter, and no policy twice, so there are few.
async fn find<S: Subgraphs>(
    gateway: &Gateway<S>,
    wanted: Wanted<'_>,
    context: &RequestContext,
    may_mutate: bool,
) -> Result<(Arc<CachedOperation>, bool), Refusal> {
    let principal = context.identity.principal();
    let mut decided = DecidedPolicies::default();
    loop {
        let facts = gateway.facts(context.override_labels, principal, &decided);
        let policies = match compiled(gateway, wanted, &facts, Sent { may_mutate, is_warm_up: false }).await {
            Ok(found) => return Ok(found),
            Err(Unfound::Refused(refusal)) => return Err(refusal),
            Err(Unfound::Undecided(Undecided(policies))) => policies,
        };
        if let Some(authorizer) = &gateway.permissions.authorizer {
            decided.decide(&**authorizer, policies, principal, context.deadline).await;
        }
    }
}

/// Why a request's operation is not there.
enum Unfound {
    Refused(Refusal),
    Undecided(Undecided),
}

impl From<Undecided> for Unfound {
    fn from(undecided: Undecided) -> Self {
        Self::Undecided(undecided)
    }
}

impl<R: Into<Refusal>> From<R> for Unfound {
    fn from(refusal: R) -> Self {
        Self::Refused(refusal.into())
    }
}

/// The operation of a request that is not in the cache, and whether another request had it compiled meanwhile.
async fn compiled<S: Subgraphs>(
    gateway: &Gateway<S>,
    wanted: Wanted<'_>,
    facts: &Facts<'_>,
    sent: Sent,
) -> Result<(Arc<CachedOperation>, bool), Unfound> {
    let vacancy = match gateway.operations.wait(wanted, facts).await? {
        Found::Operation(operation) => return Ok((operation, true)),
        Found::Vacancy(vacancy) => vacancy,
    };
    let (text, name) = (unescape(wanted.query)?, wanted.operation_name.map(unescape).transpose()?);
    // The semaphore is never closed.
    let permit = gateway.planning.clone().acquire_owned().await.ok();
    let miss = Miss {
        compiler: gateway.compiler.clone(),
        labels: gateway.labels.clone(),
        on: facts.labels,
        permissions: gateway.permissions.clone(),
        principal: facts.permissions.principal().cloned(),
        decided: facts.permissions.decided().clone(),
        anonymous: gateway.anonymous.clone(),
        may_introspect: gateway.exposure.introspection,
        sent,
    };
    let compiling = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        miss.compile(&text, name.as_deref())
    });
    let operation = compiling.await.map_err(|error| {
        tracing::error!(%error, "Compiling an operation failed");
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Refusal::fixed(status, "INTERNAL_SERVER_ERROR", "The operation could not be compiled.")
    })?;
    Ok((vacancy.fill(operation?), false))
}

/// What of how a request was sent decides whether its operation may be compiled.
#[derive(Clone, Copy)]
struct Sent {
    may_mutate: bool,
    /// Whether nobody has sent it: it is compiled for those who will.
    is_warm_up: bool,
}

/// What an operation is compiled with for one request.
struct Miss {
    compiler: Arc<Compiler>,
    labels: Arc<OverrideLabels>,
    /// The labels that are on.
    on: u64,
    permissions: Arc<PermissionRules>,
    principal: Option<Arc<Principal>>,
    decided: DecidedPolicies,
    anonymous: Option<Arc<AnonymousRules>>,
    may_introspect: bool,
    sent: Sent,
}

impl Miss {
    /// parse → may it run? → what may be seen? → plan. A refusal is kept as what came of the operation, unless it is due to how this
    /// request was sent.
    fn compile(&self, text: &str, name: Option<&str>) -> Result<CachedOperation, Unfound> {
        let started = Instant::now();
        let parsed = self.compiler.parse(text, name);
        let mut is_open = true;
        if let Ok(operation) = &parsed {
            check_method(operation.kind, self.sent.may_mutate)?;
            is_open = self.anonymous.as_ref().is_none_or(|rules| rules.allow(operation));
            if !is_open && self.principal.is_none() && !self.sent.is_warm_up {
                return Err(anonymous::refusal().into());
            }
        }
        let parsed = parsed.and_then(|operation| self.check(&operation).map(|()| operation));
        let permissions = Permissions::new(&self.permissions, self.principal.as_ref(), &self.decided);
        let facts = Facts { labels: self.on, permissions };
        let requirements = parsed.as_ref().map(|operation| self.requirements(operation)).unwrap_or_default();
        facts.decide(&requirements)?;
        let mut refused = Vec::new();
        let seen = parsed.map(|operation| self.seen(operation, &facts, &requirements, &mut refused));
        let (parsed_in, is_planned) = (started.elapsed(), seen.is_ok());
        let asked = Cell::new(0);
        let is_on = |label: &str| {
            let bit = self.labels.number(label).map_or(0, |number| 1 << number);
            asked.set(asked.get() | bit);
            self.on & bit != 0
        };
        let result = seen.and_then(|operation| self.compiler.plan_with_cost(operation, &is_on));
        let took = started.elapsed();
        let planned_in = is_planned.then(|| took - parsed_in);
        let decisions = Decisions::of(asked.get(), requirements, &facts);
        Ok(CachedOperation::new(result, text, took, planned_in, refused, is_open, decisions))
    }

    /// The requirements on which it depends what of an operation the client may see.
    fn requirements(&self, operation: &Operation) -> RequirementSet {
        let all = &self.permissions.requirements;
        match all.is_empty() {
            true => RequirementSet::default(),
            false => relevant(operation, &self.compiler.supergraph.schema, all),
        }
    }

    /// What of an operation the client may see. Adds what is refused.
    fn seen(
        &self,
        operation: Operation,
        facts: &Facts<'_>,
        requirements: &RequirementSet,
        refused: &mut Vec<String>,
    ) -> Operation {
        if requirements.is_empty() {
            return operation;
        }
        let (schema, all) = (&self.compiler.supergraph.schema, &self.permissions.requirements);
        let filtered = filter(&operation, schema, all, &|id| facts.permissions.grants(id));
        *refused = filtered.refused;
        if self.permissions.dry_run { operation } else { filtered.operation }
    }

    /// Whether this router runs such operations at all.
    fn check(&self, operation: &Operation) -> Result<(), Refusal> {
        if operation.kind == OperationType::Subscription {
            let message = "This router does not run subscriptions.";
            return Err(GraphQLError::new("SUBSCRIPTION_NOT_SUPPORTED", message).into());
        }
        if !self.may_introspect && operation.selection_set.uses_introspection() {
            let message = "Introspection is switched off (exposure.introspection).";
            return Err(GraphQLError::new("INTROSPECTION_DISABLED", message).into());
        }
        Ok(())
    }
}

/// What is due to a client that asked for something it may not see, where that is not left out of the answer.
fn refuse_unseen<S>(gateway: &Gateway<S>, operation: &CachedOperation, identity: &Identity) -> Result<(), Refusal> {
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

fn check_method(kind: OperationType, may_mutate: bool) -> Result<(), Refusal> {
    if kind == OperationType::Mutation && !may_mutate {
        let code = "MUTATION_NOT_ALLOWED_OVER_HTTP_GET";
        return Err(Refusal::fixed(StatusCode::METHOD_NOT_ALLOWED, code, "A mutation must be sent by POST."));
    }
    Ok(())
}

/// Only a miss can take long before it is executed, so only a miss is timed.
async fn in_time<T>(deadline: Instant, finding: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
    tokio::time::timeout_at(deadline.into(), finding).await.unwrap_or_else(|_| {
        let message = "The request took too long: its operation was not ready in time.";
        Err(Refusal::fixed(StatusCode::GATEWAY_TIMEOUT, TIMEOUT, message))
    })
}

impl<S: Subgraphs> Gateway<S> {
    /// The operation of a request, ready to run, and whether it was there already.
    pub async fn prepare(&self, request: &GraphQLRequest<'_>) -> Result<(Arc<CachedOperation>, bool), Refusal> {
        let query = request.query.as_deref().ok_or_else(Unreadable::no_document)?;
        self.prepare_wanted(Wanted { query, operation_name: request.operation_name.as_deref() }).await
    }

    /// The same, of a text and a name.
    pub(crate) async fn prepare_wanted(&self, wanted: Wanted<'_>) -> Result<(Arc<CachedOperation>, bool), Refusal> {
        let mut decided = DecidedPolicies::default();
        loop {
            let facts = self.facts(self.labels.decide(&HeaderMap::new()), None, &decided);
            match compiled(self, wanted, &facts, Sent { may_mutate: true, is_warm_up: true }).await {
                Ok(found) => return Ok(found),
                Err(Unfound::Refused(refusal)) => return Err(refusal),
                // Nobody is asked about somebody who does not exist.
                Err(Unfound::Undecided(Undecided(policies))) => decided.refuse(policies),
            }
        }
    }

    /// Compiles the most used operations of an older version, so that the first requests to this one find them.
    pub async fn warm_from(&self, older: &Self, most: usize) {
        for (request, count) in older.operations.most_used(most) {
            if let Ok((operation, _)) = self.prepare(&request).await {
                operation.set_used(count / 2);
            }
        }
    }
}
