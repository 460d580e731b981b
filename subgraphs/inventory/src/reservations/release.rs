//! Releasing a reservation: its stock returns to the warehouses that it came from, even if it was sold.

use service::database::Transaction;
use service::{Error, Result};

use super::reserve::check_key;
use super::{Reservation, store};
use crate::entity::reservation::Status;
use crate::warehousing;

/// Returns the stock, once, and closes the key for good, even if it was never used.
pub(crate) async fn release(tx: Transaction, key: &str) -> Result<Reservation> {
    check_key(key)?;
    if let Some(row) = store::claim(&tx, key, Status::Released).await? {
        return Ok(Reservation { row, lines: Vec::new() });
    }
    let found = store::lock(&tx, key).await?;
    let found = found.ok_or_else(|| Error::internal(anyhow::anyhow!("the row of a reservation is missing")))?;
    if found.row.status == Status::Released {
        return Ok(found);
    }
    for share in store::shares(&tx, key).await? {
        if !warehousing::change(&tx, share.product_id, share.warehouse_id, share.quantity).await? {
            return Err(Error::internal(anyhow::anyhow!("reserved stock has no row to return to")));
        }
    }
    store::set_status(&tx, found, Status::Released).await
}
