//! The steps of one order, until none is left. Every step may be repeated. Knows no schedule and no caller.

use service::Money;
use service::clock::{millis, now_millis, to_datetime};
use uuid::Uuid;

use super::inventory::{Commit, Reservation, Reserve};
use super::{Saga, SagaError, promise, store};
use crate::entity::order::{self, Rejection, Step};
use crate::entity::{order_line, refund};
use crate::payment::{Authorization, Capture, Payment, Void};

/// Takes the steps of the order until it is `Done` or one fails. Then pays back what is promised.
pub(super) async fn finish(saga: &Saga, id: Uuid) -> Result<order::Model, SagaError> {
    loop {
        let order = store::order(&saga.db, id).await?;
        match order.step {
            Step::Reserve => reserve(saga, &order).await?,
            Step::Authorize => authorize(saga, &order).await?,
            Step::Commit => commit(saga, id).await?,
            Step::Capture => capture(saga, &order).await?,
            Step::Void => void(saga, &order).await?,
            Step::Release => release(saga, id).await?,
            Step::Done => {
                if order.refunded_minor > 0 {
                    promise::keep_all::<refund::Model>(saga, id).await;
                }
                return Ok(order);
            }
        }
    }
}

async fn reserve(saga: &Saga, order: &order::Model) -> Result<(), SagaError> {
    let id = order.id;
    let lines = store::lines(&saga.db, id).await?;
    let expires_at = to_datetime(now_millis() + millis(saga.policy.hold_for));
    let reserved = match saga.inventory.reserve(id, &lines, expires_at).await {
        Err(error) if error.is_permanent() => return unfulfillable(saga, id, Step::Reserve, error).await,
        reserved => reserved?,
    };
    let rejection = match reserved {
        Reserve::Held(held) if !has_lines(&held, &lines) => {
            return unfulfillable(saga, id, Step::Reserve, OtherLines).await;
        }
        Reserve::Held(held) if has_prices(&held, &lines, &order.currency) => {
            store::reserved(&saga.db, id).await?;
            return Ok(());
        }
        Reserve::Held(_) => Rejection::PriceChanged,
        Reserve::OutOfStock(lines) => Rejection::OutOfStock { lines },
        Reserve::UnknownProducts(product_ids) => Rejection::UnknownProducts { product_ids },
        Reserve::Discontinued(product_ids) => Rejection::Discontinued { product_ids },
        Reserve::Closed => Rejection::ReservationClosed,
    };
    reject(saga, id, Step::Reserve, Step::Release, &rejection).await
}

#[derive(Debug, thiserror::Error)]
#[error("the reservation does not hold what was ordered")]
struct OtherLines;

fn has_lines(held: &Reservation, lines: &[order_line::Model]) -> bool {
    let is_held = |line: &order_line::Model| {
        held.lines.iter().any(|held| (held.product_id, held.quantity) == (line.product_id, line.quantity))
    };
    held.lines.len() == lines.len() && lines.iter().all(is_held)
}

/// Whether the prices are still those that the buyer agreed to.
fn has_prices(held: &Reservation, lines: &[order_line::Model], currency: &str) -> bool {
    let agreed = |line: &order_line::Model| {
        held.lines.iter().any(|held| {
            let price = (held.unit_price.minor(), held.unit_price.currency().code().to_owned());
            held.product_id == line.product_id && price == (line.unit_price_minor, currency.to_owned())
        })
    };
    lines.iter().all(agreed)
}

async fn authorize(saga: &Saga, order: &order::Model) -> Result<(), SagaError> {
    let key = key(order.id, "authorize");
    match try_authorize(saga, order, &key).await {
        Ok(Authorization::Authorized { payment_id }) => {
            store::authorized(&saga.db, order.id, &key, &payment_id).await?;
            Ok(())
        }
        Ok(Authorization::Declined { reason }) => {
            let rejection = Rejection::PaymentDeclined { reason };
            reject(saga, order.id, Step::Authorize, Step::Release, &rejection).await
        }
        Err(SagaError::Payment(error)) if error.is_permanent() => {
            unfulfillable(saga, order.id, Step::Authorize, error).await
        }
        Err(error) => Err(error),
    }
}

async fn try_authorize(saga: &Saga, order: &order::Model, key: &str) -> Result<Authorization, SagaError> {
    let payment = Payment { amount: total(order)?, method: &order.payment_method, order_number: order.number };
    Ok(saga.payments.authorize(key, payment).await?)
}

async fn commit(saga: &Saga, id: Uuid) -> Result<(), SagaError> {
    match saga.inventory.commit(id).await? {
        Commit::Committed => {
            if store::placed(&saga.db, id).await? {
                saga.counters.placed.inc();
            }
            Ok(())
        }
        // It has expired. Nothing was taken from the buyer yet.
        Commit::Closed => reject(saga, id, Step::Commit, Step::Void, &Rejection::ReservationClosed).await,
    }
}

async fn capture(saga: &Saga, order: &order::Model) -> Result<(), SagaError> {
    let key = key(order.id, "capture");
    let payment_id = order.payment_id.as_deref().ok_or(SagaError::NoPayment(order.id))?;
    match saga.payments.capture(&key, payment_id, total(order)?).await? {
        Capture::Captured => store::captured(&saga.db, order.id, &key).await?,
        Capture::Refused { reason } => store::unpaid(&saga.db, order.id, &reason, saga.policy.lease).await?,
    };
    Ok(())
}

async fn void(saga: &Saga, order: &order::Model) -> Result<(), SagaError> {
    let payment_id = match &order.payment_id {
        Some(payment_id) => payment_id.clone(),
        // The answer to the authorization is not known here: the same call again tells, and does not do it again. If it was
        // never made, it is made now, and let go at once.
        None => match try_authorize(saga, order, &key(order.id, "authorize")).await {
            Ok(Authorization::Authorized { payment_id }) => payment_id,
            Ok(Authorization::Declined { .. }) => {
                store::voided(&saga.db, order.id, None).await?;
                return Ok(());
            }
            Err(SagaError::Payment(error)) if error.means_never_done() => {
                store::voided(&saga.db, order.id, None).await?;
                return Ok(());
            }
            Err(error) => return Err(error),
        },
    };
    let void_key = key(order.id, "void");
    match saga.payments.void(&void_key, &payment_id).await? {
        Void::Voided => store::voided(&saga.db, order.id, Some((&void_key, &payment_id))).await?,
        Void::Captured => {
            let capture_key = key(order.id, "capture");
            store::captured_meanwhile(&saga.db, order.id, &capture_key, &payment_id, saga.policy.lease).await?
        }
    };
    Ok(())
}

async fn release(saga: &Saga, id: Uuid) -> Result<(), SagaError> {
    saga.inventory.release(id).await?;
    store::released(&saga.db, id).await?;
    Ok(())
}

/// Rejects the order: nothing was taken yet, and a retry would fail in the same way.
async fn unfulfillable(
    saga: &Saga,
    id: Uuid,
    step: Step,
    cause: impl std::error::Error + Send + Sync + 'static,
) -> Result<(), SagaError> {
    let cause = format!("{:#}", anyhow::Error::new(cause));
    tracing::error!(order = %id, ?step, cause, "An order can't be fulfilled and is rejected");
    reject(saga, id, step, undo(step), &Rejection::Unfulfillable).await
}

/// Rejects an order that has been tried for long enough, unless it has gone on meanwhile.
pub(super) async fn give_up(saga: &Saga, order: &order::Model) -> Result<(), SagaError> {
    let rejection = match order.step {
        Step::Reserve => Rejection::InventoryUnavailable,
        Step::Authorize => Rejection::PaymentUnavailable,
        // Something is held or set aside: that is never given up.
        _ => return Ok(()),
    };
    reject(saga, order.id, order.step, undo(order.step), &rejection).await
}

/// The first step that undoes what this one may have done.
const fn undo(step: Step) -> Step {
    match step {
        Step::Reserve => Step::Release,
        _ => Step::Void,
    }
}

async fn reject(saga: &Saga, id: Uuid, from: Step, to: Step, rejection: &Rejection) -> Result<(), SagaError> {
    if store::reject(&saga.db, id, from, to, rejection).await? {
        saga.counters.rejected.inc();
    }
    Ok(())
}

/// The key of a call to the provider. It follows from the order, so a repeated call has the same.
fn key(id: Uuid, call: &str) -> String {
    format!("{}-{call}", id.simple())
}

fn total(order: &order::Model) -> Result<Money, SagaError> {
    Money::from_columns(order.total_minor, &order.currency)
        .map_err(|error| SagaError::Database(service::Error::internal(error)))
}
