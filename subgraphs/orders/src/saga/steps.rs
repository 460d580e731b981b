//! The steps of one order, until none is left. Every step may be repeated. Knows no schedule and no caller.

use uuid::Uuid;

use super::inventory::{Commit, Reserve};
use super::pricing::{PricingError, price};
use super::{Saga, SagaError, store};
use crate::entity::order::{self, Rejection, Step};
use service::graphql::money::MoneyError;

/// Takes the steps of the order until it is `Done` or one fails.
pub(super) async fn finish(saga: &Saga, id: Uuid) -> Result<order::Model, SagaError> {
    loop {
        let order = store::order(&saga.db, id).await?;
        match order.step {
            Step::Reserve => reserve(saga, id).await?,
            Step::Commit => commit(saga, id).await?,
            Step::Release => release(saga, id).await?,
            Step::Done => return Ok(order),
        }
    }
}

async fn reserve(saga: &Saga, id: Uuid) -> Result<(), SagaError> {
    let lines = store::lines(&saga.db, id).await?;
    let reserved = match saga.inventory.reserve(id, &lines).await {
        Err(error) if error.is_permanent() => return unfulfillable(saga, id, error).await,
        reserved => reserved?,
    };
    let rejection = match reserved {
        Reserve::Held(reservation) => match price(&lines, &reservation) {
            Ok(priced) => return Ok(store::place(&saga.db, id, &priced).await?),
            Err(PricingError::Sum(MoneyError::Currencies(..))) => Rejection::MixedCurrencies,
            Err(error) => return unfulfillable(saga, id, error).await,
        },
        Reserve::OutOfStock(lines) => Rejection::OutOfStock { lines },
        Reserve::UnknownProducts(product_ids) => Rejection::UnknownProducts { product_ids },
        Reserve::Closed => Rejection::ReservationClosed,
    };
    Ok(store::reject(&saga.db, id, &rejection).await?)
}

/// Rejects the order: nothing is charged yet, and a retry would fail in the same way. Stock that inventory may hold is returned.
async fn unfulfillable(
    saga: &Saga,
    id: Uuid,
    cause: impl std::error::Error + Send + Sync + 'static,
) -> Result<(), SagaError> {
    let cause = format!("{:#}", anyhow::Error::new(cause));
    tracing::error!(order = %id, cause, "An order can't be fulfilled and is rejected");
    Ok(store::reject(&saga.db, id, &Rejection::Unfulfillable).await?)
}

async fn commit(saga: &Saga, id: Uuid) -> Result<(), SagaError> {
    match saga.inventory.commit(id).await? {
        Commit::Committed => store::done(&saga.db, id, Step::Commit).await?,
        // The reservation of a charged order was closed by someone else. The buyer gets a refund.
        Commit::Closed => store::lapse(&saga.db, id).await?,
    }
    Ok(())
}

async fn release(saga: &Saga, id: Uuid) -> Result<(), SagaError> {
    saga.inventory.release(id).await?;
    Ok(store::done(&saga.db, id, Step::Release).await?)
}
