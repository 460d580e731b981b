//! What can be set about what clients see. Knows no file and no environment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What clients see of the inside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExposureConfig {
    /// Whether the schema can be asked for by introspection.
    pub introspection: bool,
    /// Whether clients read the messages of subgraphs' errors; codes pass in any case.
    pub subgraph_errors: bool,
    /// Subgraphs whose errors clients read though `subgraph_errors` is off.
    pub subgraph_errors_of: Vec<String>,
    /// Whether a request with the header `braid-expose: plan, timings` gets the plan and the timings in `extensions`.
    pub plan: bool,
}

impl Default for ExposureConfig {
    fn default() -> Self {
        Self { introspection: true, subgraph_errors: false, subgraph_errors_of: Vec::new(), plan: false }
    }
}
