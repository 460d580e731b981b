//! Placing an order: what the buyer agreed to, writing the row, and the first attempt at its steps.
//! Knows no GraphQL; its outcome is what the API shows to the buyer.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use service::clock::{millis, now_millis};
use service::{Error, Money, Result};
use uuid::Uuid;

use super::{Saga, SagaError, quote, steps, store};
use crate::address::Address;
use crate::entity::order::{self, Column, Rejection, Status, Step};
use crate::entity::{self, order_line};
use crate::offer::{Offer, WantedLine};

/// What a buyer wants to order.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) buyer: Uuid,
    /// The buyer's key for this order: repeating the request does not order again.
    pub(crate) idempotency_key: String,
    /// The payment provider's token.
    pub(crate) payment_method: String,
    pub(crate) agreement: Agreement,
}

/// What the buyer has agreed to pay for.
#[expect(clippy::large_enum_variant, reason = "a request has one, which is moved a few times")]
#[derive(Clone, Debug)]
pub(crate) enum Agreement {
    /// A quote that they were shown.
    Quote(Uuid),
    /// A total that they were shown or computed.
    Total { lines: Vec<WantedLine>, address: Address, total: Money },
}

/// The outcome of placing an order.
#[expect(clippy::large_enum_variant, reason = "a request has one, which is moved a few times")]
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The order was written; its status and its rejection say the rest.
    Order(order::Model),
    /// The order would cost something else than the buyer agreed to. This is what it costs now.
    PriceChanged(entity::quote::Model, Option<order::Model>),
    /// The quote has expired. This is what the order costs now.
    QuoteExpired(entity::quote::Model),
}

/// Places an order; for a repeated request, returns the outcome of the first one.
pub(crate) async fn place(saga: &Saga, wanted: Wanted) -> Result<Outcome> {
    check(&wanted)?;
    let order = match find(saga, &wanted).await? {
        Some(order) => order,
        None => match write(saga, &wanted).await? {
            Written::Order(order) => order,
            Written::No(outcome) => return Ok(outcome),
        },
    };
    same_request(&order, &wanted)?;
    let order = match steps::finish(saga, order.id).await {
        Ok(order) => order,
        Err(error) => interrupted(saga, order.id, error).await?,
    };
    if order.rejection == Some(Rejection::PriceChanged) {
        let lines = store::lines(&saga.db, order.id).await?;
        let lines: Vec<WantedLine> = lines.iter().map(WantedLine::from).collect();
        let quote = quote::quote(saga, wanted.buyer, &lines, order.address.clone()).await?;
        return Ok(Outcome::PriceChanged(quote, Some(order)));
    }
    Ok(Outcome::Order(order))
}

/// Refuses what is never valid.
fn check(wanted: &Wanted) -> Result<()> {
    if !is_token(&wanted.idempotency_key) {
        return Err(Error::bad_input(
            "`idempotencyKey` must have 1 to 255 bytes. Make a new one, such as a UUID, for each order.",
        )
        .at(["input", "idempotencyKey"]));
    }
    if !is_token(&wanted.payment_method) || wanted.payment_method.chars().any(char::is_control) {
        return Err(Error::bad_input("`paymentMethod` is the payment provider's token of a card or an account.")
            .at(["input", "paymentMethod"]));
    }
    Ok(())
}

fn is_token(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= 255
}

async fn find(saga: &Saga, wanted: &Wanted) -> Result<Option<order::Model>> {
    Ok(order::Entity::find()
        .filter(Column::BuyerId.eq(wanted.buyer))
        .filter(Column::IdempotencyKey.eq(&wanted.idempotency_key))
        .one(saga.db.reader())
        .await?)
}

/// The same key must mean the same order.
fn same_request(order: &order::Model, wanted: &Wanted) -> Result<()> {
    if order.fingerprint == fingerprint(wanted)? {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "This `idempotencyKey` belongs to order {}, which was ordered by another request. Use a new key for a new order.",
        order.number
    ))
    .at(["input", "idempotencyKey"]))
}

/// Stands for all that the request asks for.
fn fingerprint(wanted: &Wanted) -> Result<Uuid> {
    let method = &wanted.payment_method;
    let request = match &wanted.agreement {
        Agreement::Quote(id) => serde_json::to_vec(&("quote", id, method)),
        Agreement::Total { lines, address, total } => {
            let mut lines = lines.clone();
            lines.sort_unstable();
            serde_json::to_vec(&("total", lines, address, total.to_string(), method))
        }
    };
    Ok(Uuid::new_v5(&Uuid::NAMESPACE_OID, &request.map_err(|error| Error::internal(anyhow::Error::new(error)))?))
}

#[expect(clippy::large_enum_variant, reason = "a request has one, which is moved a few times")]
enum Written {
    Order(order::Model),
    No(Outcome),
}

/// Writes the order as PENDING, if it costs what the buyer has agreed to. Before this, nothing of it exists.
async fn write(saga: &Saga, wanted: &Wanted) -> Result<Written> {
    let offer = match agreed(saga, wanted).await? {
        Agreed::Yes(offer) => offer,
        Agreed::No(outcome) => return Ok(Written::No(outcome)),
    };
    let (order, lines) = pending(saga, wanted, offer)?;
    match store::create(&saga.db, &order, &lines).await {
        Ok(()) => Ok(Written::Order(order)),
        // The same request ran at the same time and was first.
        Err(error) if error.is_duplicate() => match find(saga, wanted).await? {
            Some(order) => Ok(Written::Order(order)),
            None => Err(error),
        },
        Err(error) => Err(error),
    }
}

#[expect(clippy::large_enum_variant, reason = "a request has one, which is moved a few times")]
enum Agreed {
    Yes(Offer),
    No(Outcome),
}

async fn agreed(saga: &Saga, wanted: &Wanted) -> Result<Agreed> {
    match &wanted.agreement {
        Agreement::Total { lines, address, total } => {
            let offer = quote::offer(saga, lines, address.clone()).await?;
            if offer.total()? == *total {
                return Ok(Agreed::Yes(offer));
            }
            let quote = quote::keep(saga, wanted.buyer, offer).await?;
            Ok(Agreed::No(Outcome::PriceChanged(quote, None)))
        }
        Agreement::Quote(id) => {
            let field = ["input", "quoteId"];
            let quote = quote::find(saga, wanted.buyer, *id).await?;
            let quote = quote.ok_or_else(|| Error::not_found("You have no quote with this id.").at(field))?;
            let lines: Vec<WantedLine> = quote
                .offer
                .lines
                .iter()
                .map(|line| WantedLine { product: line.product_id, quantity: line.quantity })
                .collect();
            let offer = quote::offer(saga, &lines, quote.offer.address.clone()).await;
            // The lines are not part of this input: its quote is what can't be ordered.
            let offer = offer.map_err(|error| match error {
                Error::Caller { code, message, .. } => Error::new(code, message).at(field),
                error => error,
            })?;
            if quote.expires_at <= now_millis() {
                return Ok(Agreed::No(Outcome::QuoteExpired(quote::keep(saga, wanted.buyer, offer).await?)));
            }
            if !offer.costs_the_same(&quote.offer) {
                return Ok(Agreed::No(Outcome::PriceChanged(quote::keep(saga, wanted.buyer, offer).await?, None)));
            }
            Ok(Agreed::Yes(offer))
        }
    }
}

fn pending(saga: &Saga, wanted: &Wanted, offer: Offer) -> Result<(order::Model, Vec<order_line::Model>)> {
    let order_id = Uuid::now_v7();
    let lines = (0..).zip(offer.lines).map(|(position, line)| order_line::Model {
        order_id,
        product_id: line.product_id,
        position,
        sku: line.sku,
        name: line.name,
        quantity: line.quantity,
        unit_price_minor: line.unit_price_minor,
        weight_grams: line.weight_grams,
        fulfilled: 0,
        cancelled: 0,
        returned: 0,
    });
    let lines = lines.collect();
    let now = now_millis();
    let order = order::Model {
        id: order_id,
        // Given when it is written.
        number: 0,
        buyer_id: wanted.buyer,
        idempotency_key: wanted.idempotency_key.clone(),
        fingerprint: fingerprint(wanted)?,
        status: Status::Pending,
        step: Step::Reserve,
        currency: offer.currency,
        subtotal_minor: offer.subtotal_minor,
        shipping_minor: offer.shipping_minor,
        tax_minor: offer.tax_minor,
        total_minor: offer.total_minor,
        captured_minor: 0,
        refunded_minor: 0,
        address: offer.address,
        payment_method: wanted.payment_method.clone(),
        payment_id: None,
        rejection: None,
        placed_at: now,
        // Ours for the duration of a lease; if this process dies, the reconciler takes over after that.
        due_at: now + millis(saga.policy.lease),
        attempts: 0,
        failure: None,
        stuck_since: None,
    };
    Ok((order, lines))
}

/// A step failed. The order stays as it is written, and the reconciler will continue soon.
pub(super) async fn interrupted(saga: &Saga, id: Uuid, error: SagaError) -> Result<order::Model> {
    saga.counters.failed_steps.inc();
    let (wait, permanent) = (saga.policy.wait_after(&error, 1), error.is_permanent());
    let cause = format!("{:#}", anyhow::Error::new(error));
    tracing::warn!(order = %id, cause, ?wait, "A step of an order failed; the reconciler will retry it");
    store::retry_in(&saga.db, id, wait, &cause, permanent).await?;
    store::order(&saga.db, id).await.map_err(Error::from)
}

impl From<&order_line::Model> for WantedLine {
    fn from(line: &order_line::Model) -> Self {
        Self { product: line.product_id, quantity: line.quantity }
    }
}
