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
use service::graphql::batch::Batches;

use self::loaders::Loaders;
use self::one_password::OnePassword;

use crate::token::Issuer;

use mutation::Mutation;
use query::Query;

/// The schema, without anything it works on.
pub(crate) fn schema(limits: &Limits) -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    service::graphql::builder(Query, Mutation, EmptySubscription, limits)
}

/// Gives the schema what it works on.
pub(crate) fn with_resources(
    schema: SchemaBuilder<Query, Mutation, EmptySubscription>,
    database: &Database,
    issuer: Issuer,
) -> Schema<Query, Mutation, EmptySubscription> {
    schema
        .data(database.clone())
        .extension(Batches::new(Loaders::new(database.clone())))
        .extension(OnePassword)
        .data(issuer)
        .finish()
}
