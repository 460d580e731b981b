//! What a client asks to see of how its answer is made (`braid-expose`), where it may see it. Knows no format.

use braid_executor::CompiledOperation;
use braid_graphql::variables::Variables;
use braid_query_plan::FetchId;
use http::{HeaderMap, HeaderName, StatusCode};

use crate::config::ExposureConfig;
use crate::gateway::Gateway;
use crate::operation_cache::CachedOperation;
use crate::refusal::Refusal;

const EXPOSE: HeaderName = HeaderName::from_static("braid-expose");

/// The parts of the header that a client sent and may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exposes {
    /// The plan as text.
    pub plan: bool,
    /// The plan with the reasons for each fetch.
    pub explain: bool,
    /// When each fetch started, how long it took, and its sizes.
    pub timings: bool,
    /// What was known of what each fetch asks.
    pub cache: bool,
    /// What was sent to each subgraph, and what came.
    pub exchanges: bool,
    /// Whether the operation is only planned.
    pub dry_run: bool,
}

/// What a client sees of how its answer was made.
#[derive(Debug, Clone)]
pub struct Exposed {
    /// What it asked for.
    pub exposes: Exposes,
    /// What each fetch is expected to cost, where costs are of interest.
    pub fetch_costs: Vec<(FetchId, u64)>,
}

impl Exposes {
    /// What the head of a request asks for, as far as the configuration allows. A dry run is never ignored: what was meant to be
    /// planned must not be executed.
    pub(crate) fn of(config: &ExposureConfig, headers: &HeaderMap) -> Result<Option<Self>, Refusal> {
        let Some(value) = headers.get(EXPOSE) else { return Ok(None) };
        let wanted = value.to_str().unwrap_or_default();
        let wants = |name: &str| wanted.split(',').any(|part| part.trim().eq_ignore_ascii_case(name));
        let dry_run = wants("dry-run");
        if !config.plan {
            return if dry_run { Err(not_allowed()) } else { Ok(None) };
        }
        Ok(Some(Self {
            plan: wants("plan"),
            explain: wants("explain"),
            timings: wants("timings"),
            cache: wants("cache"),
            exchanges: config.exchanges && wants("exchanges"),
            dry_run,
        }))
    }
}

fn not_allowed() -> Refusal {
    let message = "This router shows no plans, so it makes no dry runs: set exposure.plan, or start it with --dev.";
    Refusal::fixed(StatusCode::FORBIDDEN, "DRY_RUN_NOT_ALLOWED", message)
}

impl<S> Gateway<S> {
    /// What a client sees that asked for `exposes`.
    pub(crate) fn exposed(&self, exposes: Exposes, operation: &CachedOperation, variables: &Variables) -> Box<Exposed> {
        let compiled = operation.result.as_ref().ok().filter(|_| exposes.explain);
        let fetch_costs = match (&self.costs, compiled.and_then(CompiledOperation::source)) {
            (Some(costs), Some(source)) => {
                costs.model.fetch_costs(&source.operation, &source.plan, &self.supergraph, variables)
            }
            _ => Vec::new(),
        };
        Box::new(Exposed { exposes, fetch_costs })
    }
}
