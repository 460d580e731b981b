//! What administrators do: products and stock by hand.

use async_graphql::{Context, ID, InputObject, Object};
use service::{Error, Money, Result, now, viewer};
use uuid::Uuid;

use super::product::Product;
use super::{database, uuid};
use crate::catalog::{self, Changes, NewProduct};
use crate::warehousing::{self, Adjustment};

/// What administrators do.
#[derive(Default)]
pub(crate) struct AdminMutation;

#[Object]
impl AdminMutation {
    /// Adds a product. Its SKU must be new, and stays for ever.
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
        Product::existing(ctx, id).await
    }

    /// Changes a product. What is left out stays as it is.
    async fn update_product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product's id.")] id: ID,
        #[graphql(desc = "What shall change.")] input: UpdateProductInput,
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
        Product::existing(ctx, id).await
    }

    /// Changes how many units a warehouse has of a product: more when goods come in, fewer when they are lost.
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
    /// What it is.
    description: String,
    /// The part of the shop that it is in.
    category: String,
    /// What it sells for.
    price: Money,
    /// What the shop pays for it.
    cost: Money,
    /// What one unit weighs.
    weight_grams: i32,
}

/// What shall change about a product.
#[derive(InputObject)]
pub(crate) struct UpdateProductInput {
    /// The name.
    name: Option<String>,
    /// What it is.
    description: Option<String>,
    /// The part of the shop that it is in.
    category: Option<String>,
    /// What it sells for. Orders keep the price at which they were placed.
    price: Option<Money>,
    /// What the shop pays for it.
    cost: Option<Money>,
    /// What one unit weighs.
    weight_grams: Option<i32>,
}

/// A change of stock.
#[derive(InputObject)]
pub(crate) struct AdjustStockInput {
    /// The product's id.
    product_id: ID,
    /// The warehouse's id.
    warehouse_id: ID,
    /// How many units more; below zero, how many fewer.
    delta: i32,
}
