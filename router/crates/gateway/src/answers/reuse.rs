//! Answers a query with what was, or is being, executed for an equal one. Knows no HTTP connection.

use std::sync::Arc;
use std::time::Instant;

use braid_executor::{Response, execute};
use braid_graphql::variables::Variables;
use braid_in_flight::InFlight;
use braid_request_context::headers::SubgraphHeaders;
use braid_request_context::{Identity, RequestContext};
use braid_supergraph::SubgraphId;
use braid_telemetry::metrics::Metrics;
use http::StatusCode;
use http::header::{AUTHORIZATION, COOKIE};

use super::config::AnswersSetup;
use super::keeping::Keeping;
use super::kept::KeptAnswers;
use super::same::SameKey;
use crate::answer::Made;
use crate::gateway::{Gateway, Subgraphs};
use crate::operation_cache::CachedOperation;
use crate::refusal::{Refusal, TIMEOUT};

/// Where answers to equal queries are found.
#[derive(Debug)]
pub(crate) struct Reuse {
    kept: Option<KeptAnswers>,
    in_flight: Option<InFlight<SameKey, Landed>>,
}

type Landed = Result<Arc<Response<SubgraphHeaders>>, Refusal>;

/// A query that is to be answered.
pub(crate) struct Wants<'a> {
    pub(crate) operation: &'a Arc<CachedOperation>,
    pub(crate) variables: Variables,
    pub(crate) declined: Vec<SubgraphId>,
    pub(crate) context: &'a Arc<RequestContext>,
}

impl Reuse {
    /// By these settings; `None` if every query is executed for itself.
    pub(crate) fn new(setup: Option<&AnswersSetup>, shares_executions: bool, metrics: &Arc<Metrics>) -> Option<Self> {
        let kept = setup.and_then(|setup| KeptAnswers::new(setup, metrics));
        let in_flight = shares_executions.then(InFlight::default);
        (kept.is_some() || in_flight.is_some()).then_some(Self { kept, in_flight })
    }

    /// Answers a query, and says how.
    pub(crate) async fn answer<S: Subgraphs>(
        &self,
        gateway: &Arc<Gateway<S>>,
        wants: Wants<'_>,
    ) -> Result<(Response<SubgraphHeaders>, Made), Refusal> {
        let Wants { operation, variables, declined, context } = &wants;
        let Some(key) = SameKey::new(gateway, operation, variables, declined, context) else {
            return Ok((run(gateway, operation, variables, context, declined.clone()).await?, Made::Own));
        };
        let Some(kept) = self.kept.as_ref().filter(|_| is_for_all(&wants)) else {
            return self.executed(gateway, &wants, key).await;
        };
        let by_source = key.clone().by_source(operation);
        if let Some(response) = kept.get(&by_source) {
            return Ok((response, Made::Kept));
        }
        let (response, made) = self.executed(gateway, &wants, key).await?;
        if made == Made::Own
            && let Keeping::Anybody(cacheability) = Keeping::of(operation, &response)
        {
            kept.put(by_source, &response, cacheability);
        }
        Ok((response, made))
    }

    /// Executes the query, or waits for an equal one that is being executed.
    async fn executed<S: Subgraphs>(
        &self,
        gateway: &Arc<Gateway<S>>,
        wants: &Wants<'_>,
        key: SameKey,
    ) -> Result<(Response<SubgraphHeaders>, Made), Refusal> {
        let Wants { operation, variables, declined, context } = wants;
        let Some(in_flight) = &self.in_flight else {
            return Ok((run(gateway, operation, variables, context, declined.clone()).await?, Made::Own));
        };
        loop {
            // The key names the operation by its address, so the execution keeps it alive.
            let (flight, is_own) = in_flight.join(key.clone(), || {
                let (gateway, operation, context) = (gateway.clone(), Arc::clone(operation), Arc::clone(context));
                let (variables, declined) = (variables.clone(), declined.clone());
                async move { run(&gateway, &operation, &variables, &context, declined).await.map(Arc::new) }
            });
            let metrics = &gateway.metrics.answers;
            if is_own {
                metrics.own.inc()
            } else {
                metrics.joined.inc()
            };
            if is_own {
                return Ok((Arc::unwrap_or_clone(flight.await?), Made::Own));
            }
            let landed = tokio::time::timeout_at(context.deadline.into(), flight).await.map_err(|_| too_late())??;
            // If the time of the one who began it is over, this client's is not.
            if !landed.timed_out || Instant::now() >= context.deadline {
                return Ok((for_another(&landed), Made::Shared));
            }
        }
    }
}

/// Whether the answer could be anybody's: the client shows nothing of itself, and all is as it is for everybody.
fn is_for_all(wants: &Wants<'_>) -> bool {
    let Wants { operation, declined, context, .. } = wants;
    matches!(context.identity, Identity::Anonymous)
        && ![AUTHORIZATION, COOKIE].iter().any(|name| context.headers.contains_key(name))
        && declined.is_empty()
        && !operation.depends_on_client()
}

async fn run<S: Subgraphs>(
    gateway: &Gateway<S>,
    operation: &CachedOperation,
    variables: &Variables,
    context: &Arc<RequestContext>,
    declined: Vec<SubgraphId>,
) -> Result<Response<SubgraphHeaders>, Refusal> {
    let compiled = operation.result.as_ref().map_err(Clone::clone)?;
    let context = gateway.execute_context(context, declined, context.deadline);
    Ok(execute(compiled, variables, &gateway.subgraphs, &context).await)
}

/// A response for somebody who did not have it made: without what is meant for one client, and without the fetches, which are counted once.
pub(crate) fn for_another(response: &Response<SubgraphHeaders>) -> Response<SubgraphHeaders> {
    let mut response = response.clone();
    response.fetches.clear();
    for (_, headers) in &mut response.subgraph_answers {
        *headers = std::mem::take(headers).shared();
    }
    response
}

fn too_late() -> Refusal {
    Refusal::fixed(StatusCode::GATEWAY_TIMEOUT, TIMEOUT, "The request took too long.")
}
