//! Committing a reservation: its stock is sold.

use service::database::Transaction;
use service::{Error, Result};

use super::{Reservation, store};
use crate::entity::reservation::Status;
use crate::entity::stock_movement::Kind;

/// Commits the reservation; `None` if it was released before.
pub(crate) async fn commit(tx: Transaction, key: &str) -> Result<Option<Reservation>> {
    let found = store::lock(&tx, key).await?;
    let found = found.ok_or_else(|| Error::not_found("There is no reservation with this `idempotencyKey`."))?;
    Ok(match found.row.status {
        Status::Held => {
            store::post(&tx, &store::remaining(&tx, key).await?, Kind::Sale, &store::source(key)).await?;
            Some(store::set_status(&tx, found, Status::Committed).await?)
        }
        Status::Committed => Some(found),
        Status::Released => None,
    })
}
