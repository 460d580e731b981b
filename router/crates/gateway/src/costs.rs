//! What operations may cost, and what each request's does. Knows no plan: the formula is compiled with the operation.

use braid_demand_control::config::{CostHeaders, DemandControlConfig, Mode};
use braid_demand_control::{CostModel, Estimate, Formula, ReadError};
use braid_executor::FetchReport;
use braid_graphql::error::GraphQLError;
use braid_graphql::variables::Variables;
use braid_request_context::Identity;
use braid_supergraph::{SubgraphId, Supergraph};
use braid_telemetry::metrics::Metrics;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::refusal::Refusal;

/// Why costs can't be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CostError {
    /// A directive can't be understood.
    #[error("the supergraph has a cost that can't be understood: {0}")]
    Directive(#[from] ReadError),
    /// A subgraph that the supergraph does not have.
    #[error("demand_control.subgraphs: the supergraph has no subgraph \"{0}\"")]
    Subgraph(String),
    /// A text that is not a header name.
    #[error("demand_control.headers: \"{0}\" is not a header name")]
    Header(String),
}

/// What operations may cost.
#[derive(Debug)]
pub(crate) struct CostRules {
    pub(crate) model: CostModel,
    enforces: bool,
    max: Option<u64>,
    max_anonymous: Option<u64>,
    budgets: Vec<(SubgraphId, u64)>,
    headers: HeaderNames,
}

#[derive(Debug)]
struct HeaderNames {
    estimated: Option<HeaderName>,
    actual: Option<HeaderName>,
    max: Option<HeaderName>,
}

/// What the operation of a request costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationCost {
    /// The cost that was estimated from the variables.
    pub estimated: u64,
    /// The cost of what the subgraphs gave.
    pub actual: u64,
    /// The most that it may cost; `None` for no maximum.
    pub max: Option<u64>,
}

/// An operation that may run.
pub(crate) struct Affordable {
    estimate: Estimated,
    /// The subgraphs that are not asked, because their part would cost too much.
    declined: Vec<SubgraphId>,
}

/// What an operation is expected to cost, and may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Estimated {
    pub(crate) cost: u64,
    pub(crate) max: Option<u64>,
}

impl Affordable {
    /// The subgraphs that are not asked, and the estimate.
    pub(crate) fn split(self) -> (Vec<SubgraphId>, Option<Estimated>) {
        (self.declined, Some(self.estimate))
    }
}

impl Estimated {
    /// With what the subgraphs gave.
    pub(crate) fn with_actual(self, fetches: &[FetchReport]) -> OperationCost {
        let actual = fetches.iter().fold(0, |sum: u64, fetch| sum.saturating_add(fetch.weight));
        OperationCost { estimated: self.cost, actual, max: self.max }
    }
}

impl CostRules {
    /// The rules for a supergraph; nothing if costs are of no interest.
    pub(crate) fn new(config: &DemandControlConfig, supergraph: &Supergraph) -> Result<Option<Self>, CostError> {
        if config.mode == Mode::Off {
            return Ok(None);
        }
        let budget = |(name, budget): (&String, &braid_demand_control::config::SubgraphBudget)| {
            let subgraph = supergraph.subgraph_named(name).ok_or_else(|| CostError::Subgraph(name.clone()))?;
            Ok((subgraph, budget.max))
        };
        Ok(Some(Self {
            model: CostModel::read(supergraph, config.list_size)?,
            enforces: config.mode == Mode::Enforce,
            max: config.max,
            max_anonymous: config.max_anonymous,
            budgets: config.subgraphs.iter().map(budget).collect::<Result<_, CostError>>()?,
            headers: HeaderNames::new(&config.headers)?,
        }))
    }

    /// What the operation of a request costs, if it may run.
    pub(crate) fn check(
        &self,
        formula: &Formula,
        variables: &Variables,
        identity: &Identity,
        metrics: &Metrics,
    ) -> Result<Affordable, Refusal> {
        let estimate = formula.estimate(&self.model, variables);
        metrics.cost_estimated(estimate.total);
        let max = match identity {
            Identity::Anonymous => self.max_anonymous,
            Identity::Known(_) => self.max,
        };
        let refusal = self.refusal(&estimate, max);
        let is_over = |(subgraph, max): &&(SubgraphId, u64)| {
            estimate.subgraphs.iter().any(|(other, cost)| other == subgraph && cost > max)
        };
        let declined: Vec<_> = self.budgets.iter().filter(is_over).map(|(subgraph, _)| *subgraph).collect();
        if refusal.is_some() || !declined.is_empty() {
            metrics.too_expensive(!self.enforces);
        }
        let affordable = |declined| Affordable { estimate: Estimated { cost: estimate.total, max }, declined };
        match refusal {
            _ if !self.enforces => Ok(affordable(Vec::new())),
            Some(refusal) => Err(refusal),
            None => Ok(affordable(declined)),
        }
    }

    /// What is due to an operation whose cost is too high, or can't be told.
    fn refusal(&self, estimate: &Estimate<'_>, max: Option<u64>) -> Option<Refusal> {
        if let Some(field) = estimate.unsliced {
            let message = format!("{field} needs exactly one of the arguments that say how long its list is.");
            return Some(GraphQLError::new("COST_INVALID_SLICING_ARGUMENTS", message).into());
        }
        let max = max.filter(|max| estimate.total > *max)?;
        let message = format!("The operation would cost {}; at most {max} is allowed. Ask for less.", estimate.total);
        let error = GraphQLError::new("COST_ESTIMATED_TOO_EXPENSIVE", message);
        let error = error.with_extension("costEstimated", estimate.total).with_extension("costMax", max);
        Some(error.into())
    }

    /// Adds the headers that say what operations cost. Of several in one response, the sums.
    pub(crate) fn write_headers(&self, cost: OperationCost, out: &mut HeaderMap) {
        let HeaderNames { estimated, actual, max } = &self.headers;
        for (name, value) in [(estimated, Some(cost.estimated)), (actual, Some(cost.actual)), (max, cost.max)] {
            let (Some(name), Some(value)) = (name, value) else { continue };
            let before = out.get(name).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
            out.insert(name, HeaderValue::from(before.unwrap_or_default().saturating_add(value)));
        }
    }
}

impl HeaderNames {
    fn new(config: &CostHeaders) -> Result<Self, CostError> {
        let name = |name: &Option<String>| {
            let name =
                name.as_ref().map(|name| HeaderName::try_from(name).map_err(|_| CostError::Header(name.clone())));
            name.transpose()
        };
        Ok(Self { estimated: name(&config.estimated)?, actual: name(&config.actual)?, max: name(&config.max)? })
    }
}
