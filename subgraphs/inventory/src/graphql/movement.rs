//! A line of the ledger of stock in the graph.

use async_graphql::{Context, ID, Object};
use sea_orm::sea_query::{IntoValueTuple, ValueTuple};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use service::graphql::page::PageConnection;
use service::graphql::{Total, database, id, loader};
use service::{DateTime, Page, Result};
use uuid::Uuid;

use super::loaders::WarehouseOf;
use super::product::{Product, time, units};
use super::warehouse::Warehouse;
use crate::entity::stock_movement::{self, Column, Kind};

/// A change of how many units of a product a warehouse has. Movements are never changed: a mistake is corrected by another one.
pub(crate) struct StockMovement(stock_movement::Model);

impl From<stock_movement::Model> for StockMovement {
    fn from(row: stock_movement::Model) -> Self {
        Self(row)
    }
}

/// The cursor key of a movement: its time and its id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct MovementKey(i64, Uuid);

impl From<MovementKey> for ValueTuple {
    fn from(key: MovementKey) -> Self {
        (key.0, key.1).into_value_tuple()
    }
}

impl StockMovement {
    /// The movements of a product, the newest first.
    pub(super) async fn of_product(
        ctx: &Context<'_>,
        product: Uuid,
        page: &Page<MovementKey>,
    ) -> Result<PageConnection<MovementKey, Self>> {
        let movements = stock_movement::Entity::find().filter(Column::ProductId.eq(product));
        let mut newest_first = movements.clone().cursor_by((Column::CreatedAt, Column::Id));
        newest_first.desc();
        let key = |row: &stock_movement::Model| MovementKey(row.created_at, row.id);
        let found = page.fetch(newest_first, database(ctx)?.reader(), key).await?;
        Ok(found.into_connection(Self, Total::of(movements)))
    }
}

/// A change of how many units of a product a warehouse has. Movements are never changed: a mistake is corrected by another one.
#[Object(cache_control(private))]
impl StockMovement {
    /// The id.
    pub(super) async fn id(&self) -> ID {
        id::global("StockMovement", self.0.id)
    }

    /// Why the stock changed.
    async fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The product.
    async fn product(&self, ctx: &Context<'_>) -> Option<Result<Product>> {
        Product::load(ctx, self.0.product_id).await.transpose()
    }

    /// The warehouse whose stock changed.
    async fn warehouse(&self, ctx: &Context<'_>) -> Option<Result<Warehouse>> {
        let found = async { Ok(loader(ctx)?.load_one(WarehouseOf(self.0.warehouse_id)).await?.map(Warehouse::from)) };
        found.await.transpose()
    }

    /// How many units came; negative if they left.
    async fn delta(&self) -> i32 {
        units(self.0.delta)
    }

    /// How many units the warehouse had after it, reserved ones included.
    async fn on_hand(&self) -> i32 {
        units(self.0.quantity_after)
    }

    /// What whoever made it said about it.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// Who made it: the id of a user, `service` for an order, or `system`.
    async fn actor(&self) -> &str {
        &self.0.actor
    }

    /// The key of the request or reservation that it belongs to.
    async fn idempotency_key(&self) -> Option<&str> {
        self.0.request_key.as_deref().or(self.0.reservation_key.as_deref())
    }

    /// When it was made.
    async fn created_at(&self) -> Result<DateTime> {
        time(self.0.created_at)
    }
}
