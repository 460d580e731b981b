//! One version of a graph that is served: what it is made of. How it answers is in `answer`. Knows no HTTP connection and no transport.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use braid_authorization::Requirements;
use braid_authorization::config::AuthorizationConfig;
use braid_demand_control::config::DemandControlConfig;
use braid_executor::{ExecuteLimits, LongWork, SubgraphErrors, SubgraphService};
use braid_graphql::compiler::Schema;
use braid_graphql::compiler::validation::Valid;
use braid_graphql::incremental::with_incremental_directives;
use braid_graphql::names::SchemaNames;
use braid_graphql::view::ApiView;
use braid_plugin::{Plugins, Stage};
use braid_request_context::header_rules::HeadersConfig;
use braid_request_context::headers::{HeaderPlans, HeaderRuleError, SubgraphHeaders};
use braid_request_context::identity::Principal;
use braid_request_context::{RequestContext, SubgraphContext};
use braid_supergraph::{SubgraphId, Supergraph};
use braid_telemetry::metrics::Metrics;
use braid_usage::Usage;
use http::request::Parts;
use tokio::sync::Semaphore;

use crate::anonymous::{AnonymousError, AnonymousRules};
use crate::answers::{AnswersError, AnswersSetup, Reuse, Told};
use crate::compile::Compiler;
use crate::config::{AnonymousConfig, ExposureConfig, IncrementalConfig, OverrideLabelsConfig};
use crate::costs::{CostError, CostRules};
use crate::decisions::Facts;
use crate::documents::Documents;
use crate::graphs::{Graph, Graphs};
use crate::labels::{LabelError, OverrideLabels};
use crate::limits::LimitsConfig;
use crate::operation_cache::{CachedOperation, OperationCache};
use crate::permissions::{PermissionError, PermissionRules, Permissions};
use crate::policies::{DecidedPolicies, PolicyAuthorizer};
use crate::subscriptions::config::SubscriptionsConfig;

/// What a gateway asks of the world: subgraphs that take a part of the request's context, and say which headers came back.
pub trait Subgraphs: SubgraphService<Context = SubgraphContext, Meta = SubgraphHeaders> {}

impl<S: SubgraphService<Context = SubgraphContext, Meta = SubgraphHeaders>> Subgraphs for S {}

/// One version of a graph that is served: its schema, the operations compiled for it, and its subgraphs. Never changed; a new schema
/// or other settings are another gateway.
#[derive(Debug)]
pub struct Gateway<S> {
    /// The schema.
    pub supergraph: Arc<Supergraph>,
    /// The subgraphs.
    pub subgraphs: S,
    /// Which headers pass.
    pub headers: Arc<HeaderPlans>,
    /// What clients see of the inside.
    pub exposure: ExposureConfig,
    /// Which documents requests can run.
    pub documents: Documents,
    /// Who takes part in requests.
    pub plugins: Plugins,
    /// Where it is recorded what clients use; `None` if it is not.
    pub usage: Option<Arc<Usage>>,
    pub(crate) operations: OperationCache,
    pub(crate) compiler: Arc<Compiler>,
    /// Planning takes a core: only so many operations are planned at once.
    pub(crate) planning: Arc<Semaphore>,
    pub(crate) labels: Arc<OverrideLabels>,
    pub(crate) permissions: Arc<PermissionRules>,
    /// What anonymous clients may ask for; `None` if that is up to the supergraph alone.
    pub(crate) anonymous: Option<Arc<AnonymousRules>>,
    /// What operations may cost; `None` if costs are of no interest.
    pub(crate) costs: Option<Arc<CostRules>>,
    /// How subscriptions are served.
    pub subscriptions: SubscriptionsConfig,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) subgraph_errors: SubgraphErrors,
    pub(crate) limits: ExecuteLimits,
    pub(crate) long_work: LongWork,
    /// What is told about keeping answers; `None` if header rules alone say it.
    pub(crate) told: Option<Told>,
    /// Where answers to equal queries are found; `None` if each is executed for itself.
    pub(crate) reuse: Option<Reuse>,
}

/// What can be set about a gateway.
#[derive(Debug, Clone, Default)]
pub struct GatewayConfig {
    /// Bounds on operations.
    pub limits: LimitsConfig,
    /// What clients see of the inside.
    pub exposure: ExposureConfig,
    /// Which headers pass.
    pub headers: HeadersConfig,
    /// Which override labels are on.
    pub override_labels: OverrideLabelsConfig,
    /// How permissions are enforced.
    pub authorization: AuthorizationConfig,
    /// What operations may cost.
    pub demand_control: DemandControlConfig,
    /// What anonymous clients may ask for; `None` if that is up to the supergraph alone.
    pub anonymous: Option<AnonymousConfig>,
    /// How subscriptions are served.
    pub subscriptions: SubscriptionsConfig,
    /// Whether answers come in parts.
    pub incremental: IncrementalConfig,
    /// Whether there is a cache before the subgraphs, which has to know more of requests and responses.
    pub has_cache: bool,
    /// Decides the policies that neither claims nor `authorization.policies` grant.
    pub policy_authorizer: Option<Arc<dyn PolicyAuthorizer>>,
    /// What is told about keeping answers, and what is kept of them. `None` if subgraphs' answers are not kept: then header rules say it.
    pub answers: Option<AnswersSetup>,
    /// Whether equal queries that are executed at the same time share one execution.
    pub share_executions: bool,
    /// Who takes part in requests.
    pub plugins: Plugins,
    /// Where it is recorded what clients use; `None` if it is not.
    pub usage: Option<Arc<Usage>>,
    /// The graphs that requests can be for; without any, they are for the whole graph.
    pub graphs: Vec<Graph>,
    /// Where large answers are read and written.
    pub long_work: LongWork,
}

impl<S> Gateway<S> {
    /// Whether answers say who may keep them. One that does not say it, such as a refusal, may then be kept by nobody.
    pub fn tells_caches(&self) -> bool {
        self.told.is_some()
    }

    /// What the supergraph requires of those who ask; nothing if that is not enforced.
    pub fn requirements(&self) -> &Requirements {
        &self.permissions.requirements
    }

    /// What the clients of a graph see of the schema; `None` if there is no such graph.
    pub fn schema_of(&self, graph: &str) -> Option<Arc<Valid<Schema>>> {
        let graph = self.compiler.graphs.get(graph).ok()?;
        Some(Arc::new(ApiView::new(&self.supergraph.api_schema, graph.hidden.as_deref()).to_schema()))
    }

    /// Whether errors may name what the clients of a graph see.
    pub(crate) fn names(&self, graph: Option<&str>) -> SchemaNames {
        match graph {
            None => self.exposure.names(),
            Some(name) => self.compiler.graphs.get(name).map_or(SchemaNames::Hidden, |graph| graph.names()),
        }
    }

    /// Records that a client used an operation, if that is recorded.
    pub fn used(&self, operation: &CachedOperation, client: Option<&str>, version: Option<&str>, has_errors: bool) {
        match (&self.usage, &operation.usage) {
            (None, _) => {}
            (Some(_), Some(counters)) => counters.count(client, version, has_errors),
            (Some(usage), None) => usage.count_unrecorded(),
        }
    }

    /// What a request says about how its operation is compiled.
    pub(crate) fn facts<'a>(
        &'a self,
        labels: u64,
        principal: Option<&'a Arc<Principal>>,
        decided: &'a DecidedPolicies,
    ) -> Facts<'a> {
        Facts { labels, permissions: Permissions::new(&self.permissions, principal, decided) }
    }
}

/// Why a gateway can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// A header rule can't be used.
    #[error("a header rule can't be used")]
    Headers(#[from] HeaderRuleError),
    /// The override labels can't be decided.
    #[error(transparent)]
    Labels(#[from] LabelError),
    /// Permissions can't be enforced.
    #[error(transparent)]
    Permissions(#[from] PermissionError),
    /// Costs can't be computed.
    #[error(transparent)]
    Costs(#[from] CostError),
    /// What anonymous clients may ask for can't be told.
    #[error(transparent)]
    Anonymous(#[from] AnonymousError),
    /// It can't be told who may keep answers.
    #[error(transparent)]
    Answers(#[from] AnswersError),
}

impl<S: Subgraphs> Gateway<S> {
    /// A gateway to the subgraphs of `supergraph`.
    pub fn new(
        supergraph: Arc<Supergraph>,
        subgraphs: S,
        config: &GatewayConfig,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, GatewayError> {
        let supergraph = if config.incremental.enabled { with_incremental(supergraph) } else { supergraph };
        let names = supergraph.subgraphs.iter().map(|subgraph| subgraph.name.as_str());
        let headers = HeaderPlans::new(&config.headers, names)?;
        let reads_all = config.has_cache || config.plugins.take_part_in(Stage::SubgraphResponse);
        let headers = if reads_all { headers.reading_all() } else { headers };
        let (limits, exposure) = (&config.limits, &config.exposure);
        let costs = CostRules::new(&config.demand_control, &supergraph)?.map(Arc::new);
        let anonymous = config.anonymous.as_ref().map(|config| AnonymousRules::new(config, &supergraph));
        let mut compiler = Compiler::new(supergraph.clone(), limits.clone());
        compiler.names = exposure.names();
        compiler.with_facts = config.has_cache;
        compiler.keeps_source = exposure.plan;
        compiler.usage.clone_from(&config.usage);
        compiler.graphs = Graphs::new(&config.graphs);
        compiler.costs.clone_from(&costs);
        let told = config.answers.as_ref().map(|setup| Told::new(setup, &headers)).transpose()?.flatten();
        Ok(Self {
            told,
            plugins: config.plugins.clone(),
            usage: config.usage.clone(),
            reuse: Reuse::new(config.answers.as_ref(), config.share_executions, metrics),
            operations: OperationCache::new(limits.operation_cache.0, metrics.clone()),
            compiler: Arc::new(compiler),
            planning: Arc::new(Semaphore::new(limits.max_concurrent_planning.clamp(1, Semaphore::MAX_PERMITS))),
            labels: Arc::new(OverrideLabels::new(&config.override_labels, &supergraph)?),
            permissions: Arc::new(PermissionRules::new(
                &config.authorization,
                config.policy_authorizer.clone(),
                &supergraph,
            )?),
            costs,
            anonymous: anonymous.transpose()?.map(Arc::new),
            documents: Documents::all(metrics.clone()),
            subgraphs,
            headers: Arc::new(headers),
            subgraph_errors: subgraph_errors(exposure, &supergraph),
            limits: limits.execute(),
            long_work: config.long_work,
            exposure: exposure.clone(),
            supergraph,
            subscriptions: config.subscriptions.clone(),
            metrics: metrics.clone(),
        })
    }

    /// The same, where requests can refer to documents by an id, and may be limited to those of a list.
    #[must_use]
    pub fn with_documents(self, documents: Documents) -> Self {
        Self { documents, ..self }
    }

    /// The context of a request from `peer` with this head that may take so much time. What it decides, it decides for the whole
    /// request.
    pub fn context(&self, head: Parts, peer: Option<SocketAddr>, time: Duration) -> RequestContext {
        let mut context = RequestContext::new(head, peer, time, self.headers.clone());
        context.override_labels = self.labels.decide(&context.inputs());
        context
    }

    /// The client's identity or address is known, which was not when the context was made.
    pub fn identified(&self, context: &mut RequestContext) {
        if self.labels.need_client() {
            context.override_labels = self.labels.decide(&context.inputs());
        }
    }
}

/// The same with `@defer` and `@stream` in what clients see.
fn with_incremental(supergraph: Arc<Supergraph>) -> Arc<Supergraph> {
    let mut supergraph = Arc::unwrap_or_clone(supergraph);
    supergraph.api_schema = with_incremental_directives(supergraph.api_schema);
    Arc::new(supergraph)
}

fn subgraph_errors(exposure: &ExposureConfig, supergraph: &Supergraph) -> SubgraphErrors {
    if exposure.subgraph_errors {
        return SubgraphErrors::Shown;
    }
    let shown: Vec<SubgraphId> =
        exposure.subgraph_errors_of.iter().filter_map(|name| supergraph.subgraph_named(name)).collect();
    if shown.is_empty() { SubgraphErrors::Hidden } else { SubgraphErrors::ShownFor(shown.into()) }
}
