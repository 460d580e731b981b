//! Runs an operation that is answered in parts (`@defer`, `@stream`).
//!
//! # What is fetched, and what is delivered
//!
//! The two are kept apart. The plan has fetches of their own for what is deferred where that can be, and says for which parts a fetch is made
//! (`Fetch::serves`). All fetches run as in any execution: each starts as soon as its inputs are there, whatever has been delivered, and
//! all of them grow one tree. A part can be delivered when the fetches that serve it are done; what came earlier than it had to waits in the tree.
//!
//! The projection says, for each position and runtime type, which fields are written with their object and which are *groups*, written later
//! ([`crate::compile::projection::OutGroup`]). Completing a value yields its bytes, and the groups and lists that it met
//! ([`crate::complete::Found`]). They are kept with their path, not their object: merging may copy an object. What is met below a value that becomes null is
//! forgotten with it.
//!
//! # Fragments and groups
//!
//! A deferred fragment is announced for each object that it is selected on, once something of it is found that was not
//! delivered already, and once the fragment that it is in has been delivered. A group has the fields that the same fragments select, and is written once, with the first
//! of them. A fragment is delivered with all its groups that are not delivered yet, those that are found in them included. A null
//! that is not allowed fails the group, and with it all fragments that have it.
//!
//! A streamed list is announced with what is around it. Its items follow in batches that grow up to a bound, each written when the one before it
//! was taken, so that there is never more than one of them in memory beside the tree.
//!
//! # Lists that arrive
//!
//! The items of a list of a root fetch need not be in memory together ([`crate::compile::flow::Flow`]). Then the response is read only as far as it
//! is needed ([`arriving`]): the first items go through the run as if there were no others, and each batch of later ones has a run of its own, with its tree and its
//! look-ups, that ends when they are delivered. The next batch is read when there is room for what becomes of it.
//!
//! # Errors
//!
//! An error is delivered with the part that it is about: the part of the fetch it came from, or, where a fetch serves several, the one that
//! its path leads to.
//!
//! # What happened
//!
//! Where it is recorded, each part has the reports of the fetches that ended since the part before ([`happened`]), whatever they serve.

mod arriving;
mod cut;
mod delivery;
mod errors;
mod format;
mod happened;
mod items;
mod place;
mod state;

use std::pin::pin;
use std::time::Instant;

use braid_graphql::variables::Variables;
use braid_supergraph::SubgraphId;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;

use crate::compile::flow::Flow;
use crate::compile::operation::CompiledOperation;
use crate::execute::{call, within};
use crate::request::SubgraphRequest;
use crate::response::{ExecuteContext, FetchReport, Response};
use crate::run::{Arrived, Run, Sent};
use crate::service::{ArrivingResponse, OpenResponse, SubgraphError, SubgraphResponse, SubgraphService};
use arriving::{Arriving, Batch};
use delivery::Delivery;
pub use format::PartsFormat;
pub use happened::Happened;

/// A step of an answer in parts.
#[derive(Debug)]
pub enum Part<M> {
    /// What is not deferred: always the first.
    First {
        /// It is a whole response if nothing follows.
        response: Box<Response<M>>,
        /// Whether parts follow.
        has_next: bool,
    },
    /// A later part.
    Next {
        /// The part, as it is sent.
        bytes: Bytes,
        /// What happened to fetches since the part before.
        happened: Happened<M>,
    },
    /// What happened: always the last.
    Ended(Box<PartsReport<M>>),
}

/// What happened while an operation was answered in parts.
#[derive(Debug)]
pub struct PartsReport<M> {
    /// How many errors there were in all parts.
    pub errors: usize,
    /// Their codes, each once.
    pub error_codes: Vec<String>,
    /// How many values are null because the client may not see them.
    pub refused: usize,
    /// Whether the time for the client's request ended before all was there.
    pub timed_out: bool,
    /// What happened to each fetch, in the order they ended.
    pub fetches: Vec<FetchReport>,
    /// What came beside the bodies of subgraph responses, in the order they came.
    pub subgraph_answers: Vec<(SubgraphId, M)>,
}

/// Runs an operation that was compiled to be answered in parts. It sends each part when there is room for it: the receiver sets the pace. Dropping the
/// future, or the receiver, cancels the requests that are in flight.
pub async fn execute_in_parts<S: SubgraphService>(
    operation: &CompiledOperation,
    variables: &Variables,
    service: &S,
    context: &ExecuteContext<S::Context>,
    format: PartsFormat,
    sender: mpsc::Sender<Part<S::Meta>>,
) {
    let mut run = Run::new(operation, variables, context);
    let Some(mut delivery) = Delivery::new(operation, format) else { return };
    let in_time = within(context.deadline, pin!(drive(&mut run, &mut delivery, service, context, &sender))).await;
    if in_time.is_none() {
        run.give_up();
        if let Ok(permit) = sender.reserve().await {
            let part = delivery.give_up(&mut run);
            permit.send(part.with(run.happened()));
        }
    }
    // It fails only where nobody is interested any more.
    let _ = sender.send(Part::Ended(Box::new(delivery.report(run)))).await;
}

async fn drive<S: SubgraphService>(
    run: &mut Run<'_, S::Meta>,
    delivery: &mut Delivery<'_>,
    service: &S,
    context: &ExecuteContext<S::Context>,
    sender: &mpsc::Sender<Part<S::Meta>>,
) {
    let asking = Asking { operation: run.operation, variables: run.variables, service, context };
    let mut under_way = FuturesUnordered::new();
    let mut arriving = None;
    loop {
        let before = under_way.len();
        while let Some(index) = run.ready.pop() {
            if let Some((sent, request)) = run.start(index) {
                under_way.push(asking.fetch(sent, request));
            }
        }
        if under_way.len() > before {
            // See `Run::fetch_all`.
            tokio::task::yield_now().await;
        }
        let fetched = if delivery.has_news(run) {
            tokio::select! {
                biased;
                permit = sender.reserve() => {
                    let Ok(permit) = permit else { return };
                    let part = delivery.advance(run);
                    permit.send(part.with(run.happened()));
                    if delivery.is_done() {
                        return;
                    }
                    if let Some((flow, arriving)) = arriving.take() {
                        return deliver_arriving(run, delivery, &asking, flow, arriving, sender).await;
                    }
                    continue;
                }
                Some(fetched) = under_way.next() => fetched,
            }
        } else {
            match under_way.next().await {
                Some(fetched) => fetched,
                None => return,
            }
        };
        let (arrived, rest) = fetched;
        if rest.is_some() {
            delivery.expect_items();
            arriving = rest;
        }
        let fetch = arrived.sent.index;
        run.answered(arrived);
        delivery.take_errors(run, fetch);
    }
}

/// Delivers the items of a list while they arrive. There is nothing else to deliver.
async fn deliver_arriving<S: SubgraphService>(
    run: &mut Run<'_, S::Meta>,
    delivery: &mut Delivery<'_>,
    asking: &Asking<'_, S>,
    flow: &Flow,
    mut arriving: Arriving<'_>,
    sender: &mpsc::Sender<Part<S::Meta>>,
) {
    while let Some((first_item, enough)) = delivery.expected() {
        let Ok(permit) = sender.reserve().await else { return };
        let (body, is_last) = match arriving.next(enough).await {
            Ok(Batch { body, is_last }) => (Ok(body), is_last),
            Err(error) => (Err(error), true),
        };
        let bytes = body.as_ref().map_or(0, Bytes::len);
        let mut batch = run.for_items(flow, asking.context, first_item);
        let report = batch.arrive_in_part(flow.fetch, body);
        batch.fetch_all(asking.service, asking.context).await;
        if let Some(report) = &report {
            run.add(report);
        }
        delivery.take_item_errors(&mut batch);
        let mut room = Some(permit);
        while delivery.has_items(&batch, is_last) {
            let permit = match room.take() {
                Some(permit) => permit,
                None => match sender.reserve().await {
                    Ok(permit) => permit,
                    Err(_) => return,
                },
            };
            let part = delivery.advance_items(&mut batch, is_last, bytes);
            let mut happened = batch.happened();
            if delivery.is_done() {
                happened.fetches.extend(run.told_again(flow.fetch));
            }
            permit.send(part.with(happened));
        }
        run.take_over(batch);
    }
}

/// What fetches are made with.
struct Asking<'a, S: SubgraphService> {
    operation: &'a CompiledOperation,
    variables: &'a Variables,
    service: &'a S,
    context: &'a ExecuteContext<S::Context>,
}

/// A list that arrives, and what is known of it.
type Rest<'a> = (&'a Flow, Arriving<'a>);

impl<'a, S: SubgraphService> Asking<'a, S> {
    /// Makes a request. If its response has a list that arrives, it is the response up to the first items.
    async fn fetch(
        &self,
        sent: Sent,
        request: SubgraphRequest,
    ) -> (Arrived<SubgraphResponse<S::Meta>>, Option<Rest<'a>>) {
        let flow = self.operation.program.flow.as_ref().filter(|flow| flow.fetch == sent.index);
        match flow.filter(|_| !self.context.declined.contains(&request.subgraph)) {
            None => (call(self.service, self.context, sent, request).await, None),
            Some(flow) => {
                let started = Instant::now();
                // Boxed, so that other fetches are no larger.
                let (outcome, rest) = match Box::pin(self.open(flow, request)).await {
                    Ok((response, rest)) => (Ok(response), rest.map(|rest| (flow, rest))),
                    Err(error) => (Err(error), None),
                };
                (Arrived { sent, outcome, started, took: started.elapsed() }, rest)
            }
        }
    }

    async fn open(
        &self,
        flow: &'a Flow,
        request: SubgraphRequest,
    ) -> Result<(SubgraphResponse<S::Meta>, Option<Arriving<'a>>), SubgraphError> {
        match self.service.open(request, &self.context.service).await? {
            OpenResponse::Whole(response) => Ok((response, None)),
            OpenResponse::Arriving(ArrivingResponse { status, meta, body }) => {
                let limits = &self.context.limits;
                let (first, rest) = Arriving::begin(flow, self.operation, self.variables, body, limits).await?;
                Ok((SubgraphResponse::new(status, first, meta), rest))
            }
        }
    }
}
