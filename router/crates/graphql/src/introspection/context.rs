//! What introspection is executed over, and its bounds. Knows nothing of selections.

use std::sync::LazyLock;
use std::time::Instant;

use apollo_compiler::Node;
use apollo_compiler::ast::VariableDefinition;

use crate::operation::FieldRef;
use crate::schema::{Schema, TypeId};
use crate::variables::Variables;
use crate::view::ApiView;

/// The introspection types by themselves. In an operation, the types and fields below `__schema` and `__type` are of this schema.
pub(super) static SCHEMA: LazyLock<Option<Schema>> = LazyLock::new(|| {
    let source = apollo_compiler::Schema::builder().build().unwrap_or_else(|partial| partial.partial);
    Schema::new(&source).ok()
});

/// The type of a meta-field, in the schema of the introspection types.
pub(crate) fn meta_type(field: FieldRef) -> Option<(&'static Schema, TypeId)> {
    let schema = SCHEMA.as_ref()?;
    let name = match field {
        FieldRef::IntrospectSchema => "__Schema",
        FieldRef::IntrospectType => "__Type",
        _ => return None,
    };
    Some((schema, schema.type_named(name)?))
}

/// What selections are executed over.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The schema that is shown.
    pub api: ApiView<'a>,
    /// The values of the operation's variables.
    pub variables: &'a Variables,
    /// The operation's variables.
    pub definitions: &'a [Node<VariableDefinition>],
    /// The most bytes of the whole answer, what was written before included.
    pub max_bytes: usize,
    /// When it is given up.
    pub deadline: Option<Instant>,
}

impl Context<'_> {
    /// The number of a variable.
    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.definitions.iter().position(|variable| variable.name == *name)
    }
}

/// Why an introspection is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IntrospectionError {
    /// The answer is larger than the limit.
    #[error("the answer is too large; select less of the schema")]
    TooLarge,
    /// The deadline has passed.
    #[error("the time for this request is over; select less of the schema")]
    TooSlow,
}
