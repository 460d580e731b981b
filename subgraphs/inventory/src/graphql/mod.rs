//! The schema of this subgraph, and what its resolvers share. Knows no HTTP.

mod caching;
mod category;
mod category_mutation;
mod errors;
mod list;
mod loaders;
mod movement;
mod node;
mod product;
mod product_mutation;
mod query;
mod reservation;
mod stock_mutation;
mod subscription;
mod warehouse;
mod warehouse_mutation;

pub use caching::untrue;

use async_graphql::{MergedObject, Schema, SchemaBuilder};
use service::config::Limits;
use service::{Database, EventBus};

/// The schema of this subgraph.
pub type InventorySchema = Schema<query::Query, Mutation, subscription::Subscription>;

/// The mutation root.
#[derive(MergedObject, Default)]
#[graphql(name = "Mutation")]
pub struct Mutation(
    product_mutation::ProductMutation,
    category_mutation::CategoryMutation,
    warehouse_mutation::WarehouseMutation,
    stock_mutation::StockMutation,
    reservation::ReservationMutation,
);

/// The schema, without the data that its resolvers need.
pub(crate) fn schema(limits: &Limits) -> SchemaBuilder<query::Query, Mutation, subscription::Subscription> {
    service::graphql::builder(query::Query, Mutation::default(), subscription::Subscription, limits)
        .register_output_type::<errors::UserError>()
        .register_output_type::<node::Node>()
}

/// Adds what the resolvers need.
pub(crate) fn with_resources(
    schema: SchemaBuilder<query::Query, Mutation, subscription::Subscription>,
    database: &Database,
    events: EventBus,
) -> InventorySchema {
    service::graphql::with_database(schema, database).data(events).data(caching::ENTITY_TAGS).finish()
}
