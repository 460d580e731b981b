//! What can be set about demand control. Knows no file and no environment.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What operations may cost, by `@cost` and `@listSize` in the schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DemandControlConfig {
    /// What happens to operations that cost too much.
    pub mode: Mode,
    /// The maximum cost of an operation whose client has said who it is; `null` for no maximum.
    pub max: Option<u64>,
    /// The maximum cost of an operation of an anonymous client; `null` for no maximum.
    pub max_anonymous: Option<u64>,
    /// The size of a list for which the schema has no `@listSize`.
    pub list_size: u64,
    /// Maxima for single subgraphs, by name.
    pub subgraphs: IndexMap<String, SubgraphBudget>,
    /// Which headers of a response say what the operation cost.
    pub headers: CostHeaders,
}

/// What happens to operations that cost too much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Costs are not computed.
    #[default]
    Off,
    /// Costs are computed, logged and counted; nothing is refused.
    Measure,
    /// Operations that cost too much are refused before a subgraph is asked.
    Enforce,
}

/// What the requests of one operation to a subgraph may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubgraphBudget {
    /// The maximum cost. An operation whose requests to the subgraph cost more is answered without what the subgraph has.
    pub max: u64,
}

/// The headers of a response that say what its operation cost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CostHeaders {
    /// The header for the estimated cost, such as `x-cost-estimated`.
    pub estimated: Option<String>,
    /// The header for the actual cost, such as `x-cost-actual`.
    pub actual: Option<String>,
    /// The header for the maximum cost, such as `x-cost-max`.
    pub max: Option<String>,
}

impl Default for DemandControlConfig {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            max: None,
            max_anonymous: Some(10_000),
            list_size: 10,
            subgraphs: IndexMap::new(),
            headers: CostHeaders::default(),
        }
    }
}
