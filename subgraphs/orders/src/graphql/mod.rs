//! The schema of this subgraph, and what its resolvers share. Knows no HTTP.

mod events;
mod loaders;
mod mutation;
mod order;
mod place_order;
mod product;
mod query;
mod shipping;
mod subscription;
mod user;

#[cfg(test)]
mod tests;

use async_graphql::{Schema, SchemaBuilder};
use service::config::Limits;
use service::{Database, EventBus};

use crate::saga::Saga;

pub(crate) use mutation::Mutation;
pub(crate) use query::Query;
pub(crate) use subscription::Subscription;

/// The schema, without the data that its resolvers need.
pub(crate) fn schema(limits: &Limits) -> SchemaBuilder<Query, Mutation, Subscription> {
    service::graphql::builder(Query, Mutation, Subscription, limits).register_output_type::<events::OrderEvent>()
}

/// Adds what the resolvers need.
pub(crate) fn with_resources(
    schema: SchemaBuilder<Query, Mutation, Subscription>,
    database: &Database,
    events: EventBus,
    saga: Saga,
) -> Schema<Query, Mutation, Subscription> {
    service::graphql::with_database(schema, database).data(events).data(saga).finish()
}
