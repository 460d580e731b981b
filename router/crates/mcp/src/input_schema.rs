//! The JSON Schema of an operation's variables. Knows no selection but where it uses them.

use std::collections::BTreeMap;

use braid_graphql::compiler::ast::{Argument, InputValueDefinition, Type, Value as Literal};
use braid_graphql::compiler::executable::{ExecutableDocument, Operation, Selection, SelectionSet};
use braid_graphql::compiler::schema::{EnumType, ExtendedType, InputObjectType, Schema};
use braid_graphql::{Name, Node};
use serde_json::{Map, Value, json};

use crate::words::shortened;

/// How much of a description is said.
const DESCRIPTION: usize = 500;
/// How many values of an enum are described.
const DESCRIBED_VALUES: usize = 40;

/// The schema of an object with the variables of an operation.
pub(crate) fn of_variables(
    operation: &Operation,
    document: &ExecutableDocument,
    schema: &Schema,
) -> Map<String, Value> {
    let mut writer = Writer { schema, definitions: BTreeMap::new() };
    let uses = Uses::of(operation, document);
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for variable in &operation.variables {
        let mut property = writer.of_type(&variable.ty);
        let used = uses.0.get(variable.name.as_str()).and_then(|used| used.description.as_deref());
        let description = variable.description.as_deref().or(used);
        describe(&mut property, description);
        if let Some(default) = variable.default_value.as_ref().and_then(|default| literal(default)) {
            annotate(&mut property, "default", default);
        }
        if variable.ty.is_non_null() && variable.default_value.is_none() {
            required.push(Value::from(variable.name.as_str()));
        }
        properties.insert(variable.name.to_string(), property);
    }
    let mut out = object(properties, required);
    if !writer.definitions.is_empty() {
        let definitions = writer.definitions.into_iter().map(|(name, definition)| (name.to_string(), definition));
        out.insert("$defs".to_owned(), Value::Object(definitions.collect()));
    }
    out
}

/// An object with exactly these properties.
pub(crate) fn object(properties: Map<String, Value>, required: Vec<Value>) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("type".to_owned(), "object".into());
    out.insert("properties".to_owned(), Value::Object(properties));
    if !required.is_empty() {
        out.insert("required".to_owned(), Value::Array(required));
    }
    out.insert("additionalProperties".to_owned(), false.into());
    out
}

/// A schema that null fits too.
pub(crate) fn or_null(schema: Value) -> Value {
    match &schema {
        Value::Object(members) if members.is_empty() => schema,
        Value::Object(members) if members.contains_key("enum") || members.contains_key("$ref") => {
            json!({ "anyOf": [schema, { "type": "null" }] })
        }
        Value::Object(members) => match members.get("type") {
            Some(Value::String(one)) => {
                let types = json!([one, "null"]);
                let mut members = members.clone();
                members.insert("type".to_owned(), types);
                Value::Object(members)
            }
            Some(_) | None => json!({ "anyOf": [schema, { "type": "null" }] }),
        },
        _ => schema,
    }
}

/// The schema of a scalar. Of custom ones, GraphQL does not say what they are.
pub(crate) fn of_scalar(name: &str, schema: &Schema) -> Value {
    match name {
        "Int" => json!({ "type": "integer", "minimum": i32::MIN, "maximum": i32::MAX }),
        "Float" => json!({ "type": "number" }),
        "Boolean" => json!({ "type": "boolean" }),
        "String" | "ID" => json!({ "type": "string" }),
        _ => {
            let scalar = schema.get_scalar(name);
            let about = scalar.and_then(|scalar| scalar.description.as_deref()).unwrap_or_default();
            let url = scalar.and_then(|scalar| scalar.directives.get("specifiedBy"));
            let url = url.and_then(|directive| directive.specified_argument_by_name("url")?.as_str());
            let url = url.map(|url| format!(" ({url})")).unwrap_or_default();
            let about = if about.is_empty() { String::new() } else { format!(": {}", one_line(about)) };
            json!({ "description": format!("{name}{about}{url}") })
        }
    }
}

/// The schema of an enum.
pub(crate) fn of_enum(ty: &EnumType) -> Value {
    let names: Vec<Value> = ty.values.keys().map(|name| name.as_str().into()).collect();
    let described = ty.values.iter().filter_map(|(name, value)| {
        let about = value.description.as_deref()?;
        Some(format!("{name}: {}", one_line(about)))
    });
    let values: Vec<String> = described.take(DESCRIBED_VALUES).collect();
    let about = ty.description.as_deref().map(one_line);
    let text = about.into_iter().chain(values).collect::<Vec<_>>().join("\n");
    let mut out = json!({ "type": "string", "enum": names });
    describe(&mut out, Some(&*text));
    out
}

/// Adds a description, if there is something to say.
pub(crate) fn describe(schema: &mut Value, description: Option<&str>) {
    let Some(text) = description.filter(|text| !text.is_empty()) else { return };
    annotate(schema, "description", shortened(text.trim(), DESCRIPTION).into());
}

fn annotate(schema: &mut Value, key: &str, value: Value) {
    if let Value::Object(members) = schema {
        members.insert(key.to_owned(), value);
    }
}

fn one_line(text: &str) -> String {
    shortened(&text.split_whitespace().collect::<Vec<_>>().join(" "), DESCRIPTION)
}

struct Writer<'a> {
    schema: &'a Schema,
    /// By the names of input types: input types can contain themselves.
    definitions: BTreeMap<&'a str, Value>,
}

impl<'a> Writer<'a> {
    fn of_type(&mut self, ty: &Type) -> Value {
        let inner = match ty {
            Type::Named(name) | Type::NonNullNamed(name) => self.named(name),
            Type::List(item) | Type::NonNullList(item) => json!({ "type": "array", "items": self.of_type(item) }),
        };
        if ty.is_non_null() { inner } else { or_null(inner) }
    }

    fn named(&mut self, name: &Name) -> Value {
        match self.schema.types.get(name) {
            Some(ExtendedType::Enum(ty)) => of_enum(ty),
            Some(ExtendedType::InputObject(ty)) => {
                if !self.definitions.contains_key(ty.name.as_str()) {
                    // Taken before its fields are written, which can be of the same type.
                    self.definitions.insert(&ty.name, Value::Null);
                    let definition = self.input(ty);
                    self.definitions.insert(&ty.name, definition);
                }
                json!({ "$ref": format!("#/$defs/{name}") })
            }
            _ => of_scalar(name, self.schema),
        }
    }

    fn input(&mut self, ty: &'a InputObjectType) -> Value {
        let (mut properties, mut required) = (Map::new(), Vec::new());
        let is_one_of = ty.is_one_of();
        for (name, field) in &ty.fields {
            // Null is none of the values of a oneOf input.
            let mut property = match is_one_of {
                true => self.of_type(&Type::clone(&field.ty).non_null()),
                false => self.of_type(&field.ty),
            };
            describe(&mut property, field.description.as_deref());
            if let Some(default) = field.default_value.as_ref().and_then(|default| literal(default)) {
                annotate(&mut property, "default", default);
            }
            if field.is_required() {
                required.push(Value::from(name.as_str()));
            }
            properties.insert(name.to_string(), property);
        }
        let mut out = object(properties, required);
        if is_one_of {
            out.insert("minProperties".to_owned(), 1.into());
            out.insert("maxProperties".to_owned(), 1.into());
        }
        let mut out = Value::Object(out);
        describe(&mut out, ty.description.as_deref());
        out
    }
}

/// A default value as JSON.
fn literal(value: &Literal) -> Option<Value> {
    Some(match value {
        Literal::Null => Value::Null,
        Literal::Enum(name) => name.as_str().into(),
        Literal::String(text) => text.as_str().into(),
        Literal::Boolean(value) => (*value).into(),
        Literal::Int(number) => serde_json::from_str(number.as_str()).ok()?,
        Literal::Float(number) => serde_json::from_str(number.as_str()).ok()?,
        Literal::List(items) => items.iter().map(|item| literal(item)).collect::<Option<_>>()?,
        Literal::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| Some((name.to_string(), literal(value)?)));
            Value::Object(fields.collect::<Option<_>>()?)
        }
        Literal::Variable(_) => return None,
    })
}

/// By variable: an argument that it is the value of. What is said about that is true of the variable.
struct Uses<'a>(BTreeMap<&'a str, &'a InputValueDefinition>);

impl<'a> Uses<'a> {
    fn of(operation: &'a Operation, document: &'a ExecutableDocument) -> Self {
        let mut uses = Self(BTreeMap::new());
        uses.selections(&operation.selection_set);
        document.fragments.values().for_each(|fragment| uses.selections(&fragment.selection_set));
        uses
    }

    fn selections(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            match selection {
                Selection::Field(field) => {
                    self.arguments(&field.arguments, &field.definition.arguments);
                    field.selection_set.iter().for_each(|below| self.selections(below));
                }
                Selection::InlineFragment(fragment) => self.selections(&fragment.selection_set),
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn arguments(&mut self, given: &'a [Node<Argument>], defined: &'a [Node<InputValueDefinition>]) {
        for argument in given {
            if let Literal::Variable(variable) = &*argument.value
                && let Some(definition) = defined.iter().find(|definition| definition.name == argument.name)
            {
                self.0.entry(variable.as_str()).or_insert(definition);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use braid_graphql::compiler::validation::Valid;
    use pretty_assertions::assert_eq;

    use super::*;

    fn check(operation: &str, expected: Value) {
        let schema = Schema::parse_and_validate(
            r#"
            "When it is."
            scalar Date @specifiedBy(url: "https://example.com/date")
            enum Colour { RED "Not red." BLUE }
            input Filter { "How it looks." colour: Colour = RED, sizes: [Int!]!, not: Filter, by: By }
            input By @oneOf { id: ID, sku: String }
            type Query { items("Which ones." filter: Filter!, first: Int = 10, at: Date, by: By): Int }
            "#,
            "schema.graphql",
        );
        let schema: Valid<Schema> = schema.unwrap();
        let document = ExecutableDocument::parse_and_validate(&schema, operation, "operation.graphql").unwrap();
        let found = of_variables(document.operations.get(None).unwrap(), &document, &schema);
        assert_eq!(Value::Object(found), expected, "{operation}");
    }

    #[test]
    fn variables_are_properties() {
        check(
            "{ items(filter: { sizes: [] }) }",
            json!({ "type": "object", "properties": {}, "additionalProperties": false }),
        );
        check(
            "query($filter: Filter!, $first: Int! = 5, $at: Date) { items(filter: $filter, first: $first, at: $at) }",
            json!({
                "type": "object",
                "properties": {
                    "filter": { "$ref": "#/$defs/Filter", "description": "Which ones." },
                    "first": { "type": "integer", "minimum": i32::MIN, "maximum": i32::MAX, "default": 5 },
                    "at": { "anyOf": [
                        { "description": "Date: When it is. (https://example.com/date)" },
                        { "type": "null" },
                    ] },
                },
                "required": ["filter"],
                "additionalProperties": false,
                "$defs": {
                    "By": {
                        "type": "object",
                        "properties": { "id": { "type": "string" }, "sku": { "type": "string" } },
                        "additionalProperties": false,
                        "minProperties": 1,
                        "maxProperties": 1,
                    },
                    "Filter": {
                        "type": "object",
                        "properties": {
                            "colour": {
                                "anyOf": [
                                    { "type": "string", "enum": ["RED", "BLUE"], "description": "BLUE: Not red." },
                                    { "type": "null" },
                                ],
                                "description": "How it looks.",
                                "default": "RED",
                            },
                            "sizes": {
                                "type": "array",
                                "items": { "type": "integer", "minimum": i32::MIN, "maximum": i32::MAX },
                            },
                            "not": { "anyOf": [{ "$ref": "#/$defs/Filter" }, { "type": "null" }] },
                            "by": { "anyOf": [{ "$ref": "#/$defs/By" }, { "type": "null" }] },
                        },
                        "required": ["sizes"],
                        "additionalProperties": false,
                    },
                },
            }),
        );
    }
}
