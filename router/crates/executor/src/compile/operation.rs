//! The compiled operation as a whole. Knows nothing of one execution.

use std::fmt;
use std::mem::size_of;
use std::sync::Arc;

use braid_graphql::error::GraphQLError;
use braid_graphql::names::SchemaNames;
use braid_graphql::operation::{Operation, SelectionSet};
use braid_graphql::schema::TypeId;
use braid_graphql::variables::{BAD_USER_INPUT, Variables, coerce_variables};
use braid_graphql::view::{ApiView, Hidden};
use braid_graphql::{Name, Node, OperationType, VariableDefinition};
use braid_query_plan::QueryPlan;
use braid_supergraph::{SubgraphId, Supergraph};
use serde_json::value::RawValue;

use super::condition::{CompiledCondition, Numbers};
use super::fetch::{CompiledFetch, FetchContext, compile_fetches};
use super::flow::Flow;
use super::heap;
use super::limits::CompileError;
use super::parts::Parts;
use super::projection::Projection;
use super::shape::Shapes;
use super::weights::{NoWeights, Weights};

/// What is compiled into an operation beside what executing it needs.
#[derive(Clone, Copy)]
pub struct CompileOptions<'a> {
    /// What subgraphs give is added up by these ([`crate::FetchReport::weight`]).
    pub weights: &'a dyn Weights,
    /// Whether requests say what a cache has to know of what they ask ([`crate::request::SelectionFacts`]).
    pub with_facts: bool,
    /// Whether what it is compiled from is kept, for people to see ([`CompiledOperation::source`]).
    pub keeps_source: bool,
    /// What of the API schema is hidden from those whose operation it is; `None` if nothing is.
    pub hidden: Option<&'a Arc<Hidden>>,
}

impl Default for CompileOptions<'_> {
    fn default() -> Self {
        Self { weights: &NoWeights, with_facts: false, keeps_source: true, hidden: None }
    }
}

/// An operation ready to be executed any number of times, at once too.
pub struct CompiledOperation {
    pub(crate) supergraph: Arc<Supergraph>,
    hidden: Option<Arc<Hidden>>,
    pub(crate) program: Arc<Program>,
}

/// What an operation does: the same over all versions of a supergraph that do not touch it.
#[derive(Debug)]
pub(crate) struct Program {
    kind: OperationType,
    name: Option<Name>,
    pub(crate) variables: Vec<Node<VariableDefinition>>,
    pub(crate) root: TypeId,
    pub(crate) shapes: Shapes,
    pub(crate) fetches: Vec<CompiledFetch>,
    pub(crate) projection: Projection,
    /// Its parts, where it is answered in parts.
    pub(crate) parts: Option<Parts>,
    /// The streamed list that is delivered while it arrives, if there is one.
    pub(crate) flow: Option<Flow>,
    /// The numbers of the variables of `@include` and `@skip`.
    conditions: Vec<usize>,
    source: Option<Box<OperationSource>>,
    weight: usize,
}

/// What an operation is compiled from.
#[derive(Debug)]
pub struct OperationSource {
    /// What is asked.
    pub operation: Operation,
    /// How it is fetched.
    pub plan: QueryPlan,
}

impl CompiledOperation {
    /// Makes an operation ready to run by `plan`, which was made for it.
    pub fn compile(operation: Operation, plan: QueryPlan, supergraph: &Arc<Supergraph>) -> Result<Self, CompileError> {
        Self::with_options(operation, plan, supergraph, &CompileOptions::default())
    }

    /// The same, for those who want to know more.
    pub fn with_options(
        operation: Operation,
        plan: QueryPlan,
        supergraph: &Arc<Supergraph>,
        options: &CompileOptions<'_>,
    ) -> Result<Self, CompileError> {
        let numbers = Numbers::new(&operation.variables);
        let shapes = Shapes::new(&supergraph.schema, operation.root, &operation.selection_set, &plan, &numbers)?;
        let context = FetchContext { supergraph, shapes: &shapes, numbers: &numbers, options };
        let fetches = compile_fetches(&context, &plan.fetches)?;
        let mut conditions = Vec::new();
        condition_variables(&operation.selection_set, &numbers, &mut conditions)?;
        conditions.sort_unstable();
        conditions.dedup();
        let api = ApiView::new(&supergraph.api_schema, options.hidden.map(|hidden| &**hidden));
        let projection = Projection::new(supergraph, api, &shapes, &operation, &numbers)?;
        let parts = Parts::new(&operation, &plan);
        let flow = Flow::new(&operation, &plan, &fetches, &projection);
        let (kind, name, root) = (operation.kind, operation.name.clone(), operation.root);
        let variables = operation.variables.clone();
        let source = options.keeps_source.then(|| Box::new(OperationSource { operation, plan }));
        let mut program = Program {
            kind,
            name,
            variables,
            root,
            shapes,
            fetches,
            projection,
            parts,
            flow,
            conditions,
            source,
            weight: 0,
        };
        program.weight = size_of::<Self>() + program.measure();
        let (supergraph, hidden) = (Arc::clone(supergraph), options.hidden.cloned());
        Ok(Self { supergraph, hidden, program: Arc::new(program) })
    }

    /// The same over another version of the supergraph, in which all that the operation asks for means the same, under the same ids
    /// ([`braid_supergraph::Unchanged`]). Both have one program. `None` for one that something is hidden from: what is hidden can differ.
    pub fn over(&self, supergraph: &Arc<Supergraph>) -> Option<Self> {
        let (supergraph, program) = (Arc::clone(supergraph), Arc::clone(&self.program));
        self.hidden.is_none().then_some(Self { supergraph, hidden: None, program })
    }

    /// Query, mutation or subscription.
    pub fn kind(&self) -> OperationType {
        self.program.kind
    }

    /// The API schema as its client sees it.
    pub(crate) fn api(&self) -> ApiView<'_> {
        ApiView::new(&self.supergraph.api_schema, self.hidden.as_deref())
    }

    /// The name the client gave the operation.
    pub fn name(&self) -> Option<&str> {
        self.program.name.as_deref()
    }

    /// Whether it was made to be answered in parts ([`crate::execute_in_parts`]).
    pub fn has_parts(&self) -> bool {
        self.program.parts.is_some()
    }

    /// How many requests to subgraphs it makes at most.
    pub fn number_of_fetches(&self) -> usize {
        self.program.fetches.len()
    }

    /// Whether it asks a subgraph for anything.
    pub fn has_fetches(&self) -> bool {
        !self.program.fetches.is_empty()
    }

    /// The subgraphs that it may ask, each once.
    pub fn subgraphs(&self) -> Vec<SubgraphId> {
        let mut all: Vec<_> = self.program.fetches.iter().map(|fetch| fetch.subgraph).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// What it was compiled from, if that is kept ([`CompileOptions::keeps_source`]).
    pub fn source(&self) -> Option<&OperationSource> {
        self.program.source.as_deref()
    }

    /// The plan it runs by, if that is kept.
    pub fn plan(&self) -> Option<&QueryPlan> {
        Some(&self.source()?.plan)
    }

    /// How many bytes it takes, for a cache that is bounded by them. It includes the most that is added later, the requests
    /// that are kept for numbers of context values, so that it never changes.
    pub fn weight(&self) -> usize {
        self.program.weight
    }

    /// Checks the variables of a request: a JSON object, `null`, or absent. Errors name what the schema has only if `names` may be
    /// shown.
    pub fn coerce_variables(
        &self,
        variables: Option<&RawValue>,
        names: SchemaNames,
    ) -> Result<Variables, Vec<GraphQLError>> {
        let definitions = &self.program.variables;
        let coerced = coerce_variables(self.api(), definitions, variables, names)?;
        // A nullable variable with a default may stand in `@include(if:)`, but null may not (§6.4.1).
        let without = self.program.conditions.iter().find(|number| coerced.boolean(**number).is_none());
        match without {
            None => Ok(coerced),
            Some(number) => {
                let name = &definitions[*number].name;
                let message = format!("Variable \"${name}\" decides what is included, so it must not be null.");
                Err(vec![GraphQLError::new(BAD_USER_INPUT, message)])
            }
        }
    }
}

impl fmt::Debug for CompiledOperation {
    /// What it does; the supergraph is the same for all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompiledOperation").field("program", &self.program).finish_non_exhaustive()
    }
}

impl Program {
    fn measure(&self) -> usize {
        /// A variable as it was defined, with its name and its type.
        const VARIABLE: usize = 300;
        /// A field of an operation with what it is in the plan.
        const SOURCE_FIELD: usize = 1500;
        let source = self.source.as_deref().map_or(0, |source| SOURCE_FIELD * count(&source.operation.selection_set));
        heap::shared::<Self>(source)
            + VARIABLE * self.variables.len()
            + self.shapes.heap()
            + heap::list(&self.fetches, CompiledFetch::heap)
            + self.projection.heap()
            + heap::flat(&self.conditions)
    }
}

/// Recursive as deep as operations are, which normalization bounds.
fn condition_variables(
    selection_set: &SelectionSet,
    numbers: &Numbers<'_>,
    into: &mut Vec<usize>,
) -> Result<(), CompileError> {
    for field in &selection_set.fields {
        into.extend(CompiledCondition::new(&field.condition, numbers)?.variables());
        if let Some(below) = &field.selection_set {
            condition_variables(below, numbers, into)?;
        }
    }
    Ok(())
}

fn count(selection_set: &SelectionSet) -> usize {
    selection_set.fields.iter().map(|field| 1 + field.selection_set.as_ref().map_or(0, count)).sum()
}
