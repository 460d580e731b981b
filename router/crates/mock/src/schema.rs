//! The schema that requests to a subgraph can be executed against: its SDL without the directives of federation and with its root fields; and the keys of its
//! entities. Knows no values.

use std::collections::BTreeMap;

use braid_graphql::compiler::ast::Value;
use braid_graphql::compiler::executable::{Selection, SelectionSet};
use braid_graphql::compiler::schema::{DirectiveList, ExtendedType};
use braid_graphql::compiler::validation::Valid;
use braid_graphql::compiler::{Name, Schema};
use braid_graphql::field_set::parse_field_set;

/// Why there can be no mock of a subgraph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the schema of \"{subgraph}\" can't be mocked: {problem}")]
pub struct MockError {
    /// The subgraph.
    pub subgraph: String,
    /// The first thing that is wrong with its schema.
    pub problem: String,
}

/// The schema of a subgraph that requests can be executed against: its SDL without the directives of federation, and with its root fields. The error
/// says what is wrong first.
pub fn executable_schema(sdl: &str) -> Result<Valid<Schema>, String> {
    Ok(MockSchema::read(sdl)?.schema)
}

/// A schema that requests can be executed against.
#[derive(Debug)]
pub(crate) struct MockSchema {
    pub(crate) schema: Valid<Schema>,
    /// The query root operation type.
    pub(crate) query: Name,
    /// The keys of entities, in the order of the schema.
    pub(crate) keys: BTreeMap<Name, Vec<KeyFields>>,
}

/// The fields of a key, with what is selected below them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KeyFields(pub(crate) Vec<(Name, KeyFields)>);

/// A key as it is written, and whether entities can be looked up by it.
struct WrittenKey {
    type_name: Name,
    fields: String,
    resolvable: bool,
}

impl MockSchema {
    pub(crate) fn read(sdl: &str) -> Result<Self, String> {
        let mut schema = Schema::builder()
            .adopt_orphan_extensions()
            .ignore_builtin_redefinitions()
            .parse(sdl, FILE)
            .build()
            .map_err(|failure| first_line(&failure.errors.to_string()))?;
        let written = keys(&schema);
        strip(&mut schema);
        let query = query_type(&mut schema)?;
        let text = with_federation_fields(&schema, &query, &written);
        let schema =
            Schema::parse_and_validate(text, FILE).map_err(|failure| first_line(&failure.errors.to_string()))?;
        let mut keys: BTreeMap<Name, Vec<KeyFields>> = BTreeMap::new();
        for key in written {
            let parsed = parse_field_set(&schema, key.type_name.clone(), &key.fields)
                .map_err(|error| format!("the key of {}: {error}", key.type_name))?;
            keys.entry(key.type_name).or_default().push(key_fields(&parsed.selection_set));
        }
        Ok(Self { schema, query, keys })
    }

    /// The object types that an abstract type can be, by name.
    pub(crate) fn possible(&self, abstract_type: &str) -> Vec<Name> {
        match self.schema.types.get(abstract_type) {
            Some(ExtendedType::Union(union)) => union.members.iter().map(|member| Name::clone(member)).collect(),
            Some(ExtendedType::Interface(_)) => {
                let objects = self.schema.types.values().filter_map(ExtendedType::as_object);
                let implementing =
                    objects.filter(|object| object.implements_interfaces.iter().any(|name| **name == abstract_type));
                implementing.map(|object| object.name.clone()).collect()
            }
            _ => Vec::new(),
        }
    }
}

const FILE: &str = "subgraph.graphql";
/// What libraries print of what they add themselves.
const SERVICE_TYPES: [&str; 3] = ["_Any", "_Entity", "_Service"];

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

fn keys(schema: &Schema) -> Vec<WrittenKey> {
    let names = key_directives(schema);
    let mut keys = Vec::new();
    for (type_name, ty) in &schema.types {
        for directive in
            ty.directives().iter().filter(|directive| names.iter().any(|name| directive.name == name.as_str()))
        {
            let Some(fields) = directive.specified_argument_by_name("fields").and_then(|value| value.as_str()) else {
                continue;
            };
            let resolvable = directive.specified_argument_by_name("resolvable").and_then(|value| value.to_bool());
            keys.push(WrittenKey {
                type_name: type_name.clone(),
                fields: fields.to_owned(),
                resolvable: resolvable.unwrap_or(true),
            });
        }
    }
    keys
}

/// The names that `@key` has in a schema: `@link` can rename it.
fn key_directives(schema: &Schema) -> Vec<String> {
    let mut names = vec!["key".to_owned(), "federation__key".to_owned()];
    for link in schema.schema_definition.directives.iter().filter(|directive| directive.name == "link") {
        let argument = |name: &str| link.specified_argument_by_name(name);
        if let Some(namespace) = argument("as").and_then(|value| value.as_str()) {
            names.push(format!("{namespace}__key"));
        }
        let imports = argument("import").and_then(|value| value.as_list()).unwrap_or_default();
        for import in imports {
            let Value::Object(members) = import.as_ref() else { continue };
            let member = |name: &str| members.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.as_str());
            if let (Some("@key"), Some(renamed)) = (member("name"), member("as")) {
                names.push(renamed.trim_start_matches('@').to_owned());
            }
        }
    }
    names
}

/// The name of the query root operation type; if the schema has none, it gets the usual one.
fn query_type(schema: &mut Schema) -> Result<Name, String> {
    if let Some(query) = &schema.schema_definition.query {
        return Ok(Name::clone(query));
    }
    let query = Name::new("Query").map_err(|error| error.to_string())?;
    schema.schema_definition.make_mut().query = Some(query.clone().into());
    Ok(query)
}

fn with_federation_fields(schema: &Schema, query: &Name, keys: &[WrittenKey]) -> String {
    let keyword = if schema.types.contains_key(query) { "extend type" } else { "type" };
    let mut text = format!("{schema}\n{keyword} {query} {{ _service: _Service! }}\ntype _Service {{ sdl: String! }}\n");
    let is_object = |name: &Name| schema.types.get(name).is_some_and(ExtendedType::is_object);
    let mut entities: Vec<&str> = keys
        .iter()
        .filter(|key| key.resolvable && is_object(&key.type_name))
        .map(|key| key.type_name.as_str())
        .collect();
    entities.dedup();
    if !entities.is_empty() {
        let entities = entities.join(" | ");
        text.push_str(&format!("extend type {query} {{ _entities(representations: [_Any!]!): [_Entity]! }}\n"));
        text.push_str(&format!("scalar _Any\nunion _Entity = {entities}\n"));
    }
    text
}

fn key_fields(set: &SelectionSet) -> KeyFields {
    let mut fields = Vec::new();
    for selection in &set.selections {
        match selection {
            Selection::Field(field) if field.name == "__typename" => {}
            Selection::Field(field) => {
                let below = field.selection_set.as_ref().map_or_else(|| KeyFields(Vec::new()), key_fields);
                fields.push((field.name.clone(), below));
            }
            Selection::InlineFragment(fragment) => fields.extend(key_fields(&fragment.selection_set).0),
            Selection::FragmentSpread(_) => {}
        }
    }
    KeyFields(fields)
}

/// Removes what only composition reads: it need not be defined.
fn strip(schema: &mut Schema) {
    let keep = |directives: &mut DirectiveList| {
        directives.retain(|directive| matches!(directive.name.as_str(), "deprecated" | "oneOf" | "specifiedBy"));
    };
    schema.schema_definition.make_mut().directives = DirectiveList::default();
    schema.directive_definitions.retain(|_, definition| definition.is_built_in());
    schema.types.retain(|name, _| !SERVICE_TYPES.contains(&name.as_str()));
    for ty in schema.types.values_mut().filter(|ty| !ty.is_built_in()) {
        match ty {
            ExtendedType::Scalar(scalar) => keep(&mut scalar.make_mut().directives),
            ExtendedType::Union(union) => keep(&mut union.make_mut().directives),
            ExtendedType::Object(object) => {
                let object = object.make_mut();
                keep(&mut object.directives);
                object.fields.retain(|name, _| name != "_service" && name != "_entities");
                for field in object.fields.values_mut() {
                    let field = field.make_mut();
                    keep(&mut field.directives);
                    field.arguments.iter_mut().for_each(|argument| keep(&mut argument.make_mut().directives));
                }
            }
            ExtendedType::Interface(interface) => {
                let interface = interface.make_mut();
                keep(&mut interface.directives);
                for field in interface.fields.values_mut() {
                    let field = field.make_mut();
                    keep(&mut field.directives);
                    field.arguments.iter_mut().for_each(|argument| keep(&mut argument.make_mut().directives));
                }
            }
            ExtendedType::Enum(definition) => {
                let definition = definition.make_mut();
                keep(&mut definition.directives);
                definition.values.values_mut().for_each(|value| keep(&mut value.make_mut().directives));
            }
            ExtendedType::InputObject(input) => {
                let input = input.make_mut();
                keep(&mut input.directives);
                input.fields.values_mut().for_each(|field| keep(&mut field.make_mut().directives));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_however_they_are_named() {
        for sdl in [
            "type Query { a: A } type A @key(fields: \"id org { id }\") { id: ID! org: O! } type O { id: ID! }",
            "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.9\", import: [{ name: \"@key\", as: \"@primary\" }])
             extend type Query { a: A } type A @primary(fields: \"id org { id }\") { id: ID! org: O! } type O { id: ID! }",
            "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.9\", as: \"fed\")
             type Query { a: A } type A @fed__key(fields: \"id org { id }\") { id: ID! org: O! } type O { id: ID! }",
        ] {
            let schema = MockSchema::read(sdl).unwrap();
            let key = &schema.keys[&Name::new("A").unwrap()][0];
            assert_eq!(key.0.len(), 2, "{sdl}");
            assert_eq!(key.0[1].1.0[0].0, "id");
            assert!(schema.schema.get_object("Query").unwrap().fields.contains_key("_entities"));
        }
    }

    #[test]
    fn odd_schemas_can_be_read() {
        // No query root operation type, one with another name, and what a library printed of its own additions.
        for sdl in [
            "type A @key(fields: \"id\") { id: ID! }",
            "schema { query: Root } type Root { a: Int }",
            "schema { mutation: M } type M { a: Int }",
            "scalar _Any union _Entity = A type _Service { sdl: String } \
             type Query { _service: _Service! _entities(representations: [_Any!]!): [_Entity]! a: A } type A @key(fields: \"id\") { id: ID }",
            "interface I @key(fields: \"id\") { id: ID! } type A implements I @key(fields: \"id\") { id: ID! } type Query { i: I }",
        ] {
            let schema = MockSchema::read(sdl).unwrap_or_else(|problem| panic!("{sdl}: {problem}"));
            assert!(schema.schema.get_object(&schema.query).unwrap().fields.contains_key("_service"));
        }
        assert!(MockSchema::read("type Query { a: Missing }").unwrap_err().contains("Missing"));
    }
}
