//! The saga's reads and writes. A write is one transaction, conditional on the step before it: it changes nothing if that
//! step has already been taken. Knows no inventory.

use std::time::Duration;

use sea_orm::sea_query::Expr;
use sea_orm::sea_query::SimpleExpr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QueryOrder,
    Set,
};
use service::{Database, Money, Result};
use uuid::Uuid;

use super::SagaError;
use super::pricing::Priced;
use crate::changes;
use crate::clock::{millis, now_millis};
use crate::entity::order::{Column, Rejection, Status, Step};
use crate::entity::{ledger_entry, order, order_event, order_line};

/// The order, which must exist.
pub(super) async fn order(db: &Database, id: Uuid) -> Result<order::Model, SagaError> {
    order::Entity::find_by_id(id).one(db.reader()).await?.ok_or(SagaError::Gone(id))
}

/// The order's lines, in their order.
pub(super) async fn lines(db: &Database, id: Uuid) -> Result<Vec<order_line::Model>, DbErr> {
    order_line::Entity::find()
        .filter(order_line::Column::OrderId.eq(text(id)))
        .order_by_asc(order_line::Column::Position)
        .all(db.reader())
        .await
}

/// Writes the order, its lines and the first event of its history.
pub(super) async fn create(db: &Database, order: &order::Model, lines: &[order_line::Model]) -> Result<()> {
    db.write(|tx| async move {
        let tx = &*tx;
        order::ActiveModel::from(order.clone()).reset_all().insert(tx).await?;
        let rows = lines.iter().map(|line| order_line::ActiveModel::from(line.clone()).reset_all());
        order_line::Entity::insert_many(rows).exec_without_returning(tx).await?;
        add_event(tx, order.id.0, order_event::Kind::Received, None, None).await
    })
    .await
}

/// PENDING → PLACED: sets the final prices, charges the buyer and adds to the history. The next step is the commit.
pub(super) async fn place(db: &Database, id: Uuid, priced: &Priced) -> Result<()> {
    let total = priced.total;
    db.write(|tx| async move {
        let tx = &*tx;
        let changes = vec![
            (Column::Status, Expr::value(Status::Placed)),
            (Column::TotalMinor, Expr::value(total.minor())),
            (Column::Currency, Expr::value(total.currency().code())),
        ];
        if !take_step(tx, id, Step::Reserve, Step::Commit, changes).await? {
            return Ok(());
        }
        for (product, unit_price) in &priced.unit_prices {
            fix_price(tx, id, *product, *unit_price).await?;
        }
        record(tx, id, ledger_entry::Kind::Charge, total.minor(), total.currency().code()).await?;
        add_event(tx, id, order_event::Kind::Placed, Some(total.minor()), None).await
    })
    .await
}

/// PENDING → REJECTED: nothing was charged. The next step is the release.
pub(super) async fn reject(db: &Database, id: Uuid, rejection: &Rejection) -> Result<()> {
    db.write(|tx| async move {
        let tx = &*tx;
        let changes =
            vec![(Column::Status, Expr::value(Status::Rejected)), (Column::Rejection, Expr::value(rejection.clone()))];
        if !take_step(tx, id, Step::Reserve, Step::Release, changes).await? {
            return Ok(());
        }
        let reason = Some(rejection.to_string());
        add_event(tx, id, order_event::Kind::Rejected, None, reason).await
    })
    .await
}

/// PLACED → CANCELLED, because the reservation was closed before it was committed.
pub(super) async fn lapse(db: &Database, id: Uuid) -> Result<()> {
    db.write(|tx| async move {
        let tx = &*tx;
        let changes = vec![(Column::Status, Expr::value(Status::Cancelled))];
        if !take_step(tx, id, Step::Commit, Step::Release, changes).await? {
            return Ok(());
        }
        refund(tx, id, "the reserved stock was released before the order was complete").await
    })
    .await
}

/// PENDING or PLACED → CANCELLED, at any step. Returns whether this call cancelled it.
pub(super) async fn cancel(db: &Database, id: Uuid, reason: &str, lease: Duration) -> Result<bool> {
    db.write(|tx| async move {
        let tx = &*tx;
        let cancelled = order::Entity::update_many()
            .col_expr(Column::Status, Expr::value(Status::Cancelled))
            .col_expr(Column::Step, Expr::value(Step::Release))
            .col_expr(Column::Attempts, Expr::value(0))
            .col_expr(Column::DueAt, Expr::value(now_millis() + millis(lease)))
            .filter(Column::Id.eq(text(id)))
            .filter(Column::Status.is_in([Status::Pending, Status::Placed]))
            .exec(tx)
            .await?;
        if cancelled.rows_affected == 0 {
            return Ok(false);
        }
        refund(tx, id, reason).await?;
        Ok(true)
    })
    .await
}

/// Ends the steps, if the current one is still `after`.
pub(super) async fn done(db: &Database, id: Uuid, after: Step) -> Result<()> {
    take_step(db.reader(), id, after, Step::Done, Vec::new()).await?;
    Ok(())
}

/// Makes the order due again after a wait.
pub(super) async fn retry_in(db: &Database, id: Uuid, wait: Duration) -> Result<(), DbErr> {
    order::Entity::update_many()
        .col_expr(Column::DueAt, Expr::value(now_millis() + millis(wait)))
        .filter(Column::Id.eq(text(id)))
        .exec(db.reader())
        .await
        .map(drop)
}

/// Changes the order's step, and more, if it is still `from`. The row stays locked until the transaction ends.
async fn take_step(
    db: &impl ConnectionTrait,
    id: Uuid,
    from: Step,
    to: Step,
    changes: Vec<(Column, SimpleExpr)>,
) -> Result<bool, DbErr> {
    let mut update = order::Entity::update_many()
        .col_expr(Column::Step, Expr::value(to))
        .col_expr(Column::Attempts, Expr::value(0))
        .filter(Column::Id.eq(text(id)))
        .filter(Column::Step.eq(from));
    for (column, value) in changes {
        update = update.col_expr(column, value);
    }
    Ok(update.exec(db).await?.rows_affected == 1)
}

async fn fix_price(tx: &DatabaseTransaction, id: Uuid, product: Uuid, unit_price: Money) -> Result<(), DbErr> {
    order_line::Entity::update_many()
        .col_expr(order_line::Column::UnitPriceMinor, Expr::value(unit_price.minor()))
        .filter(order_line::Column::OrderId.eq(text(id)))
        .filter(order_line::Column::ProductId.eq(text(product)))
        .exec(tx)
        .await
        .map(drop)
}

/// Refunds what was charged, if anything was, and adds to the history.
async fn refund(tx: &DatabaseTransaction, id: Uuid, reason: &str) -> Result<()> {
    let charge = ledger_entry::Entity::find_by_id((id.into(), ledger_entry::Kind::Charge)).one(tx).await?;
    if let Some(charge) = &charge {
        let kind = ledger_entry::Kind::Refund;
        record(tx, id, kind, charge.amount_minor, &charge.currency).await?;
    }
    let refunded = charge.map(|charge| charge.amount_minor);
    let kind = order_event::Kind::Cancelled;
    add_event(tx, id, kind, refunded, Some(reason.to_owned())).await
}

async fn record(
    tx: &DatabaseTransaction,
    id: Uuid,
    kind: ledger_entry::Kind,
    amount_minor: i64,
    currency: &str,
) -> Result<(), DbErr> {
    let entry = ledger_entry::ActiveModel {
        order_id: Set(id.into()),
        kind: Set(kind),
        amount_minor: Set(amount_minor),
        currency: Set(currency.to_owned()),
        at: Set(now_millis()),
    };
    entry.insert(tx).await.map(drop)
}

async fn add_event(
    tx: &DatabaseTransaction,
    id: Uuid,
    kind: order_event::Kind,
    amount_minor: Option<i64>,
    reason: Option<String>,
) -> Result<()> {
    let event = order_event::ActiveModel {
        order_id: Set(id.into()),
        kind: Set(kind),
        at: Set(now_millis()),
        amount_minor: Set(amount_minor),
        reason: Set(reason),
    };
    event.insert(tx).await?;
    publish(tx, id).await
}

/// Tells subscriptions, once this transaction is committed, that an order has changed.
async fn publish(tx: &DatabaseTransaction, id: Uuid) -> Result<()> {
    let Some(order) = order::Entity::find_by_id(id).one(tx).await? else { return Ok(()) };
    let payload = serde_json::json!({ "id": id });
    for subject in [changes::of_order(id), changes::of_buyer(order.buyer_id.0)] {
        service::events::add(tx, id, subject, &payload).await?;
    }
    Ok(())
}

fn text(id: Uuid) -> sea_orm::prelude::TextUuid {
    id.into()
}
