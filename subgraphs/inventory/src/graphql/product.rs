//! A product in the graph.

use async_graphql::{Context, ID, Object};
use chrono::TimeZone;
use service::graphql::loader;
use service::{Code, DateTime, Error, Money, Result, viewer};
use uuid::Uuid;

use super::loaders::{ProductOf, StockOf, Stocked, WarehouseOf};
use super::warehouse::Warehouse;
use crate::entity::stock;

/// Something that the shop sells.
pub(crate) struct Product(Stocked);

impl From<Stocked> for Product {
    fn from(stocked: Stocked) -> Self {
        Self(stocked)
    }
}

impl Product {
    /// The product with this id, if there is one.
    pub(super) async fn load(ctx: &Context<'_>, id: Uuid) -> Result<Option<Self>> {
        Ok(loader(ctx)?.load_one(ProductOf(id)).await?.map(Self))
    }

    /// The id.
    pub(super) fn key(&self) -> Uuid {
        self.0.product.id.0
    }

    /// The product with this id, which must exist.
    pub(super) async fn existing(ctx: &Context<'_>, id: Uuid) -> Result<Self> {
        let found = Self::load(ctx, id).await?;
        found.ok_or_else(|| Error::internal(anyhow::anyhow!("product {id} went away")))
    }
}

/// Something that the shop sells.
#[Object(cache_control(max_age = 60))]
impl Product {
    /// The id.
    async fn id(&self) -> ID {
        self.0.product.id.0.into()
    }

    /// The stock-keeping unit, such as `KIT-0101`. It never changes.
    async fn sku(&self) -> &str {
        &self.0.product.sku
    }

    /// The name.
    async fn name(&self) -> &str {
        &self.0.product.name
    }

    /// The description.
    async fn description(&self) -> &str {
        &self.0.product.description
    }

    /// The category, such as `Kitchen`.
    async fn category(&self) -> &str {
        &self.0.product.category
    }

    /// The current price.
    async fn price(&self) -> Result<Money> {
        money(self.0.product.price_minor, &self.0.product.price_currency)
    }

    /// The cost to the shop. For administrators and other services; null, with an error, for everybody else.
    #[graphql(inaccessible, tag = "internal", cache_control(private))]
    async fn cost(&self, ctx: &Context<'_>) -> Option<Result<Money>> {
        let viewer = viewer(ctx);
        if !viewer.is_admin() && !viewer.is_service() {
            return Some(Err(Error::new(Code::Forbidden, "Only administrators may see the cost of a product.")));
        }
        Some(money(self.0.product.cost_minor, &self.0.product.cost_currency))
    }

    /// The weight of one unit, in grams.
    async fn weight_grams(&self) -> i32 {
        self.0.product.weight_grams
    }

    /// How many units can be ordered now, from all warehouses together.
    async fn stock(&self) -> i32 {
        saturated(self.0.available)
    }

    /// Whether at least one unit can be ordered now.
    async fn in_stock(&self) -> bool {
        self.0.available > 0
    }

    /// How many units each warehouse has. Warehouses that never had any are left out.
    #[graphql(complexity = "4 * child_complexity + 1")]
    async fn stock_levels(&self, ctx: &Context<'_>) -> Option<Result<Vec<StockLevel>>> {
        let levels = async {
            let levels = loader(ctx)?.load_one(StockOf(self.0.product.id.0)).await?;
            Ok(levels.unwrap_or_default().into_iter().map(StockLevel).collect())
        };
        Some(levels.await)
    }

    /// When the product was added.
    async fn created_at(&self) -> Result<DateTime> {
        time(self.0.product.created_at)
    }

    /// When the product was last changed. Changes of its stock do not count.
    async fn updated_at(&self) -> Result<DateTime> {
        time(self.0.product.updated_at)
    }
}

/// How many units of a product a warehouse has.
pub(crate) struct StockLevel(stock::Model);

/// How many units of a product a warehouse has.
#[Object(cache_control(max_age = 60))]
impl StockLevel {
    /// The warehouse.
    async fn warehouse(&self, ctx: &Context<'_>) -> Option<Result<Warehouse>> {
        let warehouse = async {
            let found = loader(ctx)?.load_one(WarehouseOf(self.0.warehouse_id.0)).await?;
            found
                .map(Warehouse::from)
                .ok_or_else(|| Error::internal(anyhow::anyhow!("the row of a warehouse is missing")))
        };
        Some(warehouse.await)
    }

    /// How many units can be ordered now. Reserved units do not count.
    async fn quantity(&self) -> i32 {
        saturated(self.0.quantity)
    }
}

/// An amount from its two columns.
pub(super) fn money(minor: i64, currency: &str) -> Result<Money> {
    Money::from_columns(minor, currency).map_err(Error::internal)
}

/// A time from its column.
pub(super) fn time(millis: i64) -> Result<DateTime> {
    let time = chrono::Utc.timestamp_millis_opt(millis).single();
    time.ok_or_else(|| Error::internal(anyhow::anyhow!("{millis} is no time")))
}

/// GraphQL's Int has 32 bits.
pub(super) fn saturated(quantity: i64) -> i32 {
    i32::try_from(quantity).unwrap_or(i32::MAX)
}
