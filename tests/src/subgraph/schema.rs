//! The schema that a subgraph executes: its SDL without the federation directives and with the federation root fields.

use braid_graphql::compiler::Schema;
use braid_graphql::compiler::schema::{DirectiveList, ExtendedType};
use braid_graphql::compiler::validation::Valid;

use super::ownership;

/// The parsed SDL, where extensions of undefined types define them.
pub fn source(name: &str, sdl: &str) -> Schema {
    Schema::builder()
        .adopt_orphan_extensions()
        .ignore_builtin_redefinitions()
        .parse(sdl, format!("{name}.graphql"))
        .build()
        .unwrap_or_else(|failure| panic!("subgraph \"{name}\": {}", failure.errors))
}

pub(super) fn executable(name: &str, sdl: &str) -> Valid<Schema> {
    let mut schema = source(name, sdl);
    let entities = entity_names(&schema);
    let has_query = schema.types.contains_key("Query");
    strip(&mut schema);
    let mut text = schema.to_string();
    let keyword = if has_query { "extend type" } else { "type" };
    text.push_str(&format!("\n{keyword} Query {{ _service: _Service! }}\ntype _Service {{ sdl: String! }}\n"));
    if !entities.is_empty() {
        text.push_str(&format!(
            "extend type Query {{ _entities(representations: [_Any!]!): [_Entity]! }}\nscalar _Any\nunion _Entity = {}\n",
            entities.join(" | ")
        ));
    }
    Schema::parse_and_validate(&text, format!("{name}.graphql"))
        .unwrap_or_else(|failure| panic!("subgraph \"{name}\": {}\n{text}", failure.errors))
}

/// The object types with a resolvable key.
fn entity_names(schema: &Schema) -> Vec<String> {
    let objects = schema.types.iter().filter(|(_, ty)| ty.is_object());
    let entities = objects.filter(|(_, ty)| ownership::is_entity(ty.directives()));
    entities.map(|(name, _)| name.to_string()).collect()
}

fn strip(schema: &mut Schema) {
    let keep = |directives: &mut DirectiveList| {
        directives.retain(|directive| matches!(directive.name.as_str(), "deprecated" | "oneOf" | "specifiedBy"));
    };
    schema.schema_definition.make_mut().directives = DirectiveList::default();
    schema.directive_definitions.retain(|_, definition| definition.is_built_in());
    schema
        .types
        .retain(|name, _| !name.starts_with("federation__") && !name.starts_with("link__") && name != "FieldSet");
    for ty in schema.types.values_mut().filter(|ty| !ty.is_built_in()) {
        match ty {
            ExtendedType::Scalar(scalar) => keep(&mut scalar.make_mut().directives),
            ExtendedType::Union(union) => keep(&mut union.make_mut().directives),
            ExtendedType::Object(object) => {
                let object = object.make_mut();
                keep(&mut object.directives);
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
