//! The schema of a subgraph, as it is written and as it is executed.

use braid_graphql::compiler::Schema;
use braid_graphql::compiler::validation::Valid;

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
    braid_mock::executable_schema(sdl).unwrap_or_else(|problem| panic!("subgraph \"{name}\": {problem}"))
}
