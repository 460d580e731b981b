//! Paying back: a part of an order, or what a cancelled order has paid. Knows no GraphQL and no step of an order.
//!
//! The row is the promise: with it, the sum of an order's refunds is written under the order's lock, so it never exceeds what was taken.
//! Whoever comes by calls the provider with the refund's id as the key, until the provider has decided.

use std::collections::BTreeMap;

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use service::{Code, Error, Money, Result};
use uuid::Uuid;

use super::quote::path_of;
use super::store::{self, Event};
use super::{By, Saga, SagaError};
use crate::clock::{millis, now_millis};
use crate::entity::refund::{Column, Line, Lines, Status};
use crate::entity::{ledger_entry, order, order_event, order_line, refund};
use crate::offer::WantedLine;
use crate::payment::Refund;

/// What is to be paid back.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) order: Uuid,
    /// The caller's key: repeating the request does not pay again.
    pub(crate) idempotency_key: String,
    /// Units that come back, or will not be sent.
    pub(crate) lines: Vec<WantedLine>,
    /// Whether shipping is paid back too.
    pub(crate) shipping: bool,
    /// How much; otherwise what the lines and shipping have cost, with tax.
    pub(crate) amount: Option<Money>,
    pub(crate) reason: String,
    pub(crate) by: By,
}

/// The code of an order for which there is nothing to pay back.
pub(crate) const NOT_REFUNDABLE: Code = Code::Own("NOT_REFUNDABLE");

/// Promises the refund and tries to pay it; for a repeated request, returns the first one.
pub(crate) async fn refund(saga: &Saga, wanted: &Wanted) -> Result<refund::Model> {
    let id = Uuid::new_v5(&wanted.order, format!("refund/{}", wanted.idempotency_key).as_bytes());
    let lease = millis(saga.policy.lease);
    let refund = saga.db.write(|tx| async move { promise(&tx, id, wanted, lease).await }).await?;
    attempt(saga, &refund).await;
    find(saga, id).await
}

/// Tries to pay all that is promised for the order. What fails is left to the reconciler.
pub(super) async fn pay_all(saga: &Saga, order: &order::Model) {
    if order.refunded_minor == 0 {
        return;
    }
    let pending =
        refund::Entity::find().filter(Column::OrderId.eq(order.id)).filter(Column::Status.eq(Status::Pending));
    match pending.all(saga.db.reader()).await {
        Ok(pending) => {
            for refund in pending {
                attempt(saga, &refund).await;
            }
        }
        Err(error) => tracing::warn!(%error, order = %order.id, "The refunds of an order could not be read"),
    }
}

/// The refunds that are due.
pub(super) async fn due(saga: &Saga, most: u64) -> Result<Vec<refund::Model>> {
    Ok(refund::Entity::find()
        // Written out, for the index that has only these rows.
        .filter(Expr::cust("status = 'PENDING'"))
        .filter(Column::DueAt.lte(now_millis()))
        .order_by_asc(Column::DueAt)
        .limit(most)
        .all(saga.db.reader())
        .await?)
}

/// Claims the refund for the duration of a lease. Of several callers, one succeeds.
pub(super) async fn claim(saga: &Saga, refund: &refund::Model) -> Result<bool> {
    let claimed = refund::Entity::update_many()
        .col_expr(Column::DueAt, Expr::value(now_millis() + millis(saga.policy.lease)))
        .col_expr(Column::Attempts, Expr::value(refund.attempts.saturating_add(1)))
        .filter(Column::Id.eq(refund.id))
        .filter(Column::Status.eq(Status::Pending))
        .filter(Column::DueAt.eq(refund.due_at))
        .exec(saga.db.reader())
        .await?;
    Ok(claimed.rows_affected == 1)
}

/// Tries to pay. If that fails, it is due again after a wait.
pub(super) async fn attempt(saga: &Saga, refund: &refund::Model) {
    let Err(error) = pay(saga, refund).await else { return };
    saga.counters.failed_steps.inc();
    let wait = saga.policy.wait_after(&error, refund.attempts.saturating_add(1));
    let cause = format!("{:#}", anyhow::Error::new(error));
    tracing::warn!(refund = %refund.id, order = %refund.order_id, cause, ?wait, "A refund failed and will be retried");
    let again = refund::Entity::update_many()
        .col_expr(Column::DueAt, Expr::value(now_millis() + millis(wait)))
        .col_expr(Column::Failure, Expr::value(cause))
        .filter(Column::Id.eq(refund.id))
        .filter(Column::Status.eq(Status::Pending));
    if let Err(error) = again.exec(saga.db.reader()).await {
        // The lease expires by itself, and then it is due again.
        tracing::error!(%error, refund = %refund.id, "The retry of a refund could not be scheduled");
    }
}

async fn pay(saga: &Saga, refund: &refund::Model) -> Result<(), SagaError> {
    let order = store::order(&saga.db, refund.order_id).await?;
    let payment_id = order.payment_id.as_deref().ok_or(SagaError::NoPayment(order.id))?;
    let amount = Money::from_columns(refund.amount_minor, &order.currency).map_err(Error::internal)?;
    let key = format!("{}-refund", refund.id.simple());
    match saga.payments.refund(&key, payment_id, amount).await? {
        Refund::Refunded => Ok(paid(saga, refund.id, &key).await?),
        Refund::Refused { reason } => Ok(failed(saga, refund.id, &reason).await?),
    }
}

/// The provider has paid.
async fn paid(saga: &Saga, id: Uuid, key: &str) -> Result<()> {
    saga.db
        .write(|tx| async move {
            let Some((order, mut refund)) = pending(&tx, id).await? else { return Ok(()) };
            refund.status = Status::Succeeded;
            refund.failure = None;
            store::record(&tx, key, ledger_entry::Kind::Refund, &order, refund.amount_minor).await?;
            let event = Event {
                amount_minor: Some(refund.amount_minor),
                reason: Some(refund.reason.clone()),
                ..Event::of(order_event::Kind::Refunded)
            };
            let by = By { actor: refund.actor, id: refund.actor_id };
            store::add_event(&tx, &order, by, event).await?;
            refund.into_active_model().reset_all().update(&*tx).await?;
            Ok(())
        })
        .await
}

/// The provider refuses: the amount can be promised again, and the units are as before.
async fn failed(saga: &Saga, id: Uuid, reason: &str) -> Result<()> {
    tracing::error!(refund = %id, reason, "The payment provider refuses a refund; it needs attention");
    saga.counters.stuck.inc();
    saga.db
        .write(|tx| async move {
            let Some((mut order, mut refund)) = pending(&tx, id).await? else { return Ok(()) };
            refund.status = Status::Failed;
            refund.failure = Some(reason.to_owned());
            order.refunded_minor -= refund.amount_minor;
            change_lines(&tx, &order, &refund.lines, -1).await?;
            let event = Event {
                amount_minor: Some(refund.amount_minor),
                reason: Some(reason.to_owned()),
                ..Event::of(order_event::Kind::RefundFailed)
            };
            store::add_event(&tx, &order, By::SYSTEM, event).await?;
            refund.into_active_model().reset_all().update(&*tx).await?;
            store::save(&tx, order).await
        })
        .await
}

/// A refund that is not decided yet, with its order, whose row is locked.
async fn pending(tx: &DatabaseTransaction, id: Uuid) -> Result<Option<(order::Model, refund::Model)>> {
    let Some(refund) = refund::Entity::find_by_id(id).one(tx).await? else { return Ok(None) };
    let Some(order) = store::locked(tx, refund.order_id).await? else { return Ok(None) };
    // Read again under the lock.
    let refund = refund::Entity::find_by_id(id).one(tx).await?;
    Ok(refund.filter(|refund| refund.status == Status::Pending).map(|refund| (order, refund)))
}

async fn find(saga: &Saga, id: Uuid) -> Result<refund::Model> {
    let refund = refund::Entity::find_by_id(id).one(saga.db.reader()).await?;
    refund.ok_or_else(|| SagaError::Gone(id).into())
}

async fn promise(tx: &DatabaseTransaction, id: Uuid, wanted: &Wanted, lease: i64) -> Result<refund::Model> {
    let order = store::locked(tx, wanted.order).await?.ok_or_else(|| Error::from(SagaError::Gone(wanted.order)))?;
    if let Some(refund) = refund::Entity::find_by_id(id).one(tx).await? {
        return same_request(refund, wanted);
    }
    let left = order.captured_minor - order.refunded_minor;
    if left == 0 {
        let message = if order.captured_minor == 0 {
            "Nothing was taken for this order, so there is nothing to pay back."
        } else {
            "All that was paid for this order is paid back already."
        };
        return Err(Error::new(NOT_REFUNDABLE, message).at(["input", "orderId"]));
    }
    let lines = split(&order, &store::locked_lines(tx, order.id).await?, &wanted.lines)?;
    let amount_minor = amount(&order, &store::locked_lines(tx, order.id).await?, wanted, left)?;
    change_lines(tx, &order, &lines, 1).await?;
    let order = order::Model { refunded_minor: order.refunded_minor + amount_minor, ..order };
    let now = now_millis();
    let refund = refund::Model {
        id,
        order_id: order.id,
        status: Status::Pending,
        amount_minor,
        lines,
        reason: wanted.reason.clone(),
        actor: wanted.by.actor,
        actor_id: wanted.by.id,
        created_at: now,
        due_at: now + lease,
        attempts: 0,
        failure: None,
    };
    store::save(tx, order).await?;
    Ok(refund.into_active_model().reset_all().insert(tx).await?)
}

fn same_request(refund: refund::Model, wanted: &Wanted) -> Result<refund::Model> {
    let written = refund.lines.0.iter().map(|line| (line.product_id, line.cancelled + line.returned));
    let wants = wanted.lines.iter().map(|line| (line.product, line.quantity));
    let same_amount = wanted.amount.is_none_or(|amount| amount.minor() == refund.amount_minor);
    if same_amount && wanted.reason == refund.reason && written.collect::<BTreeMap<_, _>>() == wants.collect() {
        return Ok(refund);
    }
    Err(Error::conflict("This `idempotencyKey` belongs to another refund of the order. Use a new key.")
        .at(["input", "idempotencyKey"]))
}

/// Units that are not sent yet are taken first: they will not be sent.
fn split(order: &order::Model, lines: &[order_line::Model], wanted: &[WantedLine]) -> Result<Lines> {
    if order.status != order::Status::Placed && !wanted.is_empty() {
        let message =
            "Only an order that is placed has units to take back. For a cancelled one, give the amount alone.";
        return Err(Error::bad_input(message).at(["input", "lines"]));
    }
    let mut taken = Vec::with_capacity(wanted.len());
    for (index, wanted) in wanted.iter().enumerate() {
        let line = lines.iter().find(|line| line.product_id == wanted.product);
        let line =
            line.ok_or_else(|| Error::bad_input("The order has no such product.").at(path_of(index, "productId")))?;
        if taken.iter().any(|taken: &Line| taken.product_id == wanted.product) {
            return Err(Error::bad_input("This product is in another line too.").at(path_of(index, "productId")));
        }
        if !(1..=line.refundable()).contains(&wanted.quantity) {
            let message =
                format!("`quantity` must be 1 to {}: the units that are not paid back yet.", line.refundable());
            return Err(Error::bad_input(message).at(path_of(index, "quantity")));
        }
        let cancelled = wanted.quantity.min(line.unfulfilled());
        taken.push(Line { product_id: wanted.product, cancelled, returned: wanted.quantity - cancelled });
    }
    Ok(Lines(taken))
}

/// What is paid back; at most what is left.
fn amount(order: &order::Model, lines: &[order_line::Model], wanted: &Wanted, left: i64) -> Result<i64> {
    if let Some(amount) = wanted.amount {
        let field = ["input", "amount"];
        if amount.currency().code() != order.currency {
            return Err(Error::bad_input(format!("The order was paid in {}.", order.currency)).at(field));
        }
        if !(1..=left).contains(&amount.minor()) {
            let most = Money::from_columns(left, &order.currency).map_err(Error::internal)?;
            return Err(Error::bad_input(format!(
                "`amount` must be more than 0, and at most {most}, which is not paid back yet."
            ))
            .at(field));
        }
        return Ok(amount.minor());
    }
    let goods = wanted.lines.iter().map(|wanted| {
        let line = lines.iter().find(|line| line.product_id == wanted.product);
        line.map_or(0, |line| i128::from(line.unit_price_minor) * i128::from(wanted.quantity))
    });
    let shipping = if wanted.shipping { i128::from(order.shipping_minor) } else { 0 };
    let net = goods.sum::<i128>() + shipping;
    let taxed = i128::from(order.subtotal_minor) + i128::from(order.shipping_minor);
    // Its share of the tax, half up.
    let tax = if taxed == 0 { 0 } else { (i128::from(order.tax_minor) * net * 2 + taxed) / (taxed * 2) };
    match i64::try_from(net + tax).unwrap_or(i64::MAX).min(left) {
        0 => Err(Error::bad_input("Say what to pay back: `lines`, `shipping` or `amount`.").at(["input"])),
        amount => Ok(amount),
    }
}

/// Takes units from the order's lines and from what is sold, or gives them back.
async fn change_lines(tx: &DatabaseTransaction, order: &order::Model, taken: &Lines, sign: i32) -> Result<()> {
    let mut sales = BTreeMap::new();
    for mut line in store::locked_lines(tx, order.id).await? {
        let Some(taken) = taken.0.iter().find(|taken| taken.product_id == line.product_id) else { continue };
        line.cancelled += sign * taken.cancelled;
        line.returned += sign * taken.returned;
        if order.status == order::Status::Placed {
            sales.insert(line.product_id, -i64::from(sign * (taken.cancelled + taken.returned)));
        }
        store::save_line(tx, line).await?;
    }
    store::add_sales(tx, sales).await
}
