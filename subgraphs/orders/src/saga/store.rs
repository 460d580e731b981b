//! The saga's reads and writes. A write is one transaction that locks the order's row and changes nothing if the step before it has
//! already been taken. Knows no inventory and no payment provider.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use sea_orm::sea_query::{Expr, ExprTrait, Func, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, PrimaryKeyTrait,
    QueryFilter, QueryOrder, QuerySelect, Set,
};
use service::clock::{millis, now_millis};
use service::database::Transaction;
use service::{Database, Result};
use uuid::Uuid;

use super::{By, SagaError};
use crate::changes;
use crate::entity::order::{Column, Rejection, Status, Step};
use crate::entity::{ledger_entry, order, order_event, order_line, order_number, product_sales, refund};

/// The order, which must exist.
pub(super) async fn order(db: &Database, id: Uuid) -> Result<order::Model, SagaError> {
    order::Entity::find_by_id(id).one(db.reader()).await?.ok_or(SagaError::Gone(id))
}

/// The order's lines, in their order.
pub(super) async fn lines(db: &Database, id: Uuid) -> Result<Vec<order_line::Model>, DbErr> {
    lines_of(id).all(db.reader()).await
}

fn lines_of(id: Uuid) -> sea_orm::Select<order_line::Entity> {
    order_line::Entity::find().filter(order_line::Column::OrderId.eq(id)).order_by_asc(order_line::Column::Position)
}

/// Writes the order, with the next number, its lines and the first event of its history.
pub(super) async fn create(db: &Database, order: &order::Model, lines: &[order_line::Model]) -> Result<()> {
    db.write(|tx| async move {
        let tx = &*tx;
        let number = order_number::ActiveModel { order_id: Set(order.id), ..Default::default() }.insert(tx).await?;
        let order = order::Model { number: order_number::BEFORE_FIRST + number.counter, ..order.clone() };
        order.clone().into_active_model().reset_all().insert(tx).await?;
        let rows = lines.iter().map(|line| line.clone().into_active_model().reset_all());
        order_line::Entity::insert_many(rows).exec_without_returning(tx).await?;
        add_event(tx, &order, By::buyer(order.buyer_id), Event::of(order_event::Kind::Received)).await
    })
    .await
}

/// The stock is held: the payment is next.
pub(super) async fn reserved(db: &Database, id: Uuid) -> Result<bool> {
    at_step(db, id, Step::Reserve, |tx, mut order: order::Model| async move {
        order.step = Step::Authorize;
        save(&tx, order).await
    })
    .await
}

/// The amount is set aside: selling the stock is next.
pub(super) async fn authorized(db: &Database, id: Uuid, key: &str, payment_id: &str) -> Result<bool> {
    at_step(db, id, Step::Authorize, |tx, mut order: order::Model| async move {
        order.step = Step::Commit;
        order.payment_id = Some(payment_id.to_owned());
        record(&tx, key, ledger_entry::Kind::Authorize, &order, order.total_minor).await?;
        save(&tx, order).await
    })
    .await
}

/// PENDING → PLACED: the stock is sold. Taking the money is next.
pub(super) async fn placed(db: &Database, id: Uuid) -> Result<bool> {
    at_step(db, id, Step::Commit, |tx, mut order: order::Model| async move {
        order.step = Step::Capture;
        order.status = Status::Placed;
        count_sales(&tx, id, |line| line.quantity).await?;
        let event = Event { amount_minor: Some(order.total_minor), ..Event::of(order_event::Kind::Placed) };
        add_event(&tx, &order, By::SYSTEM, event).await?;
        save(&tx, order).await
    })
    .await
}

/// The money is taken. Nothing is next.
pub(super) async fn captured(db: &Database, id: Uuid, key: &str) -> Result<bool> {
    at_step(db, id, Step::Capture, |tx, mut order: order::Model| async move {
        order.step = Step::Done;
        take_money(&tx, &mut order, key).await?;
        save(&tx, order).await
    })
    .await
}

/// PENDING → REJECTED, from one step to another.
pub(super) async fn reject(db: &Database, id: Uuid, from: Step, to: Step, rejection: &Rejection) -> Result<bool> {
    at_step(db, id, from, |tx, mut order: order::Model| async move {
        order.step = to;
        order.status = Status::Rejected;
        order.rejection = Some(rejection.clone());
        let event = Event { reason: Some(rejection.to_string()), ..Event::of(order_event::Kind::Rejected) };
        add_event(&tx, &order, By::SYSTEM, event).await?;
        save(&tx, order).await
    })
    .await
}

/// PLACED → CANCELLED, because the money can't be taken.
pub(super) async fn unpaid(db: &Database, id: Uuid, reason: &str, lease: Duration) -> Result<bool> {
    at_step(db, id, Step::Capture, |tx, order: order::Model| async move {
        cancel(&tx, order, By::SYSTEM, &format!("the payment could not be taken: {reason}"), lease).await
    })
    .await
}

/// Nothing is set aside any more. Returning the stock is next.
pub(super) async fn voided(db: &Database, id: Uuid, entry: Option<(&str, &str)>) -> Result<bool> {
    at_step(db, id, Step::Void, |tx, mut order: order::Model| async move {
        order.step = Step::Release;
        if let Some((key, payment_id)) = entry {
            order.payment_id = Some(payment_id.to_owned());
            record(&tx, key, ledger_entry::Kind::Void, &order, order.total_minor).await?;
        }
        save(&tx, order).await
    })
    .await
}

/// The money was taken before it could be let go: it is paid back. Returning the stock is next.
pub(super) async fn captured_meanwhile(
    db: &Database,
    id: Uuid,
    key: &str,
    payment_id: &str,
    lease: Duration,
) -> Result<bool> {
    at_step(db, id, Step::Void, |tx, mut order: order::Model| async move {
        order.step = Step::Release;
        order.payment_id = Some(payment_id.to_owned());
        take_money(&tx, &mut order, key).await?;
        pay_back_all(&tx, &mut order, By::SYSTEM, "the order was not completed", lease).await?;
        save(&tx, order).await
    })
    .await
}

/// The stock is returned. Nothing is next.
pub(super) async fn released(db: &Database, id: Uuid) -> Result<bool> {
    at_step(db, id, Step::Release, |tx, mut order: order::Model| async move {
        order.step = Step::Done;
        save(&tx, order).await
    })
    .await
}

/// Cancels an order, whatever its step: what was done is undone by the next steps, and what was paid is paid back by a refund. This
/// worker has a lease on them.
pub(super) async fn cancel(
    tx: &DatabaseTransaction,
    mut order: order::Model,
    by: By,
    reason: &str,
    lease: Duration,
) -> Result<()> {
    order.step = match order.step {
        Step::Reserve | Step::Done => Step::Release,
        Step::Authorize | Step::Commit | Step::Capture => Step::Void,
        undoing => undoing,
    };
    if order.status == Status::Placed {
        count_sales(tx, order.id, |line| -line.refundable()).await?;
    }
    order.status = Status::Cancelled;
    order.due_at = now_millis() + millis(lease);
    pay_back_all(tx, &mut order, by, reason, lease).await?;
    let event = Event { reason: Some(reason.to_owned()), ..Event::of(order_event::Kind::Cancelled) };
    add_event(tx, &order, by, event).await?;
    save(tx, order).await
}

/// Makes the order due again after a wait, and keeps why.
pub(super) async fn retry_in(db: &Database, id: Uuid, wait: Duration, failure: &str, stuck: bool) -> Result<()> {
    let stuck_since = if stuck {
        Expr::from(Func::coalesce([Expr::col(Column::StuckSince), Expr::val(now_millis())]))
    } else {
        Expr::value(Option::<i64>::None)
    };
    order::Entity::update_many()
        .col_expr(Column::DueAt, Expr::value(now_millis() + millis(wait)))
        .col_expr(Column::Failure, Expr::value(failure))
        .col_expr(Column::StuckSince, stuck_since)
        .filter(Column::Id.eq(id))
        .filter(Column::Step.ne(Step::Done))
        .exec(db.reader())
        .await?;
    Ok(())
}

/// Locks an order's row until the transaction ends.
pub(super) async fn locked(tx: &DatabaseTransaction, id: Uuid) -> Result<Option<order::Model>> {
    Ok(order::Entity::find_by_id(id).lock_exclusive().one(tx).await?)
}

/// Something of an order with the order, whose row is locked. What is of an order changes only under that lock, so it is read again then.
pub(super) async fn locked_with<E: EntityTrait>(
    tx: &DatabaseTransaction,
    id: Uuid,
    order_of: impl Fn(&E::Model) -> Uuid,
) -> Result<Option<(order::Model, E::Model)>>
where
    Uuid: Into<<E::PrimaryKey as PrimaryKeyTrait>::ValueType>,
{
    let Some(row) = E::find_by_id(id).one(tx).await? else { return Ok(None) };
    let Some(order) = locked(tx, order_of(&row)).await? else { return Ok(None) };
    Ok(E::find_by_id(id).one(tx).await?.map(|row| (order, row)))
}

/// The lines of an order whose row is locked.
pub(super) async fn locked_lines(tx: &DatabaseTransaction, id: Uuid) -> Result<Vec<order_line::Model>> {
    Ok(lines_of(id).all(tx).await?)
}

/// Writes a row that is locked.
pub(super) async fn save(tx: &DatabaseTransaction, order: order::Model) -> Result<()> {
    order.into_active_model().reset_all().update(tx).await?;
    Ok(())
}

/// Writes a line of an order whose row is locked.
pub(super) async fn save_line(tx: &DatabaseTransaction, line: order_line::Model) -> Result<()> {
    line.into_active_model().reset_all().update(tx).await?;
    Ok(())
}

/// Does the work if the order is at this step, with its row locked; a new step begins without failures. Returns whether it was.
async fn at_step<F: Future<Output = Result<()>>>(
    db: &Database,
    id: Uuid,
    step: Step,
    work: impl Fn(Transaction, order::Model) -> F,
) -> Result<bool> {
    let work = &work;
    db.write(|tx| async move {
        let Some(mut order) = locked(&tx, id).await?.filter(|order| order.step == step) else { return Ok(false) };
        (order.attempts, order.failure, order.stuck_since) = (0, None, None);
        work(tx, order).await?;
        Ok(true)
    })
    .await
}

async fn take_money(tx: &DatabaseTransaction, order: &mut order::Model, key: &str) -> Result<()> {
    order.captured_minor = order.total_minor;
    record(tx, key, ledger_entry::Kind::Capture, order, order.total_minor).await?;
    let event = Event { amount_minor: Some(order.total_minor), ..Event::of(order_event::Kind::Paid) };
    add_event(tx, order, By::SYSTEM, event).await
}

async fn pay_back_all(
    tx: &DatabaseTransaction,
    order: &mut order::Model,
    by: By,
    reason: &str,
    lease: Duration,
) -> Result<()> {
    let amount_minor = order.captured_minor - order.refunded_minor;
    if amount_minor == 0 {
        return Ok(());
    }
    order.refunded_minor = order.captured_minor;
    let now = now_millis();
    let refund = refund::Model {
        id: Uuid::now_v7(),
        order_id: order.id,
        status: refund::Status::Pending,
        amount_minor,
        lines: refund::Lines::default(),
        reason: reason.to_owned(),
        actor: by.actor,
        actor_id: by.id,
        created_at: now,
        due_at: now + millis(lease),
        attempts: 0,
        failure: None,
    };
    refund.into_active_model().reset_all().insert(tx).await?;
    Ok(())
}

/// Adds to what is sold of each product of an order. In the order of the products, so that two transactions do not wait for each other.
pub(super) async fn count_sales(
    tx: &DatabaseTransaction,
    id: Uuid,
    units: impl Fn(&order_line::Model) -> i32,
) -> Result<()> {
    let lines = locked_lines(tx, id).await?;
    add_sales(tx, lines.iter().map(|line| (line.product_id, i64::from(units(line)))).collect()).await
}

/// Adds to what is sold of each product.
pub(super) async fn add_sales(tx: &DatabaseTransaction, units: BTreeMap<Uuid, i64>) -> Result<()> {
    for (product_id, units) in units.into_iter().filter(|(_, units)| *units != 0) {
        // A row may not be negative, not even one that only proposes a change.
        let new = product_sales::ActiveModel { product_id: Set(product_id), units: Set(Ord::max(units, 0)) };
        let sold = Expr::col((product_sales::Entity, product_sales::Column::Units));
        let sum = ExprTrait::add(sold, units);
        let grow =
            OnConflict::column(product_sales::Column::ProductId).value(product_sales::Column::Units, sum).to_owned();
        product_sales::Entity::insert(new).on_conflict(grow).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Writes what the provider did.
pub(super) async fn record(
    tx: &DatabaseTransaction,
    key: &str,
    kind: ledger_entry::Kind,
    order: &order::Model,
    amount_minor: i64,
) -> Result<()> {
    let entry = ledger_entry::Model {
        key: key.to_owned(),
        order_id: order.id,
        kind,
        amount_minor,
        currency: order.currency.clone(),
        at: now_millis(),
    };
    entry.into_active_model().reset_all().insert(tx).await?;
    Ok(())
}

/// Something that happened.
pub(super) struct Event {
    pub(super) kind: order_event::Kind,
    pub(super) amount_minor: Option<i64>,
    pub(super) reason: Option<String>,
    pub(super) fulfillment_id: Option<Uuid>,
    pub(super) return_id: Option<Uuid>,
}

impl Event {
    pub(super) fn of(kind: order_event::Kind) -> Self {
        Self { kind, amount_minor: None, reason: None, fulfillment_id: None, return_id: None }
    }
}

/// Adds to the history and tells subscriptions, once the transaction is committed.
pub(super) async fn add_event(tx: &DatabaseTransaction, order: &order::Model, by: By, event: Event) -> Result<()> {
    let row = order_event::Model {
        id: Uuid::now_v7(),
        order_id: order.id,
        kind: event.kind,
        at: now_millis(),
        actor: by.actor,
        actor_id: by.id,
        amount_minor: event.amount_minor,
        reason: event.reason,
        fulfillment_id: event.fulfillment_id,
        return_id: event.return_id,
    };
    row.into_active_model().reset_all().insert(tx).await?;
    let payload = serde_json::json!({ "id": order.id });
    for subject in [changes::of_order(order.id), changes::of_buyer(order.buyer_id)] {
        service::events::add(tx, order.id, subject, &payload).await?;
    }
    Ok(())
}
