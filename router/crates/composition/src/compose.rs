//! The main street: from the SDL of all subgraphs to a supergraph or the reasons why there is none.

use serde::Deserialize;

use crate::codes::Code;
use crate::diagnostic::Diagnostic;

/// One subgraph as it is given to composition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct SubgraphSdl {
    /// The subgraph's name, unique in the supergraph.
    pub name: String,
    /// Where the router reaches it.
    pub url: String,
    /// Its schema.
    pub sdl: String,
    /// What diagnostics call the SDL's source: a path or a URL. The subgraph's name if absent.
    #[serde(default)]
    pub file: Option<String>,
}

impl SubgraphSdl {
    pub(crate) fn file(&self) -> &str {
        self.file.as_deref().unwrap_or(&self.name)
    }
}

/// What came of composing.
#[derive(Clone, Debug)]
pub struct Composition {
    /// The supergraph, or all errors that could be found.
    pub result: Result<Composed, Vec<Diagnostic>>,
    /// What composes but may not be meant.
    pub hints: Vec<Diagnostic>,
}

/// A composed supergraph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composed {
    /// The supergraph in the join specification.
    pub supergraph_sdl: String,
    /// What clients see.
    pub api_schema_sdl: String,
}

/// Composes subgraphs. Their order does not matter.
pub fn compose(subgraphs: &[SubgraphSdl]) -> Composition {
    let mut errors = Vec::new();
    for subgraph in subgraphs {
        if let Err(problems) = crate::subgraph::read::read(subgraph) {
            errors.extend(problems);
        }
    }
    if errors.is_empty() {
        errors.push(Diagnostic::new(Code::NO_QUERIES, "Merging subgraphs is not possible yet."));
    }
    Composition { result: Err(errors), hints: Vec::new() }
}
