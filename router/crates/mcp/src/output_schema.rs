//! The JSON Schema of an operation's result: what the keys of its selections can be. Knows no variables but that they can leave keys out.

use braid_graphql::Name;
use braid_graphql::compiler::ast::{DirectiveList, Type};
use braid_graphql::compiler::executable::{ExecutableDocument, Field, Operation, Selection, SelectionSet};
use braid_graphql::compiler::schema::{ExtendedType, Schema};
use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::input_schema::{describe, of_scalar, or_null};
use crate::words::summary;

/// How deep results are described; below, anything fits.
const MAX_DEPTH: usize = 24;
/// How much of a description is said: agents read all of it before they call anything.
const DESCRIPTION: usize = 100;

/// The schema of a whole answer: `data`, and `errors` beside or instead of it.
pub(crate) fn of_answer(operation: &Operation, document: &ExecutableDocument, schema: &Schema) -> Map<String, Value> {
    let writer = Writer { document, schema };
    let root = schema.root_operation(operation.operation_type);
    let keys = writer.keys(root, &[(&operation.selection_set, true)]);
    let data = or_null(writer.object(keys, 0));
    answer(data)
}

/// The schema of an answer with this `data`.
fn answer(data: Value) -> Map<String, Value> {
    let error = json!({
        "type": "object",
        "properties": {
            "message": { "type": "string" },
            "path": { "type": "array" },
            "extensions": { "type": "object" },
        },
        "required": ["message"],
    });
    let cut = json!({
        "type": "object",
        "properties": {
            "path": { "type": "string" },
            "items": { "type": "integer" },
            "shown": { "type": "integer" },
        },
    });
    let members = json!({
        "data": data,
        "errors": { "type": "array", "items": error },
        "truncated": { "type": "array", "items": cut, "description": "The lists of which items are left out." },
    });
    let mut out = Map::new();
    out.insert("type".to_owned(), "object".into());
    out.insert("properties".to_owned(), members);
    out
}

struct Writer<'a> {
    document: &'a ExecutableDocument,
    schema: &'a Schema,
}

/// What is selected under one key.
struct Key<'a> {
    /// The fields, each with whether it always applies.
    fields: Vec<(&'a Field, bool)>,
}

impl<'a> Writer<'a> {
    /// The keys of selections on the values of a type. Each selection set comes with whether it always applies.
    fn keys(&self, ty: Option<&Name>, sets: &[(&'a SelectionSet, bool)]) -> IndexMap<&'a str, Key<'a>> {
        let mut keys = IndexMap::new();
        for (set, is_always) in sets {
            self.collect(ty, set, *is_always, &mut Vec::new(), &mut keys);
        }
        keys
    }

    fn collect(
        &self,
        ty: Option<&Name>,
        set: &'a SelectionSet,
        is_always: bool,
        spreads: &mut Vec<&'a Name>,
        keys: &mut IndexMap<&'a str, Key<'a>>,
    ) {
        for selection in &set.selections {
            match selection {
                Selection::Field(field) => {
                    let is_always = is_always && !is_conditional(&field.directives);
                    let key = keys.entry(field.response_name().as_str());
                    key.or_insert(Key { fields: Vec::new() }).fields.push((field, is_always));
                }
                Selection::InlineFragment(fragment) => {
                    let applies = fragment.type_condition.as_ref().is_none_or(|condition| self.holds(ty, condition));
                    let is_always = is_always && applies && !is_conditional(&fragment.directives);
                    self.collect(ty, &fragment.selection_set, is_always, spreads, keys);
                }
                Selection::FragmentSpread(spread) => {
                    let Some(fragment) = self.document.fragments.get(&spread.fragment_name) else { continue };
                    if spreads.contains(&&spread.fragment_name) {
                        continue;
                    }
                    let applies = self.holds(ty, fragment.type_condition());
                    let is_always = is_always && applies && !is_conditional(&spread.directives);
                    spreads.push(&spread.fragment_name);
                    self.collect(ty, &fragment.selection_set, is_always, spreads, keys);
                    spreads.pop();
                }
            }
        }
    }

    /// Whether all values of a type are of another.
    fn holds(&self, ty: Option<&Name>, condition: &Name) -> bool {
        ty.is_some_and(|ty| ty == condition || self.schema.is_subtype(condition, ty))
    }

    fn object(&self, keys: IndexMap<&'a str, Key<'a>>, depth: usize) -> Value {
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for (name, key) in keys {
            if key.fields.iter().any(|(_, is_always)| *is_always) {
                required.push(Value::from(name));
            }
            properties.insert(name.to_owned(), self.value(&key.fields, depth + 1));
        }
        let mut out = json!({ "type": "object", "properties": properties });
        if !required.is_empty() {
            out["required"] = Value::Array(required);
        }
        out
    }

    /// The value of a key. Fields of one key can have several types where their objects do.
    fn value(&self, fields: &[(&'a Field, bool)], depth: usize) -> Value {
        let Some((first, _)) = fields.first().filter(|_| depth < MAX_DEPTH) else { return json!({}) };
        let same = fields.iter().all(|(field, _)| field.definition.ty == first.definition.ty);
        let name = first.definition.ty.inner_named_type();
        let is_composite = self.schema.types.get(name).is_some_and(|ty| !ty.is_leaf());
        let inner = match (same, is_composite) {
            (true, true) => {
                // What one of several fields selects is there only if that one applies.
                let is_always = |always: bool| always || fields.len() == 1;
                let set =
                    |(field, always): &(&'a Field, bool)| Some((field.selection_set.as_ref()?, is_always(*always)));
                let sets: Vec<_> = fields.iter().filter_map(set).collect();
                self.object(self.keys(Some(name), &sets), depth)
            }
            (true, false) => self.leaf(name),
            (false, _) => return json!({}),
        };
        let mut out = wrap(&first.definition.ty, inner);
        let about = first.definition.description.as_deref().map(|text| summary(text, DESCRIPTION));
        describe(&mut out, about.as_deref());
        out
    }

    fn leaf(&self, name: &Name) -> Value {
        match self.schema.types.get(name) {
            Some(ExtendedType::Enum(ty)) => {
                let names: Vec<&str> = ty.values.keys().map(|name| name.as_str()).collect();
                json!({ "type": "string", "enum": names })
            }
            _ => of_scalar(name, self.schema),
        }
    }
}

/// A schema of the innermost values in the lists of a type.
fn wrap(ty: &Type, inner: Value) -> Value {
    let value = match ty {
        Type::Named(_) | Type::NonNullNamed(_) => inner,
        Type::List(item) | Type::NonNullList(item) => json!({ "type": "array", "items": wrap(item, inner) }),
    };
    if ty.is_non_null() { value } else { or_null(value) }
}

fn is_conditional(directives: &DirectiveList) -> bool {
    directives.has("skip") || directives.has("include")
}

#[cfg(test)]
mod tests {
    use braid_graphql::compiler::validation::Valid;
    use pretty_assertions::assert_eq;

    use super::*;

    fn check(operation: &str, expected: Value) {
        let schema = Schema::parse_and_validate(
            "type Query { node: Node, a: A!, list: [[Int!]] }
             interface Node { id: ID! }
             type A implements Node { id: ID!, kind: Kind, next: A }
             type B implements Node { id: ID!, kind: Int! }
             enum Kind { X Y }",
            "schema.graphql",
        );
        let schema: Valid<Schema> = schema.unwrap();
        let document = ExecutableDocument::parse_and_validate(&schema, operation, "operation.graphql").unwrap();
        let found = of_answer(document.operations.get(None).unwrap(), &document, &schema);
        assert_eq!(found["properties"]["data"], expected, "{operation}");
    }

    #[test]
    fn keys_are_properties() {
        let int = json!({ "type": "integer", "minimum": i32::MIN, "maximum": i32::MAX });
        check(
            "query($x: Boolean!) { l: list a { ...F next @skip(if: $x) { id } next { kind } } }  fragment F on Node { id }",
            json!({
                "type": ["object", "null"],
                "properties": {
                    "l": { "type": ["array", "null"], "items": { "type": ["array", "null"], "items": int } },
                    "a": {
                        "type": "object",
                        "properties": {
                            "id": { "type": "string" },
                            "next": {
                                "type": ["object", "null"],
                                "properties": {
                                    "id": { "type": "string" },
                                    "kind": { "anyOf": [{ "type": "string", "enum": ["X", "Y"] }, { "type": "null" }] },
                                },
                                "required": ["kind"],
                            },
                        },
                        "required": ["id", "next"],
                    },
                },
                "required": ["l", "a"],
            }),
        );
    }

    #[test]
    fn what_depends_on_the_type_is_not_required() {
        let int = json!({ "type": "integer", "minimum": i32::MIN, "maximum": i32::MAX });
        let node = |kind: Value| {
            json!({
                "type": ["object", "null"],
                "properties": { "node": {
                    "type": ["object", "null"],
                    "properties": { "__typename": { "type": "string" }, "kind": kind },
                    "required": ["__typename"],
                } },
                "required": ["node"],
            })
        };
        check("{ node { __typename ... on B { kind } } }", node(int));
    }
}
