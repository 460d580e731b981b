//! An operation made ready to run, once, so that running it does no thinking. Knows nothing of one execution.
//!
//! ```text
//! Operation + QueryPlan ──shape──▶ Shapes: the layout of the data tree
//!                       ──fetch──▶ CompiledFetch: request body, paths, representations, and the reading of its answer
//!                       ──projection──▶ Projection: what is written to the client
//! ```

pub(crate) mod fetch;
pub(crate) mod projection;
pub(crate) mod reading;
pub(crate) mod shape;

use std::sync::{Arc, Mutex, PoisonError};

use braid_graphql::error::GraphQLError;
use braid_graphql::operation::{FieldRef, Operation, SelectionSet};
use braid_graphql::variables::{BAD_USER_INPUT, Variables, coerce_variables};
use braid_graphql::{Name, OperationType};
use braid_query_plan::QueryPlan;
use braid_supergraph::Supergraph;
use serde_json::value::RawValue;

use fetch::{CompiledFetch, FetchContext, compile_fetches};
use projection::Projection;
use shape::Shapes;

/// The deepest nesting of selections.
pub(crate) const MAX_DEPTH: usize = 512;
/// The most lists around a named type.
pub(crate) const MAX_LISTS: u8 = 32;
/// The most keys that the answer of an operation can have, counted for each kind of object separately.
pub(crate) const MAX_PROJECTION: usize = 500_000;
/// How many choices of the variables of `@include` and `@skip` an operation remembers the projection of.
const MAX_PROJECTIONS: usize = 32;

/// An operation ready to be executed any number of times, at once too.
#[derive(Debug)]
pub struct CompiledOperation {
    pub(crate) supergraph: Arc<Supergraph>,
    pub(crate) operation: Operation,
    pub(crate) plan: QueryPlan,
    pub(crate) shapes: Shapes,
    pub(crate) fetches: Vec<CompiledFetch>,
    projections: Projections,
    uses_introspection: bool,
}

/// Why an operation and its plan cannot be made ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// Selections or list types nest too deep.
    #[error("the operation nests deeper than {MAX_DEPTH} levels, or a type has more than {MAX_LISTS} lists")]
    TooDeep,
    /// Too many combinations of runtime types.
    #[error(
        "the answer could have more than {MAX_PROJECTION} different keys; use fewer type conditions within one another"
    )]
    TooManyKeys,
    /// The plan names what it does not define: a defect of the planner.
    #[error("the query plan is not consistent")]
    Inconsistent,
}

impl CompileError {
    /// The code in `extensions`.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooDeep | Self::TooManyKeys => "OPERATION_TOO_COMPLEX",
            Self::Inconsistent => "INTERNAL_SERVER_ERROR",
        }
    }
}

#[derive(Debug)]
enum Projections {
    One(Arc<Projection>),
    /// One for each choice of these variables.
    ByVariables {
        variables: Vec<usize>,
        known: Mutex<Vec<(Vec<bool>, Arc<Projection>)>>,
    },
}

impl CompiledOperation {
    /// Makes an operation ready to run by `plan`, which was made for it.
    pub fn compile(operation: Operation, plan: QueryPlan, supergraph: &Arc<Supergraph>) -> Result<Self, CompileError> {
        let shapes = Shapes::new(&supergraph.schema, operation.root, &operation.selection_set, &plan)?;
        let context = FetchContext { supergraph, shapes: &shapes, variables: &operation.variables };
        let fetches = compile_fetches(&context, &plan.fetches)?;
        let mut used = Vec::new();
        condition_variables(&operation.selection_set, &mut used);
        let number = |name: &Name| operation.variables.iter().position(|variable| variable.name == *name);
        let numbers = used.into_iter().map(|name| number(name).ok_or(CompileError::Inconsistent));
        let mut variables = numbers.collect::<Result<Vec<_>, _>>()?;
        variables.sort_unstable();
        variables.dedup();
        // Compiled in any case, so that what is too large is refused here.
        let projection = Arc::new(Projection::new(supergraph, &shapes, &operation, &|_| true)?);
        let projections = match variables.is_empty() {
            true => Projections::One(projection),
            false => {
                let known = Mutex::new(vec![(vec![true; variables.len()], projection)]);
                Projections::ByVariables { variables, known }
            }
        };
        let uses_introspection = introspects(&operation.selection_set);
        Ok(Self {
            supergraph: Arc::clone(supergraph),
            operation,
            plan,
            shapes,
            fetches,
            projections,
            uses_introspection,
        })
    }

    /// Query, mutation or subscription.
    pub fn kind(&self) -> OperationType {
        self.operation.kind
    }

    /// The name the client gave the operation.
    pub fn name(&self) -> Option<&str> {
        self.operation.name.as_deref()
    }

    /// The plan it runs by.
    pub fn plan(&self) -> &QueryPlan {
        &self.plan
    }

    /// Whether it asks for `__schema` or `__type`.
    pub fn uses_introspection(&self) -> bool {
        self.uses_introspection
    }

    /// About how many bytes it takes, for a cache that is bounded by them.
    pub fn weight(&self) -> usize {
        let bodies = self.fetches.iter().filter_map(|fetch| fetch.request.as_ref()).map(|request| request.head.len());
        let keys = self.shapes.len() + self.projections.size();
        4096 + 3 * bodies.sum::<usize>() + 400 * keys
    }

    /// Checks the variables of a request: a JSON object, `null`, or absent.
    pub fn coerce_variables(&self, variables: Option<&RawValue>) -> Result<Variables, Vec<GraphQLError>> {
        let definitions = &self.operation.variables;
        let coerced = coerce_variables(&self.supergraph.api_schema, definitions, variables)?;
        // A nullable variable with a default may stand in `@include(if:)`, but null may not (§6.4.1).
        let conditions = self.condition_variables();
        let without = conditions.iter().find(|number| coerced.boolean(**number).is_none());
        match without {
            None => Ok(coerced),
            Some(number) => {
                let name = &definitions[*number].name;
                let message = format!("Variable \"${name}\" decides what is included, so it must not be null.");
                Err(vec![GraphQLError::new(BAD_USER_INPUT, message)])
            }
        }
    }

    fn condition_variables(&self) -> &[usize] {
        match &self.projections {
            Projections::One(_) => &[],
            Projections::ByVariables { variables, .. } => variables,
        }
    }

    pub(crate) fn projection(&self, values: &Variables) -> Result<Arc<Projection>, CompileError> {
        let (variables, known) = match &self.projections {
            Projections::One(projection) => return Ok(Arc::clone(projection)),
            Projections::ByVariables { variables, known } => (variables, known),
        };
        let choice: Vec<bool> = variables.iter().map(|number| values.boolean(*number).unwrap_or(false)).collect();
        let find = |known: &Vec<(Vec<bool>, Arc<Projection>)>| {
            known.iter().find(|(other, _)| *other == choice).map(|(_, projection)| Arc::clone(projection))
        };
        if let Some(projection) = find(&known.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(projection);
        }
        let holds = |name: &Name| {
            let number = self.operation.variables.iter().position(|variable| variable.name == *name);
            number.and_then(|number| values.boolean(number)).unwrap_or(false)
        };
        let projection = Arc::new(Projection::new(&self.supergraph, &self.shapes, &self.operation, &holds)?);
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MAX_PROJECTIONS && find(&known).is_none() {
            known.push((choice, Arc::clone(&projection)));
        }
        Ok(projection)
    }
}

impl Projections {
    fn size(&self) -> usize {
        match self {
            Self::One(projection) => projection.size,
            Self::ByVariables { known, .. } => {
                let known = known.lock().unwrap_or_else(PoisonError::into_inner);
                known.first().map_or(0, |(_, projection)| projection.size * known.capacity().max(4))
            }
        }
    }
}

/// Recursive as deep as operations are, which normalization bounds.
fn condition_variables<'a>(selection_set: &'a SelectionSet, into: &mut Vec<&'a Name>) {
    for field in &selection_set.fields {
        into.extend(field.condition.literals().iter().map(|literal| &literal.variable));
        field.selection_set.iter().for_each(|below| condition_variables(below, into));
    }
}

fn introspects(selection_set: &SelectionSet) -> bool {
    selection_set.fields.iter().any(|field| {
        matches!(field.definition, FieldRef::IntrospectSchema | FieldRef::IntrospectType)
            || field.selection_set.as_ref().is_some_and(introspects)
    })
}
