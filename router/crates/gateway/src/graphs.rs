//! Several graphs over one schema: each shows its clients a part of it, under limits of its own, and shares all that is planned with. Knows no request.

use std::sync::{Arc, Mutex, PoisonError};

use ahash::AHashMap;
use braid_graphql::compiler::Schema;
use braid_graphql::compiler::validation::Valid;
use braid_graphql::names::SchemaNames;
use braid_graphql::view::{ApiView, Hidden};
use http::StatusCode;

use crate::limits::LimitsConfig;
use crate::refusal::Refusal;

/// One of several graphs.
#[derive(Debug, Clone)]
pub struct Graph {
    /// Its name.
    pub name: Arc<str>,
    /// What of the API schema its clients do not see; `None` if they see all of it.
    pub hidden: Option<Arc<Hidden>>,
    /// Bounds on operations.
    pub limits: LimitsConfig,
    /// Whether its clients may read their part of the schema.
    pub introspection: bool,
}

impl Graph {
    /// Whether errors may name what its clients see.
    pub(crate) fn names(&self) -> SchemaNames {
        if self.introspection { SchemaNames::Shown } else { SchemaNames::Hidden }
    }
}

/// The graphs of a gateway, by their names. Without any, requests are for the whole graph.
#[derive(Debug, Default)]
pub(crate) struct Graphs {
    named: AHashMap<Arc<str>, Arc<Graph>>,
    /// Those that are at hand; the one that was needed last is the last.
    schemas: Mutex<Vec<SchemaOf>>,
}

/// What the clients of a graph see, with the graph's name.
type SchemaOf = (Arc<str>, Arc<Valid<Schema>>);

/// How many graphs have their schema by itself at hand. It is needed for documents that are not proven to be valid, and takes as much memory as
/// is hidden of it; so it is made anew for graphs that are asked seldom.
const MOST_SCHEMAS: usize = 4;

impl Graphs {
    pub(crate) fn new(graphs: &[Graph]) -> Self {
        let named = graphs.iter().map(|graph| (graph.name.clone(), Arc::new(graph.clone()))).collect();
        Self { named, schemas: Mutex::default() }
    }

    /// The graph of this name. There is none instead.
    pub(crate) fn get(&self, name: &str) -> Result<&Arc<Graph>, Refusal> {
        self.named.get(name).ok_or_else(not_found)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.named.keys()
    }

    /// What the clients of a graph see, as a schema of its own.
    pub(crate) fn schema(&self, graph: &Graph, view: ApiView<'_>) -> Arc<Valid<Schema>> {
        let lock = || self.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut schemas = lock();
            if let Some(at) = schemas.iter().position(|(name, _)| *name == graph.name) {
                let known = schemas.remove(at);
                schemas.push(known.clone());
                return known.1;
            }
        }
        // Made without the lock: others need not wait for it.
        let schema = Arc::new(view.to_schema());
        let mut schemas = lock();
        if schemas.len() >= MOST_SCHEMAS {
            schemas.remove(0);
        }
        schemas.push((graph.name.clone(), schema.clone()));
        schema
    }
}

/// A request is for no graph that there is.
pub fn not_found() -> Refusal {
    let message =
        "There is no graph for this request: none of those that are served has such a path, host, header or claim.";
    Refusal::fixed(StatusCode::NOT_FOUND, "GRAPH_NOT_FOUND", message)
}
