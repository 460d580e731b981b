//! The router's crates with subgraphs in the same process: plan, check the plan, execute. Knows no HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Bytes;
use braid_authorization::{Requirements, filter};
use braid_executor::{
    ArrivingResponse, CompiledOperation, ExecuteContext, ExecuteLimits, LongWork, OpenResponse, Part, PartsFormat,
    RefusalPlace, SubgraphError, SubgraphErrorKind, SubgraphErrors, SubgraphRequest, SubgraphResponse, SubgraphService,
    execute, execute_in_parts,
};
use braid_graphql::incremental::with_incremental_directives;
use braid_graphql::names::SchemaNames;
use braid_graphql::normalize::{NormalizeLimits, normalize, normalize_in_parts};
use braid_graphql::operation::{Field, Operation, SelectionSet};
use braid_graphql::parse::{ParseLimits, choose_operation, parse_operation};
use braid_graphql::syntax::variable_definitions;
use braid_graphql::variables::coerce_variables;
use braid_graphql::view::ApiView;
use braid_query_graph::QueryGraph;
use braid_query_plan::{Fetch, FetchId, QueryPlan};
use braid_query_planner::{PlannerConfig, check_plan, plan};
use braid_supergraph::Supergraph;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::subgraph::{Request, Subgraph};
use crate::world::labels;

/// A supergraph with its subgraphs.
pub struct Gateway {
    supergraph: Arc<Supergraph>,
    graph: QueryGraph,
    service: InProcess,
    requirements: Requirements,
}

/// The outcome of an operation.
#[derive(Debug)]
pub struct Answer {
    /// `data` as text; null if there is none.
    pub data: String,
    /// `errors`.
    pub errors: Vec<Value>,
    /// The subgraph requests, each with the name of the subgraph.
    pub requests: Vec<(String, Request)>,
    /// Whether there is a plan.
    pub is_planned: bool,
    /// The plan as text; empty if there is none.
    pub plan: String,
    /// What is wrong with the plan, even if the response is right.
    pub plan_faults: Vec<String>,
}

impl Gateway {
    /// A gateway for these subgraphs; each must be in the supergraph.
    pub fn new(supergraph: &str, subgraphs: Vec<Arc<Subgraph>>) -> Result<Self, String> {
        let supergraph = Arc::new(Supergraph::read(supergraph).map_err(|error| error.to_string())?);
        let by_index = supergraph.subgraphs.iter().map(|known| {
            let found = subgraphs.iter().find(|subgraph| subgraph.name() == known.name).cloned();
            found.ok_or_else(|| format!("no subgraph \"{}\" is given", known.name))
        });
        let service = InProcess { subgraphs: by_index.collect::<Result<_, _>>()? };
        let requirements = Requirements::read(&supergraph).map_err(|error| error.to_string())?;
        Ok(Self { graph: QueryGraph::new(Arc::clone(&supergraph)), supergraph, service, requirements })
    }

    /// What is wrong with a plan.
    pub fn plan_faults(&self, operation: &Operation, plan: &QueryPlan) -> Vec<String> {
        check_plan(plan, operation, &self.supergraph, &config()).err().unwrap_or_default()
    }

    /// The supergraph.
    pub fn supergraph(&self) -> &Supergraph {
        &self.supergraph
    }

    /// The plan of an operation, or why there is none.
    pub fn plan(&self, query: &str) -> Result<(Operation, QueryPlan), String> {
        let document = parse_operation(
            &self.supergraph.api_schema,
            &self.supergraph.schema,
            query,
            ParseLimits { names: SchemaNames::Shown, ..ParseLimits::default() },
        )
        .map_err(|errors| errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("; "))?;
        let operation = choose_operation(&document, None).map_err(|error| error.message)?;
        let operation = normalize(&document, operation, &self.supergraph.schema, NormalizeLimits::default());
        let operation = operation.map_err(|error| error.to_string())?;
        // Clients of worlds are granted nothing.
        let operation = filter(&operation, &self.supergraph.schema, &self.requirements, &|_| false).operation;
        let plan = plan(&operation, &self.graph, &config()).map_err(|error| format!("{}: {error}", error.code()))?;
        Ok((operation, plan))
    }

    /// Runs an operation.
    pub async fn run(&self, query: &str, variables: &serde_json::Map<String, Value>) -> Answer {
        self.service.subgraphs.iter().for_each(|subgraph| drop(subgraph.take_log()));
        let (operation, plan) = match self.plan(query) {
            Ok(planned) => planned,
            Err(message) => return Answer::refused(message),
        };
        let text = braid_query_plan::print::print(&plan, &self.supergraph);
        let plan_faults = self.plan_faults(&operation, &plan);
        let raw = to_raw_value(variables).unwrap();
        let coerced = match coerce_variables(
            ApiView::all(&self.supergraph.api_schema),
            &operation.variables,
            Some(&raw),
            SchemaNames::Shown,
        ) {
            Ok(coerced) => coerced,
            Err(errors) => return Answer::refused(errors[0].message.clone()),
        };
        let compiled = match CompiledOperation::compile(operation, plan, &self.supergraph) {
            Ok(compiled) => compiled,
            Err(error) => return Answer { plan: text, ..Answer::refused(format!("compile: {error}")) },
        };
        let context = context();
        let response = execute(&compiled, &coerced, &self.service, &context).await;
        let mut parts: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(&response.bytes)
            .unwrap_or_else(|error| panic!("the answer is not JSON ({error}): {:?}", response.bytes));
        let errors = parts.remove("errors").map(|errors| serde_json::from_str(errors.get()).unwrap());
        Answer {
            data: parts.remove("data").map_or_else(|| "null".to_owned(), |data| data.get().to_owned()),
            errors: errors.unwrap_or_default(),
            requests: self.requests(),
            is_planned: true,
            plan: text,
            plan_faults,
        }
    }

    /// Runs an operation in parts. Subgraphs answer in an order of their own.
    pub async fn run_in_parts(
        &self,
        query: &str,
        variables: &serde_json::Map<String, Value>,
        format: PartsFormat,
    ) -> Result<InParts, String> {
        let schema = with_incremental_directives(self.supergraph.api_schema.clone());
        let limits = ParseLimits { names: SchemaNames::Shown, ..ParseLimits::default() };
        let document = parse_operation(&schema, &self.supergraph.schema, query, limits)
            .map_err(|errors| errors[0].message.clone())?;
        let chosen = choose_operation(&document, None).map_err(|error| error.message)?;
        let raw = to_raw_value(variables).unwrap();
        let definitions = variable_definitions(&document, chosen);
        let coerced =
            coerce_variables(ApiView::all(&self.supergraph.api_schema), &definitions, Some(&raw), SchemaNames::Shown);
        let coerced = coerced.map_err(|errors| errors[0].message.clone())?;
        let value = |name: &str| {
            let number = chosen.variables.iter().position(|variable| variable.name == name);
            number.and_then(|number| coerced.boolean(number)).unwrap_or(false)
        };
        let limits = NormalizeLimits::default();
        let operation = normalize_in_parts(&document, chosen, &self.supergraph.schema, limits, &value);
        let operation = operation.map_err(|error| error.to_string())?;
        let (operation, plan) = match plan(&operation, &self.graph, &config()) {
            Ok(plan) => (operation, plan),
            // As the router does: what has no plan in parts is answered in one piece.
            Err(_) => {
                let operation = normalize(&document, chosen, &self.supergraph.schema, limits);
                let operation = operation.map_err(|error| error.to_string())?;
                let plan = plan(&operation, &self.graph, &config());
                (operation, plan.map_err(|error| format!("{}: {error}", error.code()))?)
            }
        };
        let mut faults = self.plan_faults(&operation, &plan);
        faults.extend(self.early_faults(&operation, &plan));
        // What one part has been given another may ask again, rather than wait for it.
        faults.retain(|fault| !(fault.contains(": asks ") && fault.ends_with(" again")));
        let mut text = braid_query_plan::print::print(&plan, &self.supergraph);
        plan.fetches.iter().for_each(|fetch| text.push_str(&format!("\n{:?} serves {:?}", fetch.id, fetch.serves)));
        let compiled =
            CompiledOperation::compile(operation, plan, &self.supergraph).map_err(|error| error.to_string())?;
        let context = context();
        if !compiled.has_parts() {
            let response = execute(&compiled, &coerced, &self.service, &context).await;
            let messages = vec![String::from_utf8_lossy(&response.bytes).into_owned()];
            return Ok(InParts { messages, plan: text, faults });
        }
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
        let late = Late { service: self.service.clone(), calls: AtomicUsize::new(0), seed: query.len() };
        let run = execute_in_parts(&compiled, &coerced, &late, &context, format, sender);
        let receive = async {
            let mut messages = Vec::new();
            while let Some(part) = receiver.recv().await {
                match part {
                    Part::First { response, .. } => messages.push(response.bytes),
                    Part::Next { bytes, .. } => messages.push(bytes),
                    Part::Ended(_) => {}
                }
            }
            messages
        };
        let ((), messages) = tokio::join!(run, receive);
        let messages = messages.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect();
        Ok(InParts { messages, plan: text, faults })
    }

    /// What is wrong with a plan as far as it gives what is not deferred: without what is fetched for other parts it must be a right plan of the rest.
    fn early_faults(&self, operation: &Operation, plan: &QueryPlan) -> Vec<String> {
        let mut needed: Vec<bool> = plan.fetches.iter().map(|fetch| fetch.serves.contains(&None)).collect();
        for at in (0..plan.fetches.len()).rev().filter(|_| !operation.defers.is_empty()) {
            if needed[at] {
                plan.fetches[at].after.iter().for_each(|before| needed[before.0 as usize] = true);
            }
        }
        if operation.defers.is_empty() {
            return Vec::new();
        }
        // A request for objects of several lists may need all items of one, so items that come later are no fault.
        let is_late = |at: usize| {
            let fetch = &plan.fetches[at];
            let is_deferred = !fetch.serves.is_empty() && !fetch.serves.contains(&None);
            needed[at] && is_deferred && fetch.streams.is_empty()
        };
        let late = (0..needed.len()).find(|at| is_late(*at));
        let late = late.map(|at| format!("what is not deferred waits for fetch {at}, which is deferred"));
        let mut early = QueryPlan::empty(plan.kind);
        let mut number = Vec::new();
        for (fetch, needed) in plan.fetches.iter().zip(&needed) {
            number.push(FetchId(early.fetches.len() as u32));
            if *needed {
                let after = fetch.after.iter().map(|before| number[before.0 as usize]).collect();
                early.fetches.push(Fetch { id: number[number.len() - 1], after, ..fetch.clone() });
            }
        }
        let rest = Operation { selection_set: without_deferred(&operation.selection_set), ..operation.clone() };
        late.into_iter().chain(self.plan_faults(&rest, &early)).collect()
    }

    /// The requests of the last operation, with their subgraphs.
    fn requests(&self) -> Vec<(String, Request)> {
        let of = |subgraph: &Arc<Subgraph>| {
            let name = subgraph.name().to_owned();
            subgraph.take_log().into_iter().map(move |request| (name.clone(), request))
        };
        self.service.subgraphs.iter().flat_map(of).collect()
    }
}

/// The outcome of an operation that was answered in parts.
#[derive(Debug)]
pub struct InParts {
    /// The messages.
    pub messages: Vec<String>,
    /// The plan as text.
    pub plan: String,
    /// What is wrong with the plan, even if the answer is right.
    pub faults: Vec<String>,
}

fn without_deferred(set: &SelectionSet) -> SelectionSet {
    let kept = set.fields.iter().filter(|field| field.defer.is_none());
    let kept =
        kept.map(|field| Field { selection_set: field.selection_set.as_ref().map(without_deferred), ..field.clone() });
    SelectionSet { fields: kept.collect() }
}

fn context() -> ExecuteContext<()> {
    ExecuteContext {
        service: (),
        deadline: None,
        limits: ExecuteLimits::default(),
        subgraph_errors: SubgraphErrors::Shown,
        refusals: RefusalPlace::Errors,
        names: SchemaNames::Shown,
        declined: Vec::new(),
        record: false,
        long_work: LongWork::InPlace,
    }
}

impl Answer {
    fn refused(message: String) -> Self {
        Self {
            data: "null".to_owned(),
            errors: vec![Value::from(message)],
            requests: Vec::new(),
            is_planned: false,
            plan: String::new(),
            plan_faults: Vec::new(),
        }
    }
}

fn config() -> PlannerConfig {
    PlannerConfig { override_labels: labels(), ..PlannerConfig::default() }
}

/// Subgraphs by the supergraph's numbers.
#[derive(Clone)]
struct InProcess {
    subgraphs: Vec<Arc<Subgraph>>,
}

impl SubgraphService for InProcess {
    type Context = ();
    type Meta = ();

    async fn call(&self, request: SubgraphRequest, _: &()) -> Result<SubgraphResponse<()>, SubgraphError> {
        let malformed =
            |message: String| SubgraphError { kind: SubgraphErrorKind::Malformed, message, retryable: false };
        let mut body: serde_json::Map<String, Value> =
            serde_json::from_slice(&request.body).map_err(|error| malformed(error.to_string()))?;
        let Some(Value::String(query)) = body.remove("query") else {
            return Err(malformed("the body has no query".to_owned()));
        };
        let variables = match body.remove("variables") {
            Some(Value::Object(variables)) => variables,
            _ => serde_json::Map::new(),
        };
        let answer = self.subgraphs[request.subgraph.index()].execute(Request { query, variables });
        Ok(SubgraphResponse::new(200, Bytes::from(answer.to_string()), ()))
    }
}

/// Subgraphs that answer in an order that depends on a seed.
struct Late {
    service: InProcess,
    calls: AtomicUsize,
    seed: usize,
}

impl SubgraphService for Late {
    type Context = ();
    type Meta = ();

    async fn call(&self, request: SubgraphRequest, context: &()) -> Result<SubgraphResponse<()>, SubgraphError> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        for _ in 0..(call * 7 + self.seed) % 13 {
            tokio::task::yield_now().await;
        }
        self.service.call(request, context).await
    }

    /// The body comes in chunks of random sizes.
    async fn open(&self, request: SubgraphRequest, context: &()) -> Result<OpenResponse<()>, SubgraphError> {
        let SubgraphResponse { status, mut body, meta, .. } = self.call(request, context).await?;
        let mut seed = self.seed;
        let chunks = std::iter::from_fn(move || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let size = ((seed >> 33) % 40 + 1).min(body.len());
            (size > 0).then(|| Ok(body.split_to(size)))
        });
        let body = Box::pin(futures_util::stream::iter(chunks));
        Ok(OpenResponse::Arriving(ArrivingResponse { status, meta, body }))
    }
}
