//! Objects of an answer while it is made: what their fields have. Does not know how leaves are made.

use braid_graphql::compiler::Name;
use braid_graphql::compiler::ast::Type;
use braid_graphql::compiler::resolvers::{ExecutionError, ObjectValue, ResolveInfo, ResolvedValue};
use braid_graphql::compiler::schema::ExtendedType;
use serde_json::{Map, Value};

use crate::config::{Hint, Length, MAX_LENGTH};
use crate::identity::{canonical, is_entity, keys, number, population};
use crate::leaf;
use crate::mock::Run;
use crate::seed::Seed;

/// Arguments that say how many items a page has.
const PAGE_SIZES: [&str; 8] = ["first", "last", "limit", "take", "size", "count", "pageSize", "perPage"];
/// Fields that have the items of a page whose size was given above.
const PAGE_ITEMS: [&str; 6] = ["edges", "nodes", "items", "results", "data", "list"];

/// An object whose fields are resolved when they are asked for.
pub(crate) struct Object<'m> {
    run: &'m Run<'m>,
    type_name: Name,
    seed: Seed,
    /// What is known of it: its key, what a hint says, what its arguments say.
    given: Map<String, Value>,
    /// How many items it has if it is a page.
    page: Option<usize>,
}

/// A field for which a value is made.
struct Place<'a> {
    field: &'a str,
    hint: Option<&'a Hint>,
    arguments: &'a Map<String, Value>,
    /// How many items lists have here.
    length: usize,
}

type Made<'m> = Result<ResolvedValue<'m>, String>;

impl<'m> Object<'m> {
    /// An instance of a root operation type.
    pub(crate) fn root(run: &'m Run<'m>, type_name: Name, seed: Seed) -> Self {
        Self { run, type_name, seed, given: Map::new(), page: None }
    }

    /// An object of an object type of which something is known. An entity is the one that its key says, or else the one with `number`.
    fn new(run: &'m Run<'m>, type_name: Name, mut given: Map<String, Value>, seed: Seed, entity: Option<u64>) -> Self {
        let mock = run.mock;
        if !is_entity(mock, &type_name) {
            return Self { run, type_name, seed, given, page: None };
        }
        let number =
            number(mock, &type_name, &given).or(entity).unwrap_or_else(|| seed.below(population(mock, &type_name)) + 1);
        for (field, value) in keys(mock, &type_name, number) {
            given.entry(field).or_insert(value);
        }
        let seed = Seed(mock.config.seed).and(&type_name).number(number);
        Self { run, type_name, seed, given, page: None }
    }

    fn resolve(&self, info: &ResolveInfo<'_>) -> Made<'m> {
        let (field, ty) = (info.field_name(), &info.field_definition().ty);
        let arguments = match serde_json::to_value(info.arguments()) {
            Ok(Value::Object(arguments)) => arguments,
            _ => Map::new(),
        };
        if self.type_name == self.run.mock.schema.query {
            match field {
                "_service" => return Ok(self.service(ty)),
                "_entities" => return Ok(self.entities(&arguments)),
                _ => {}
            }
        }
        let seed = match arguments.is_empty() {
            true => self.seed.and(field),
            false => self.seed.and(field).and(&canonical(arguments.clone())),
        };
        let hint = self.run.mock.hint(&self.type_name, field);
        if let Some(hint) = hint {
            self.run.delay(hint.delay.map(|delay| delay.0).unwrap_or_default());
            if let Some(error) = &hint.error
                && seed.and("error").share() < error.rate
            {
                self.run.code(&error.message, &error.code);
                return Err(error.message.clone());
            }
        }
        if let Some(value) = self.given.get(field) {
            return self.known(ty, value.clone(), seed, None);
        }
        if let Some(hint) = hint
            && !ty.is_non_null()
            && seed.and("null").share() < hint.nulls
        {
            return Ok(ResolvedValue::null());
        }
        let length = self.length(hint, field, &arguments, seed);
        self.made(ty, &Place { field, hint, arguments: &arguments, length }, seed, None)
    }

    fn service(&self, ty: &Type) -> ResolvedValue<'m> {
        let mut given = Map::new();
        given.insert("sdl".to_owned(), self.run.mock.sdl.clone().into());
        let type_name = ty.inner_named_type().clone();
        ResolvedValue::object(Self { run: self.run, type_name, seed: self.seed, given, page: None })
    }

    /// Null for what has no type that can be looked up here.
    fn entities(&self, arguments: &Map<String, Value>) -> ResolvedValue<'m> {
        let representations = arguments.get("representations").and_then(Value::as_array);
        let entity = |representation: &Value| {
            let Value::Object(given) = representation else { return ResolvedValue::null() };
            let typename = given.get("__typename").and_then(Value::as_str).unwrap_or_default();
            let members = self.run.mock.schema.possible("_Entity");
            let number = number(self.run.mock, typename, given);
            let type_name = match members.iter().find(|name| **name == typename) {
                Some(name) => Some(name.clone()),
                // An interface with a key: which type the entity has is told here.
                None => {
                    let possible: Vec<_> = self
                        .run
                        .mock
                        .schema
                        .possible(typename)
                        .into_iter()
                        .filter(|name| members.contains(name))
                        .collect();
                    Seed(0).and(typename).number(number.unwrap_or(0)).pick(&possible).cloned()
                }
            };
            match type_name {
                Some(type_name) => {
                    ResolvedValue::object(Self::new(self.run, type_name, given.clone(), self.seed, number))
                }
                None => ResolvedValue::null(),
            }
        };
        ResolvedValue::list(representations.into_iter().flatten().map(entity).collect::<Vec<_>>())
    }

    fn length(&self, hint: Option<&Hint>, field: &str, arguments: &Map<String, Value>, seed: Seed) -> usize {
        let hinted = hint.and_then(|hint| hint.length).map(|length| exact(length, seed));
        let asked = PAGE_SIZES.iter().find_map(|name| arguments.get(*name)?.as_u64());
        let asked = asked.map(|size| usize::try_from(size).unwrap_or(MAX_LENGTH).min(MAX_LENGTH));
        let page = self.page.filter(|_| PAGE_ITEMS.contains(&field));
        hinted.or(asked).or(page).unwrap_or_else(|| exact(self.run.mock.config.length, seed))
    }

    /// A value that is made up. `entity` is the number of the entity, where it is an item of a list.
    fn made(&self, ty: &Type, place: &Place<'_>, seed: Seed, entity: Option<u64>) -> Made<'m> {
        let mock = self.run.mock;
        let name = match ty {
            Type::List(inner) | Type::NonNullList(inner) => return self.list(inner, place, seed),
            Type::Named(name) | Type::NonNullNamed(name) => name,
        };
        if let Some(value) = place.hint.and_then(|hint| leaf::hinted(hint, name, seed, None)) {
            return self.known(ty, value, seed, entity);
        }
        match mock.schema.schema.types.get(name) {
            Some(ExtendedType::Scalar(_)) => {
                let hinted =
                    mock.config.scalars.get(name.as_str()).and_then(|hint| leaf::hinted(hint, name, seed, None));
                let value = hinted.unwrap_or_else(|| leaf::scalar(name, place.field, seed));
                Ok(ResolvedValue::leaf(value))
            }
            Some(ExtendedType::Enum(_)) => Ok(ResolvedValue::leaf(seed.pick(&mock.enum_values(name)).cloned())),
            Some(ExtendedType::Object(_)) => Ok(self.object(name.clone(), place, seed, entity)),
            _ => match seed.and("type").pick(&mock.schema.possible(name)) {
                Some(possible) => Ok(self.object(possible.clone(), place, seed, entity)),
                None => Err(format!("no type of this subgraph is a {name}")),
            },
        }
    }

    fn list(&self, item: &Type, place: &Place<'_>, seed: Seed) -> Made<'m> {
        if let Some(value) = place.hint.and_then(|hint| hint.value.clone()) {
            let items = if let Value::Array(items) = value { items } else { vec![value] };
            return self.known_items(item, items, seed);
        }
        let name = item.inner_named_type();
        let asked = asked_keys(self.run.mock.schema.keys.get(name).map_or(&[], Vec::as_slice), place.arguments);
        if let Some(keys) = asked.filter(|_| !item.is_list()) {
            return self.known_items(item, keys, seed);
        }
        // The entities of a list are different ones.
        let entities = is_entity(self.run.mock, name).then(|| population(self.run.mock, name));
        let wanted =
            entities.map_or(place.length, |entities| place.length.min(usize::try_from(entities).unwrap_or(MAX_LENGTH)));
        let first = entities.map_or(0, |entities| seed.below(entities));
        let items = (0..self.run.take_items(wanted) as u64).map(|at| {
            let entity = entities.map(|entities| (first + at) % entities + 1);
            self.made(item, place, seed.number(at), entity)
        });
        Ok(ResolvedValue::list(items.collect::<Result<Vec<_>, _>>()?))
    }

    fn known_items(&self, item: &Type, items: Vec<Value>, seed: Seed) -> Made<'m> {
        let count = self.run.take_items(items.len());
        let items = items.into_iter().take(count).enumerate();
        let items = items.map(|(at, value)| self.known(item, value, seed.number(at as u64), None));
        Ok(ResolvedValue::list(items.collect::<Result<Vec<_>, _>>()?))
    }

    fn object(&self, type_name: Name, place: &Place<'_>, seed: Seed, entity: Option<u64>) -> ResolvedValue<'m> {
        let mut given = self.told_by(place.arguments, &type_name);
        if entity.is_some() {
            // Items of a list are different ones, whatever the arguments say.
            let keys = self.run.mock.schema.keys.get(&type_name).into_iter().flatten();
            keys.flat_map(|key| &key.0).for_each(|(field, _)| drop(given.remove(field.as_str())));
        }
        let object = Self::new(self.run, type_name, given, seed, entity);
        let page = PAGE_SIZES.iter().any(|name| place.arguments.contains_key(*name)).then_some(place.length);
        ResolvedValue::object(Self { page, ..object })
    }

    /// What arguments say of the object that a field gives: `product(id:)` has that id, `rename(input: { name })` that name.
    fn told_by(&self, arguments: &Map<String, Value>, type_name: &Name) -> Map<String, Value> {
        let inputs = arguments.values().filter_map(Value::as_object);
        let mut told = Map::new();
        for (name, value) in inputs.flatten().chain(arguments) {
            let Some(ty) = self.run.mock.field_type(type_name, name) else { continue };
            let fits = match value {
                Value::String(_) | Value::Number(_) | Value::Bool(_) => self.is_leaf(ty) && !ty.is_list(),
                _ => false,
            };
            if fits {
                told.insert(name.clone(), value.clone());
            }
        }
        told
    }

    fn is_leaf(&self, ty: &Type) -> bool {
        self.run.mock.schema.schema.types.get(ty.inner_named_type()).is_some_and(ExtendedType::is_leaf)
    }

    /// A value of which something is known.
    fn known(&self, ty: &Type, value: Value, seed: Seed, entity: Option<u64>) -> Made<'m> {
        let mock = self.run.mock;
        let name = match (ty, value) {
            (_, Value::Null) => return Ok(ResolvedValue::null()),
            (Type::List(inner) | Type::NonNullList(inner), Value::Array(items)) => {
                return self.known_items(inner, items, seed);
            }
            (Type::List(inner) | Type::NonNullList(inner), value) => return self.known_items(inner, vec![value], seed),
            (Type::Named(name) | Type::NonNullNamed(name), value) if self.is_leaf(ty) => {
                return Ok(ResolvedValue::leaf(leaf::coerced(name, value)));
            }
            (Type::Named(name) | Type::NonNullNamed(name), Value::Object(given)) => (name, given),
            (Type::Named(name) | Type::NonNullNamed(name), value) => {
                return Err(format!("{value} is not an object, which {name} is"));
            }
        };
        let (name, given) = name;
        let possible = mock.schema.possible(name);
        let told = given.get("__typename").and_then(Value::as_str);
        let type_name = match (possible.is_empty(), told) {
            (true, _) => Some(name),
            (false, Some(told)) => possible.iter().find(|name| **name == told),
            (false, None) => seed.and("type").pick(&possible),
        };
        match type_name {
            Some(type_name) => Ok(ResolvedValue::object(Self::new(self.run, type_name.clone(), given, seed, entity))),
            None => Err(format!("\"{}\" is no type that {name} can be", told.unwrap_or_default())),
        }
    }
}

impl ObjectValue for Object<'_> {
    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn resolve_field<'b>(&'b self, info: &'b ResolveInfo<'b>) -> Result<ResolvedValue<'b>, ExecutionError> {
        self.resolve(info).map_err(|message| ExecutionError { message })
    }
}

/// The entities that an argument lists by their keys: `products(ids: ["1", "2"])`.
fn asked_keys(keys: &[crate::schema::KeyFields], arguments: &Map<String, Value>) -> Option<Vec<Value>> {
    let single = keys.iter().filter_map(|key| match key.0.as_slice() {
        [(field, below)] if below.0.is_empty() => Some(field),
        _ => None,
    });
    single.into_iter().find_map(|field| {
        let listed = arguments.get(&format!("{field}s")).or_else(|| arguments.get(field.as_str()))?.as_array()?;
        let entity = |value: &Value| Value::Object([(field.to_string(), value.clone())].into_iter().collect());
        Some(listed.iter().map(entity).collect())
    })
}

fn exact(length: Length, seed: Seed) -> usize {
    match length {
        Length::Exact(length) => length,
        Length::Between([low, high]) => low + seed.and("length").below((high - low + 1) as u64) as usize,
    }
}
