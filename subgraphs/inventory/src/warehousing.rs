//! Manual changes of stock: goods that arrive, are lost, or are recounted. Knows no reservation.

use sea_orm::ActiveValue::Set;
use sea_orm::prelude::TextUuid;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};
use service::database::Transaction;
use service::{Error, Result};
use uuid::Uuid;

use crate::entity::{product, stock, warehouse};

/// A change of one product's stock in one warehouse.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Adjustment {
    pub(crate) product: Uuid,
    pub(crate) warehouse: Uuid,
    /// How many units to add; negative to remove.
    pub(crate) delta: i64,
}

/// Makes the change; an error if the stock would become negative.
pub(crate) async fn adjust(tx: Transaction, adjustment: &Adjustment) -> Result<()> {
    let (product, warehouse) = (TextUuid(adjustment.product), TextUuid(adjustment.warehouse));
    if product::Entity::find_by_id(product).one(&*tx).await?.is_none() {
        return Err(Error::not_found("There is no product with this id."));
    }
    if warehouse::Entity::find_by_id(warehouse).one(&*tx).await?.is_none() {
        return Err(Error::not_found("There is no warehouse with this id."));
    }
    let row = stock::ActiveModel { product_id: Set(product), warehouse_id: Set(warehouse), quantity: Set(0) };
    let unless_there =
        OnConflict::columns([stock::Column::ProductId, stock::Column::WarehouseId]).do_nothing().to_owned();
    stock::Entity::insert(row).on_conflict(unless_there).exec_without_returning(&*tx).await?;
    if change(&tx, product, warehouse, adjustment.delta).await? {
        Ok(())
    } else {
        Err(Error::conflict("The stock would become negative. Units that are reserved for orders can't be removed."))
    }
}

/// Changes a quantity with one conditional statement. Returns false if it would become negative. All changes of stock use this.
pub(crate) async fn change(
    tx: &DatabaseTransaction,
    product: TextUuid,
    warehouse: TextUuid,
    delta: i64,
) -> Result<bool> {
    let changed = stock::Entity::update_many()
        .col_expr(stock::Column::Quantity, Expr::col(stock::Column::Quantity).add(delta))
        .filter(stock::Column::ProductId.eq(product))
        .filter(stock::Column::WarehouseId.eq(warehouse))
        .filter(Expr::col(stock::Column::Quantity).gte(-delta))
        .exec(tx)
        .await?;
    if changed.rows_affected != 1 {
        return Ok(false);
    }
    service::events::add(tx, product.0, stock_changed(product.0), &serde_json::json!({ "id": product.0 })).await?;
    Ok(true)
}

/// What the events about a product's stock are about. A message has the product's id.
pub(crate) fn stock_changed(product: Uuid) -> String {
    format!("stock.{product}.changed")
}
