//! Plain GraphQL: schemas, operations, variables, errors. Knows nothing of federation and does no IO.
//!
//! ```text
//! text ──parse_operation──▶ syntax::Document (valid) ──normalize──▶ Operation
//! SDL  ──compiler::Schema──▶ Schema (arena with typed ids)
//! ```
//!
//! This crate alone depends on the parser's library; others use its syntax tree as [`compiler`], so its version is chosen here.

pub mod context_selection;
mod deferred;
pub mod directives;
pub mod error;
pub mod field_set;
pub mod footprint;
pub mod incremental;
mod incremental_rules;
pub mod introspection;
pub mod names;
pub mod normalize;
mod numbering;
pub mod operation;
pub mod parse;
pub mod schema;
pub mod suggest;
pub mod syntax;
pub mod type_set;
mod unknown_names;
pub mod validate;
pub mod variables;
pub mod view;

pub use apollo_compiler as compiler;
pub use apollo_compiler::ast::{OperationType, Type, Value, VariableDefinition};
pub use apollo_compiler::{Name, Node};
