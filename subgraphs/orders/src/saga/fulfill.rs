//! Sending what was sold, in one parcel or several. Knows no carrier and no GraphQL.

use std::collections::BTreeMap;

use sea_orm::{ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter};
use service::clock::now_millis;
use service::{Code, Database, Error, Result};
use uuid::Uuid;

use super::lines::named;
use super::store::{self, Event};
use super::{By, SagaError};
use crate::entity::order::{self, Status, Step};
use crate::entity::{fulfillment, fulfillment_line, order_event, order_line};
use crate::offer::{WantedLine, path_of};

/// A parcel.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) order: Uuid,
    /// The caller's key: repeating the request does not send another parcel.
    pub(crate) idempotency_key: String,
    /// What is in it; all that is not sent yet if it is empty.
    pub(crate) lines: Vec<WantedLine>,
    pub(crate) carrier: Option<String>,
    pub(crate) tracking_number: Option<String>,
    pub(crate) by: By,
}

/// The code of an order of which nothing can be sent.
pub(crate) const NOT_FULFILLABLE: Code = Code::Own("NOT_FULFILLABLE");

/// Writes that a parcel was sent; for a repeated request, returns the first one.
pub(crate) async fn ship(db: &Database, wanted: &Wanted) -> Result<fulfillment::Model> {
    let id = Uuid::new_v5(&wanted.order, format!("fulfillment/{}", wanted.idempotency_key).as_bytes());
    db.write(|tx| async move { ship_in(&tx, id, wanted).await }).await
}

/// Writes that a parcel has arrived, once.
pub(crate) async fn deliver(db: &Database, id: Uuid, by: By) -> Result<fulfillment::Model> {
    db.write(|tx| async move {
        let found = store::locked_with::<fulfillment::Entity>(&tx, id, |parcel| parcel.order_id).await?;
        let (order, parcel) = found.ok_or_else(|| Error::from(SagaError::Gone(id)))?;
        if parcel.delivered_at.is_some() {
            return Ok(parcel);
        }
        let parcel = fulfillment::Model { delivered_at: Some(now_millis()), ..parcel };
        let event = Event { fulfillment_id: Some(id), ..Event::of(order_event::Kind::Delivered) };
        store::add_event(&tx, &order, by, event).await?;
        Ok(parcel.into_active_model().reset_all().update(&*tx).await?)
    })
    .await
}

async fn ship_in(tx: &DatabaseTransaction, id: Uuid, wanted: &Wanted) -> Result<fulfillment::Model> {
    let order = store::locked(tx, wanted.order).await?.ok_or_else(|| Error::from(SagaError::Gone(wanted.order)))?;
    if let Some(parcel) = fulfillment::Entity::find_by_id(id).one(tx).await? {
        return same_request(tx, parcel, wanted).await;
    }
    if (order.status, order.step) != (Status::Placed, Step::Done) {
        let message = "Only an order that is placed and paid can be sent.";
        return Err(Error::new(NOT_FULFILLABLE, message).at(["input", "orderId"]));
    }
    let mut lines = store::locked_lines(tx, order.id).await?;
    let sent = contents(&lines, &wanted.lines)?;
    let parcel = fulfillment::Model {
        id,
        order_id: order.id,
        carrier: wanted.carrier.clone(),
        tracking_number: wanted.tracking_number.clone(),
        shipped_at: now_millis(),
        delivered_at: None,
    };
    let parcel = parcel.into_active_model().reset_all().insert(tx).await?;
    let rows = sent.iter().map(|line| {
        let row = fulfillment_line::Model { fulfillment_id: id, product_id: line.product, quantity: line.quantity };
        row.into_active_model().reset_all()
    });
    fulfillment_line::Entity::insert_many(rows).exec_without_returning(tx).await?;
    for line in sent {
        if let Some(row) = lines.iter_mut().find(|row| row.product_id == line.product) {
            row.fulfilled += line.quantity;
            store::save_line(tx, row.clone()).await?;
        }
    }
    add_shipped(tx, &order, wanted.by, id).await?;
    Ok(parcel)
}

async fn add_shipped(tx: &DatabaseTransaction, order: &order::Model, by: By, id: Uuid) -> Result<()> {
    let event = Event { fulfillment_id: Some(id), ..Event::of(order_event::Kind::Shipped) };
    store::add_event(tx, order, by, event).await
}

/// What is in the parcel: never more than is still to be sent.
fn contents(lines: &[order_line::Model], wanted: &[WantedLine]) -> Result<Vec<WantedLine>> {
    if wanted.is_empty() {
        let open = lines.iter().filter(|line| line.unfulfilled() > 0);
        let all: Vec<_> =
            open.map(|line| WantedLine { product: line.product_id, quantity: line.unfulfilled() }).collect();
        if all.is_empty() {
            return Err(Error::new(NOT_FULFILLABLE, "All of the order was sent already.").at(["input", "orderId"]));
        }
        return Ok(all);
    }
    for (index, (line, quantity)) in named(lines, wanted)?.into_iter().enumerate() {
        if !(1..=line.unfulfilled()).contains(&quantity) {
            let message =
                format!("`quantity` must be 1 to {}: the units that are still to be sent.", line.unfulfilled());
            return Err(Error::bad_input(message).at(path_of(index, "quantity")));
        }
    }
    Ok(wanted.to_vec())
}

async fn same_request(
    tx: &DatabaseTransaction,
    parcel: fulfillment::Model,
    wanted: &Wanted,
) -> Result<fulfillment::Model> {
    let rows =
        fulfillment_line::Entity::find().filter(fulfillment_line::Column::FulfillmentId.eq(parcel.id)).all(tx).await?;
    let written: BTreeMap<Uuid, i32> = rows.iter().map(|row| (row.product_id, row.quantity)).collect();
    let wants: BTreeMap<Uuid, i32> = wanted.lines.iter().map(|line| (line.product, line.quantity)).collect();
    let same_label = parcel.carrier == wanted.carrier && parcel.tracking_number == wanted.tracking_number;
    if same_label && (wants.is_empty() || wants == written) {
        return Ok(parcel);
    }
    Err(Error::conflict("This `idempotencyKey` belongs to another parcel of the order. Use a new key.")
        .at(["input", "idempotencyKey"]))
}
