//! The request that subscribes to a field: its arguments as values, and a message as the response that it asks for. Knows no broker.

use braid_executor::SubgraphRequest;
use braid_graphql::compiler::ast::{
    Definition, Directive, Document, Field, Selection, Value as Literal, VariableDefinition,
};
use braid_graphql::compiler::{Node, ast};
use braid_graphql::schema::{FieldId, Schema, TypeId};
use serde_json::{Map, Value};

/// A request that subscribes, read.
#[derive(Debug)]
pub(crate) struct Subscribing {
    field: Node<Field>,
    variables: Map<String, Value>,
}

/// The request is not one that the executor makes.
#[derive(Debug, thiserror::Error)]
#[error("the request that subscribes can't be read")]
pub(crate) struct Unreadable;

impl Subscribing {
    pub(crate) fn read(request: &SubgraphRequest) -> Result<Self, Unreadable> {
        let document =
            Document::parse(&*request.values.document.query, "subscription.graphql").map_err(|_| Unreadable)?;
        let operation = document.definitions.iter().find_map(|definition| match definition {
            Definition::OperationDefinition(operation) => Some(operation),
            _ => None,
        });
        let operation = operation.ok_or(Unreadable)?;
        let field = operation.selection_set.iter().find_map(|selection| match selection {
            Selection::Field(field) => Some(field.clone()),
            _ => None,
        });
        let given = |definition: &Node<VariableDefinition>| {
            let given = request.variable(&definition.name).and_then(|json| serde_json::from_slice(&json).ok());
            let default = || definition.default_value.as_ref().map(|value| value_of(value, &Map::new()));
            Some((definition.name.to_string(), given.or_else(default)?))
        };
        let variables = operation.variables.iter().filter_map(given).collect();
        Ok(Self { field: field.ok_or(Unreadable)?, variables })
    }

    /// The arguments of the field, with the defaults of the schema.
    pub(crate) fn arguments(&self, schema: &Schema, field: FieldId) -> Map<String, Value> {
        let mut arguments = Map::new();
        for (name, definition) in &schema.field(field).arguments {
            if let Some(default) = &definition.default {
                arguments.insert(name.to_string(), value_of(default, &Map::new()));
            }
        }
        for argument in &self.field.arguments {
            // A variable without a value leaves the default.
            if let ast::Value::Variable(name) = argument.value.as_ref()
                && !self.variables.contains_key(name.as_str())
            {
                continue;
            }
            arguments.insert(argument.name.to_string(), value_of(&argument.value, &self.variables));
        }
        arguments
    }

    /// The `data` of the response that a message makes. What it does not have is missing there too.
    pub(crate) fn response(&self, message: &Value, schema: &Schema, field: FieldId) -> Value {
        let key = self.field.alias.as_ref().unwrap_or(&self.field.name);
        let selected = self.value(message, below(&self.field), schema, schema.field(field).inner);
        Value::Object(Map::from_iter([(key.to_string(), selected)]))
    }

    /// Recursive as deep as the selection is.
    fn value(&self, message: &Value, selections: &[Selection], schema: &Schema, on: TypeId) -> Value {
        match message {
            Value::Array(items) => items.iter().map(|item| self.value(item, selections, schema, on)).collect(),
            Value::Object(object) if !selections.is_empty() => {
                let mut out = Map::new();
                self.object(object, selections, schema, on, &mut out);
                Value::Object(out)
            }
            leaf => leaf.clone(),
        }
    }

    fn object(
        &self,
        object: &Map<String, Value>,
        selections: &[Selection],
        schema: &Schema,
        on: TypeId,
        out: &mut Map<String, Value>,
    ) {
        let typename = object.get("__typename").and_then(Value::as_str).unwrap_or(&schema.ty(on).name);
        for selection in selections {
            match selection {
                Selection::Field(field) if self.is_included(&field.directives) => {
                    let key = field.alias.as_ref().unwrap_or(&field.name).to_string();
                    if field.name == "__typename" {
                        out.insert(key, typename.into());
                        continue;
                    }
                    let Some(value) = object.get(field.name.as_str()) else { continue };
                    let of = schema.field_named(on, &field.name).map_or(on, |id| schema.field(id).inner);
                    out.insert(key, self.value(value, below(field), schema, of));
                }
                Selection::InlineFragment(fragment) if self.is_included(&fragment.directives) => {
                    let fits = fragment.type_condition.as_ref().is_none_or(|condition| condition == typename);
                    if fits {
                        self.object(object, &fragment.selection_set, schema, on, out);
                    }
                }
                _ => {}
            }
        }
    }

    fn is_included(&self, directives: &[Node<Directive>]) -> bool {
        directives.iter().all(|directive| {
            let condition = directive.specified_argument_by_name("if").map(|value| value_of(value, &self.variables));
            let holds = condition.as_ref().and_then(Value::as_bool);
            match directive.name.as_str() {
                "include" => holds != Some(false),
                "skip" => holds != Some(true),
                _ => true,
            }
        })
    }
}

fn below(field: &Field) -> &[Selection] {
    field.selection_set.as_deref().unwrap_or_default()
}

/// A literal as JSON. Recursive as deep as literals are, which parsing bounds.
fn value_of(literal: &Literal, variables: &Map<String, Value>) -> Value {
    match literal {
        Literal::Null => Value::Null,
        Literal::Boolean(value) => Value::Bool(*value),
        Literal::Int(value) => serde_json::from_str(value.as_str()).unwrap_or_default(),
        Literal::Float(value) => serde_json::from_str(value.as_str()).unwrap_or_default(),
        Literal::String(text) => Value::String(text.clone()),
        Literal::Enum(name) => Value::String(name.to_string()),
        Literal::Variable(name) => variables.get(name.as_str()).cloned().unwrap_or_default(),
        Literal::List(items) => items.iter().map(|item| value_of(item, variables)).collect(),
        Literal::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.to_string(), value_of(value, variables))).collect())
        }
    }
}
