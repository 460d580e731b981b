//! From the text of an operation to its compiled form: what a miss in the operation cache costs. Knows no client.

use std::sync::Arc;

use braid_demand_control::{CostModel, Formula};
use braid_executor::{CompileOptions, CompiledOperation, Weights};
use braid_graphql::OperationType;
use braid_graphql::error::GraphQLError;
use braid_graphql::footprint::Footprint;
use braid_graphql::incremental::{deciding_variables, is_incremental};
use braid_graphql::names::SchemaNames;
use braid_graphql::normalize::{NormalizeError, NormalizeLimits, normalize, normalize_in_parts};
use braid_graphql::operation::Operation;
use braid_graphql::parse::{ParseLimits, choose_operation, parse_in_view, parse_operation};
use braid_graphql::schema::{FieldId, TypeId};
use braid_graphql::syntax::Document;
use braid_graphql::view::ApiView;
use braid_query_graph::{Labels, QueryGraph};
use braid_query_planner::{PlanError, PlannerConfig, plan_with_labels};
use braid_supergraph::Supergraph;
use braid_usage::{OperationUsage, Usage};

use crate::costs::CostRules;
use crate::graphs::{Graph, Graphs};
use crate::limits::{self, LimitsConfig};
use crate::refusal::Refusal;

/// What operations of one schema version are compiled with.
#[derive(Debug)]
pub struct Compiler {
    /// The schema.
    pub supergraph: Arc<Supergraph>,
    /// What planning walks over.
    pub graph: QueryGraph,
    /// Bounds on operations.
    pub limits: LimitsConfig,
    /// Whether errors may name what the schema has: only where clients may read it.
    pub names: SchemaNames,
    pub(crate) graphs: Graphs,
    pub(crate) costs: Option<Arc<CostRules>>,
    /// Whether requests to subgraphs say what a cache has to know.
    pub with_facts: bool,
    /// Whether compiled operations keep their plans, for people to see.
    pub keeps_source: bool,
    /// Where it is recorded what clients use; `None` if it is not.
    pub usage: Option<Arc<Usage>>,
}

impl Compiler {
    /// A compiler for operations over `supergraph` whose errors name nothing that clients did not send.
    pub fn new(supergraph: Arc<Supergraph>, limits: LimitsConfig) -> Self {
        let graph = QueryGraph::new(supergraph.clone());
        Self {
            graph,
            supergraph,
            limits,
            names: SchemaNames::Hidden,
            graphs: Graphs::default(),
            costs: None,
            with_facts: false,
            keeps_source: true,
            usage: None,
        }
    }

    /// parse → plan, with all override labels off
    pub fn compile(&self, text: &str, operation_name: Option<&str>) -> Result<CompiledOperation, Refusal> {
        self.plan(self.parse(text, operation_name)?, &|_: &str| false)
    }

    /// parse → validate → limits → normalize
    pub fn parse(&self, text: &str, operation_name: Option<&str>) -> Result<Operation, Refusal> {
        let parsed = self.parse_wanted(text, operation_name, None, Within::FULL)?;
        Ok(parsed.ok_or_else(too_much)?.operation)
    }

    /// The same, for an answer in parts where the values of the variables are given that decide about them. `None` if it takes more
    /// than the effort allows.
    pub(crate) fn parse_wanted(
        &self,
        text: &str,
        operation_name: Option<&str>,
        values: Option<&[bool]>,
        Within { graph, effort }: Within<'_>,
    ) -> Result<Option<Parsed>, Refusal> {
        if effort == Effort::InPlace && text.len() > IN_PLACE_BYTES {
            return Ok(None);
        }
        let document = self.read(text, graph)?;
        let chosen = choose_operation(&document, operation_name)?;
        let limits = graph.map_or(&self.limits, |graph| &graph.limits);
        limits::check(limits, &document, chosen)?;
        let (schema, most) = (&self.supergraph.schema, limits.normalize());
        let limits = NormalizeLimits { max_fields: effort.at_most(most.max_fields, IN_PLACE_FIELDS), ..most };
        // The events of a subscription are whole.
        let has_parts = chosen.kind != OperationType::Subscription && is_incremental(&document, chosen);
        let deciding = has_parts.then(|| deciding_variables(&document, chosen));
        let operation = match (&deciding, values) {
            (Some(deciding), Some(values)) => {
                let is_on = |name: &str| {
                    let number = |at: &usize| chosen.variables.get(*at).is_some_and(|variable| variable.name == name);
                    deciding.iter().position(number).and_then(|at| values.get(at)).copied().unwrap_or(false)
                };
                normalize_in_parts(&document, chosen, schema, limits, &is_on)
            }
            _ => normalize(&document, chosen, schema, limits),
        };
        let operation = match operation {
            Err(NormalizeError::TooManyFields { limit }) if limit < most.max_fields => return Ok(None),
            operation => operation.map_err(normalize_error)?,
        };
        let usage = self
            .usage
            .as_ref()
            .and_then(|usage| usage.operation(&document, chosen, schema, graph.map(|graph| &*graph.name)));
        let deciding = deciding.filter(|all| all.len() <= MAX_DECIDING).map(Into::into);
        // What is hidden from a graph can depend on all of the schema.
        let footprint = graph.is_none().then(|| Footprint::new(&document, schema));
        Ok(Some(Parsed { operation, deciding, usage, footprint }))
    }

    fn read<'a>(&self, text: &'a str, graph: Option<&Graph>) -> Result<Document<'a>, Refusal> {
        let Supergraph { api_schema, schema, .. } = &*self.supergraph;
        let read = match graph {
            None => {
                let limits = ParseLimits { names: self.names, ..self.limits.parse() };
                parse_operation(api_schema, schema, text, limits)
            }
            Some(graph) => {
                let limits = ParseLimits { names: graph.names(), ..graph.limits.parse() };
                let view = ApiView::new(api_schema, graph.hidden.as_deref());
                parse_in_view(view, || self.graphs.schema(graph, view), schema, text, limits)
            }
        };
        read.map_err(Refusal::request)
    }

    /// Whether each operation of a document is valid, and within the limits.
    pub fn check(&self, text: &str) -> Result<(), Refusal> {
        let document = self.read(text, None)?;
        for operation in &document.operations {
            limits::check(&self.limits, &document, operation)?;
        }
        Ok(())
    }

    /// plan → compile
    pub fn plan(&self, operation: Operation, labels: &dyn Labels) -> Result<CompiledOperation, Refusal> {
        let planned = self.plan_with_cost(operation, labels, Within::FULL)?;
        Ok(planned.ok_or_else(too_much)?.0)
    }

    /// The same, with the formula of what the operation costs, where that is of interest. `None` if it takes more than the effort allows.
    pub(crate) fn plan_with_cost(
        &self,
        operation: Operation,
        labels: &dyn Labels,
        Within { graph, effort }: Within<'_>,
    ) -> Result<Option<(CompiledOperation, Option<Formula>)>, Refusal> {
        let most = graph.map_or(&self.limits, |graph| &graph.limits).planning_budget;
        let config = PlannerConfig { budget: effort.at_most(most, IN_PLACE_STEPS), ..PlannerConfig::default() };
        let plan = match plan_with_labels(&operation, &self.graph, &config, labels) {
            Err(PlanError::BudgetExhausted { budget }) if budget < most => return Ok(None),
            plan => plan.map_err(|error| plan_error(&error, graph.map_or(self.names, Graph::names)))?,
        };
        let model = self.costs.as_ref().map(|costs| &costs.model);
        let formula = model.map(|model| model.formula(&operation, &plan, &self.supergraph));
        let by_cost = model.map(ByCost);
        let (with_facts, keeps_source) = (self.with_facts, self.keeps_source);
        let hidden = graph.and_then(|graph| graph.hidden.as_ref());
        let mut options = CompileOptions { with_facts, keeps_source, hidden, ..CompileOptions::default() };
        if let Some(by_cost) = &by_cost {
            options.weights = by_cost;
        }
        let compiled = CompiledOperation::with_options(operation, plan, &self.supergraph, &options);
        let compiled = compiled.map_err(|error| GraphQLError::new(error.code(), error.to_string()))?;
        Ok(Some((compiled, formula)))
    }
}

/// What an operation is compiled within.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Within<'a> {
    /// Of several graphs, the one that the request is for.
    pub(crate) graph: Option<&'a Graph>,
    pub(crate) effort: Effort,
}

impl Within<'_> {
    const FULL: Self = Self { graph: None, effort: Effort::Full };
}

/// How much work compiling may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// So little that it can be done where requests are served without holding up others: usually well below a millisecond.
    InPlace,
    /// As much as the limits permit.
    Full,
}

impl Effort {
    fn at_most<N: Ord>(self, most: N, in_place: N) -> N {
        match self {
            Self::InPlace => most.min(in_place),
            Self::Full => most,
        }
    }
}

const IN_PLACE_BYTES: usize = 4096;
const IN_PLACE_FIELDS: usize = 1000;
const IN_PLACE_STEPS: u64 = 4000;

/// Never so with the full effort, where limits are errors of their own.
fn too_much() -> GraphQLError {
    GraphQLError::new("QUERY_PLANNING_TOO_COMPLEX", "Compiling the operation takes too much work.")
}

/// An operation with more variables than this that decide what is selected or deferred is answered in one piece: it is compiled for each
/// combination of their values that is sent.
const MAX_DECIDING: usize = 8;

/// What was read of a document.
pub(crate) struct Parsed {
    pub(crate) operation: Operation,
    /// Of an operation that can be answered in parts: the variables that decide about them, by their positions.
    pub(crate) deciding: Option<Box<[usize]>>,
    /// Its counters, where its use is recorded and there is room for them.
    pub(crate) usage: Option<Arc<OperationUsage>>,
    /// What of the schema the document refers to; `None` for one of several graphs.
    pub(crate) footprint: Option<Footprint>,
}

/// What subgraphs give is added up as costs are estimated.
struct ByCost<'a>(&'a CostModel);

impl Weights for ByCost<'_> {
    fn of_type(&self, id: TypeId) -> u64 {
        self.0.of_type(id)
    }

    fn of_field(&self, id: FieldId) -> u64 {
        self.0.of_field(id)
    }
}

/// An operation without a plan is a defect of the schema, which the operator is told.
fn plan_error(error: &PlanError, names: SchemaNames) -> GraphQLError {
    let code = error.code();
    match error {
        PlanError::Unsatisfiable { .. } => {
            tracing::error!(code, %error, "An operation has no plan");
            match names {
                SchemaNames::Shown => GraphQLError::new(code, error.to_string()),
                SchemaNames::Hidden => GraphQLError::new(code, "No combination of subgraphs answers the operation."),
            }
        }
        PlanError::BudgetExhausted { .. } | PlanError::NoRoot(_) => GraphQLError::new(code, error.to_string()),
    }
}

fn normalize_error(error: NormalizeError) -> GraphQLError {
    let code = match error {
        NormalizeError::TooManyFields { .. } => "MAX_FIELDS_LIMIT",
        NormalizeError::TooDeep { .. } => "MAX_DEPTH_LIMIT",
        NormalizeError::TooManyDeferred { .. } => "MAX_DEFERRED_LIMIT",
        NormalizeError::Unknown { .. } => "INTERNAL_SERVER_ERROR",
    };
    GraphQLError::new(code, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const IN_PLACE: Within<'static> = Within { graph: None, effort: Effort::InPlace };

    fn compiler() -> Compiler {
        let sdl = include_str!("../../../../schema/supergraph.graphql");
        let limits = LimitsConfig { max_root_fields: 1_000, max_aliases: 10_000, ..LimitsConfig::default() };
        Compiler::new(Arc::new(Supergraph::read(sdl).unwrap()), limits)
    }

    fn aliases(count: usize, selection: &str) -> String {
        (0..count).map(|at| format!("a{at}:products{selection}")).collect()
    }

    #[test]
    fn what_is_little_work_is_compiled_in_place_and_nothing_else() {
        let compiler = compiler();
        let parsed =
            |text: &str, effort| compiler.parse_wanted(text, None, None, Within { graph: None, effort }).unwrap();
        let small = "{ products(first: 1) { nodes { id name stock } } }";
        let long = format!("{{ {} }}", aliases(200, "(first:1){nodes{id}}"));
        let fan = format!("{{ {} }} fragment F on Query {{ {} }}", "x:me{id}", aliases(60, "{...C}"));
        let fan = fan.replace("x:me{id}", "...F")
            + "fragment C on ProductConnection{nodes{a:id b:id c:id d:id e:id f:id g:id h:id i:id j:id k:id l:id m:id n:id o:id p:id q:id}}";
        assert!(fan.len() < IN_PLACE_BYTES && long.len() > IN_PLACE_BYTES);
        for (text, is_little) in [(small, true), (&long, false), (&fan, false)] {
            assert_eq!(parsed(text, Effort::InPlace).is_some(), is_little, "{text}");
            let operation = parsed(text, Effort::Full).unwrap().operation;
            let planned = |effort| {
                compiler.plan_with_cost(operation.clone(), &|_: &str| false, Within { graph: None, effort }).unwrap()
            };
            assert_eq!(planned(Effort::InPlace).is_some(), is_little, "{text}");
            assert!(planned(Effort::Full).is_some(), "{text}");
        }
    }

    #[test]
    fn a_limit_below_what_is_done_in_place_is_an_error_at_once() {
        let mut compiler = compiler();
        compiler.limits.max_fields = 2;
        let refused = compiler.parse_wanted("{ products { nodes { id } } }", None, None, IN_PLACE);
        assert_eq!(refused.err().unwrap().errors[0].code(), Some("MAX_FIELDS_LIMIT"));
        compiler.limits = LimitsConfig { planning_budget: 1, ..LimitsConfig::default() };
        let operation = compiler.parse("{ products { nodes { id stock } } }", None).unwrap();
        let refused = compiler.plan_with_cost(operation, &|_: &str| false, IN_PLACE);
        assert_eq!(refused.err().unwrap().errors[0].code(), Some("QUERY_PLANNING_TOO_COMPLEX"));
    }
}
