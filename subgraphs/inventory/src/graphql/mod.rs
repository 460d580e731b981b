//! The schema of this subgraph, and what its resolvers share. Knows no HTTP.

mod admin;
mod list;
mod loaders;
mod product;
mod query;
mod reservation;
mod warehouse;

use async_graphql::{EmptySubscription, ID, MergedObject, Schema, SchemaBuilder};
use service::config::Limits;
use service::graphql::batch::Batches;
use service::{Database, Error, Result};
use uuid::Uuid;

use self::loaders::Loaders;

/// The schema of this subgraph.
pub type InventorySchema = Schema<query::Query, Mutation, EmptySubscription>;

/// What administrators may change.
#[derive(MergedObject, Default)]
#[graphql(name = "Mutation")]
pub struct Mutation(admin::AdminMutation, reservation::ReservationMutation);

/// The schema, without anything it works on.
pub(crate) fn schema(limits: &Limits) -> SchemaBuilder<query::Query, Mutation, EmptySubscription> {
    service::graphql::builder(query::Query, Mutation::default(), EmptySubscription, limits)
}

/// Gives the schema what it works on.
pub(crate) fn with_resources(
    schema: SchemaBuilder<query::Query, Mutation, EmptySubscription>,
    database: &Database,
) -> InventorySchema {
    schema.data(database.clone()).extension(Batches::new(Loaders::new(database.clone()))).finish()
}

fn database<'a>(ctx: &async_graphql::Context<'a>) -> Result<&'a Database> {
    // Without one the schema was built for its SDL only.
    ctx.data::<Database>().map_err(|error| Error::internal(anyhow::anyhow!(error.message)))
}

/// The id, if it has the form of one: any other is the id of nothing.
fn uuid(id: &ID) -> Option<Uuid> {
    Uuid::parse_str(id).ok()
}
