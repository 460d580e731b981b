//! Runs an operation for an agent: on the gateway's street, as for any client, and within the bounds of agents. Knows no protocol.

use std::sync::{Arc, Mutex, PoisonError};

use braid_gateway::refusal::Refusal;
use braid_gateway::request::GraphQLRequest;
use braid_gateway::{Accepts, Executed, Gateway, Ready, Subgraphs, extend, ready};
use braid_graphql::error::GraphQLError;
use braid_query_plan::print::print;
use braid_request_context::RequestContext;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::bounds::{Bounded, Bounds};

/// Who calls, and what is seen of the call.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) context: Arc<RequestContext>,
    pub(crate) seen: Arc<Mutex<Seen>>,
}

/// What was done for a request.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) executed: Vec<Executed>,
    pub(crate) refused: Vec<Refusal>,
    pub(crate) called: Option<String>,
}

impl Caller {
    pub(crate) fn see(&self, what: impl FnOnce(&mut Seen)) {
        what(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// What an agent may do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowed {
    pub(crate) mutations: bool,
    pub(crate) max_cost: Option<u64>,
    pub(crate) bounds: Bounds,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) answer: Bounded,
    /// Whether nothing of what was asked for is in the answer.
    pub(crate) is_error: bool,
}

/// Runs the operation of a request.
pub(crate) async fn run<S: Subgraphs>(
    gateway: &Arc<Gateway<S>>,
    request: &GraphQLRequest<'_>,
    caller: &Caller,
    allowed: Allowed,
) -> Outcome {
    let executed = async {
        let Changed { request, context } = changed(gateway, request, caller).await?;
        ready_for(gateway, &request, &context, allowed).await?.answer(gateway).await?.executed()
    };
    match executed.await {
        Err(refusal) => refused(caller, refusal),
        Ok(executed) => {
            let bytes = executed.response.bytes.clone();
            caller.see(|seen| seen.executed.push(executed));
            within(allowed.bounds, bytes, caller).await
        }
    }
}

/// Plans the operation of a request, and estimates what it costs.
pub(crate) async fn plan<S: Subgraphs>(
    gateway: &Arc<Gateway<S>>,
    request: &GraphQLRequest<'_>,
    caller: &Caller,
    allowed: Allowed,
) -> Outcome {
    let described = async {
        let Changed { request, context } = changed(gateway, request, caller).await?;
        Ok(described(gateway, &ready_for(gateway, &request, &context, allowed).await?, allowed))
    };
    match described.await {
        Err(refusal) => refused(caller, refusal),
        Ok(value) => Outcome { answer: Bounded { text: value.to_string(), value }, is_error: false },
    }
}

/// The operation of a call and what is known of it, as plugins changed them.
struct Changed<'a> {
    request: GraphQLRequest<'a>,
    context: Arc<RequestContext>,
}

async fn changed<'a, S>(
    gateway: &Gateway<S>,
    request: &GraphQLRequest<'a>,
    caller: &Caller,
) -> Result<Changed<'a>, Refusal> {
    let mut changed = Changed { request: request.clone(), context: caller.context.clone() };
    extend::operation(gateway, &mut changed.context, &mut changed.request).await?;
    Ok(changed)
}

/// The operation, if it may be executed for an agent.
async fn ready_for<'a, S: Subgraphs>(
    gateway: &Gateway<S>,
    request: &'a GraphQLRequest<'_>,
    context: &'a Arc<RequestContext>,
    allowed: Allowed,
) -> Result<Ready<'a>, Refusal> {
    let accepts = Accepts { mutations: allowed.mutations, ..Accepts::WHOLE };
    let ready = ready(gateway, request, context, accepts).await.map_err(for_agents)?;
    if let (Some(cost), Some(max)) = (ready.estimated_cost(), allowed.max_cost)
        && cost > max
    {
        let message = format!("The operation would cost {cost}; at most {max} is allowed for agents. Ask for less.");
        let error = GraphQLError::new("COST_ESTIMATED_TOO_EXPENSIVE", message);
        return Err(error.with_extension("costEstimated", cost).with_extension("costMax", max).into());
    }
    Ok(ready)
}

/// The refusal of a kind of operation, in words that help an agent.
fn for_agents(refusal: Refusal) -> Refusal {
    match refusal.errors.first().and_then(GraphQLError::code) {
        Some("MUTATION_NOT_ALLOWED_OVER_HTTP_GET") => {
            let message = "Agents may not run this mutation (mcp.mutations).";
            GraphQLError::new("MUTATION_NOT_ALLOWED_FOR_AGENTS", message).into()
        }
        Some("SUBSCRIPTION_NOT_ACCEPTABLE") => {
            let message = "A tool answers once: it can't run a subscription. Run a query instead.";
            GraphQLError::new("SUBSCRIPTION_NOT_ACCEPTABLE", message).into()
        }
        _ => refusal,
    }
}

fn described<S>(gateway: &Gateway<S>, ready: &Ready<'_>, allowed: Allowed) -> Value {
    let max_cost = [ready.max_cost(), allowed.max_cost].into_iter().flatten().min();
    let mut out = json!({
        "dryRun": true,
        "kind": ready.kind().map(|kind| kind.name()),
        "subgraphRequests": ready.subgraph_requests(),
    });
    // Without demand control, nobody knows.
    if let Some(cost) = ready.estimated_cost() {
        (out["costEstimated"], out["costMax"]) = (cost.into(), json!(max_cost));
    }
    if !ready.refused().is_empty() {
        out["notPermitted"] = json!(ready.refused());
    }
    if let Some(plan) = ready.plan() {
        out["plan"] = print(plan, &gateway.supergraph).into();
    }
    out
}

fn refused(caller: &Caller, refusal: Refusal) -> Outcome {
    let text = String::from_utf8_lossy(&refusal.body()).into_owned();
    caller.see(|seen| seen.refused.push(refusal));
    let value = serde_json::from_str(&text).unwrap_or_default();
    Outcome { answer: Bounded { value, text }, is_error: true }
}

/// Reading a larger response takes a while, and other requests need the thread.
const LARGE: usize = 256 << 10;

async fn within(bounds: Bounds, bytes: Bytes, caller: &Caller) -> Outcome {
    let is_large = bytes.len() > LARGE;
    let apply = move || std::str::from_utf8(&bytes).ok().and_then(|text| bounds.apply(text));
    let bounded = if is_large { tokio::task::spawn_blocking(apply).await.ok().flatten() } else { apply() };
    let Some(answer) = bounded else {
        let message = format!(
            "The answer is larger than {} bytes, even with one item of each list. Ask for fewer fields.",
            bounds.max_bytes
        );
        return refused(caller, GraphQLError::new("RESPONSE_TOO_LARGE", message).into());
    };
    let has_errors = answer.value.get("errors").is_some();
    let has_nothing = match answer.value.get("data") {
        Some(Value::Object(members)) => members.values().all(Value::is_null),
        _ => true,
    };
    Outcome { is_error: has_errors && has_nothing, answer }
}
