//! Plain GraphQL: schemas, operations, variables, errors. Knows nothing of federation and does no IO.

pub use apollo_compiler as compiler;
