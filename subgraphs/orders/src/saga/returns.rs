//! Goods that a buyer sends back: announced, then received by the shop, which pays for them. Knows no GraphQL.
//!
//! ```text
//!             request               receive
//!  (no row) ─────────▶ REQUESTED ───────────▶ RECEIVED      a refund, and units that go back on the shelf
//!                          │ decline, cancel
//!                          ▼
//!                      DECLINED, CANCELLED
//! ```
//!
//! What is announced may not be announced again, so that the returns of an order never have more than was sent.

use std::collections::BTreeMap;

use sea_orm::{ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter};
use service::clock::{millis, now_millis};
use service::{Code, Database, Error, Money, Result};
use uuid::Uuid;

use super::lines::named;
use super::refund::{self, Promised};
use super::store::{self, Event};
use super::{By, Saga, SagaError, promise};
use crate::entity::order::{self, Status as OrderStatus};
use crate::entity::order_event::{Actor, Kind};
use crate::entity::returns::{Column, Entity, Line, Lines, Model, Reason, Status};
use crate::entity::{fulfillment, fulfillment_line, order_line, refund as refunds, restock};
use crate::offer::{LINES, WantedLine, path_of};

/// What somebody wants to send back.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) order: Uuid,
    /// The caller's key: repeating the request does not announce another return.
    pub(crate) idempotency_key: String,
    pub(crate) lines: Vec<WantedLine>,
    pub(crate) reason: Reason,
    pub(crate) comment: Option<String>,
    pub(crate) by: By,
}

/// What has arrived of a return.
#[derive(Clone, Debug)]
pub(crate) struct Receipt {
    pub(crate) id: Uuid,
    /// All that was announced, and back on the shelf, if there are none.
    pub(crate) lines: Vec<ReceivedLine>,
    /// Whether shipping is paid back too.
    pub(crate) shipping: bool,
    /// How much is paid back; otherwise what the units have cost, with tax.
    pub(crate) amount: Option<Money>,
    pub(crate) by: By,
}

/// Units that have arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceivedLine {
    pub(crate) line: WantedLine,
    /// Whether they can be sold again.
    pub(crate) restock: bool,
}

/// The code of goods that can't be sent back, or of a return that is closed.
pub(crate) const NOT_RETURNABLE: Code = Code::Own("NOT_RETURNABLE");

/// Announces a return; for a repeated request, returns the first one.
pub(crate) async fn request(saga: &Saga, wanted: &Wanted) -> Result<Model> {
    let id = Uuid::new_v5(&wanted.order, format!("return/{}", wanted.idempotency_key).as_bytes());
    let within = millis(saga.policy.return_within);
    saga.db.write(|tx| async move { request_once(&tx, id, wanted, within).await }).await
}

/// The shop does not take the goods back. Doing it again changes nothing.
pub(crate) async fn decline(db: &Database, id: Uuid, by: By, reason: &str) -> Result<Model> {
    db.write(|tx| async move { close(&tx, id, by, Status::Declined, Some(reason)).await }).await
}

/// The buyer keeps the goods. Doing it again changes nothing.
pub(crate) async fn cancel(db: &Database, id: Uuid, by: By) -> Result<Model> {
    db.write(|tx| async move { close(&tx, id, by, Status::Cancelled, None).await }).await
}

/// The goods have arrived: pays for them, and puts on the shelf what can be sold again. For a repeated request, changes nothing.
pub(crate) async fn receive(saga: &Saga, receipt: &Receipt) -> Result<Model> {
    let lease = millis(saga.policy.lease);
    let received = saga.db.write(|tx| async move { receive_once(&tx, receipt, lease).await }).await?;
    match received.refund_id {
        Some(id) => refund::pay(saga, &refund::find(saga, id).await?).await,
        None => promise::keep_all::<restock::Model>(saga, received.order_id).await,
    }
    Ok(received)
}

/// How many units of each product of the order are announced and not decided yet.
pub(crate) fn announced<'a>(returns: impl IntoIterator<Item = &'a Model>) -> BTreeMap<Uuid, i32> {
    let mut units = BTreeMap::new();
    for line in returns.into_iter().filter(|row| row.status == Status::Requested).flat_map(|row| &row.lines.0) {
        *units.entry(line.product_id).or_default() += line.quantity;
    }
    units
}

async fn request_once(tx: &DatabaseTransaction, id: Uuid, wanted: &Wanted, within: i64) -> Result<Model> {
    let order = store::locked(tx, wanted.order).await?.ok_or_else(|| Error::from(SagaError::Gone(wanted.order)))?;
    if let Some(found) = Entity::find_by_id(id).one(tx).await? {
        return same_request(found, wanted);
    }
    if order.status != OrderStatus::Placed {
        let message = "Nothing of this order is with the buyer, so nothing can be sent back.";
        return Err(Error::new(NOT_RETURNABLE, message).at(["input", "orderId"]));
    }
    if wanted.lines.is_empty() {
        return Err(Error::bad_input("Say what is sent back: give at least one line.").at(LINES));
    }
    let others = Entity::find().filter(Column::OrderId.eq(order.id)).all(tx).await?;
    let (rows, announced) = (store::locked_lines(tx, order.id).await?, announced(&others));
    let too_late = match wanted.by.actor {
        Actor::Buyer => came_before(tx, order.id, now_millis() - within).await?,
        Actor::Staff | Actor::System => Vec::new(),
    };
    let lines = named(&rows, &wanted.lines)?;
    for (index, (row, quantity)) in lines.iter().enumerate() {
        let most = row.with_buyer() - announced.get(&row.product_id).unwrap_or(&0);
        let refused = |message: &str| Err(Error::new(NOT_RETURNABLE, message).at(path_of(index, "productId")));
        if most <= 0 {
            return refused("The buyer has no unit of this product that is not sent back yet.");
        }
        if !(1..=most).contains(quantity) {
            let message = format!("`quantity` must be 1 to {most}: the units that are not sent back yet.");
            return Err(Error::bad_input(message).at(path_of(index, "quantity")));
        }
        if too_late.contains(&row.product_id) {
            return refused("It is too late to send this product back. Ask the shop.");
        }
    }
    let line = |(row, quantity): (&order_line::Model, i32)| Line {
        product_id: row.product_id,
        quantity,
        received: 0,
        restocked: 0,
    };
    let row = Model {
        id,
        order_id: order.id,
        status: Status::Requested,
        lines: Lines(lines.into_iter().map(line).collect()),
        reason: wanted.reason,
        comment: wanted.comment.clone(),
        actor: wanted.by.actor,
        actor_id: wanted.by.id,
        created_at: now_millis(),
        closed_at: None,
        decline_reason: None,
        refund_id: None,
    };
    add_event(tx, &order, wanted.by, Kind::ReturnRequested, id, None).await?;
    Ok(row.into_active_model().reset_all().insert(tx).await?)
}

/// The products of which the last parcel came before this time. One that has not arrived counts from when it was sent.
async fn came_before(tx: &DatabaseTransaction, order: Uuid, time: i64) -> Result<Vec<Uuid>> {
    let parcels = fulfillment::Entity::find().filter(fulfillment::Column::OrderId.eq(order)).all(tx).await?;
    let contents = fulfillment_line::Entity::find()
        .filter(fulfillment_line::Column::FulfillmentId.is_in(parcels.iter().map(|parcel| parcel.id)))
        .all(tx)
        .await?;
    let mut last: BTreeMap<Uuid, i64> = BTreeMap::new();
    for line in contents {
        let parcel = parcels.iter().find(|parcel| parcel.id == line.fulfillment_id);
        let came = parcel.map_or(i64::MAX, |parcel| parcel.delivered_at.unwrap_or(parcel.shipped_at));
        let last = last.entry(line.product_id).or_insert(came);
        *last = came.max(*last);
    }
    Ok(last.into_iter().filter(|(_, came)| *came < time).map(|(product, _)| product).collect())
}

fn same_request(found: Model, wanted: &Wanted) -> Result<Model> {
    let written: BTreeMap<Uuid, i32> = found.lines.0.iter().map(|line| (line.product_id, line.quantity)).collect();
    let wants = wanted.lines.iter().map(|line| (line.product, line.quantity)).collect();
    if (found.reason, &found.comment) == (wanted.reason, &wanted.comment) && written == wants {
        return Ok(found);
    }
    Err(Error::conflict("This `idempotencyKey` belongs to another return of the order. Use a new key.")
        .at(["input", "idempotencyKey"]))
}

async fn close(tx: &DatabaseTransaction, id: Uuid, by: By, to: Status, reason: Option<&str>) -> Result<Model> {
    let (order, row) = find(tx, id).await?;
    if row.status == to {
        return Ok(row);
    }
    open(&row)?;
    let kind = if to == Status::Declined { Kind::ReturnDeclined } else { Kind::ReturnCancelled };
    add_event(tx, &order, by, kind, id, reason).await?;
    let row = Model { status: to, closed_at: Some(now_millis()), decline_reason: reason.map(str::to_owned), ..row };
    Ok(row.into_active_model().reset_all().update(tx).await?)
}

async fn receive_once(tx: &DatabaseTransaction, receipt: &Receipt, lease: i64) -> Result<Model> {
    let (order, row) = find(tx, receipt.id).await?;
    let lines = received(&row.lines, &receipt.lines)?;
    if row.status == Status::Received && row.lines == lines {
        return Ok(row);
    }
    open(&row)?;
    let rows = store::locked_lines(tx, order.id).await?;
    let is_there =
        |line: &Line| rows.iter().any(|row| row.product_id == line.product_id && row.with_buyer() >= line.received);
    if !lines.0.iter().all(is_there) {
        let message =
            "Some of these units were paid back without this return. Give the `lines` that were not, or decline it.";
        return Err(Error::new(NOT_RETURNABLE, message).at(LINES));
    }
    add_event(tx, &order, receipt.by, Kind::ReturnReceived, row.id, None).await?;
    let reason = format!("returned: {}", row.reason);
    let promised = Promised {
        id: Uuid::new_v5(&order.id, format!("refund/return/{}", row.id).as_bytes()),
        lines: lines.refunded(),
        shipping: receipt.shipping,
        amount: receipt.amount,
        reason: &reason,
        by: receipt.by,
        lease,
    };
    let refund: Option<refunds::Model> = refund::promise(tx, order, rows, promised).await?;
    let row = Model {
        status: Status::Received,
        closed_at: Some(now_millis()),
        lines,
        refund_id: refund.map(|refund| refund.id),
        ..row
    };
    Ok(row.into_active_model().reset_all().update(tx).await?)
}

/// What has arrived of what was announced.
fn received(announced: &Lines, arrived: &[ReceivedLine]) -> Result<Lines> {
    let all = |line: &Line| Line { received: line.quantity, restocked: line.quantity, ..*line };
    if arrived.is_empty() {
        return Ok(Lines(announced.0.iter().map(all).collect()));
    }
    let mut lines: Vec<Line> = announced.0.iter().map(|line| Line { received: 0, restocked: 0, ..*line }).collect();
    for (index, arrived) in arrived.iter().enumerate() {
        let line = lines.iter_mut().find(|line| line.product_id == arrived.line.product);
        let line =
            line.ok_or_else(|| Error::bad_input("The return has no such product.").at(path_of(index, "productId")))?;
        // In two lines if some of the units can be sold again and others can't.
        let left = line.quantity - line.received;
        if !(1..=left).contains(&arrived.line.quantity) {
            let message = format!("`quantity` must be 1 to {left}: the units that were announced.");
            return Err(Error::bad_input(message).at(path_of(index, "quantity")));
        }
        line.received += arrived.line.quantity;
        line.restocked += if arrived.restock { arrived.line.quantity } else { 0 };
    }
    Ok(Lines(lines))
}

/// The return with its order, whose row is locked.
async fn find(tx: &DatabaseTransaction, id: Uuid) -> Result<(order::Model, Model)> {
    let found = store::locked_with::<Entity>(tx, id, |row| row.order_id).await?;
    found.ok_or_else(|| SagaError::Gone(id).into())
}

/// Refuses a return that is decided.
fn open(row: &Model) -> Result<()> {
    let was = match row.status {
        Status::Requested => return Ok(()),
        Status::Received => "received",
        Status::Declined => "declined",
        Status::Cancelled => "cancelled",
    };
    Err(Error::new(NOT_RETURNABLE, format!("The return was {was} already.")).at(["input", "id"]))
}

async fn add_event(
    tx: &DatabaseTransaction,
    order: &order::Model,
    by: By,
    kind: Kind,
    id: Uuid,
    reason: Option<&str>,
) -> Result<()> {
    let event = Event { return_id: Some(id), reason: reason.map(str::to_owned), ..Event::of(kind) };
    store::add_event(tx, order, by, event).await
}
