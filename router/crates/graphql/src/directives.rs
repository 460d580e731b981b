//! Where directives can be used. Knows no directive.

use apollo_compiler::ast::DirectiveLocation;

/// Whether a location is in what clients send, and not in a schema (<https://spec.graphql.org/draft/#ExecutableDirectiveLocation>).
pub fn is_executable(location: DirectiveLocation) -> bool {
    use DirectiveLocation::{
        Field, FragmentDefinition, FragmentSpread, InlineFragment, Mutation, Query, Subscription, VariableDefinition,
    };
    matches!(
        location,
        Query
            | Mutation
            | Subscription
            | Field
            | FragmentDefinition
            | FragmentSpread
            | InlineFragment
            | VariableDefinition
    )
}
