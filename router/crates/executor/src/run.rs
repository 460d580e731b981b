//! One execution: what has come and what is waited for, from the start of a fetch to its response in the tree. Sends nothing.

use std::time::{Duration, Instant};

use braid_graphql::OperationType;
use braid_graphql::names::SchemaNames;
use braid_graphql::variables::Variables;
use bytes::Bytes;

use crate::absorb::{Absorb, Failure, Target};
use crate::body::Prepared;
use crate::compile::fetch::CompiledKind;
use crate::compile::flow::Flow;
use crate::compile::operation::CompiledOperation;
use crate::compile::shape::Shapes;
use crate::error::{Errors, INTERNAL, MEMORY_LIMIT, TIMEOUT};
use crate::kept::Kept;
use crate::long_work::LongWork;
use crate::prepare::prepare;
use crate::prepare_context::{PrepareContext, PrepareError};
use crate::read::ReadLimits;
use crate::receivers::Receivers;
use crate::request::SubgraphRequest;
use crate::response::{ExecuteContext, ExecuteLimits, FetchRecord, FetchReport, RefusalPlace, SubgraphErrors};
use crate::service::{SubgraphError, SubgraphResponse};
use crate::tree::{ObjectId, Tree};

pub(crate) struct Run<'a, M> {
    pub(crate) operation: &'a CompiledOperation,
    pub(crate) variables: &'a Variables,
    pub(crate) limits: ExecuteLimits,
    pub(crate) exposure: &'a SubgraphErrors,
    pub(crate) names: SchemaNames,
    pub(crate) refusal_place: RefusalPlace,
    pub(crate) deadline: Option<Instant>,
    pub(crate) started: Instant,
    pub(crate) tree: Tree,
    pub(crate) root: ObjectId,
    pub(crate) errors: Errors,
    /// Errors about what the client may not see.
    pub(crate) refusals: Errors,
    /// The bytes of bodies that are held.
    pub(crate) held: usize,
    /// How many fetches each fetch still waits for.
    pub(crate) waits_for: Vec<u32>,
    pub(crate) ready: Vec<usize>,
    /// How many fetches each part still waits for, in an operation that is answered in parts.
    pub(crate) waits: Vec<u32>,
    /// The fetches that were sent and are not answered: number, and bytes of the request.
    pub(crate) under_way: Vec<(usize, usize)>,
    pub(crate) reports: Vec<FetchReport>,
    pub(crate) answers: Vec<(braid_supergraph::SubgraphId, M)>,
    pub(crate) gave_up: bool,
    pub(crate) timed_out: bool,
    /// Whether reports have what was sent and what came.
    pub(crate) record: bool,
    pub(crate) long_work: LongWork,
    /// How many of `reports` and of `answers` were told with a part of the answer already.
    pub(crate) told: (usize, usize),
}

/// A request in flight.
pub(crate) struct Sent {
    pub(crate) index: usize,
    receivers: Receivers,
    copies: usize,
    request_bytes: usize,
    record: Option<Box<FetchRecord>>,
}

pub(crate) struct Arrived<T> {
    pub(crate) sent: Sent,
    pub(crate) outcome: Result<T, SubgraphError>,
    pub(crate) started: Instant,
    pub(crate) took: Duration,
}

/// A response, without what came beside it.
pub(crate) struct Came {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    pub(crate) kept: Option<Box<Kept>>,
}

impl<'a, M> Run<'a, M> {
    pub(crate) fn new<C>(
        operation: &'a CompiledOperation,
        variables: &'a Variables,
        context: &'a ExecuteContext<C>,
    ) -> Self {
        let mut limits = context.limits;
        // Positions in the tree are counted in 32 bits.
        limits.max_memory = limits.max_memory.min(4 << 30);
        let mut tree = Tree::default();
        let root = tree.add_object(operation.program.shapes.get(Shapes::ROOT).width(), Some(operation.program.root));
        let waits_for: Vec<u32> = operation.program.fetches.iter().map(|fetch| fetch.waits_for).collect();
        let ready = (0..waits_for.len()).rev().filter(|index| waits_for[*index] == 0).collect();
        Self {
            operation,
            variables,
            limits,
            exposure: &context.subgraph_errors,
            names: context.names,
            refusal_place: context.refusals,
            deadline: context.deadline,
            started: Instant::now(),
            tree,
            root,
            errors: Errors::new(limits.max_errors),
            refusals: Errors::new(limits.max_errors),
            held: 0,
            waits_for,
            ready,
            waits: operation.program.parts.as_ref().map(|parts| parts.waits_for.clone()).unwrap_or_default(),
            under_way: Vec::new(),
            reports: Vec::with_capacity(operation.program.fetches.len()),
            answers: Vec::new(),
            gave_up: false,
            timed_out: false,
            record: context.record,
            long_work: context.long_work,
            told: (0, 0),
        }
    }

    /// Prepares a fetch that is ready. When there is nothing to ask, the fetches that wait for it become ready.
    pub(crate) fn start(&mut self, index: usize) -> Option<(Sent, SubgraphRequest)> {
        let fetch = &self.operation.program.fetches[index];
        let prepared = match fetch.condition.holds(self.variables) {
            true => self.prepare(index),
            false => None,
        };
        let Some(Prepared { body, values, receivers, copies }) = prepared else {
            self.done(index);
            return None;
        };
        let kind = match &fetch.kind {
            CompiledKind::Root { operation, .. } => *operation,
            CompiledKind::Entities(_) => OperationType::Query,
        };
        self.held += body.len();
        self.under_way.push((index, body.len()));
        let record = self.record.then(|| {
            Box::new(FetchRecord { request: body.clone(), entities: receivers.entities(), ..FetchRecord::default() })
        });
        let sent = Sent { index, receivers, copies, request_bytes: body.len(), record };
        let operation = self.operation.kind();
        let (subgraph, deadline) = (fetch.subgraph, self.deadline);
        Some((sent, SubgraphRequest { subgraph, kind, operation, body, deadline, values }))
    }

    fn prepare(&mut self, index: usize) -> Option<Prepared> {
        let context = PrepareContext {
            operation: self.operation,
            variables: self.variables,
            root: self.root,
            max_body: self.room(),
        };
        match prepare(&context, &mut self.tree, index) {
            Ok(prepared) => prepared,
            Err(error) => {
                let (code, message) = match error {
                    PrepareError::TooLarge => (
                        MEMORY_LIMIT,
                        "The request to a subgraph would be larger than the memory that a request may hold.",
                    ),
                    PrepareError::Inconsistent => (INTERNAL, "The request to a subgraph could not be written."),
                };
                self.errors.report(code, message, Vec::new());
                self.gave_up = true;
                None
            }
        }
    }

    /// How many bytes may still be held.
    fn room(&self) -> usize {
        self.limits.max_memory.saturating_sub(self.held + self.tree.size())
    }

    fn done(&mut self, index: usize) {
        if let Some(parts) = &self.operation.program.parts {
            parts.serves[index].iter().for_each(|part| self.waits[*part] -= 1);
        }
        for waiting in &self.operation.program.fetches[index].wakes {
            let waits_for = &mut self.waits_for[*waiting as usize];
            *waits_for -= 1;
            if *waits_for == 0 {
                self.ready.push(*waiting as usize);
            }
        }
    }

    pub(crate) fn answered(&mut self, arrived: Arrived<SubgraphResponse<M>>) {
        let Arrived { sent, outcome, started, took } = arrived;
        let subgraph = self.operation.program.fetches[sent.index].subgraph;
        let outcome = outcome.map(|SubgraphResponse { status, body, meta, kept }| {
            self.answers.push((subgraph, meta));
            Came { status, body, kept }
        });
        let bytes = outcome.as_ref().map_or(0, |came| came.body.len());
        self.long_work.run(bytes, || self.arrive(Arrived { sent, outcome, started, took }));
    }

    /// A run for a batch of later items of a list that arrives, with the fetches that look something up for them. The first of them has
    /// this number.
    pub(crate) fn for_items<C>(&self, flow: &Flow, context: &'a ExecuteContext<C>, first_item: u32) -> Self {
        let mut run = Self::new(self.operation, self.variables, context);
        run.waits_for.clone_from(&flow.waits_for);
        run.ready.clear();
        run.held = self.held + self.tree.size();
        run.tree.first_item = first_item;
        run.started = self.started;
        run
    }

    /// Merges a part of the response to a fetch of root fields into the tree, or marks that it failed.
    pub(crate) fn arrive_in_part(
        &mut self,
        index: usize,
        outcome: Result<Bytes, SubgraphError>,
    ) -> Option<FetchReport> {
        let receivers = Receivers::Root(vec![self.root]);
        let sent = Sent { index, receivers, copies: 0, request_bytes: 0, record: None };
        let outcome = outcome.map(|body| Came { status: 200, body, kept: None });
        self.arrive(Arrived { sent, outcome, started: self.started, took: Duration::ZERO });
        self.reports.pop()
    }

    /// Adds what happened to a further part of the response to a fetch.
    pub(crate) fn add(&mut self, more: &FetchReport) {
        if let Some(report) = self.reports.iter_mut().find(|report| report.fetch == more.fetch) {
            report.weight = report.weight.saturating_add(more.weight);
            report.response_bytes += more.response_bytes;
            report.failure = report.failure.or(more.failure);
        }
    }

    /// Takes over what happened in a run for a batch of items, and was told with them.
    pub(crate) fn take_over(&mut self, batch: Run<'_, M>) {
        self.told = (self.reports.len() + batch.told.0, self.answers.len() + batch.told.1);
        self.reports.extend(batch.reports);
        self.answers.extend(batch.answers);
    }

    /// Merges a response, its status and its body, into the tree.
    pub(crate) fn arrive(&mut self, arrived: Arrived<Came>) {
        let Arrived { mut sent, outcome, started, took } = arrived;
        sent.receivers.follow(self.tree.copies_since(sent.copies));
        let index = sent.index;
        let (outcome, kept) = match outcome {
            Ok(Came { status, body, kept }) => (Ok((status, body)), kept.map(|kept| *kept).unwrap_or_default()),
            Err(error) => (Err(error), Kept::default()),
        };
        let Kept { known, failure, keep } = kept;
        let outcome = failure.map_or(outcome, Err);
        if let Some(record) = &mut sent.record {
            match &outcome {
                Ok((_, body)) => record.response = Some(body.clone()),
                Err(error) => record.failure = Some(error.to_string()),
            }
            record.known = known.as_ref().map(|known| {
                (known.body.clone(), known.is_known.iter().flatten().filter(|is_known| **is_known).count())
            });
        }
        let (status, mut response_bytes) = match &outcome {
            Ok((status, body)) => (Some(*status), body.len()),
            Err(_) => (None, 0),
        };
        response_bytes += known.as_ref().map_or(0, |known| known.body.len());
        let subgraph = self.operation.program.fetches[index].subgraph;
        self.under_way.retain(|(sent, _)| *sent != index);
        self.held += response_bytes;
        let fits = response_bytes <= self.limits.max_memory && self.room() > 0;
        let limits = ReadLimits {
            max_nesting: self.limits.max_nesting,
            max_tree: self.limits.max_memory.saturating_sub(self.held),
        };
        let mut buffer = |body| if fits { self.tree.keep(body) } else { None };
        let known = known.map(|known| (buffer(known.body), known.is_known));
        let (answered, buffer) = match outcome {
            Ok((status, body)) => (Ok(status), buffer(body)),
            Err(error) => (Err(error), None),
        };
        let target = Target {
            operation: self.operation,
            tree: &mut self.tree,
            root: self.root,
            errors: &mut self.errors,
            exposure: self.exposure,
        };
        let mut absorb = Absorb::new(target, index, limits);
        let receivers = match known {
            None => sent.receivers,
            Some((buffer, is_known)) => {
                let (known, others) = sent.receivers.split(&is_known);
                absorb.answer(&known, 200, buffer, None);
                others
            }
        };
        let failure = match answered {
            Ok(status) => absorb.answer(&receivers, status, buffer, keep.as_deref()),
            Err(error) => Some(absorb.failure(&receivers, Failure::from(error))),
        };
        let weight = absorb.weight();
        self.reports.push(FetchReport {
            fetch: index,
            subgraph,
            weight,
            started: started - self.started,
            took,
            status,
            request_bytes: sent.request_bytes,
            response_bytes,
            failure,
            record: sent.record,
        });
        self.done(index);
    }

    /// The deadline has passed: what has not arrived is null, with one error.
    pub(crate) fn give_up(&mut self) {
        self.gave_up = true;
        self.timed_out = true;
        for (index, request_bytes) in std::mem::take(&mut self.under_way) {
            self.reports.push(FetchReport {
                fetch: index,
                subgraph: self.operation.program.fetches[index].subgraph,
                weight: 0,
                started: Duration::ZERO,
                took: self.started.elapsed(),
                status: None,
                request_bytes,
                response_bytes: 0,
                failure: Some(TIMEOUT),
                record: None,
            });
        }
        self.errors.report(TIMEOUT, "The time for this request is over.", Vec::new());
    }
}
