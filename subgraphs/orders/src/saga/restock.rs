//! Putting units back on the shelf: those of a paid order that will not be sent, or that came back. Knows no refund.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter};
use service::Result;
use service::clock::now_millis;
use uuid::Uuid;

use super::promise::{self, Due, Promise};
use super::{Saga, SagaError};
use crate::entity::restock::{Column, Entity, Line, Lines, Model, Status};

/// Promises to put the units back, under the id of what they come back for. None is no promise.
pub(super) async fn promise(
    tx: &DatabaseTransaction,
    id: Uuid,
    order: Uuid,
    units: impl IntoIterator<Item = (Uuid, i32)>,
) -> Result<()> {
    let lines = units.into_iter().filter(|(_, quantity)| *quantity > 0);
    let lines: Vec<Line> = lines.map(|(product_id, quantity)| Line { product_id, quantity }).collect();
    if lines.is_empty() {
        return Ok(());
    }
    let (status, due_at) = (Status::Pending, now_millis());
    let row = Model { id, order_id: order, status, lines: Lines(lines), due_at, attempts: 0, failure: None };
    row.into_active_model().reset_all().insert(tx).await?;
    Ok(())
}

impl Promise for Model {
    type Table = Entity;

    const WHAT: &'static str = "restock";

    fn due(&self) -> Due {
        Due { id: self.id, due_at: self.due_at, attempts: self.attempts }
    }

    async fn keep(&self, saga: &Saga) -> Result<(), SagaError> {
        // If the reservation is closed, all of it is on the shelf: the order was cancelled meanwhile.
        match saga.inventory.take_back(self.id, self.order_id, &self.lines.0).await {
            Ok(()) => Ok(decided(saga, self.id, Status::Succeeded, None).await?),
            Err(error) if error.is_about_content() => {
                let cause = format!("{:#}", anyhow::Error::new(error));
                tracing::error!(id = %self.id, order = %self.order_id, cause, "Units can't be put back; adjust the stock by hand");
                Ok(decided(saga, self.id, Status::Failed, Some(cause)).await?)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Inventory has decided.
async fn decided(saga: &Saga, id: Uuid, status: Status, failure: Option<String>) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::Status, Expr::value(status))
        .col_expr(Column::Failure, Expr::value(failure))
        .filter(Column::Id.eq(id))
        .filter(promise::pending())
        .exec(saga.db.reader())
        .await?;
    Ok(())
}
