//! The compiled operation as a whole. Knows nothing of one execution.

use std::sync::Arc;

use braid_graphql::OperationType;
use braid_graphql::error::GraphQLError;
use braid_graphql::names::SchemaNames;
use braid_graphql::operation::{Operation, SelectionSet};
use braid_graphql::variables::{BAD_USER_INPUT, Variables, coerce_variables};
use braid_query_plan::QueryPlan;
use braid_supergraph::Supergraph;
use serde_json::value::RawValue;

use super::condition::{CompiledCondition, Numbers};
use super::fetch::{CompiledFetch, FetchContext, compile_fetches};
use super::flow::Flow;
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
}

impl Default for CompileOptions<'_> {
    fn default() -> Self {
        Self { weights: &NoWeights, with_facts: false }
    }
}

/// An operation ready to be executed any number of times, at once too.
#[derive(Debug)]
pub struct CompiledOperation {
    pub(crate) supergraph: Arc<Supergraph>,
    pub(crate) operation: Operation,
    pub(crate) plan: QueryPlan,
    pub(crate) shapes: Shapes,
    pub(crate) fetches: Vec<CompiledFetch>,
    pub(crate) projection: Projection,
    /// Its parts, where it is answered in parts.
    pub(crate) parts: Option<Parts>,
    /// The streamed list that is delivered while it arrives, if there is one.
    pub(crate) flow: Option<Flow>,
    /// The numbers of the variables of `@include` and `@skip`.
    conditions: Vec<usize>,
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
        let projection = Projection::new(supergraph, &shapes, &operation, &numbers)?;
        let (parts, supergraph) = (Parts::new(&operation, &plan), Arc::clone(supergraph));
        let flow = Flow::new(&operation, &plan, &fetches, &projection);
        Ok(Self { supergraph, operation, plan, shapes, fetches, projection, parts, flow, conditions })
    }

    /// Query, mutation or subscription.
    pub fn kind(&self) -> OperationType {
        self.operation.kind
    }

    /// The operation that was compiled.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// The name the client gave the operation.
    pub fn name(&self) -> Option<&str> {
        self.operation.name.as_deref()
    }

    /// Whether it was made to be answered in parts ([`crate::execute_in_parts`]).
    pub fn has_parts(&self) -> bool {
        self.parts.is_some()
    }

    /// Whether it asks a subgraph for anything.
    pub fn has_fetches(&self) -> bool {
        !self.fetches.is_empty()
    }

    /// The plan it runs by.
    pub fn plan(&self) -> &QueryPlan {
        &self.plan
    }

    /// About how many bytes it takes, for a cache that is bounded by them. It includes the most that is added later, the requests
    /// that are kept for numbers of context values, so that it never changes.
    pub fn weight(&self) -> usize {
        let requests: usize = self.fetches.iter().map(CompiledFetch::weight).sum();
        // A field is there as it was asked, in the plan, and in the reading of a response.
        let asked = 3 * count(&self.operation.selection_set) + self.operation.variables.len();
        4096 + requests + 400 * (asked + self.shapes.len() + self.projection.size)
    }

    /// Checks the variables of a request: a JSON object, `null`, or absent. Errors name what the schema has only if `names` may be
    /// shown.
    pub fn coerce_variables(
        &self,
        variables: Option<&RawValue>,
        names: SchemaNames,
    ) -> Result<Variables, Vec<GraphQLError>> {
        let definitions = &self.operation.variables;
        let coerced = coerce_variables(&self.supergraph.api_schema, definitions, variables, names)?;
        // A nullable variable with a default may stand in `@include(if:)`, but null may not (§6.4.1).
        let without = self.conditions.iter().find(|number| coerced.boolean(**number).is_none());
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
