//! The mutations for administrators: products, and manual changes of stock.

use async_graphql::{Context, ID, InputObject, Object};
use service::graphql::database;
use service::{Error, Money, Result, now, viewer};
use uuid::Uuid;

use super::caching;
use super::product::Product;
use super::uuid;
use crate::catalog::{self, Changes, NewProduct};
use crate::warehousing::{self, Adjustment};

/// The mutations for administrators.
#[derive(Default)]
pub(crate) struct AdminMutation;

#[Object]
impl AdminMutation {
    /// Adds a product. Its SKU must be new and can't be changed later.
    #[graphql(requires_scopes = "catalog:write")]
    async fn create_product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product.")] input: CreateProductInput,
    ) -> Result<Product> {
        viewer(ctx).require_admin()?;
        let new = NewProduct {
            id: Uuid::new_v4(),
            sku: input.sku,
            name: input.name,
            description: input.description,
            category: input.category,
            price: input.price,
            cost: input.cost,
            weight_grams: input.weight_grams,
            created_at: now().timestamp_millis(),
        };
        let id = database(ctx)?.write(|tx| catalog::create(tx, &new)).await?;
        caching::changed(ctx, id);
        Product::existing(ctx, id).await
    }

    /// Changes a product. Omitted fields keep their value.
    #[graphql(requires_scopes = "catalog:write")]
    async fn update_product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product's id.")] id: ID,
        #[graphql(desc = "The changes.")] input: UpdateProductInput,
    ) -> Result<Product> {
        viewer(ctx).require_admin()?;
        let id = uuid(&id).ok_or_else(|| Error::not_found("There is no product with this id."))?;
        let changes = Changes {
            name: input.name,
            description: input.description,
            category: input.category,
            price: input.price,
            cost: input.cost,
            weight_grams: input.weight_grams,
        };
        database(ctx)?.write(|tx| catalog::update(tx, id, &changes)).await?;
        caching::changed(ctx, id);
        Product::existing(ctx, id).await
    }

    /// Changes how many units of a product a warehouse has: more when goods arrive, fewer when they are lost.
    #[graphql(requires_scopes = "stock:write")]
    async fn adjust_stock(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: AdjustStockInput,
    ) -> Result<Product> {
        viewer(ctx).require_admin()?;
        let product = uuid(&input.product_id).ok_or_else(|| Error::not_found("There is no product with this id."))?;
        let warehouse =
            uuid(&input.warehouse_id).ok_or_else(|| Error::not_found("There is no warehouse with this id."))?;
        let adjustment = Adjustment { product, warehouse, delta: i64::from(input.delta) };
        database(ctx)?.write(|tx| warehousing::adjust(tx, &adjustment)).await?;
        caching::changed(ctx, product);
        Product::existing(ctx, product).await
    }
}

/// A new product.
#[derive(InputObject)]
pub(crate) struct CreateProductInput {
    /// The stock-keeping unit: capitals, digits and hyphens.
    sku: String,
    /// The name.
    name: String,
    /// The description.
    description: String,
    /// The category, such as `Kitchen`.
    category: String,
    /// The price.
    price: Money,
    /// The cost to the shop.
    cost: Money,
    /// The weight of one unit, in grams.
    weight_grams: i32,
}

/// The changes of a product. Omitted fields keep their value.
#[derive(InputObject)]
pub(crate) struct UpdateProductInput {
    /// The name.
    name: Option<String>,
    /// The description.
    description: Option<String>,
    /// The category, such as `Kitchen`.
    category: Option<String>,
    /// The price. Orders that are already placed keep their price.
    price: Option<Money>,
    /// The cost to the shop.
    cost: Option<Money>,
    /// The weight of one unit, in grams.
    weight_grams: Option<i32>,
}

/// A change of stock.
#[derive(InputObject)]
pub(crate) struct AdjustStockInput {
    /// The product's id.
    product_id: ID,
    /// The warehouse's id.
    warehouse_id: ID,
    /// The number of units to add; negative to remove.
    delta: i32,
}
