//! Paying back: a part of an order, or what a cancelled order has paid. Knows no GraphQL and no step of an order.
//!
//! The row is the promise: with it, the sum of an order's refunds is written under the order's lock, so it never exceeds what was taken.
//! Whoever comes by calls the provider with the refund's id as the key, until the provider has decided. Then its units go back on the
//! shelf (`restock.rs`): not before, since a refund that is refused gives them back to the order.

use std::collections::BTreeMap;

use sea_orm::{ActiveModelTrait, DatabaseTransaction, EntityTrait, IntoActiveModel};
use service::clock::{millis, now_millis};
use service::{Code, Error, Money, Result};
use uuid::Uuid;

use super::lines::named;
use super::promise::{self, Due, Promise};
use super::store::{self, Event};
use super::{By, Saga, SagaError, restock};
use crate::entity::refund::{Line, Lines, Status};
use crate::entity::{ledger_entry, order, order_event, order_line, refund, restock as restock_row};
use crate::offer::{WantedLine, path_of};
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
    /// Whether the units go back on the shelf; otherwise those do that were not sent.
    pub(crate) restock: Option<bool>,
    pub(crate) reason: String,
    pub(crate) by: By,
}

impl Wanted {
    /// How many units of the line go back on the shelf.
    fn restocked(&self, line: &Line) -> i32 {
        match self.restock {
            None => line.cancelled,
            Some(true) => line.cancelled + line.returned,
            Some(false) => 0,
        }
    }
}

/// The code of an order for which there is nothing to pay back.
pub(crate) const NOT_REFUNDABLE: Code = Code::Own("NOT_REFUNDABLE");

/// Promises the refund and tries to pay it; for a repeated request, returns the first one.
pub(crate) async fn refund(saga: &Saga, wanted: &Wanted) -> Result<refund::Model> {
    let id = Uuid::new_v5(&wanted.order, format!("refund/{}", wanted.idempotency_key).as_bytes());
    let lease = millis(saga.policy.lease);
    let refund = saga.db.write(|tx| async move { promise_once(&tx, id, wanted, lease).await }).await?;
    pay(saga, &refund).await;
    find(saga, id).await
}

/// Tries to pay the refund, and to put its units back. What fails is left to the reconciler.
pub(super) async fn pay(saga: &Saga, refund: &refund::Model) {
    if refund.status == Status::Pending {
        promise::attempt(saga, refund).await;
    }
    promise::keep_all::<restock_row::Model>(saga, refund.order_id).await;
}

impl Promise for refund::Model {
    type Table = refund::Entity;

    const WHAT: &'static str = "refund";

    fn due(&self) -> Due {
        Due { id: self.id, due_at: self.due_at, attempts: self.attempts }
    }

    async fn keep(&self, saga: &Saga) -> Result<(), SagaError> {
        let order = store::order(&saga.db, self.order_id).await?;
        let payment_id = order.payment_id.as_deref().ok_or(SagaError::NoPayment(order.id))?;
        let amount = Money::from_columns(self.amount_minor, &order.currency).map_err(Error::internal)?;
        let key = format!("{}-refund", self.id.simple());
        match saga.payments.refund(&key, payment_id, amount).await? {
            Refund::Refunded => Ok(paid(saga, self.id, &key).await?),
            Refund::Refused { reason } => Ok(failed(saga, self.id, &reason).await?),
        }
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
            restock::promise(&tx, id, order.id, refund.lines.restocked()).await?;
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
            change_lines(&tx, &order, store::locked_lines(&tx, order.id).await?, &refund.lines, -1).await?;
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
    let found = store::locked_with::<refund::Entity>(tx, id, |refund| refund.order_id).await?;
    Ok(found.filter(|(_, refund)| refund.status == Status::Pending))
}

/// The refund, which must exist.
pub(super) async fn find(saga: &Saga, id: Uuid) -> Result<refund::Model> {
    let refund = refund::Entity::find_by_id(id).one(saga.db.reader()).await?;
    refund.ok_or_else(|| SagaError::Gone(id).into())
}

async fn promise_once(tx: &DatabaseTransaction, id: Uuid, wanted: &Wanted, lease: i64) -> Result<refund::Model> {
    let order = store::locked(tx, wanted.order).await?.ok_or_else(|| Error::from(SagaError::Gone(wanted.order)))?;
    if let Some(refund) = refund::Entity::find_by_id(id).one(tx).await? {
        return same_request(refund, wanted);
    }
    if order.captured_minor == order.refunded_minor {
        let message = if order.captured_minor == 0 {
            "Nothing was taken for this order, so there is nothing to pay back."
        } else {
            "All that was paid for this order is paid back already."
        };
        return Err(Error::new(NOT_REFUNDABLE, message).at(["input", "orderId"]));
    }
    let rows = store::locked_lines(tx, order.id).await?;
    let lines = split(&order, &rows, wanted)?;
    let (shipping, amount) = (wanted.shipping, wanted.amount);
    let promised = Promised { id, lines, shipping, amount, reason: &wanted.reason, by: wanted.by, lease };
    let nothing = || Error::bad_input("Say what to pay back: `lines`, `shipping` or `amount`.").at(["input"]);
    promise(tx, order, rows, promised).await?.ok_or_else(nothing)
}

/// What is paid back for units of an order.
pub(super) struct Promised<'a> {
    pub(super) id: Uuid,
    pub(super) lines: Lines,
    pub(super) shipping: bool,
    pub(super) amount: Option<Money>,
    pub(super) reason: &'a str,
    pub(super) by: By,
    /// For how long it is the caller's to pay, in milliseconds.
    pub(super) lease: i64,
}

/// Takes the units from the order, whose row is locked, and promises to pay for them. If there is nothing to pay, they go back on the
/// shelf at once, and there is no refund.
pub(super) async fn promise(
    tx: &DatabaseTransaction,
    order: order::Model,
    rows: Vec<order_line::Model>,
    promised: Promised<'_>,
) -> Result<Option<refund::Model>> {
    let amount_minor = amount(&order, &rows, &promised)?;
    change_lines(tx, &order, rows, &promised.lines, 1).await?;
    if amount_minor == 0 {
        restock::promise(tx, promised.id, order.id, promised.lines.restocked()).await?;
        return Ok(None);
    }
    let order = order::Model { refunded_minor: order.refunded_minor + amount_minor, ..order };
    let now = now_millis();
    let refund = refund::Model {
        id: promised.id,
        order_id: order.id,
        status: Status::Pending,
        amount_minor,
        lines: promised.lines,
        reason: promised.reason.to_owned(),
        actor: promised.by.actor,
        actor_id: promised.by.id,
        created_at: now,
        due_at: now + promised.lease,
        attempts: 0,
        failure: None,
    };
    store::save(tx, order).await?;
    Ok(Some(refund.into_active_model().reset_all().insert(tx).await?))
}

fn same_request(refund: refund::Model, wanted: &Wanted) -> Result<refund::Model> {
    let written = refund.lines.0.iter().map(|line| (line.product_id, line.cancelled + line.returned));
    let wants = wanted.lines.iter().map(|line| (line.product, line.quantity));
    let same_amount = wanted.amount.is_none_or(|amount| amount.minor() == refund.amount_minor);
    let same_shelf = refund.lines.0.iter().all(|line| line.restock == wanted.restocked(line));
    if same_amount
        && same_shelf
        && wanted.reason == refund.reason
        && written.collect::<BTreeMap<_, _>>() == wants.collect()
    {
        return Ok(refund);
    }
    Err(Error::conflict("This `idempotencyKey` belongs to another refund of the order. Use a new key.")
        .at(["input", "idempotencyKey"]))
}

/// Units that are not sent yet are taken first: they will not be sent.
fn split(order: &order::Model, rows: &[order_line::Model], wanted: &Wanted) -> Result<Lines> {
    if order.status != order::Status::Placed && !wanted.lines.is_empty() {
        let message =
            "Only an order that is placed has units to take back. For a cancelled one, give the amount alone.";
        return Err(Error::bad_input(message).at(["input", "lines"]));
    }
    let rows = named(rows, &wanted.lines)?;
    let mut taken = Vec::with_capacity(rows.len());
    for (index, (row, quantity)) in rows.into_iter().enumerate() {
        if !(1..=row.refundable()).contains(&quantity) {
            let message =
                format!("`quantity` must be 1 to {}: the units that are not paid back yet.", row.refundable());
            return Err(Error::bad_input(message).at(path_of(index, "quantity")));
        }
        let cancelled = quantity.min(row.unfulfilled());
        let line = Line { product_id: row.product_id, cancelled, returned: quantity - cancelled, restock: 0 };
        taken.push(Line { restock: wanted.restocked(&line), ..line });
    }
    Ok(Lines(taken))
}

/// What is paid back; at most what is left.
fn amount(order: &order::Model, rows: &[order_line::Model], promised: &Promised<'_>) -> Result<i64> {
    let left = order.captured_minor - order.refunded_minor;
    if let Some(amount) = promised.amount {
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
    let goods = promised.lines.0.iter().map(|line| {
        let row = rows.iter().find(|row| row.product_id == line.product_id);
        row.map_or(0, |row| i128::from(row.unit_price_minor) * i128::from(line.cancelled + line.returned))
    });
    let shipping = if promised.shipping { i128::from(order.shipping_minor) } else { 0 };
    let net = goods.sum::<i128>() + shipping;
    let taxed = i128::from(order.subtotal_minor) + i128::from(order.shipping_minor);
    // Its share of the tax, half up.
    let tax = if taxed == 0 { 0 } else { (i128::from(order.tax_minor) * net * 2 + taxed) / (taxed * 2) };
    Ok(i64::try_from(net + tax).unwrap_or(i64::MAX).min(left))
}

/// Takes units from the order's lines and from what is sold, or gives them back.
async fn change_lines(
    tx: &DatabaseTransaction,
    order: &order::Model,
    rows: Vec<order_line::Model>,
    taken: &Lines,
    sign: i32,
) -> Result<()> {
    let mut sales = BTreeMap::new();
    for mut line in rows {
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
