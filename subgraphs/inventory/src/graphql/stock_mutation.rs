//! The mutations of stock, for the shop's staff: goods arrive, are lost, move, are counted.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use service::graphql::{database, id};
use service::{Result, viewer};
use uuid::Uuid;

use super::caching;
use super::errors::{CatalogUserError, Done, done, nothing};
use super::movement::StockMovement;
use super::product::Product;
use crate::stock::requests::{self, Operation, Request};

/// The mutations of stock.
#[derive(Default)]
pub(crate) struct StockMutation;

#[Object]
impl StockMutation {
    /// Adds units of a product that have arrived at a warehouse. Safe to repeat under the same key.
    #[graphql(requires_scopes = "stock:write")]
    async fn receive_stock(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What arrived where.")] input: ReceiveStockInput,
    ) -> Option<Result<StockPayload>> {
        let operation = warehouse(&input.warehouse_id, "warehouseId")
            .map(|warehouse| Operation::Receive { warehouse, quantity: input.quantity });
        let asked = Asked { key: input.idempotency_key, product: input.product_id, reason: input.reason };
        Some(done(change(ctx, asked, operation).await).map(StockPayload::from))
    }

    /// Adds units of a product to a warehouse that were found, or removes those that were lost. Safe to repeat under the same key.
    #[graphql(requires_scopes = "stock:write")]
    async fn adjust_stock(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change, and why.")] input: AdjustStockInput,
    ) -> Option<Result<StockPayload>> {
        let operation = warehouse(&input.warehouse_id, "warehouseId")
            .map(|warehouse| Operation::Adjust { warehouse, delta: input.delta });
        let asked = Asked { key: input.idempotency_key, product: input.product_id, reason: Some(input.reason) };
        Some(done(change(ctx, asked, operation).await).map(StockPayload::from))
    }

    /// Moves units of a product to another warehouse. Safe to repeat under the same key.
    #[graphql(requires_scopes = "stock:write")]
    async fn transfer_stock(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What goes from where to where.")] input: TransferStockInput,
    ) -> Option<Result<StockPayload>> {
        let operation = warehouse(&input.from_warehouse_id, "fromWarehouseId").and_then(|from| {
            let to = warehouse(&input.to_warehouse_id, "toWarehouseId")?;
            Ok(Operation::Transfer { from, to, quantity: input.quantity })
        });
        let asked = Asked { key: input.idempotency_key, product: input.product_id, reason: input.reason };
        Some(done(change(ctx, asked, operation).await).map(StockPayload::from))
    }

    /// Sets how many units of a product a warehouse has to what was counted there, reserved ones included. Safe to repeat under
    /// the same key.
    #[graphql(requires_scopes = "stock:write")]
    async fn count_stock(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What was counted where.")] input: CountStockInput,
    ) -> Option<Result<StockPayload>> {
        let operation = warehouse(&input.warehouse_id, "warehouseId")
            .map(|warehouse| Operation::Count { warehouse, quantity: input.quantity });
        let asked = Asked { key: input.idempotency_key, product: input.product_id, reason: input.reason };
        Some(done(change(ctx, asked, operation).await).map(StockPayload::from))
    }
}

/// What all inputs have.
struct Asked {
    key: String,
    product: ID,
    reason: Option<String>,
}

/// A product whose stock has changed, with the movements.
type Moved = (Product, Vec<StockMovement>);

async fn change(ctx: &Context<'_>, asked: Asked, operation: Result<Operation>) -> Result<Moved> {
    let actor = viewer(ctx).require_staff()?.id.clone();
    let product = id::parse("Product", &asked.product).ok_or_else(|| nothing("product", "productId"))?;
    let request = Request { key: asked.key, product, operation: operation?, reason: asked.reason, actor };
    let movements = database(ctx)?.write(|tx| requests::change(tx, &request)).await?;
    caching::changed(ctx, product);
    Ok((Product::existing(ctx, product).await?, movements.into_iter().map(StockMovement::from).collect()))
}

fn warehouse(id: &ID, argument: &str) -> Result<Uuid> {
    id::parse("Warehouse", id).ok_or_else(|| nothing("warehouse", argument))
}

/// A product whose stock was changed, or why it was not.
#[derive(SimpleObject)]
pub(crate) struct StockPayload {
    /// The product as it is now; null if nothing was changed.
    product: Option<Product>,
    /// What was posted for this key; null if nothing was.
    movements: Option<Vec<StockMovement>>,
    /// Why nothing was changed; empty if something was.
    user_errors: Vec<CatalogUserError>,
}

impl From<Done<Moved>> for StockPayload {
    fn from((moved, user_errors): Done<Moved>) -> Self {
        let (product, movements) = moved.unzip();
        Self { product, movements, user_errors }
    }
}

/// Goods that have arrived.
#[derive(InputObject)]
pub(crate) struct ReceiveStockInput {
    /// A key of the caller's for this change, at most 200 characters. Every change needs a different one.
    idempotency_key: String,
    /// The id of the product.
    product_id: ID,
    /// The id of the warehouse.
    warehouse_id: ID,
    /// How many units have arrived, at least one.
    quantity: i32,
    /// What there is to say about it, such as a delivery note, at most 500 characters.
    reason: Option<String>,
}

/// Goods that were found or lost.
#[derive(InputObject)]
pub(crate) struct AdjustStockInput {
    /// A key of the caller's for this change, at most 200 characters. Every change needs a different one.
    idempotency_key: String,
    /// The id of the product.
    product_id: ID,
    /// The id of the warehouse.
    warehouse_id: ID,
    /// The number of units to add; negative to remove.
    delta: i32,
    /// Why, at most 500 characters.
    reason: String,
}

/// Goods that move to another warehouse.
#[derive(InputObject)]
pub(crate) struct TransferStockInput {
    /// A key of the caller's for this change, at most 200 characters. Every change needs a different one.
    idempotency_key: String,
    /// The id of the product.
    product_id: ID,
    /// The id of the warehouse that they leave.
    from_warehouse_id: ID,
    /// The id of the warehouse that they go to.
    to_warehouse_id: ID,
    /// How many units move, at least one. Reserved units stay.
    quantity: i32,
    /// What there is to say about it, at most 500 characters.
    reason: Option<String>,
}

/// Goods that were counted.
#[derive(InputObject)]
pub(crate) struct CountStockInput {
    /// A key of the caller's for this change, at most 200 characters. Every change needs a different one.
    idempotency_key: String,
    /// The id of the product.
    product_id: ID,
    /// The id of the warehouse.
    warehouse_id: ID,
    /// How many units are there, reserved ones included.
    quantity: i32,
    /// What there is to say about it, at most 500 characters.
    reason: Option<String>,
}
