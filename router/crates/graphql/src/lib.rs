//! Plain GraphQL: schemas, operations, variables, errors.
