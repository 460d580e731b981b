//! The schema of this subgraph, and what its resolvers share. Knows no HTTP.

mod events;
mod loaders;
mod mutation;
mod order;
mod place_order;
mod product;
mod query;
mod shipping;
mod user;

#[cfg(test)]
mod tests;

use async_graphql::{EmptySubscription, Schema, SchemaBuilder};
use service::Database;
use service::config::Limits;

use crate::saga::Saga;

pub(crate) use mutation::Mutation;
pub(crate) use query::Query;

/// The schema, without the data that its resolvers need.
pub(crate) fn schema(limits: &Limits) -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    service::graphql::builder(Query, Mutation, EmptySubscription, limits).register_output_type::<events::OrderEvent>()
}

/// Adds what the resolvers need.
pub(crate) fn with_resources(
    schema: SchemaBuilder<Query, Mutation, EmptySubscription>,
    database: &Database,
    saga: Saga,
) -> Schema<Query, Mutation, EmptySubscription> {
    service::graphql::with_database(schema, database).data(saga).finish()
}
