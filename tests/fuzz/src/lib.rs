//! What the fuzz targets share: a schema to query, and subgraphs that respond with given bytes. Knows no target.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use braid_composition::{SubgraphSdl, compose};
use braid_executor::{
    CompiledOperation, ExecuteContext, ExecuteLimits, LongWork, Response, SubgraphError, SubgraphErrors, RefusalPlace, SubgraphRequest,
    SubgraphResponse, SubgraphService, execute,
};
use braid_gateway::compile::Compiler;
use braid_gateway::limits::LimitsConfig;
use braid_graphql::names::SchemaNames;
use braid_supergraph::Supergraph;
use bytes::Bytes;
use serde_json::value::RawValue;

/// Compiles operations for two subgraphs with abstract types, lists of lists, a requirement and input objects.
pub static COMPILER: LazyLock<Compiler> = LazyLock::new(|| {
    let subgraph = |name: &str, sdl: &str| SubgraphSdl { name: name.into(), sdl: sdl.into(), ..SubgraphSdl::default() };
    let subgraphs =
        [subgraph("items", include_str!("items.graphql")), subgraph("prices", include_str!("prices.graphql"))];
    let composed = compose(&subgraphs).result.expect("the subgraphs compose");
    let supergraph = Supergraph::read(&composed.supergraph_sdl).expect("what was composed is a supergraph");
    Compiler::new(Arc::new(supergraph), LimitsConfig::default())
});

const LIMITS: ExecuteLimits =
    ExecuteLimits { max_memory: 64 << 20, max_response: 16 << 20, max_nesting: 128, max_errors: 20 };

/// Subgraphs that return these responses one after the other, and then the last one for ever.
struct Canned {
    status: u16,
    answers: Vec<Bytes>,
    asked: AtomicUsize,
}

impl SubgraphService for Canned {
    type Context = ();
    type Meta = ();

    async fn call(&self, request: SubgraphRequest, _: &()) -> Result<SubgraphResponse<()>, SubgraphError> {
        let _: &RawValue = serde_json::from_slice(&request.body).expect("a request to a subgraph is JSON");
        let asked = self.asked.fetch_add(1, Ordering::Relaxed).min(self.answers.len() - 1);
        Ok(SubgraphResponse::new(self.status, self.answers[asked].clone(), ()))
    }
}

/// Runs the operation with these subgraphs. Whatever they return, the client must get valid JSON within the size limits.
pub fn run(operation: &CompiledOperation, variables: Option<&RawValue>, status: u16, answers: &[&[u8]]) {
    let Ok(variables) = operation.coerce_variables(variables, SchemaNames::Shown) else { return };
    let answers = answers.iter().map(|answer| Bytes::copy_from_slice(answer)).collect();
    let service = Canned { status, answers, asked: AtomicUsize::new(0) };
    let context =
        ExecuteContext {
            service: (),
            deadline: None,
            limits: LIMITS,
            subgraph_errors: SubgraphErrors::Shown,
            refusals: RefusalPlace::Errors,
            names: SchemaNames::Shown,
            declined: Vec::new(),
            record: false,
            long_work: LongWork::InPlace,
        };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    check(&runtime.block_on(execute(operation, &variables, &service, &context)));
}

fn check(response: &Response<()>) {
    assert!(response.bytes.starts_with(b"{\"data\":"));
    assert!(response.errors <= LIMITS.max_errors + 1);
    assert!(response.bytes.len() <= LIMITS.max_response + (1 << 20));
    let answer: Result<&RawValue, _> = serde_json::from_slice(&response.bytes);
    assert!(answer.is_ok(), "{}", String::from_utf8_lossy(&response.bytes));
}
