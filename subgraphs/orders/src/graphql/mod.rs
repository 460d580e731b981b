//! The schema of this subgraph, and what its resolvers share. Knows no HTTP.

mod errors;
mod events;
mod fulfillment;
mod input;
mod list;
mod loaders;
mod mutation;
mod order;
mod payload;
mod product;
mod query;
mod quote;
mod refund;
mod return_mutation;
mod returns;
mod subscription;
mod user;

#[cfg(test)]
mod tests;

use async_graphql::{Interface, Schema, SchemaBuilder};
use service::config::Limits;
use service::{Database, EventBus};

use crate::saga::Saga;

pub(crate) use mutation::Mutation;
pub(crate) use query::Query;
pub(crate) use subscription::Subscription;

/// Something with an id that no other thing has. `node` finds it.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "async_graphql::ID", desc = "The id: no other thing has the same."))]
pub(crate) enum Node {
    /// An order.
    Order(order::Order),
    /// A parcel.
    Fulfillment(fulfillment::Fulfillment),
    /// A refund.
    Refund(refund::Refund),
    /// A return.
    Return(returns::Return),
    /// A quote.
    Quote(quote::Quote),
    /// A product.
    Product(product::Product),
    /// A user.
    User(user::User),
}

/// The schema, without the data that its resolvers need.
pub(crate) fn schema(limits: &Limits) -> SchemaBuilder<Query, Mutation, Subscription> {
    service::graphql::builder(Query, Mutation::default(), Subscription, limits)
        .register_output_type::<events::OrderEvent>()
        .register_output_type::<errors::UserError>()
        .register_output_type::<Node>()
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
