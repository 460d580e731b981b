//! Finds the compiled operation of a request that the cache does not have: policies are decided, and the operation is compiled. Knows no
//! subgraph.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use braid_authorization::{RequirementSet, filter, relevant};
use braid_expressions::Inputs;
use braid_graphql::OperationType;
use braid_graphql::error::GraphQLError;
use braid_graphql::operation::Operation;
use braid_request_context::RequestContext;
use braid_request_context::identity::Principal;
use http::StatusCode;
use tokio::sync::Semaphore;

use crate::accepts::Accepts;
use crate::anonymous::{self, AnonymousRules};
use crate::compile::{Compiler, Effort, Parsed, Within};
use crate::decisions::{Decisions, Facts, Undecided};
use crate::gateway::{Gateway, Subgraphs};
use crate::graphs::Graph;
use crate::labels::OverrideLabels;
use crate::operation_cache::{CachedOperation, Found, MostUsed, Wanted};
use crate::permissions::{PermissionRules, Permissions};
use crate::policies::DecidedPolicies;
use crate::refusal::{Refusal, TIMEOUT};
use crate::request::{GraphQLRequest, Unreadable, unescape};

/// The operation of a request that was not found at once, and whether it was compiled before: it is compiled, or policies are decided
/// that it depends on. Each round decides all that are known to matter, and no policy twice, so there are few.
pub(crate) async fn find<S: Subgraphs>(
    gateway: &Gateway<S>,
    wanted: Wanted<'_>,
    context: &RequestContext,
    accepts: Accepts,
) -> Result<(Arc<CachedOperation>, bool), Refusal> {
    let principal = context.identity.principal();
    let mut decided = DecidedPolicies::default();
    loop {
        let facts = gateway.facts(context.override_labels, principal, &decided);
        let policies = match compiled(gateway, wanted, &facts, Sent { accepts, is_warm_up: false }).await {
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
    let graph = wanted.graph.map(|name| gateway.compiler.graphs.get(name)).transpose()?.cloned();
    let (text, name) = (unescape(wanted.query)?, wanted.operation_name.map(unescape).transpose()?);
    let miss = Miss {
        compiler: gateway.compiler.clone(),
        labels: gateway.labels.clone(),
        on: facts.labels,
        permissions: gateway.permissions.clone(),
        principal: facts.permissions.principal().cloned(),
        decided: facts.permissions.decided().clone(),
        anonymous: gateway.anonymous.clone(),
        may_introspect: graph.as_ref().map_or(gateway.exposure.introspection, |graph| graph.introspection),
        graph,
        may_subscribe: gateway.subscriptions.enabled,
        values: wanted.values.map(Into::into),
        sent,
    };
    Ok((vacancy.fill(compile(&gateway.planning, miss, text, name).await?), false))
}

/// Compiles here what is little work, and on a thread of its own what is more: changing threads costs as much as parsing does.
async fn compile(
    permits: &Arc<Semaphore>,
    miss: Miss,
    text: String,
    name: Option<String>,
) -> Result<CachedOperation, Unfound> {
    if let Ok(_permit) = permits.try_acquire() {
        let here = AssertUnwindSafe(|| miss.compile(&text, name.as_deref(), Effort::InPlace));
        if let Some(compiled) = catch_unwind(here).unwrap_or_else(|_| Err(failed()))? {
            return Ok(compiled);
        }
    }
    // The semaphore is never closed.
    let permit = permits.clone().acquire_owned().await.ok();
    let compiling = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        miss.compile(&text, name.as_deref(), Effort::Full)
    });
    compiling.await.unwrap_or_else(|_| Err(failed()))?.ok_or_else(failed)
}

/// What comes of a panic, which its hook has reported.
fn failed() -> Unfound {
    tracing::error!("Compiling an operation failed");
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    Refusal::fixed(status, "INTERNAL_SERVER_ERROR", "The operation could not be compiled.").into()
}

/// What of how a request was sent decides whether its operation may be compiled.
#[derive(Clone, Copy)]
struct Sent {
    accepts: Accepts,
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
    graph: Option<Arc<Graph>>,
    may_introspect: bool,
    may_subscribe: bool,
    /// See [`Wanted::values`].
    values: Option<Box<[bool]>>,
    sent: Sent,
}

impl Miss {
    /// parse → may it run? → what may be seen? → plan. A refusal is kept as what came of the operation, unless it is due to how this
    /// request was sent. `None` if it takes more than the effort allows.
    fn compile(&self, text: &str, name: Option<&str>, effort: Effort) -> Result<Option<CachedOperation>, Unfound> {
        let started = Instant::now();
        let within = Within { graph: self.graph.as_deref(), effort };
        let parsed = self.compiler.parse_wanted(text, name, self.values.as_deref(), within);
        let (parsed, deciding, usage, footprint) = match parsed {
            Ok(None) => return Ok(None),
            Ok(Some(Parsed { operation, deciding, usage, footprint })) => (Ok(operation), deciding, usage, footprint),
            Err(refusal) => (Err(refusal), None, None, None),
        };
        let mut is_open = true;
        if let Ok(operation) = &parsed {
            self.sent.accepts.check(operation.kind)?;
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
        let planned = seen.and_then(|operation| self.compiler.plan_with_cost(operation, &is_on, within));
        let Some(result) = planned.transpose() else { return Ok(None) };
        let took = started.elapsed();
        let planned_in = is_planned.then(|| took - parsed_in);
        let decisions = Decisions::of(asked.get(), requirements, &facts);
        let of = (text, name, within.graph.map(|graph| &*graph.name));
        let operation = CachedOperation::new(result, of, took, planned_in, refused, is_open, decisions);
        let mut operation = operation.with_footprint(footprint);
        (operation.deciding, operation.usage) = (deciding, usage);
        Ok(Some(operation))
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
        if operation.kind == OperationType::Subscription && !self.may_subscribe {
            let message = "Subscriptions are switched off (subscriptions.enabled).";
            return Err(GraphQLError::new("SUBSCRIPTION_NOT_SUPPORTED", message).into());
        }
        if !self.may_introspect && operation.selection_set.uses_introspection() {
            let message = "Introspection is switched off (exposure.introspection).";
            return Err(GraphQLError::new("INTROSPECTION_DISABLED", message).into());
        }
        Ok(())
    }
}

/// Only a miss can take long before it is executed, so only a miss is timed.
pub(crate) async fn in_time<T>(
    deadline: Instant,
    finding: impl Future<Output = Result<T, Refusal>>,
) -> Result<T, Refusal> {
    tokio::time::timeout_at(deadline.into(), finding).await.unwrap_or_else(|_| {
        let message = "The request took too long: its operation was not ready in time.";
        Err(Refusal::fixed(StatusCode::GATEWAY_TIMEOUT, TIMEOUT, message))
    })
}

impl<S: Subgraphs> Gateway<S> {
    /// The operation of a request, ready to run, and whether it was there already.
    pub async fn prepare(&self, request: &GraphQLRequest<'_>) -> Result<(Arc<CachedOperation>, bool), Refusal> {
        let query = request.query.as_deref().ok_or_else(Unreadable::no_document)?;
        let operation_name = request.operation_name.as_deref();
        self.prepare_wanted(Wanted { query, operation_name, values: None, graph: None }).await
    }

    /// The same, of a text and a name.
    pub(crate) async fn prepare_wanted(&self, wanted: Wanted<'_>) -> Result<(Arc<CachedOperation>, bool), Refusal> {
        let mut decided = DecidedPolicies::default();
        loop {
            let facts = self.facts(self.labels.decide(&Inputs::default()), None, &decided);
            match compiled(self, wanted, &facts, Sent { accepts: Accepts::ALL, is_warm_up: true }).await {
                Ok(found) => return Ok(found),
                Err(Unfound::Refused(refusal)) => return Err(refusal),
                // Nobody is asked about somebody who does not exist.
                Err(Unfound::Undecided(Undecided(policies))) => decided.refuse(policies),
            }
        }
    }

    /// Compiles the most used operations of an older version, so that the first requests to this one find them.
    pub async fn warm_from(&self, older: &Self, most: usize) {
        for MostUsed { request, graph, uses } in older.operations.most_used(most, |_| true) {
            let Some(query) = request.query.as_deref() else { continue };
            let operation_name = request.operation_name.as_deref();
            let wanted = Wanted { query, operation_name, values: None, graph: graph.as_ref() };
            if let Ok((operation, _)) = self.prepare_wanted(wanted).await {
                operation.set_used(uses / 2);
            }
        }
    }
}
