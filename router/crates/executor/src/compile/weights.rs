//! What counts how much when what subgraphs gave is added up. Knows no directive.

use braid_graphql::schema::{FieldId, TypeId};

/// What an object of each type counts, and a field beside its value.
pub trait Weights {
    /// A value of a type.
    fn of_type(&self, id: TypeId) -> u64;

    /// A field beside its value.
    fn of_field(&self, id: FieldId) -> u64;
}

/// Nothing counts.
#[derive(Debug, Clone, Copy)]
pub struct NoWeights;

impl Weights for NoWeights {
    fn of_type(&self, _: TypeId) -> u64 {
        0
    }

    fn of_field(&self, _: FieldId) -> u64 {
        0
    }
}
