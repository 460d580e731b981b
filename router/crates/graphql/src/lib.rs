//! Plain GraphQL: schemas, operations, variables, errors. Knows nothing of federation and does no IO.
//!
//! ```text
//! text ──parse_operation──▶ compiler::ExecutableDocument (valid) ──normalize──▶ Operation
//! SDL  ──compiler::Schema──▶ Schema (arena with typed ids)
//! ```
//!
//! This crate is the only door to the GraphQL parser: others reach its syntax tree through [`compiler`].

pub mod error;
pub mod field_set;
pub mod introspection;
pub mod normalize;
pub mod operation;
pub mod parse;
pub mod schema;
pub mod type_set;
pub mod variables;

pub use apollo_compiler as compiler;
pub use apollo_compiler::ast::{OperationType, Type, Value, VariableDefinition};
pub use apollo_compiler::{Name, Node};
