//! Objects of a subgraph while a request is executed: fields, lists, entities. Does not know where values come from.

use braid_graphql::compiler::ast::Type;
use braid_graphql::compiler::resolvers::{ExecutionError, ObjectValue, ResolveInfo, ResolvedValue};
use braid_graphql::compiler::response::JsonValue;
use serde_json::{Map, Value};

use super::representation::{self, Nulls};
use super::{FieldRequest, Subgraph, coerce};

/// An object and the path to it.
pub(super) struct Object<'a> {
    subgraph: &'a Subgraph,
    type_name: String,
    value: Map<String, Value>,
    /// For an entity from a representation: the representation and its type name.
    looked_up: Option<(String, Map<String, Value>)>,
}

impl<'a> Object<'a> {
    pub(super) fn root(subgraph: &'a Subgraph, type_name: &str) -> Self {
        Self { subgraph, type_name: type_name.to_owned(), value: Map::new(), looked_up: None }
    }

    fn resolve(&self, info: &ResolveInfo<'_>) -> Result<ResolvedValue<'a>, String> {
        let field = info.field_name();
        let arguments = serde_json::to_value(info.arguments()).map_err(|error| error.to_string())?;
        let Value::Object(arguments) = arguments else { return Err("arguments are not an object".to_owned()) };
        match (self.is_query(), field) {
            (true, "_service") => {
                let mut value = Map::new();
                value.insert("sdl".to_owned(), Value::from(self.subgraph.sdl.clone()));
                return Ok(ResolvedValue::object(Object { value, ..Self::root(self.subgraph, "_Service") }));
            }
            (true, "_entities") => return self.entities(&arguments),
            _ => {}
        }
        if self.type_name == "_Service" {
            return to_resolved(self.subgraph, &info.field_definition().ty, self.value[field].clone());
        }
        let request = FieldRequest {
            type_name: &self.type_name,
            field,
            object: &self.value,
            required: self.required(field)?,
            arguments: &arguments,
        };
        let value = self.subgraph.resolver.field(request)?;
        to_resolved(self.subgraph, &info.field_definition().ty, value)
    }

    fn is_query(&self) -> bool {
        self.subgraph
            .schema
            .schema_definition
            .query
            .as_ref()
            .is_some_and(|name| *name.as_ref() == self.type_name.as_str())
    }

    /// The representation, if the field needs something from it.
    fn required(&self, field: &str) -> Result<Option<&Map<String, Value>>, String> {
        // A representation of an interface is also one of the implementing type.
        let names = std::iter::once(&self.type_name).chain(self.looked_up.as_ref().map(|(name, _)| name));
        let requires = &self.subgraph.ownership.requires;
        let mut sets = names.filter_map(|name| requires.get(&(name.clone(), field.to_owned())));
        let Some(set) = sets.next() else { return Ok(None) };
        let Some((_, representation)) = &self.looked_up else {
            return Err(format!("{}.{field} has @requires and was not reached by a representation", self.type_name));
        };
        representation::check(&self.subgraph.schema, set, representation, Nulls::Allowed)
            .map_err(|message| format!("{}.{field} lacks what it requires: {message}", self.type_name))?;
        Ok(Some(representation))
    }

    fn entities(&self, arguments: &Map<String, Value>) -> Result<ResolvedValue<'a>, String> {
        let subgraph = self.subgraph;
        let representations = arguments.get("representations").and_then(Value::as_array).cloned().unwrap_or_default();
        let resolve =
            move |representation| entity(subgraph, representation).map_err(|message| ExecutionError { message });
        Ok(ResolvedValue::List(Box::new(representations.into_iter().map(resolve))))
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

fn entity(subgraph: &Subgraph, representation: Value) -> Result<ResolvedValue<'_>, String> {
    let Value::Object(representation) = representation else {
        return Err("a representation is not an object".to_owned());
    };
    let typename = representation.get("__typename").and_then(Value::as_str);
    let typename = typename.ok_or("a representation has no __typename")?.to_owned();
    check_key(subgraph, &typename, &representation)?;
    let value = match subgraph.resolver.entity(&typename, &representation)? {
        Value::Null => return Ok(ResolvedValue::null()),
        Value::Object(value) => value,
        other => return Err(format!("the entity resolver of {typename} gave {other}")),
    };
    let is_object = subgraph.schema.get_object(&typename).is_some();
    let type_name = match value.get("__typename").and_then(Value::as_str) {
        Some(name) if !is_object => name.to_owned(),
        _ => typename.clone(),
    };
    Ok(ResolvedValue::object(Object { subgraph, type_name, value, looked_up: Some((typename, representation)) }))
}

/// An error unless the representation has all fields of a resolvable key.
fn check_key(subgraph: &Subgraph, typename: &str, representation: &Map<String, Value>) -> Result<(), String> {
    let shown = || serde_json::to_string(representation).unwrap_or_default();
    let Some(keys) = subgraph.ownership.keys.get(typename) else {
        return Err(format!("{typename} cannot be looked up: {}", shown()));
    };
    let mut lacks = Vec::new();
    for key in keys {
        match representation::check(&subgraph.schema, key, representation, Nulls::Refused) {
            Ok(()) => return Ok(()),
            Err(message) => lacks.push(message),
        }
    }
    Err(format!("no key of {typename} is whole ({}): {}", lacks.join("; "), shown()))
}

fn to_resolved<'a>(subgraph: &'a Subgraph, ty: &Type, value: Value) -> Result<ResolvedValue<'a>, String> {
    match (value, ty) {
        (Value::Null, _) => Ok(ResolvedValue::null()),
        (Value::Array(items), Type::List(inner) | Type::NonNullList(inner)) => {
            let inner = inner.as_ref().clone();
            let resolve = move |item| to_resolved(subgraph, &inner, item).map_err(|message| ExecutionError { message });
            Ok(ResolvedValue::List(Box::new(items.into_iter().map(resolve))))
        }
        (Value::Object(value), Type::Named(name) | Type::NonNullNamed(name))
            if !subgraph.schema.types.get(name).is_some_and(|ty| ty.is_leaf()) =>
        {
            let type_name = match subgraph.schema.get_object(name) {
                Some(_) => name.to_string(),
                None => value
                    .get("__typename")
                    .and_then(Value::as_str)
                    .ok_or_else(|| format!("an object of the abstract type {name} has no __typename"))?
                    .to_owned(),
            };
            Ok(ResolvedValue::object(Object { subgraph, type_name, value, looked_up: None }))
        }
        (value, Type::Named(name) | Type::NonNullNamed(name)) => {
            Ok(ResolvedValue::Leaf(JsonValue::from(coerce::leaf(name, value))))
        }
        (value, ty) => Err(format!("{value} is not a {ty}")),
    }
}
