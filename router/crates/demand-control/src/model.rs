//! What types, fields and arguments of a supergraph weigh, and how long its lists are: `@cost` and `@listSize`, whatever they are called
//! in it. Knows no operation.

use ahash::AHashMap;
use braid_graphql::compiler::Node;
use braid_graphql::compiler::ast::{Directive, DirectiveList, Value};
use braid_graphql::compiler::schema::{ExtendedType, FieldDefinition, InputObjectType};
use braid_graphql::field_set::{FieldSet, Item};
use braid_graphql::schema::{FieldId, TypeId, TypeKind};
use braid_graphql::{Name, Type};
use braid_supergraph::Supergraph;

/// The weights and list sizes of one supergraph.
#[derive(Debug)]
pub struct CostModel {
    /// Of a value of each type.
    types: Vec<u64>,
    fields: Vec<FieldCost>,
    pub(crate) inputs: AHashMap<Name, InputCost>,
    /// The size of a list that nothing is said about.
    pub(crate) list_size: u64,
}

/// What a field costs beside its value.
#[derive(Debug, Clone, Default)]
pub(crate) struct FieldCost {
    pub(crate) weight: u64,
    /// The weights of its arguments.
    pub(crate) arguments: Vec<(Name, u64)>,
    /// How long its list is, or the lists below it. The field of an interface can have several, from the types that implement it: the
    /// longest counts.
    pub(crate) sizes: Vec<ListSize>,
}

/// `@listSize`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListSize {
    pub(crate) assumed: Option<u64>,
    /// The paths to the arguments that say the size: the argument's name, then input fields.
    pub(crate) slicing: Vec<Vec<Name>>,
    /// The paths to the fields below that are lists of this size; none if the field itself is.
    pub(crate) sized: Vec<Vec<Name>>,
    /// Whether exactly one slicing argument must be given.
    pub(crate) requires_one: bool,
}

/// What an input object costs: its fields, each with its weight and its type.
#[derive(Debug)]
pub(crate) struct InputCost {
    pub(crate) fields: AHashMap<Name, (u64, Type)>,
}

/// A directive about costs that can't be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{coordinate}: @{directive}({argument}:) must be {expected}")]
pub struct ReadError {
    /// Where it is applied.
    pub coordinate: String,
    /// The directive, as it is named here.
    pub directive: String,
    /// The argument that is missing or of another form.
    pub argument: &'static str,
    /// What it has to be.
    pub expected: &'static str,
}

const INT: &str = "an Int";
const NAMES: &str = "a list of names, with dots between the names of a path";

impl CostModel {
    /// The costs of a supergraph in which lists that nothing is said about have so many items.
    pub fn read(supergraph: &Supergraph, list_size: u64) -> Result<Self, ReadError> {
        let named = |directive| supergraph.directive_of("cost", directive);
        let names = Names { cost: named("cost"), size: named("listSize") };
        let (schema, source) = (&supergraph.schema, &supergraph.source);
        let mut types = Vec::with_capacity(schema.types().len());
        let mut inputs = AHashMap::new();
        for (_, ty) in schema.types() {
            let default = u64::from(ty.is_composite());
            let applied = source.types.get(&ty.name).map(ExtendedType::directives);
            let applied = applied.into_iter().flat_map(|applied| applied.iter());
            types.push(names.weight(applied, || ty.name.to_string())?.unwrap_or(default));
            if let Some(ExtendedType::InputObject(input)) = source.types.get(&ty.name) {
                inputs.insert(ty.name.clone(), names.input(input)?);
            }
        }
        let mut fields = Vec::with_capacity(schema.fields().len());
        for (id, field) in schema.fields() {
            let definition = match source.types.get(&schema.ty(field.parent).name) {
                Some(ExtendedType::Object(object)) => object.fields.get(&field.name),
                Some(ExtendedType::Interface(interface)) => interface.fields.get(&field.name),
                _ => None,
            };
            let cost = definition.map(|definition| names.field(definition, &|| schema.coordinate(id)));
            fields.push(cost.transpose()?.unwrap_or_default());
        }
        let mut model = Self { types, fields, inputs, list_size };
        model.inherit(supergraph);
        Ok(model)
    }

    /// The weight of one value of a type.
    pub fn of_type(&self, id: TypeId) -> u64 {
        self.types.get(id.index()).copied().unwrap_or_default()
    }

    /// The weight of a field beside its value.
    pub fn of_field(&self, id: FieldId) -> u64 {
        self.field(id).map_or(0, |field| field.weight)
    }

    pub(crate) fn field(&self, id: FieldId) -> Option<&FieldCost> {
        self.fields.get(id.index())
    }

    /// What is asked of an interface costs what the most expensive type that implements it does.
    fn inherit(&mut self, supergraph: &Supergraph) {
        let schema = &supergraph.schema;
        for (id, ty) in schema.types().filter(|(_, ty)| ty.is_abstract()) {
            let most = ty.possible.iter().map(|ty| self.types[ty.index()]).max();
            self.types[id.index()] = self.types[id.index()].max(most.unwrap_or_default());
        }
        for (_, ty) in schema.types() {
            let TypeKind::Interface { fields, .. } = &ty.kind else { continue };
            for (name, id) in fields {
                let own = std::mem::take(&mut self.fields[id.index()]);
                let objects = ty.possible.iter().filter_map(|object| schema.field_named(object, name));
                self.fields[id.index()] = objects.map(|object| &self.fields[object.index()]).fold(own, FieldCost::or);
            }
        }
    }
}

impl FieldCost {
    /// The higher of both costs.
    fn or(mut self, other: &Self) -> Self {
        self.weight = self.weight.max(other.weight);
        for (name, weight) in &other.arguments {
            match self.arguments.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) => *known = (*known).max(*weight),
                None => self.arguments.push((name.clone(), *weight)),
            }
        }
        for size in &other.sizes {
            if !self.sizes.contains(size) {
                self.sizes.push(size.clone());
            }
        }
        self
    }
}

/// What the directives are called in a supergraph; nothing if it does not link them.
struct Names {
    cost: Option<String>,
    size: Option<String>,
}

impl Names {
    fn weight<'a>(
        &self,
        applied: impl Iterator<Item = &'a Node<Directive>>,
        coordinate: impl Fn() -> String,
    ) -> Result<Option<u64>, ReadError> {
        let Some(name) = &self.cost else { return Ok(None) };
        let Some(directive) = applied.into_iter().find(|directive| directive.name == name.as_str()) else {
            return Ok(None);
        };
        let weight = directive.specified_argument_by_name("weight").and_then(|value| value.to_i32());
        let weight = weight.ok_or_else(|| Self::error(directive, "weight", INT, &coordinate))?;
        Ok(Some(u64::try_from(weight).unwrap_or_default()))
    }

    fn of_list(&self, applied: &DirectiveList, coordinate: impl Fn() -> String) -> Result<Option<u64>, ReadError> {
        self.weight(applied.iter(), coordinate)
    }

    fn field(&self, definition: &FieldDefinition, coordinate: &dyn Fn() -> String) -> Result<FieldCost, ReadError> {
        let weight = self.of_list(&definition.directives, coordinate)?.unwrap_or_default();
        let mut cost = FieldCost { weight, ..FieldCost::default() };
        for argument in &definition.arguments {
            let coordinate = || format!("{}({}:)", coordinate(), argument.name);
            if let Some(weight) = self.of_list(&argument.directives, coordinate)? {
                cost.arguments.push((argument.name.clone(), weight));
            }
        }
        let size = definition.directives.iter().find(|directive| self.size.as_deref() == Some(directive.name.as_str()));
        cost.sizes.extend(size.map(|directive| ListSize::read(directive, coordinate)).transpose()?);
        Ok(cost)
    }

    fn input(&self, input: &InputObjectType) -> Result<InputCost, ReadError> {
        let mut fields = AHashMap::with_capacity(input.fields.len());
        for (name, field) in &input.fields {
            let weight = self.of_list(&field.directives, || format!("{}.{name}", input.name))?;
            fields.insert(name.clone(), (weight.unwrap_or_default(), (*field.ty).clone()));
        }
        Ok(InputCost { fields })
    }

    fn error(
        directive: &Directive,
        argument: &'static str,
        expected: &'static str,
        coordinate: &dyn Fn() -> String,
    ) -> ReadError {
        ReadError { coordinate: coordinate(), directive: directive.name.to_string(), argument, expected }
    }
}

impl ListSize {
    fn read(directive: &Directive, coordinate: &dyn Fn() -> String) -> Result<Self, ReadError> {
        let argument = |name: &str| {
            let value = directive.specified_argument_by_name(name);
            value.filter(|value| !value.is_null())
        };
        let names = |name: &'static str| {
            let paths = argument(name).map(|value| paths(value));
            paths.unwrap_or(Some(Vec::new())).ok_or_else(|| Names::error(directive, name, NAMES, coordinate))
        };
        let assumed = argument("assumedSize").map(|value| {
            let size = value.to_i32().ok_or_else(|| Names::error(directive, "assumedSize", INT, coordinate))?;
            Ok(u64::try_from(size).unwrap_or_default())
        });
        Ok(Self {
            assumed: assumed.transpose()?,
            slicing: names("slicingArguments")?,
            sized: names("sizedFields")?,
            requires_one: argument("requireOneSlicingArgument").is_none_or(|value| value.to_bool() != Some(false)),
        })
    }
}

/// A list of paths, or one path, which stands for a list of one. A path is written `a.b`, or as a selection, `a { b }`.
fn paths(value: &Value) -> Option<Vec<Vec<Name>>> {
    let path = |value: &Value| {
        let text = value.as_str()?;
        if !text.contains('{') {
            let path: Option<Vec<Name>> = text.split('.').map(|name| Name::new(name.trim()).ok()).collect();
            return path.map(|path| vec![path]);
        }
        let mut paths = Vec::new();
        leaves(&FieldSet::parse(text).ok()?.items, &mut Vec::new(), &mut paths).then_some(paths)
    };
    match value {
        Value::List(values) => Some(values.iter().map(|value| path(value)).collect::<Option<Vec<_>>>()?.concat()),
        one => path(one),
    }
}

/// Adds the paths to the leaves of a selection. Whether it is a selection of fields alone.
fn leaves(items: &[Item], above: &mut Vec<Name>, paths: &mut Vec<Vec<Name>>) -> bool {
    items.iter().all(|item| {
        let Item::Field { name, selection, .. } = item else { return false };
        above.push(name.clone());
        let is_one = match selection.is_empty() {
            true => {
                paths.push(above.clone());
                true
            }
            false => leaves(&selection.items, above, paths),
        };
        above.pop();
        is_one
    })
}
