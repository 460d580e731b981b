//! The schema of this subgraph, and what its resolvers share. Knows no HTTP.

mod admin;
mod caching;
mod list;
mod loaders;
mod product;
mod query;
mod reservation;
mod subscription;
mod warehouse;

pub use caching::untrue;

use async_graphql::{ID, MergedObject, Schema, SchemaBuilder};
use service::config::Limits;
use service::{Database, EventBus};
use uuid::Uuid;

/// The schema of this subgraph.
pub type InventorySchema = Schema<query::Query, Mutation, subscription::Subscription>;

/// The mutation root.
#[derive(MergedObject, Default)]
#[graphql(name = "Mutation")]
pub struct Mutation(admin::AdminMutation, reservation::ReservationMutation);

/// The schema, without the data that its resolvers need.
pub(crate) fn schema(limits: &Limits) -> SchemaBuilder<query::Query, Mutation, subscription::Subscription> {
    service::graphql::builder(query::Query, Mutation::default(), subscription::Subscription, limits)
}

/// Adds what the resolvers need.
pub(crate) fn with_resources(
    schema: SchemaBuilder<query::Query, Mutation, subscription::Subscription>,
    database: &Database,
    events: EventBus,
) -> InventorySchema {
    service::graphql::with_database(schema, database).data(events).data(caching::ENTITY_TAGS).finish()
}

/// The id as a UUID. Every id is one, so nothing has any other id.
fn uuid(id: &ID) -> Option<Uuid> {
    Uuid::parse_str(id).ok()
}
