//! The subscriptions: orders as they change. Knows who may see which.

use async_graphql::{Context, ID, Subscription as GraphQLSubscription};
use futures_util::{Stream, StreamExt};
use sea_orm::EntityTrait;
use service::events::Event;
use service::graphql::{authenticated, database, id, resource};
use service::{Database, Error, EventBus, Result, Viewer, viewer};
use uuid::Uuid;

use super::order::Order;
use crate::changes;
use crate::entity::order;

/// The subscription root.
pub(crate) struct Subscription;

#[GraphQLSubscription]
impl Subscription {
    /// The order, each time that something happens to it. For its buyer and the shop's staff.
    #[graphql(directive = authenticated::apply())]
    async fn order_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The order's id.")] id: ID,
    ) -> Result<impl Stream<Item = Result<Order>> + use<>> {
        let not_found = || Error::not_found("There is no order with this id that you may see.");
        let id = id::parse("Order", &id).ok_or_else(not_found)?;
        let (database, viewer) = (database(ctx)?.clone(), viewer(ctx).clone());
        visible(&database, &viewer, id).await?.ok_or_else(not_found)?;
        changed(ctx, changes::of_order(id), database, viewer).await
    }

    /// Each order of the signed-in user to which something happens, new ones included.
    #[graphql(directive = authenticated::apply())]
    async fn my_orders(&self, ctx: &Context<'_>) -> Result<impl Stream<Item = Result<Order>> + use<>> {
        let (database, viewer) = (database(ctx)?.clone(), viewer(ctx).clone());
        let user = &viewer.require_user()?.id;
        let buyer = Uuid::parse_str(user).map_err(|_| Error::not_found("Such a user has no orders here."))?;
        changed(ctx, changes::of_buyer(buyer), database, viewer).await
    }
}

/// The orders that the events of a subject are about, as they are when the event comes.
async fn changed(
    ctx: &Context<'_>,
    subject: String,
    database: Database,
    viewer: Viewer,
) -> Result<impl Stream<Item = Result<Order>> + use<>> {
    let events = resource::<EventBus>(ctx)?.subscribe(vec![subject]).await.map_err(Error::internal)?;
    Ok(events.filter_map(move |event| {
        let (database, viewer) = (database.clone(), viewer.clone());
        async move { of_event(&database, &viewer, &event).await.transpose() }
    }))
}

async fn of_event(database: &Database, viewer: &Viewer, event: &Event) -> Result<Option<Order>> {
    let payload: serde_json::Value = serde_json::from_str(&event.payload).map_err(Error::internal)?;
    match payload["id"].as_str().and_then(|id| Uuid::parse_str(id).ok()) {
        Some(id) => visible(database, viewer, id).await,
        None => Ok(None),
    }
}

async fn visible(database: &Database, viewer: &Viewer, id: Uuid) -> Result<Option<Order>> {
    let order = order::Entity::find_by_id(id).one(database.reader()).await?;
    Ok(order.and_then(|order| Order::visible(order, viewer)))
}
