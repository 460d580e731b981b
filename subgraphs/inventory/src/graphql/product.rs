//! A product in the graph.

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::TimeZone;
use service::graphql::page::{PageConnection, cost};
use service::graphql::{id, loader};
use service::{Code, DateTime, Error, Money, Page, Result, viewer};
use uuid::Uuid;

use super::category::Category;
use super::loaders::{CategoryOf, ImagesOf, OptionsOf, ProductOf, StockOf, Stocked, WarehouseOf};
use super::movement::{MovementKey, StockMovement};
use super::warehouse::Warehouse;
use crate::entity::{product_image, product_option, stock};

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
        self.0.product.id
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
    pub(super) async fn id(&self) -> ID {
        id::global("Product", self.0.product.id)
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

    /// The category. The product belongs to all above it too.
    async fn category(&self, ctx: &Context<'_>) -> Option<Result<Category>> {
        let found =
            async { Ok(loader(ctx)?.load_one(CategoryOf(self.0.product.category_id)).await?.map(Category::from)) };
        found.await.transpose()
    }

    /// By what it differs from its variants, such as size and colour.
    #[graphql(complexity = "4 * child_complexity + 1")]
    async fn options(&self, ctx: &Context<'_>) -> Option<Result<Vec<ProductOption>>> {
        let options = async {
            let options = loader(ctx)?.load_one(OptionsOf(self.0.product.id)).await?;
            Ok(options.unwrap_or_default().into_iter().map(ProductOption::from).collect())
        };
        Some(options.await)
    }

    /// Its pictures; the first one is for lists.
    #[graphql(complexity = "4 * child_complexity + 1")]
    async fn images(&self, ctx: &Context<'_>) -> Option<Result<Vec<ProductImage>>> {
        let images = async {
            let images = loader(ctx)?.load_one(ImagesOf(self.0.product.id)).await?;
            Ok(images.unwrap_or_default().into_iter().map(ProductImage::from).collect())
        };
        Some(images.await)
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

    /// Whether it is no longer sold. Lists leave it out unless they are asked for it; orders still show it.
    async fn discontinued(&self) -> bool {
        self.0.product.discontinued
    }

    /// How many units are there that nobody has reserved, in all warehouses together.
    async fn stock(&self) -> i32 {
        units(self.0.available)
    }

    /// Whether at least one unit can be ordered now.
    async fn in_stock(&self) -> bool {
        self.0.available > 0 && !self.0.product.discontinued
    }

    /// How many units each warehouse has. Warehouses that never had any are left out.
    #[graphql(complexity = "4 * child_complexity + 1")]
    async fn stock_levels(&self, ctx: &Context<'_>) -> Option<Result<Vec<StockLevel>>> {
        let levels = async {
            let levels = loader(ctx)?.load_one(StockOf(self.0.product.id)).await?;
            Ok(levels.unwrap_or_default().into_iter().map(StockLevel).collect())
        };
        Some(levels.await)
    }

    /// What came, was sold, was lost and moved, the newest first. For the shop's staff; null, with an error, for everybody else.
    #[graphql(cache_control(private), complexity = "cost(first, last, child_complexity)")]
    async fn stock_movements(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start of the list; 20 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end of the list, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
    ) -> Option<Result<PageConnection<MovementKey, StockMovement>>> {
        let movements = async {
            viewer(ctx).require_staff()?;
            let page = Page::new(first, after, last, before)?;
            StockMovement::of_product(ctx, self.0.product.id, &page).await
        };
        Some(movements.await)
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
            let found = loader(ctx)?.load_one(WarehouseOf(self.0.warehouse_id)).await?;
            found
                .map(Warehouse::from)
                .ok_or_else(|| Error::internal(anyhow::anyhow!("the row of a warehouse is missing")))
        };
        Some(warehouse.await)
    }

    /// How many units can be ordered now. Reserved units do not count.
    async fn quantity(&self) -> i32 {
        units(self.0.available())
    }

    /// How many units are there, reserved ones included. For the shop's staff; null, with an error, for everybody else.
    #[graphql(cache_control(private))]
    async fn on_hand(&self, ctx: &Context<'_>) -> Option<Result<i32>> {
        Some(viewer(ctx).require_staff().map(|_| units(self.0.on_hand)))
    }

    /// How many units are reserved for orders. For the shop's staff; null, with an error, for everybody else.
    #[graphql(cache_control(private))]
    async fn reserved(&self, ctx: &Context<'_>) -> Option<Result<i32>> {
        Some(viewer(ctx).require_staff().map(|_| units(self.0.reserved)))
    }
}

/// A property by which variants of a product differ.
#[derive(SimpleObject)]
#[graphql(cache_control(max_age = 60))]
pub(crate) struct ProductOption {
    /// What it is, such as `Size`.
    name: String,
    /// What this product has, such as `XL`.
    value: String,
}

impl From<product_option::Model> for ProductOption {
    fn from(row: product_option::Model) -> Self {
        Self { name: row.name, value: row.value }
    }
}

/// A picture of a product.
#[derive(SimpleObject)]
#[graphql(cache_control(max_age = 60))]
pub(crate) struct ProductImage {
    /// Where it is.
    url: String,
    /// What it shows, for people who can't see it; empty if it only decorates.
    alt: String,
}

impl From<product_image::Model> for ProductImage {
    fn from(row: product_image::Model) -> Self {
        Self { url: row.url, alt: row.alt }
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

/// A number of units as GraphQL's Int, which has 32 bits.
pub(super) fn units(quantity: i64) -> i32 {
    i32::try_from(quantity).unwrap_or(if quantity < 0 { i32::MIN } else { i32::MAX })
}
