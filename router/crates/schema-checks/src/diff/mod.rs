//! Every difference between two schemas, with its severity. Knows plain GraphQL only: what subgraphs do is `federation`'s.

mod applied;
mod context;
mod default;
mod description;
mod directives;
mod enums;
mod fields;
mod inputs;
mod interfaces;
mod locate;
mod pair;
mod position;
mod roots;
mod scalars;
mod type_change;
mod types;
mod unions;
mod values;

use braid_graphql::compiler::Schema;

use self::context::Context;
use crate::change::Change;

pub use self::locate::locate;

/// Compares two schemas. The result is in the order of the old schema's elements, then of the new ones.
///
/// Neither needs to be valid: elements are compared by name, and what is undefined is simply not there.
pub fn diff(old: &Schema, new: &Schema) -> Vec<Change> {
    let mut context = Context::new(old, new);
    roots::compare(&mut context);
    types::compare(&mut context);
    directives::compare(&mut context);
    context.changes
}
