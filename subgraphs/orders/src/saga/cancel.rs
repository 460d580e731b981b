//! Cancelling an order: refunds at once, and returns the stock with the next step. Knows no GraphQL.

use service::{Error, Result};
use uuid::Uuid;

use super::{Saga, place, steps, store};
use crate::entity::order::{self, Status};

/// Cancels the order, unless it already is. The stock is returned now or, if inventory does not respond, by the reconciler.
pub(crate) async fn cancel(saga: &Saga, id: Uuid, reason: &str) -> Result<order::Model> {
    if !store::cancel(&saga.db, id, reason, saga.policy.lease).await? {
        let order = store::order(&saga.db, id).await?;
        if order.status == Status::Rejected {
            return Err(Error::conflict("The order was rejected; there is nothing to cancel."));
        }
    }
    match steps::finish(saga, id).await {
        Ok(order) => Ok(order),
        Err(error) => place::interrupted(saga, id, error).await,
    }
}
