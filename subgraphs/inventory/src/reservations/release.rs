//! Giving back what was put aside or sold, to the warehouses that it came from.

use service::database::Transaction;
use service::{Error, Result};

use super::reserve::check_key;
use super::{Reservation, store};
use crate::entity::reservation::Status;
use crate::warehousing;

/// Gives the stock back, once, and closes the key for ever; also a key that was never used.
pub(crate) async fn release(tx: Transaction, key: &str) -> Result<Reservation> {
    check_key(key)?;
    if let Some(row) = store::claim(&tx, key, Status::Released).await? {
        return Ok(Reservation { row, lines: Vec::new() });
    }
    let found = store::lock(&tx, key).await?;
    let found = found.ok_or_else(|| Error::internal(anyhow::anyhow!("a reservation's row went away")))?;
    if found.row.status == Status::Released {
        return Ok(found);
    }
    for share in store::shares(&tx, key).await? {
        if !warehousing::change(&tx, share.product_id, share.warehouse_id, share.quantity).await? {
            return Err(Error::internal(anyhow::anyhow!("stock that was reserved has no row to go back to")));
        }
    }
    store::set_status(&tx, found, Status::Released).await
}
