//! A person's try at an order that is stuck. Knows no GraphQL.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use service::Result;
use service::clock::{millis, now_millis};
use uuid::Uuid;

use super::{Saga, place, steps};
use crate::entity::order::{self, Column, Step};

/// Takes the next steps of the order now. If they fail again, they are retried as often as those of a new order.
pub(crate) async fn retry(saga: &Saga, id: Uuid) -> Result<order::Model> {
    order::Entity::update_many()
        .col_expr(Column::Attempts, Expr::value(0))
        .col_expr(Column::DueAt, Expr::value(now_millis() + millis(saga.policy.lease)))
        .filter(Column::Id.eq(id))
        .filter(Column::Step.ne(Step::Done))
        .exec(saga.db.reader())
        .await?;
    match steps::finish(saga, id).await {
        Ok(order) => Ok(order),
        Err(error) => place::interrupted(saga, id, error).await,
    }
}
