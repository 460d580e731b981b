//! Where a schema uses each type: in what clients send, or in what they receive. Knows nothing of changes.

use ahash::AHashMap;
use braid_graphql::compiler::Schema;
use braid_graphql::compiler::schema::ExtendedType;

/// For each type, how it is used.
pub(crate) struct Positions<'a>(AHashMap<&'a str, Position>);

/// The positions that a type is used in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) input: bool,
    pub(crate) output: bool,
}

impl<'a> Positions<'a> {
    pub(crate) fn of(schema: &'a Schema) -> Self {
        let mut positions = Self(AHashMap::new());
        for ty in schema.types.values() {
            match ty {
                ExtendedType::Object(object) => object.fields.values().for_each(|field| positions.field(field)),
                ExtendedType::Interface(interface) => {
                    interface.fields.values().for_each(|field| positions.field(field))
                }
                ExtendedType::InputObject(input) => {
                    input.fields.values().for_each(|field| positions.input(field.ty.inner_named_type()));
                }
                _ => {}
            }
        }
        for directive in schema.directive_definitions.values() {
            directive.arguments.iter().for_each(|argument| positions.input(argument.ty.inner_named_type()));
        }
        positions
    }

    /// How the type of this name is used.
    pub(crate) fn get(&self, name: &str) -> Position {
        self.0.get(name).copied().unwrap_or_default()
    }

    fn field(&mut self, field: &'a braid_graphql::compiler::schema::FieldDefinition) {
        self.0.entry(field.ty.inner_named_type().as_str()).or_default().output = true;
        field.arguments.iter().for_each(|argument| self.input(argument.ty.inner_named_type()));
    }

    fn input(&mut self, name: &'a str) {
        self.0.entry(name).or_default().input = true;
    }
}
