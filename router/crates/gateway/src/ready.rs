//! The first half of the main street: from a GraphQL request to an operation that may be executed for its client. Asks no subgraph.

use std::sync::Arc;
use std::time::{Duration, Instant};

use braid_graphql::OperationType;
use braid_graphql::variables::Variables;
use braid_query_plan::QueryPlan;
use braid_request_context::RequestContext;
use braid_supergraph::SubgraphId;

use crate::accepts::Accepts;
use crate::anonymous;
use crate::answer::refuse_unseen;
use crate::costs::{Affordable, Estimated};
use crate::documents::{Document, Membership, Search};
use crate::exposed::Exposes;
use crate::find::{find, in_time};
use crate::gateway::{Gateway, Subgraphs};
use crate::operation_cache::{CachedOperation, Wanted};
use crate::policies::DecidedPolicies;
use crate::refusal::Refusal;
use crate::request::GraphQLRequest;

/// An operation that may be executed: it is compiled, its client may run it, its variables fit, and it costs no more than it may.
/// [`Ready::answer`] executes it; one that is dropped has asked nobody for anything.
#[derive(Debug)]
pub struct Ready<'a> {
    pub(crate) document: Document<'a>,
    pub(crate) request: &'a GraphQLRequest<'a>,
    pub(crate) context: &'a Arc<RequestContext>,
    pub(crate) operation: Arc<CachedOperation>,
    pub(crate) cached: bool,
    pub(crate) started: Instant,
    pub(crate) found_after: Duration,
    pub(crate) variables: Variables,
    pub(crate) declined: Vec<SubgraphId>,
    pub(crate) estimate: Option<Estimated>,
    pub(crate) exposes: Option<Exposes>,
}

impl Ready<'_> {
    /// What kind of operation it is; `None` for one that can't be compiled, which is never ready.
    pub fn kind(&self) -> Option<OperationType> {
        Some(self.operation.result.as_ref().ok()?.kind())
    }

    /// What it is estimated to cost, where that is of interest (`demand_control`).
    pub fn estimated_cost(&self) -> Option<u64> {
        Some(self.estimate?.cost)
    }

    /// The most that it may cost for its client.
    pub fn max_cost(&self) -> Option<u64> {
        self.estimate?.max
    }

    /// How many requests to subgraphs it makes at most; `None` for one that can't be compiled.
    pub fn subgraph_requests(&self) -> Option<usize> {
        Some(self.operation.result.as_ref().ok()?.number_of_fetches())
    }

    /// What is asked of subgraphs, if plans may be shown (`exposure.plan`).
    pub fn plan(&self) -> Option<&QueryPlan> {
        self.operation.result.as_ref().ok()?.plan()
    }

    /// The types and fields of it that the client may not see: they are null in the response.
    pub fn refused(&self) -> &[String] {
        &self.operation.refused
    }
}

/// Finds out what is to be executed for a request, and whether it may be, for a client that takes what `accepts` says.
pub async fn ready<'a, S: Subgraphs>(
    gateway: &Gateway<S>,
    request: &'a GraphQLRequest<'_>,
    context: &'a Arc<RequestContext>,
    accepts: Accepts,
) -> Result<Ready<'a>, Refusal> {
    let started = Instant::now();
    let exposes = Exposes::of(&gateway.exposure, &context.headers)?;
    let is_dry = exposes.is_some_and(|exposes| exposes.dry_run);
    // A plan can be shown to everybody, also that of a stream.
    let accepts = if is_dry { Accepts { mutations: accepts.mutations, ..Accepts::ALL } } else { accepts };
    let undecided = DecidedPolicies::default();
    let facts = gateway.facts(context.override_labels, context.identity.principal(), &undecided);
    let documents = &gateway.documents;
    let document = match documents.get(request)? {
        Search::Found(document) => document,
        Search::Elsewhere(hash) => in_time(context.deadline, Box::pin(documents.fetch(hash))).await?,
    };
    let wanted = document.wanted(request, context.graph.as_ref());
    let (operation, cached) = match gateway.operations.hit(wanted, &facts) {
        Ok(Some(found)) => {
            documents.admit(&document, &found.membership, context)?;
            (found, true)
        }
        _ => {
            let membership = Membership::default();
            documents.admit(&document, &membership, context)?;
            // Boxed, so that hits don't carry what only a miss needs.
            let found = in_time(context.deadline, Box::pin(find(gateway, wanted, context, accepts))).await?;
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
    accepts.check(compiled.kind())?;
    anonymous::check(&context.identity, operation.is_open)?;
    documents.register(&document);
    if !operation.refused.is_empty() {
        refuse_unseen(gateway, &operation, &context.identity)?;
    }
    let names = gateway.names(context.graph.as_deref());
    let variables = compiled.coerce_variables(request.variables.as_deref(), names).map_err(Refusal::request)?;
    let (operation, cached) = match operation.values(accepts, &variables) {
        None => (operation, cached),
        // Boxed, so that others don't carry what only parts need.
        Some(values) => {
            Box::pin(in_parts(gateway, Wanted { values: Some(&values), ..wanted }, context, accepts)).await?
        }
    };
    if let Err(refusal) = &operation.result {
        return Err(refusal.clone());
    }
    let affordable = match (&gateway.costs, &operation.cost) {
        (Some(costs), Some(cost)) => Some(costs.check(cost, &variables, &context.identity, &gateway.metrics)?),
        _ => None,
    };
    let (declined, estimate) = affordable.map_or((Vec::new(), None), Affordable::split);
    let request: &GraphQLRequest<'_> = request;
    Ok(Ready {
        document,
        request,
        context,
        operation,
        cached,
        started,
        found_after,
        variables,
        declined,
        estimate,
        exposes,
    })
}

/// The operation as it is answered in parts, and whether it was in the cache. That it may be run was checked.
async fn in_parts<S: Subgraphs>(
    gateway: &Gateway<S>,
    wanted: Wanted<'_>,
    context: &Arc<RequestContext>,
    accepts: Accepts,
) -> Result<(Arc<CachedOperation>, bool), Refusal> {
    let undecided = DecidedPolicies::default();
    let facts = gateway.facts(context.override_labels, context.identity.principal(), &undecided);
    match gateway.operations.hit(wanted, &facts) {
        Ok(Some(found)) => Ok((found, true)),
        _ => in_time(context.deadline, find(gateway, wanted, context, accepts)).await,
    }
}
