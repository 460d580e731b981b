//! Runs one operation over canned answers of subgraphs. Knows no test case.
#![allow(dead_code, missing_docs, unreachable_pub, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "in tests a panic is the report")]

pub mod world;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use braid_executor::{
    CompiledOperation, ExecuteContext, ExecuteLimits, LongWork, RefusalPlace, Response, SubgraphError,
    SubgraphErrorKind, SubgraphErrors, SubgraphRequest, SubgraphResponse, SubgraphService, execute,
};
use braid_graphql::names::SchemaNames;
use braid_graphql::normalize::{NormalizeLimits, normalize};
use braid_graphql::operation::Operation;
use braid_graphql::parse::{ParseLimits, choose_operation, parse_operation};
use braid_query_graph::QueryGraph;
use braid_query_planner::{PlannerConfig, plan};
use braid_supergraph::Supergraph;
use bytes::Bytes;
use serde_json::value::RawValue;

/// The part of a supergraph that is the same in all.
const HEADER: &str = r#"
schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION)
  @link(url: "https://specs.apollo.dev/inaccessible/v0.2", for: SECURITY)
  @link(url: "https://specs.apollo.dev/context/v0.1", for: SECURITY) ROOTS
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
directive @inaccessible on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION
directive @context(name: String!) repeatable on OBJECT | INTERFACE | UNION
directive @context__fromContext(field: context__ContextFieldValue) on ARGUMENT_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, external: Boolean, override: String, usedOverridden: Boolean, overrideLabel: String, contextArguments: [join__ContextArgument!]) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
scalar join__FieldSet scalar join__FieldValue scalar link__Import scalar context__ContextFieldValue
input join__ContextArgument { name: String! type: String! context: String! selection: join__FieldValue! }
enum link__Purpose { SECURITY EXECUTION }
"#;

/// A supergraph of these subgraphs; in `types`, `@type`, `@field` and so on stand for the join directives.
pub fn supergraph(subgraphs: &[&str], types: &str) -> Arc<Supergraph> {
    let graphs: Vec<String> = subgraphs
        .iter()
        .map(|name| format!("{} @join__graph(name: \"{name}\", url: \"\")", name.to_uppercase()))
        .collect();
    let mut body = types.to_owned();
    for directive in ["type(", "field(", "implements(", "unionMember(", "enumValue("] {
        body = body.replace(&format!("@{directive}"), &format!("@join__{directive}"));
    }
    let mutation = if types.contains("type Mutation") { " mutation: Mutation" } else { "" };
    let header = HEADER.replace("ROOTS", &format!("{{ query: Query{mutation} }}"));
    let sdl = format!("{header}\nenum join__Graph {{ {} }}\n{body}", graphs.join(" "));
    Arc::new(Supergraph::read(&sdl).unwrap())
}

/// The operation in normal form, and ready to run; `None` when it is not valid, or cannot be planned.
pub fn try_compile(supergraph: &Arc<Supergraph>, text: &str) -> Option<(Operation, CompiledOperation)> {
    let document = parse_operation(&supergraph.api_schema, &supergraph.schema, text, ParseLimits::default()).ok()?;
    let chosen = choose_operation(&document, None).ok()?;
    let operation = normalize(&document, chosen, &supergraph.schema, NormalizeLimits::default()).unwrap();
    let graph = QueryGraph::new(Arc::clone(supergraph));
    let plan = plan(&operation, &graph, &PlannerConfig::default()).ok()?;
    let compiled = CompiledOperation::compile(operation.clone(), plan, supergraph).unwrap();
    Some((operation, compiled))
}

pub fn compile(supergraph: &Arc<Supergraph>, text: &str) -> CompiledOperation {
    let document = parse_operation(&supergraph.api_schema, &supergraph.schema, text, ParseLimits::default()).unwrap();
    let chosen = choose_operation(&document, None).unwrap();
    let operation = normalize(&document, chosen, &supergraph.schema, NormalizeLimits::default()).unwrap();
    let graph = QueryGraph::new(Arc::clone(supergraph));
    let plan = plan(&operation, &graph, &PlannerConfig::default()).unwrap();
    CompiledOperation::compile(operation, plan, supergraph).unwrap()
}

/// What a subgraph does when it is asked.
#[derive(Debug, Clone)]
pub enum Behaviour {
    Body(Bytes),
    /// The body, after all that is answered at once.
    Late(Bytes),
    Status(u16, Bytes),
    Fails(SubgraphErrorKind),
    Hangs,
}

impl From<&str> for Behaviour {
    fn from(body: &str) -> Self {
        Self::Body(Bytes::from(body.to_owned()))
    }
}

/// Answers each subgraph's requests in the order given, and remembers them.
pub struct Canned {
    supergraph: Arc<Supergraph>,
    answers: Mutex<Vec<(String, VecDeque<Behaviour>)>>,
    pub requests: Mutex<Vec<(String, String)>>,
}

impl Canned {
    pub fn new(supergraph: &Arc<Supergraph>, answers: &[(&str, Behaviour)]) -> Self {
        let mut queues: Vec<(String, VecDeque<Behaviour>)> = Vec::new();
        for (name, answer) in answers {
            match queues.iter_mut().find(|(known, _)| known == name) {
                Some((_, queue)) => queue.push_back(answer.clone()),
                None => queues.push(((*name).to_owned(), VecDeque::from([answer.clone()]))),
            }
        }
        Self { supergraph: Arc::clone(supergraph), answers: Mutex::new(queues), requests: Mutex::default() }
    }
}

impl SubgraphService for Canned {
    type Context = ();
    type Meta = ();

    async fn call(&self, request: SubgraphRequest, _: &()) -> Result<SubgraphResponse<()>, SubgraphError> {
        let name = self.supergraph.subgraph(request.subgraph).name.clone();
        let body = String::from_utf8(request.body.to_vec()).unwrap();
        let parsed: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert!(parsed["query"].is_string());
        let answer = {
            let mut answers = self.answers.lock().unwrap();
            let queue = answers.iter_mut().find(|(known, _)| *known == name);
            queue.and_then(|(_, queue)| queue.pop_front()).unwrap_or_else(|| panic!("{name} was asked {body}"))
        };
        self.requests.lock().unwrap().push((name, body));
        match answer {
            Behaviour::Body(body) => Ok(SubgraphResponse::new(200, body, ())),
            Behaviour::Late(body) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                Ok(SubgraphResponse::new(200, body, ()))
            }
            Behaviour::Status(status, body) => Ok(SubgraphResponse::new(status, body, ())),
            Behaviour::Fails(kind) => Err(SubgraphError { kind, message: "broken".into(), retryable: false }),
            Behaviour::Hangs => std::future::pending().await,
        }
    }
}

pub fn context() -> ExecuteContext<()> {
    ExecuteContext {
        service: (),
        deadline: None,
        limits: ExecuteLimits::default(),
        subgraph_errors: SubgraphErrors::Hidden,
        refusals: RefusalPlace::Errors,
        names: SchemaNames::Shown,
        declined: Vec::new(),
        record: false,
        long_work: LongWork::default(),
    }
}

pub fn run(
    operation: &CompiledOperation,
    variables: &str,
    service: &Canned,
    context: &ExecuteContext<()>,
) -> Response<()> {
    let raw = RawValue::from_string(variables.to_owned()).unwrap();
    let variables = operation.coerce_variables(Some(&raw), SchemaNames::Shown).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let response = runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(20), execute(operation, &variables, service, context)).await.unwrap()
    });
    let _: &RawValue = serde_json::from_slice(&response.bytes).expect("the answer is JSON");
    response
}

/// Runs the operation and compares requests (`subgraph body`) and the answer, byte for byte.
pub fn check(
    supergraph: &Arc<Supergraph>,
    operation: &str,
    variables: &str,
    exchanges: &[(&str, &str, &str)],
    expected: &str,
) {
    let answers: Vec<_> = exchanges.iter().map(|(name, _, answer)| (*name, Behaviour::from(*answer))).collect();
    let service = Canned::new(supergraph, &answers);
    let compiled = compile(supergraph, operation);
    let response = run(&compiled, variables, &service, &context());
    let requests: Vec<String> =
        service.requests.into_inner().unwrap().iter().map(|(name, body)| format!("{name} {body}")).collect();
    let wanted: Vec<String> = exchanges.iter().map(|(name, body, _)| format!("{name} {body}")).collect();
    pretty_assertions::assert_eq!(requests, wanted, "{operation}");
    pretty_assertions::assert_eq!(String::from_utf8_lossy(&response.bytes), expected, "{operation}");
}
