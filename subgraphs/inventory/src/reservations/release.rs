//! Releasing a reservation: its stock returns to the warehouses that it came from, even if it was sold.

use sea_orm::DatabaseTransaction;
use service::database::Transaction;
use service::{Error, Result};

use super::{Reservation, store};
use crate::changes;
use crate::entity::reservation::Status;
use crate::entity::stock_movement::Kind;
use crate::stock::{holds, keys};

/// Returns the stock, once, and closes the key for good, even if it was never used.
pub(crate) async fn release(tx: Transaction, key: &str) -> Result<Reservation> {
    keys::check(key)?;
    if let Some(row) = store::claim(&tx, key, Status::Released, None).await? {
        return Ok(Reservation { row, lines: Vec::new() });
    }
    let found = store::lock(&tx, key).await?;
    let found = found.ok_or_else(|| Error::internal(anyhow::anyhow!("the row of a reservation is missing")))?;
    if found.row.status == Status::Released {
        return Ok(found);
    }
    give_back(&tx, &found).await?;
    store::set_status(&tx, found, Status::Released).await
}

/// Releases the reservation if it is still held and has expired by now; returns whether it was.
pub(super) async fn release_expired(tx: Transaction, key: &str, now: i64) -> Result<bool> {
    let Some(found) = store::lock(&tx, key).await? else { return Ok(false) };
    let expired = found.row.status == Status::Held && found.row.expires_at.is_some_and(|at| at <= now);
    if expired {
        give_back(&tx, &found).await?;
        store::set_status(&tx, found, Status::Released).await?;
    }
    Ok(expired)
}

async fn give_back(tx: &DatabaseTransaction, reservation: &Reservation) -> Result<()> {
    let key = &reservation.row.idempotency_key;
    let shares = store::remaining(tx, key).await?;
    if reservation.row.status == Status::Committed {
        return store::post(tx, &shares, Kind::Return, &store::source(key)).await;
    }
    for share in &shares {
        if !holds::change(tx, share.product, share.warehouse, -share.quantity).await? {
            return Err(Error::internal(anyhow::anyhow!("held stock is not there to be let go")));
        }
    }
    for product in reservation.lines.iter().map(|line| line.product_id) {
        changes::stock(tx, product).await?;
    }
    Ok(())
}
