//! The graphs of router.yaml: a struct of what its parts need of each.

use braid_contracts::ContractFilter;
use braid_gateway::limits::LimitsConfig;
use braid_rate_limit::config::{RateLimitsConfig, RuleConfig};
use braid_server::graphs::config::{MatchConfig, PageConfig};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A graph: which part of the schema its clients see, and which requests are for it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GraphConfig {
    /// The part of the schema that belongs to it, by tags (`@tag`). Without it, its clients see all that clients can see.
    pub contract: Option<ContractFilter>,
    /// Which requests are for it.
    #[serde(rename = "match")]
    pub matches: MatchConfig,
    /// Whether its clients may read their part of the schema, instead of what `exposure.introspection` says.
    pub introspection: Option<bool>,
    /// Its page.
    pub playground: PageConfig,
    /// Bounds on its operations, instead of those in `limits`.
    pub limits: GraphLimits,
    /// How much its clients may ask, instead of what `rate_limits` says. Requests to it are counted apart from those to other graphs in any case.
    pub rate_limits: GraphRateLimits,
}

/// Bounds on the operations of one graph. What is not set is as in `limits`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GraphLimits {
    /// The maximum number of tokens in a document.
    pub max_tokens: Option<usize>,
    /// The maximum depth of fields.
    pub max_depth: Option<usize>,
    /// The maximum number of aliases.
    pub max_aliases: Option<usize>,
    /// The maximum number of root fields.
    pub max_root_fields: Option<usize>,
    /// The maximum number of directives.
    pub max_directives: Option<usize>,
    /// The maximum number of fields.
    pub max_fields: Option<usize>,
    /// The maximum nesting of lists in an introspection query.
    pub max_introspection_depth: Option<usize>,
    /// The maximum number of deferred fragments and streamed lists.
    pub max_deferred: Option<usize>,
    /// The maximum work for planning one operation.
    pub planning_budget: Option<u64>,
}

impl GraphLimits {
    /// These, and for the rest those of `all`.
    pub fn over(&self, all: &LimitsConfig) -> LimitsConfig {
        LimitsConfig {
            max_tokens: self.max_tokens.unwrap_or(all.max_tokens),
            max_depth: self.max_depth.unwrap_or(all.max_depth),
            max_aliases: self.max_aliases.unwrap_or(all.max_aliases),
            max_root_fields: self.max_root_fields.unwrap_or(all.max_root_fields),
            max_directives: self.max_directives.unwrap_or(all.max_directives),
            max_fields: self.max_fields.unwrap_or(all.max_fields),
            max_introspection_depth: self.max_introspection_depth.unwrap_or(all.max_introspection_depth),
            max_deferred: self.max_deferred.unwrap_or(all.max_deferred),
            planning_budget: self.planning_budget.unwrap_or(all.planning_budget),
            ..all.clone()
        }
    }
}

/// Rate limits of one graph. What is not set is as in `rate_limits`, as are `headers`, `max_keys` and `redis`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GraphRateLimits {
    /// The rules, in place of all in `rate_limits.rules`; an empty list limits nothing.
    pub rules: Option<Vec<RuleConfig>>,
    /// Refuse nothing; only count what would be refused.
    pub dry_run: Option<bool>,
}

impl GraphRateLimits {
    /// These, and for the rest those of `all`.
    pub fn over(&self, all: &RateLimitsConfig) -> RateLimitsConfig {
        RateLimitsConfig {
            rules: self.rules.as_ref().unwrap_or(&all.rules).clone(),
            dry_run: self.dry_run.unwrap_or(all.dry_run),
            ..all.clone()
        }
    }
}

/// The most graphs that can be served.
const MOST: usize = 10_000;

/// Says what is wrong with the graphs, if anything is. `agents` is the graph of the endpoint for agents, if there is one. `limits` are the rate limits of
/// all, and `has_costs` says whether there are costs that they can count.
pub(crate) fn check(
    graphs: &IndexMap<String, GraphConfig>,
    agents: Option<Option<&str>>,
    limits: &RateLimitsConfig,
    has_costs: bool,
) -> Result<(), String> {
    if graphs.len() > MOST {
        return Err(format!("graphs: at most {MOST} graphs"));
    }
    for (name, graph) in graphs {
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')) {
            return Err(format!("graphs: \"{name}\" can't be a name: letters, digits, _, - and . only"));
        }
        graph.matches.check().map_err(|problem| format!("graphs.{name}.{problem}"))?;
        let filter = graph.contract.as_ref().map_or(Ok(()), ContractFilter::check);
        filter.map_err(|problem| format!("graphs.{name}.contract: {problem}"))?;
        let limits = graph.rate_limits.over(limits);
        limits.check().map_err(|problem| format!("graphs.{name}.{problem}"))?;
        if let Some(rule) = limits.counts_costs().filter(|_| !has_costs) {
            let needs = "weight: cost needs demand_control.mode: measure or enforce";
            return Err(format!("graphs.{name}.rate_limits.rules: \"{rule}\": {needs}"));
        }
    }
    match agents {
        Some(None) if !graphs.is_empty() => {
            Err("mcp.graph: with graphs, say which of them agents see; there is no default".to_owned())
        }
        Some(Some(name)) if !graphs.contains_key(name) => Err(format!("mcp.graph: there is no graph \"{name}\"")),
        _ => Ok(()),
    }
}
