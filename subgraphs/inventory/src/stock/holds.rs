//! Units that are held for a reservation: not for others, and not gone yet. Knows no reservation.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};
use service::Result;
use uuid::Uuid;

use crate::entity::stock::{Column, Entity};

/// Holds more units, or fewer if negative, with one conditional statement. Returns false if there are not as many.
pub(crate) async fn change(tx: &DatabaseTransaction, product: Uuid, warehouse: Uuid, more: i64) -> Result<bool> {
    let after = || Expr::col(Column::Reserved).add(more);
    let changed = Entity::update_many()
        .col_expr(Column::Reserved, after())
        .filter(Column::ProductId.eq(product))
        .filter(Column::WarehouseId.eq(warehouse))
        .filter(after().gte(0))
        .filter(after().lte(Expr::col(Column::OnHand)))
        .exec(tx)
        .await?;
    Ok(changed.rows_affected == 1)
}
