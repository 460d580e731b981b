//! Putting units back on the shelf: those of a paid order that will not be sent, or that came back. Knows no refund.

use sea_orm::{ActiveModelTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QuerySelect};
use service::Result;
use uuid::Uuid;

use super::promise::{Columns, Promise};
use super::{Saga, SagaError};
use crate::clock::now_millis;
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
    const COLUMNS: Columns<Column> = Columns {
        id: Column::Id,
        order: Column::OrderId,
        due_at: Column::DueAt,
        attempts: Column::Attempts,
        failure: Column::Failure,
    };

    fn id(&self) -> Uuid {
        self.id
    }

    fn due_at(&self) -> i64 {
        self.due_at
    }

    fn attempts(&self) -> i32 {
        self.attempts
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
    saga.db
        .write(|tx| {
            let failure = failure.clone();
            async move {
                let Some(mut restock) = Entity::find_by_id(id).lock_exclusive().one(&*tx).await? else {
                    return Ok(());
                };
                (restock.status, restock.failure) = (status, failure);
                restock.into_active_model().reset_all().update(&*tx).await?;
                Ok(())
            }
        })
        .await
}
