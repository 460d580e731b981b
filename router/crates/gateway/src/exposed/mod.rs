//! What a client asks to see of how its answer is made (`braid-expose`), where it may see it.
//!
//! A whole answer shows all of it at once. In an answer in parts, each part shows the fetches that ended since the part before; each event of
//! a subscription shows the fetches that were made for it.

mod json;

use std::sync::Arc;

use braid_executor::CompiledOperation;
use braid_graphql::variables::Variables;
use braid_query_plan::FetchId;
use braid_supergraph::Supergraph;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode};

use crate::answer::Executed;
use crate::config::ExposureConfig;
use crate::costs::Estimated;
use crate::gateway::Gateway;
use crate::operation_cache::CachedOperation;
use crate::refusal::Refusal;
pub(crate) use json::{Beginning, Making};

/// The header that names what its client wants to see.
pub const EXPOSE: HeaderName = HeaderName::from_static("braid-expose");

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
    pub(crate) exposes: Exposes,
    supergraph: Arc<Supergraph>,
    operation: Arc<CachedOperation>,
    /// What the operation is expected to cost, where costs are of interest.
    estimate: Option<Estimated>,
    /// What each fetch is expected to cost.
    fetch_costs: Vec<(FetchId, u64)>,
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

    /// Whether it takes a record of what is sent and what comes, for errors are told by it too.
    pub(crate) fn record(self) -> bool {
        self.timings || self.exchanges
    }

    /// Whether parts of an answer, and events, have something to show.
    pub(crate) fn records_parts(self) -> bool {
        self.record() || self.cache
    }
}

fn not_allowed() -> Refusal {
    let message = "This router shows no plans, so it makes no dry runs: set exposure.plan, or start it with --dev.";
    Refusal::fixed(StatusCode::FORBIDDEN, "DRY_RUN_NOT_ALLOWED", message)
}

impl<S> Gateway<S> {
    /// What a client sees that asked for `exposes`.
    pub(crate) fn exposed(
        &self,
        exposes: Exposes,
        operation: &Arc<CachedOperation>,
        variables: &Variables,
        estimate: Option<Estimated>,
    ) -> Box<Exposed> {
        let compiled = operation.result.as_ref().ok().filter(|_| exposes.explain);
        let fetch_costs = match (&self.costs, compiled.and_then(CompiledOperation::source)) {
            (Some(costs), Some(source)) => {
                costs.model.fetch_costs(&source.operation, &source.plan, &self.supergraph, variables)
            }
            _ => Vec::new(),
        };
        let (supergraph, operation) = (self.supergraph.clone(), operation.clone());
        Box::new(Exposed { exposes, supergraph, operation, estimate, fetch_costs })
    }
}

impl Executed {
    /// The answer with how it was made in `extensions`, if its client sees that.
    pub fn exposed_bytes(&self) -> Option<Bytes> {
        let (cached, found_after, made) = (self.cached, self.found_after, self.made);
        let making = Making {
            beginning: Some(Beginning { cached, found_after, made }),
            executed_in: self.executed_in,
            fetches: &self.response.fetches,
            beside: &self.response.subgraph_answers,
            has_gap: false,
        };
        let extensions = self.exposed.as_ref()?.extensions(&making)?;
        Some(self.response.bytes_with_extensions(&extensions))
    }
}
