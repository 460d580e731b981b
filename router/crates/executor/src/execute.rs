//! The main path of an execution: fetches start as soon as what they need is there, their answers grow the tree, and the tree is
//! written out. Knows nothing of how requests travel.

use std::pin::{Pin, pin};
use std::time::{Duration, Instant};

use braid_graphql::OperationType;
use braid_graphql::error::GraphQLError;
use braid_graphql::variables::Variables;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::compile::fetch::CompiledKind;
use crate::compile::operation::CompiledOperation;
use crate::request::SubgraphRequest;
use crate::response::{ExecuteContext, Response};
use crate::run::{Arrived, Came, Run, Sent};
use crate::service::{SubgraphError, SubgraphResponse, SubgraphService};

/// Runs an operation. Dropping the future cancels the requests that are in flight.
///
/// The response is always complete and valid, whatever subgraphs do; what they failed to give is null with an error.
pub async fn execute<S: SubgraphService>(
    operation: &CompiledOperation,
    variables: &Variables,
    service: &S,
    context: &ExecuteContext<S::Context>,
) -> Response<S::Meta> {
    let mut run = Run::new(operation, variables, context);
    let in_time = within(context.deadline, pin!(run.fetch_all(service, context))).await;
    if in_time.is_none() {
        run.give_up();
    }
    run.finish()
}

/// The request that subscribes at a subgraph; `None` if the operation needs no subgraph, and is answered like a query.
pub fn subscription_request<C>(
    operation: &CompiledOperation,
    variables: &Variables,
    context: &ExecuteContext<C>,
) -> Option<SubgraphRequest> {
    let mut run = Run::<()>::new(operation, variables, context);
    let (_, request) = run.start_subscription()?;
    Some(SubgraphRequest { deadline: None, ..request })
}

/// Answers one event of a subscription: as [`execute`], with what the subgraph sent in place of its response to the first fetch
/// (<https://spec.graphql.org/draft/#MapSourceToResponseEvent()>).
pub async fn execute_event<S: SubgraphService>(
    operation: &CompiledOperation,
    variables: &Variables,
    event: Bytes,
    service: &S,
    context: &ExecuteContext<S::Context>,
) -> Response<S::Meta> {
    let mut run = Run::new(operation, variables, context);
    if let Some((sent, _)) = run.start_subscription() {
        let came = Came { status: 200, body: event, kept: None };
        let arrived = Arrived { sent, outcome: Ok(came), started: run.started, took: Duration::ZERO };
        run.arrive(arrived);
    }
    let in_time = within(context.deadline, pin!(run.fetch_all(service, context))).await;
    if in_time.is_none() {
        run.give_up();
    }
    run.finish()
}

/// A response without data, for a request that cannot be executed at all.
pub fn refuse(errors: &[GraphQLError]) -> Bytes {
    // Writing these types to memory cannot fail.
    let errors = serde_json::to_vec(errors).unwrap_or_else(|_| b"[]".to_vec());
    Bytes::from([b"{\"errors\":".as_slice(), &errors, b"}"].concat())
}

pub(crate) async fn call<S: SubgraphService>(
    service: &S,
    context: &ExecuteContext<S::Context>,
    sent: Sent,
    request: SubgraphRequest,
) -> Arrived<SubgraphResponse<S::Meta>> {
    let started = Instant::now();
    let outcome = match context.declined.contains(&request.subgraph) {
        true => Err(SubgraphError::too_expensive()),
        false => service.call(request, &context.service).await,
    };
    Arrived { sent, outcome, started, took: started.elapsed() }
}

impl<M> Run<'_, M> {
    pub(crate) async fn fetch_all<S: SubgraphService<Meta = M>>(
        &mut self,
        service: &S,
        context: &ExecuteContext<S::Context>,
    ) {
        let mut under_way = FuturesUnordered::new();
        loop {
            let mut only = None;
            while let Some(index) = self.ready.pop() {
                let Some((sent, request)) = self.start(index) else { continue };
                // A single request needs no set to wait in.
                if let Some((sent, request)) = only.replace((sent, request)) {
                    under_way.push(call(service, context, sent, request));
                }
            }
            if only.is_some() {
                // First all is computed that can be, for other client requests too, then all is sent that is ready, instead of this
                // and that by turns: who receives it wakes up less often, and the processor changes less between the two.
                tokio::task::yield_now().await;
            }
            let arrived = match only {
                Some((sent, request)) if under_way.is_empty() => call(service, context, sent, request).await,
                Some((sent, request)) => {
                    under_way.push(call(service, context, sent, request));
                    continue;
                }
                None => match under_way.next().await {
                    Some(arrived) => arrived,
                    None => return,
                },
            };
            self.answered(arrived);
        }
    }

    /// Prepares the fetch whose responses are the events of a subscription.
    fn start_subscription(&mut self) -> Option<(Sent, SubgraphRequest)> {
        let first = self.operation.program.fetches.first()?;
        let CompiledKind::Root { operation: OperationType::Subscription, .. } = first.kind else { return None };
        self.ready.retain(|index| *index != 0);
        self.start(0)
    }
}

/// Awaits `future` no longer than to the deadline. It is large, so it stays where it is.
pub(crate) async fn within<F: Future>(deadline: Option<Instant>, future: Pin<&mut F>) -> Option<F::Output> {
    match deadline {
        None => Some(future.await),
        Some(deadline) => tokio::time::timeout_at(deadline.into(), future).await.ok(),
    }
}
