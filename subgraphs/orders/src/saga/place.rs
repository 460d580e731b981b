//! Placing an order: what may be ordered, writing the row, and the first attempt at its steps.
//! Knows no GraphQL; its outcome is what the API shows to the buyer.

use std::collections::{HashMap, HashSet};

use sea_orm::prelude::TextUuid;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, SqlErr};
use service::graphql::money::MoneyError;
use service::{Code, Error, Money};
use uuid::Uuid;

use super::inventory::{InventoryError, Quote};
use super::{Saga, SagaError, steps, store};
use crate::clock::{millis, now_millis};
use crate::entity::order::{self, Column, Rejection, Shortage, Status, Step};
use crate::entity::order_line;

/// The maximum number of lines in an order.
pub(crate) const MAX_LINES: usize = 50;
/// The maximum quantity of a line.
pub(crate) const MAX_QUANTITY: i32 = 10_000;

/// What a buyer wants to order.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) buyer: Uuid,
    /// The buyer's key for this order: repeating the request does not order again.
    pub(crate) idempotency_key: String,
    pub(crate) lines: Vec<WantedLine>,
}

/// A product and a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct WantedLine {
    pub(crate) product: Uuid,
    pub(crate) quantity: i32,
}

/// The outcome of placing an order.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The stock is reserved and the buyer was charged.
    Placed(order::Model),
    /// The order is written, but inventory has not confirmed yet; the reconciler will continue.
    Pending(order::Model),
    /// There is too little stock.
    OutOfStock(order::Model, Vec<Shortage>),
    /// There are no such products. If that was known at once, no order was written.
    UnknownProducts(Vec<Uuid>),
    /// The order could not be placed, or has been cancelled since.
    Refused(order::Model),
}

/// Places an order; for a repeated request, returns the outcome of the first one.
pub(crate) async fn place(saga: &Saga, wanted: Wanted) -> Result<Outcome, Error> {
    check(&wanted)?;
    let order = match find(saga, &wanted).await? {
        Some(order) => order,
        None => match write(saga, &wanted).await? {
            Written::Order(order) => order,
            Written::UnknownProducts(products) => return Ok(Outcome::UnknownProducts(products)),
        },
    };
    same_request(saga, &order, &wanted).await?;
    let order = match steps::finish(saga, order.id.0).await {
        Ok(order) => order,
        Err(error) => interrupted(saga, order.id.0, error).await?,
    };
    Ok(outcome(order))
}

/// Refuses orders that are never valid.
fn check(wanted: &Wanted) -> Result<(), Error> {
    let key = wanted.idempotency_key.trim();
    if key.is_empty() || wanted.idempotency_key.len() > 255 {
        return Err(Error::bad_input(
            "`idempotencyKey` must have 1 to 255 bytes. Make a new one, such as a UUID, for each order.",
        ));
    }
    if wanted.lines.is_empty() || wanted.lines.len() > MAX_LINES {
        return Err(Error::bad_input(format!("An order has 1 to {MAX_LINES} lines.")));
    }
    let mut products = HashSet::new();
    for line in &wanted.lines {
        if !(1..=MAX_QUANTITY).contains(&line.quantity) {
            return Err(Error::bad_input(format!("`quantity` must be between 1 and {MAX_QUANTITY}.")));
        }
        if !products.insert(line.product) {
            return Err(Error::bad_input(format!(
                "Product {} is in two lines; send one line with the sum of the quantities.",
                line.product
            )));
        }
    }
    Ok(())
}

async fn find(saga: &Saga, wanted: &Wanted) -> Result<Option<order::Model>, Error> {
    Ok(order::Entity::find()
        .filter(Column::BuyerId.eq(TextUuid::from(wanted.buyer)))
        .filter(Column::IdempotencyKey.eq(&wanted.idempotency_key))
        .one(saga.db.reader())
        .await?)
}

/// The same key must mean the same order.
async fn same_request(saga: &Saga, order: &order::Model, wanted: &Wanted) -> Result<(), Error> {
    let written = store::lines(&saga.db, order.id.0).await?;
    let written: HashSet<WantedLine> = written.iter().map(WantedLine::from).collect();
    if written == wanted.lines.iter().copied().collect() {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "This `idempotencyKey` belongs to order {} with other lines. Use a new key for a new order.",
        order.id
    )))
}

enum Written {
    Order(order::Model),
    UnknownProducts(Vec<Uuid>),
}

/// Writes the order as PENDING, at the products' current prices. Before this, nothing of it exists.
async fn write(saga: &Saga, wanted: &Wanted) -> Result<Written, Error> {
    let products: Vec<Uuid> = wanted.lines.iter().map(|line| line.product).collect();
    let quotes = saga.inventory.quote(&products).await.map_err(not_quoted)?;
    let missing: Vec<Uuid> = products.into_iter().filter(|product| !quotes.contains_key(product)).collect();
    if !missing.is_empty() {
        return Ok(Written::UnknownProducts(missing));
    }
    let (order, lines) = pending(saga, wanted, &quotes)?;
    match store::create(&saga.db, &order, &lines).await {
        Ok(()) => Ok(Written::Order(order)),
        // The same request ran at the same time and was first.
        Err(error) if is_taken(&error) => match find(saga, wanted).await? {
            Some(order) => Ok(Written::Order(order)),
            None => Err(error),
        },
        Err(error) => Err(error),
    }
}

fn pending(
    saga: &Saga,
    wanted: &Wanted,
    quotes: &HashMap<Uuid, Quote>,
) -> Result<(order::Model, Vec<order_line::Model>), Error> {
    let id = Uuid::now_v7();
    let mut lines = Vec::with_capacity(wanted.lines.len());
    let mut total: Option<Money> = None;
    for (position, line) in (0..).zip(&wanted.lines) {
        let Some(quote) = quotes.get(&line.product) else {
            continue;
        };
        let line_total = quote.price.times(i64::from(line.quantity)).map_err(unpayable)?;
        total = Some(match total {
            Some(total) => total.plus(line_total).map_err(unpayable)?,
            None => line_total,
        });
        lines.push(order_line::Model {
            order_id: id.into(),
            product_id: line.product.into(),
            position,
            sku: quote.sku.clone(),
            quantity: line.quantity,
            unit_price_minor: quote.price.minor(),
        });
    }
    let total = total.ok_or_else(|| Error::bad_input("An order needs at least one line."))?;
    let now = now_millis();
    let order = order::Model {
        id: id.into(),
        buyer_id: wanted.buyer.into(),
        idempotency_key: wanted.idempotency_key.clone(),
        status: Status::Pending,
        step: Step::Reserve,
        total_minor: total.minor(),
        currency: total.currency().code().to_owned(),
        rejection: None,
        placed_at: now,
        // Ours for the duration of a lease; if this process dies, the reconciler takes over after that.
        due_at: now + millis(saga.policy.lease),
        attempts: 0,
    };
    Ok((order, lines))
}

/// A step failed. The order stays as it is written, and the reconciler will continue soon.
pub(super) async fn interrupted(saga: &Saga, id: Uuid, error: SagaError) -> Result<order::Model, Error> {
    let wait = saga.policy.wait_after(&error, 1);
    let cause = format!("{:#}", anyhow::Error::new(error));
    tracing::warn!(order = %id, cause, ?wait, "A step of an order failed; the reconciler will retry it");
    store::retry_in(&saga.db, id, wait).await?;
    store::order(&saga.db, id).await.map_err(Error::from)
}

fn outcome(order: order::Model) -> Outcome {
    match (order.status, order.rejection.clone()) {
        (Status::Placed, _) => Outcome::Placed(order),
        (Status::Pending, _) => Outcome::Pending(order),
        (_, Some(Rejection::OutOfStock { lines })) => Outcome::OutOfStock(order, lines),
        (_, Some(Rejection::UnknownProducts { product_ids })) => Outcome::UnknownProducts(product_ids),
        (Status::Cancelled | Status::Rejected, _) => Outcome::Refused(order),
    }
}

fn is_taken(error: &Error) -> bool {
    error.database().and_then(DbErr::sql_err).is_some_and(|error| matches!(error, SqlErr::UniqueConstraintViolation(_)))
}

fn not_quoted(error: InventoryError) -> Error {
    if error.is_permanent() {
        return Error::internal(error);
    }
    let cause = format!("{:#}", anyhow::Error::new(error));
    tracing::warn!(cause, "An order could not be quoted");
    Error::new(Code::Unavailable, "Inventory does not respond; nothing was ordered. Send the same request again.")
}

fn unpayable(error: MoneyError) -> Error {
    match error {
        MoneyError::Currencies(..) => {
            Error::bad_input("The products are priced in different currencies. Place an order for each currency.")
        }
        error => Error::bad_input(format!("This can't be ordered: {error}.")),
    }
}

impl From<&order_line::Model> for WantedLine {
    fn from(line: &order_line::Model) -> Self {
        Self { product: line.product_id.0, quantity: line.quantity }
    }
}
