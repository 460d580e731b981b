//! The schema of this subgraph. Knows no HTTP.

mod loaders;
mod mutation;
mod one_password;
mod query;
#[cfg(test)]
mod tests;
mod user;

use async_graphql::{EmptySubscription, Schema, SchemaBuilder};
use service::Database;
use service::config::Limits;

use self::one_password::OnePassword;

use crate::token::Issuer;

use mutation::Mutation;
use query::Query;

/// The schema, without the data that its resolvers need.
pub(crate) fn schema(limits: &Limits) -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    service::graphql::builder(Query, Mutation, EmptySubscription, limits)
}

/// Adds what the resolvers need.
pub(crate) fn with_resources(
    schema: SchemaBuilder<Query, Mutation, EmptySubscription>,
    database: &Database,
    issuer: Issuer,
) -> Schema<Query, Mutation, EmptySubscription> {
    service::graphql::with_database(schema, database).extension(OnePassword).data(issuer).finish()
}
