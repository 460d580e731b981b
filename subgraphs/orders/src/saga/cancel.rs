//! Cancelling an order: until when, and by whom. What was done for it is undone by its next steps. Knows no GraphQL.

use service::clock::{millis, now_millis};
use service::{Code, Error, Result};
use uuid::Uuid;

use super::{By, Saga, SagaError, place, steps, store};
use crate::entity::order::{self, Status};
use crate::entity::order_event::Actor;

/// The code of an order that can't be cancelled any more.
pub(crate) const NOT_CANCELLABLE: Code = Code::Own("NOT_CANCELLABLE");

/// Cancels the order, unless it already is. What can't be undone now is undone by the reconciler.
pub(crate) async fn cancel(saga: &Saga, id: Uuid, by: By, reason: &str) -> Result<order::Model> {
    let policy = saga.policy;
    saga.db
        .write(|tx| async move {
            let order = store::locked(&tx, id).await?.ok_or_else(|| Error::from(SagaError::Gone(id)))?;
            match order.status {
                Status::Cancelled => return Ok(()),
                Status::Rejected => return Err(refused("The order was rejected; there is nothing to cancel.")),
                Status::Pending | Status::Placed => {}
            }
            if store::locked_lines(&tx, id).await?.iter().any(|line| line.fulfilled > 0) {
                return Err(refused("A part of the order was sent. Ask for a refund of what you send back."));
            }
            if by.actor == Actor::Buyer && now_millis() > order.placed_at + millis(policy.cancel_within) {
                return Err(refused("It is too late to cancel the order yourself. Ask the shop."));
            }
            store::cancel(&tx, order, by, reason, policy.lease).await
        })
        .await?;
    match steps::finish(saga, id).await {
        Ok(order) => Ok(order),
        Err(error) => place::interrupted(saga, id, error).await,
    }
}

fn refused(message: &str) -> Error {
    Error::new(NOT_CANCELLABLE, message).at(["input", "id"])
}
