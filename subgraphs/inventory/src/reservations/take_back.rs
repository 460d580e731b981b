//! Taking back a part of what was sold: the units are on the shelf again, and the rest stays sold. Knows no refund.

use std::collections::BTreeMap;

use sea_orm::{ActiveModelTrait, ActiveValue::Set, DatabaseTransaction, IntoActiveModel};
use service::database::Transaction;
use service::{Error, Result};
use uuid::Uuid;

use super::allocate::Share;
use super::{Reservation, bounded, store};
use crate::entity::allocation;
use crate::entity::reservation::Status;
use crate::entity::stock_movement::Kind;
use crate::stock::keys;
use crate::stock::ledger::Source;

/// What to take back, of which reservation, and under which key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TakeBack {
    key: String,
    reservation: String,
    lines: BTreeMap<Uuid, i32>,
}

impl TakeBack {
    /// A request; an error if it is out of bounds. The quantities of lines with the same product are added up.
    pub(crate) fn new(key: String, reservation: String, lines: impl IntoIterator<Item = (Uuid, i32)>) -> Result<Self> {
        keys::check(&key)?;
        Ok(Self { key, reservation, lines: bounded(lines)? })
    }

    fn fingerprint(&self) -> Result<String> {
        serde_json::to_string(&("TakeBack", &self.reservation, &self.lines)).map_err(Error::internal)
    }
}

/// Returns the units to the warehouses that they came from, once for the key; `None` if the reservation was released, since all of
/// it is back then.
pub(crate) async fn take_back(tx: Transaction, request: &TakeBack) -> Result<Option<Reservation>> {
    let first = keys::claim(&tx, &request.key, request.fingerprint()?).await?;
    let found = store::lock(&tx, &request.reservation).await?;
    let found = found.ok_or_else(|| {
        Error::not_found("There is no reservation with this `reservationKey`.").at(["input", "reservationKey"])
    })?;
    match found.row.status {
        Status::Released => return Ok(None),
        Status::Held => {
            let message = "The reservation is not committed, so nothing of it was sold. Release it instead.";
            return Err(Error::conflict(message).at(["input", "reservationKey"]));
        }
        Status::Committed => {}
    }
    if first {
        let shares = subtract(&tx, request).await?;
        let source =
            Source { actor: "service".to_owned(), request_key: Some(request.key.clone()), ..Source::default() };
        store::post(&tx, &shares, Kind::Return, &source).await?;
    }
    Ok(Some(found))
}

/// Counts the units as returned, in the order of locks; an error if there are not as many.
async fn subtract(tx: &DatabaseTransaction, request: &TakeBack) -> Result<Vec<Share>> {
    let mut missing = request.lines.clone();
    let mut shares = Vec::new();
    for sold in store::allocations(tx, &request.reservation).await? {
        let Some(wanted) = missing.get_mut(&sold.product_id) else { continue };
        let quantity = sold.remaining().min(i64::from(*wanted));
        if quantity == 0 {
            continue;
        }
        *wanted -= i32::try_from(quantity).unwrap_or(*wanted);
        shares.push(Share { product: sold.product_id, warehouse: sold.warehouse_id, quantity });
        let returned = Set(sold.returned + quantity);
        allocation::ActiveModel { returned, ..sold.into_active_model() }.update(tx).await?;
    }
    if missing.values().any(|units| *units > 0) {
        let message = "Fewer units of a product are sold under this `reservationKey`.";
        return Err(Error::conflict(message).at(["input", "lines"]));
    }
    Ok(shares)
}
