//! From the plan of an operation to what it costs: walks what each request asks for, and follows how many objects there are at each
//! position of the data tree. Knows no values.

use ahash::AHashMap;
use braid_graphql::compiler::ast::{Argument, Value};
use braid_graphql::operation::{self, Operation};
use braid_graphql::schema::{InputValue, NameMap, TypeId};
use braid_graphql::variables::Variables;
use braid_graphql::{Name, Node, OperationType, Type, VariableDefinition};
use braid_query_plan::{
    EntityFetch, Fetch, FetchField, FetchId, FetchKind, FetchSelection, Path, QueryPlan, Representation,
};
use braid_supergraph::{SubgraphId, Supergraph};
use indexmap::IndexMap;

use crate::expression::{Condition, Evaluation, Expression, Slice, SliceValue};
use crate::formula::Formula;
use crate::input::GivenInput;
use crate::model::{CostModel, FieldCost, ListSize};

/// What a request of a mutation costs beside its fields.
const MUTATION: u64 = 10;

impl CostModel {
    /// What an operation costs that runs by `plan`.
    pub fn formula(&self, operation: &Operation, plan: &QueryPlan, supergraph: &Supergraph) -> Formula {
        let mut subgraphs: IndexMap<SubgraphId, Expression> = IndexMap::new();
        for (fetch, cost) in self.fetches(operation, plan, supergraph) {
            let of_subgraph = subgraphs.entry(fetch.subgraph).or_insert(Expression::ZERO);
            let before = std::mem::replace(of_subgraph, Expression::ZERO);
            *of_subgraph = before + cost;
        }
        Formula::new(subgraphs.into_iter().collect())
    }

    /// What each fetch of a plan costs with these variables. Computed anew each time, for developers who look at a plan.
    pub fn fetch_costs(
        &self,
        operation: &Operation,
        plan: &QueryPlan,
        supergraph: &Supergraph,
        variables: &Variables,
    ) -> Vec<(FetchId, u64)> {
        let costs = self.fetches(operation, plan, supergraph);
        let cost = |(fetch, cost): (&Fetch, Expression)| {
            let mut evaluation = Evaluation { variables, model: self, unsliced: None };
            (fetch.id, cost.evaluate(&mut evaluation))
        };
        costs.into_iter().map(cost).collect()
    }

    /// What each fetch costs.
    fn fetches<'p>(
        &self,
        operation: &Operation,
        plan: &'p QueryPlan,
        supergraph: &Supergraph,
    ) -> Vec<(&'p Fetch, Expression)> {
        let variables = &operation.variables;
        let numbers = variables.iter().enumerate().map(|(number, variable)| (&variable.name, number)).collect();
        let compiler = Compiler { model: self, supergraph, variables, numbers };
        let mut root = Position::default();
        let mut costs = Vec::with_capacity(plan.fetches.len());
        // What is fetched for the later items of a streamed list is counted with the first.
        for fetch in plan.fetches.iter().filter(|fetch| fetch.streams.is_empty()) {
            let cost = match &fetch.kind {
                FetchKind::Root { operation, path, selections } => {
                    let (position, count) = root.at(path);
                    let own = match operation {
                        OperationType::Mutation => Expression::Constant(MUTATION),
                        OperationType::Query | OperationType::Subscription => Expression::ZERO,
                    };
                    count * (own + compiler.selections(selections, position))
                }
                FetchKind::Entities(lists) => {
                    let cost = |list: &EntityFetch| {
                        let (position, count) = root.at(&list.path);
                        let entity = compiler.entity(&list.representations);
                        let one = Expression::Constant(entity) + compiler.selections(&list.selections, position);
                        (count * one).when(compiler.condition(&list.condition))
                    };
                    lists.iter().map(cost).fold(Expression::ZERO, std::ops::Add::add)
                }
            };
            costs.push((fetch, cost.when(compiler.condition(&fetch.condition))));
        }
        costs
    }
}

/// A position of the data tree.
#[derive(Debug, Default)]
struct Position {
    /// How many objects are here for each object at the position above.
    size: Option<Expression>,
    below: AHashMap<Name, Position>,
    /// The sizes of lists below, as `sizedFields` of fields above say, with the names of the fields that lead there.
    sizes: Vec<(Vec<Name>, Expression)>,
}

impl Position {
    /// The position at a path, and how many objects there are at it.
    fn at(&mut self, path: &Path) -> (&mut Self, Expression) {
        let (mut position, mut count) = (self, Expression::ONE);
        for segment in &path.0 {
            position = position.below.entry(segment.key.clone()).or_default();
            count = count * position.size.clone().unwrap_or(Expression::ONE);
        }
        (position, count)
    }
}

struct Compiler<'a> {
    model: &'a CostModel,
    supergraph: &'a Supergraph,
    variables: &'a [Node<VariableDefinition>],
    numbers: AHashMap<&'a Name, usize>,
}

impl Compiler<'_> {
    /// Recursive as deep as operations are, which normalization bounds.
    fn selections(&self, selections: &[FetchSelection], position: &mut Position) -> Expression {
        selections.iter().fold(Expression::ZERO, |sum, selection| {
            sum + match selection {
                FetchSelection::Field(field) => self.field(field, position),
                FetchSelection::InlineFragment { condition, selections, .. } => {
                    self.selections(selections, position).when(self.condition(condition))
                }
            }
        })
    }

    fn field(&self, field: &FetchField, position: &mut Position) -> Expression {
        // __typename costs nothing.
        let Some(id) = field.definition else { return Expression::ZERO };
        let definition = self.supergraph.schema.field(id);
        let nothing = FieldCost::default();
        let cost = self.model.field(id).unwrap_or(&nothing);
        let own = Expression::Constant(cost.weight) + self.arguments(field, cost, &definition.arguments);
        let (items, sizes) = self.list(field, cost, &definition.ty, position);
        let value = Expression::Constant(self.model.of_type(definition.inner));
        let value = match &field.selections {
            None => value,
            Some(selections) => {
                let below = position.below.entry(field.key.clone()).or_default();
                let known = below.size.take();
                below.size = Some(Expression::greatest(known.into_iter().chain([items.clone()])));
                for size in sizes {
                    if !below.sizes.contains(&size) {
                        below.sizes.push(size);
                    }
                }
                value + self.selections(selections, below)
            }
        };
        (own + items * value).when(self.condition(&field.condition))
    }

    /// How many items a field's value has, and the sizes of lists below it.
    fn list(
        &self,
        field: &FetchField,
        cost: &FieldCost,
        ty: &Type,
        position: &Position,
    ) -> (Expression, Vec<(Vec<Name>, Expression)>) {
        let (mut own, mut below) = (Vec::new(), Vec::new());
        for (path, size) in &position.sizes {
            match path.split_first() {
                Some((name, [])) if *name == field.name => own.push(size.clone()),
                Some((name, rest)) if *name == field.name => below.push((rest.to_vec(), size.clone())),
                _ => {}
            }
        }
        for size in &cost.sizes {
            let items = self.size(field, size);
            match size.sized.is_empty() {
                true => own.push(items),
                false => below.extend(size.sized.iter().map(|path| (path.clone(), items.clone()))),
            }
        }
        let items = match (ty.is_list(), own.is_empty()) {
            (false, _) => Expression::ONE,
            (true, true) => Expression::Constant(self.model.list_size),
            (true, false) => Expression::greatest(own),
        };
        // Of a list of lists, each inner list has the default size.
        let inner = Expression::Constant(self.model.list_size);
        let items = (1..lists(ty)).fold(items, |items, _| items * inner.clone());
        (items, below)
    }

    fn size(&self, field: &FetchField, size: &ListSize) -> Expression {
        let definition = field.definition.map(|id| self.supergraph.schema.field(id));
        let argument = |name: &Name| field.arguments.iter().find(|argument| argument.name == *name);
        let mut given = Vec::new();
        let mut otherwise = None;
        for path in &size.slicing {
            let Some((name, rest)) = path.split_first() else { continue };
            match argument(name) {
                Some(argument) => given.extend(self.slice_value(&argument.value, rest)),
                None => {
                    let default = definition.and_then(|definition| definition.arguments.get(name)?.default.as_ref());
                    otherwise = otherwise.max(default.and_then(|value| literal_size(value, rest)));
                }
            }
        }
        let slice = Slice {
            given,
            otherwise: otherwise.or(size.assumed),
            default: self.model.list_size,
            requires_one: (size.requires_one && !size.slicing.is_empty()).then(|| match field.definition {
                Some(id) => self.supergraph.schema.coordinate(id),
                None => field.name.to_string(),
            }),
        };
        slice.fold()
    }

    /// A slicing argument that is given; nothing if it is null.
    fn slice_value(&self, value: &Value, path: &[Name]) -> Option<SliceValue> {
        if let Value::Variable(name) = value {
            let number = *self.numbers.get(name)?;
            let default = self.variables[number].default_value.as_ref();
            let default = default.and_then(|value| literal_size(value, path));
            return Some(SliceValue::Variable { number, path: path.to_vec(), default });
        }
        if let (Value::Object(fields), Some((first, rest))) = (value, path.split_first()) {
            let (_, value) = fields.iter().find(|(name, _)| name == first)?;
            return self.slice_value(value, rest);
        }
        literal_size(value, path).map(SliceValue::Literal)
    }

    fn arguments(&self, field: &FetchField, cost: &FieldCost, definitions: &NameMap<InputValue>) -> Expression {
        field.arguments.iter().fold(Expression::ZERO, |sum, argument| {
            let Argument { name, value } = &**argument;
            let weight = cost.arguments.iter().find(|(known, _)| known == name).map_or(0, |(_, weight)| *weight);
            let given = match definitions.get(name) {
                Some(definition) => self.input(value, &definition.ty),
                None => Expression::ZERO,
            };
            sum + Expression::Constant(weight) + given
        })
    }

    /// What an input value costs: only input objects do, and lists of them. Recursive as deep as the syntax, which parsing bounds.
    fn input(&self, value: &Value, ty: &Type) -> Expression {
        let Some(input) = self.model.inputs.get(ty.inner_named_type()) else { return Expression::ZERO };
        match value {
            Value::Variable(name) => match self.numbers.get(name) {
                None => Expression::ZERO,
                Some(number) => {
                    let default = self.variables[*number].default_value.as_ref();
                    let default = default.map_or(Expression::ZERO, |value| self.input(value, ty));
                    // A default has no variables.
                    let default = if let Expression::Constant(cost) = default { cost } else { 0 };
                    Expression::Input(Box::new(GivenInput { number: *number, ty: ty.clone(), default }))
                }
            },
            Value::List(items) => items.iter().fold(Expression::ZERO, |sum, item| sum + self.input(item, ty)),
            Value::Object(fields) => fields.iter().fold(Expression::ONE, |sum, (name, value)| {
                sum + match input.fields.get(name) {
                    Some((weight, ty)) => Expression::Constant(*weight) + self.input(value, ty),
                    None => Expression::ZERO,
                }
            }),
            _ => Expression::ZERO,
        }
    }

    /// The weight of an entity: of the most expensive type that is looked up.
    fn entity(&self, representations: &[Representation]) -> u64 {
        let of = |ty: TypeId| self.model.of_type(ty);
        let types = representations.iter().flat_map(|representation| representation.guard.iter());
        types.map(of).max().unwrap_or(1)
    }

    fn condition(&self, condition: &operation::Condition) -> Condition {
        let number = |literal: &operation::Literal| Some((*self.numbers.get(&literal.variable)?, literal.value));
        condition.literals().iter().filter_map(number).collect()
    }
}

impl Slice {
    /// As simple as it can be.
    fn fold(self) -> Expression {
        match (&self.given[..], self.otherwise, &self.requires_one) {
            ([SliceValue::Literal(size)], _, _) => Expression::Constant(*size),
            ([], Some(size), _) => Expression::Constant(size),
            ([], None, None) => Expression::Constant(self.default),
            _ => Expression::Slice(Box::new(self)),
        }
    }
}

/// The size that a literal says.
fn literal_size(value: &Value, path: &[Name]) -> Option<u64> {
    match (value, path.split_first()) {
        (Value::Object(fields), Some((first, rest))) => {
            let (_, value) = fields.iter().find(|(name, _)| name == first)?;
            literal_size(value, rest)
        }
        (Value::Int(_), None) => u64::try_from(value.to_i32()?).ok(),
        (Value::List(items), None) => Some(items.len() as u64),
        _ => None,
    }
}

/// How many lists are around the named type.
fn lists(mut ty: &Type) -> usize {
    let mut lists = 0;
    while let Type::List(item) | Type::NonNullList(item) = ty {
        lists += 1;
        ty = item;
    }
    lists
}
