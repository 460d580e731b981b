//! What a type is made of, in the order of its members' numbers. Knows no contract.

use braid_graphql::compiler::schema::{
    DirectiveList, EnumValueDefinition, ExtendedType, FieldDefinition, InputValueDefinition,
};
use braid_graphql::schema::fields_of;
use braid_graphql::{Name, Node};

/// A member of a type.
#[derive(Clone, Copy)]
pub(crate) enum Member<'a> {
    Field(&'a FieldDefinition),
    Input(&'a InputValueDefinition),
    Value(&'a EnumValueDefinition),
}

impl<'a> Member<'a> {
    pub(crate) fn name(&self) -> &'a Name {
        match self {
            Self::Field(field) => &field.name,
            Self::Input(input) => &input.name,
            Self::Value(value) => &value.value,
        }
    }

    pub(crate) fn directives(&self) -> &'a DirectiveList {
        match self {
            Self::Field(field) => &field.directives,
            Self::Input(input) => &input.directives,
            Self::Value(value) => &value.directives,
        }
    }

    /// The arguments, of a field.
    pub(crate) fn arguments(&self) -> &'a [Node<InputValueDefinition>] {
        match self {
            Self::Field(field) => &field.arguments,
            _ => &[],
        }
    }
}

/// The members of a type.
pub(crate) fn members(ty: &ExtendedType) -> Vec<Member<'_>> {
    match ty {
        ExtendedType::Enum(definition) => definition.values.values().map(|value| Member::Value(value)).collect(),
        ExtendedType::InputObject(input) => input.fields.values().map(|field| Member::Input(field)).collect(),
        _ => fields_of(ty).into_iter().flat_map(|fields| fields.values()).map(|field| Member::Field(field)).collect(),
    }
}

/// Whether a type is of the graph, and of no specification.
pub(crate) fn is_own(name: &str, ty: &ExtendedType) -> bool {
    !ty.is_built_in() && !name.contains("__")
}
