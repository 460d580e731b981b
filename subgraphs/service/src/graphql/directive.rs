//! `@authenticated`, for which async-graphql has no attribute of its own. Knows no field.

use async_graphql::TypeDirective;

/// The router answers the field for clients that have said who they are.
// The prefix is that of directives of the federation specification which a schema does not import, and async-graphql writes the imports.
#[TypeDirective(name = "federation__authenticated", location = "FieldDefinition")]
pub fn authenticated() {}
