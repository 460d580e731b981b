//! The subscriptions: products as their stock changes.

use async_graphql::{Context, Subscription as GraphQLSubscription};
use futures_util::{Stream, StreamExt};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use service::events::Event;
use service::graphql::{database, resource};
use service::{Database, Error, EventBus, Result};
use uuid::Uuid;

use super::loaders::product_now;
use super::product::Product;
use crate::changes;
use crate::entity::product;

/// The subscription root.
pub struct Subscription;

/// The most products of one subscription.
const MOST: usize = 100;

#[GraphQLSubscription]
impl Subscription {
    /// Each of these products whose stock changes.
    async fn stock_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The SKUs of the products, at most 100.")] skus: Vec<String>,
    ) -> Result<impl Stream<Item = Result<Product>> + use<>> {
        if skus.is_empty() || skus.len() > MOST {
            return Err(Error::bad_input(format!("Give `stockChanged` one to {MOST} SKUs.")));
        }
        let database = database(ctx)?.clone();
        let found = product::Entity::find().filter(product::Column::Sku.is_in(&skus)).all(database.reader()).await?;
        if let Some(unknown) = skus.iter().find(|sku| found.iter().all(|product| product.sku != **sku)) {
            return Err(Error::not_found(format!("There is no product with the SKU {unknown}.")));
        }
        let subjects = found.iter().map(|product| changes::of_stock(product.id)).collect();
        let events = resource::<EventBus>(ctx)?.subscribe(subjects).await.map_err(Error::internal)?;
        Ok(events.filter_map(move |event| {
            let database = database.clone();
            async move { of_event(&database, &event).await.transpose() }
        }))
    }
}

async fn of_event(database: &Database, event: &Event) -> Result<Option<Product>> {
    let payload: serde_json::Value = serde_json::from_str(&event.payload).map_err(Error::internal)?;
    match payload["id"].as_str().and_then(|id| Uuid::parse_str(id).ok()) {
        Some(id) => Ok(product_now(database, id).await?.map(Product::from)),
        None => Ok(None),
    }
}
