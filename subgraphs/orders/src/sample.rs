//! The orders of a new database: the same on every machine, by the sample users and of the sample products.

use sea_orm::{ActiveModelBehavior, ActiveModelTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, ModelTrait};
use service::database::{Transaction, Work};
use service::sample::{Dice, SampleProduct, SampleUser};
use service::{Error, Money, Result};
use uuid::Uuid;

use crate::entity::order::{Rejection, Shortage, Status, Step};
use crate::entity::{ledger_entry, order, order_event, order_line};

/// How many orders there are.
const ORDERS: usize = 4_000;
/// Rows per INSERT: SQLite binds at most 32,766 values, and the widest table has 11 columns.
const ROWS_AT_ONCE: usize = 1_000;

/// Fills the tables.
pub(crate) fn insert(tx: Transaction) -> Work {
    Box::pin(fill(tx))
}

async fn fill(tx: Transaction) -> Result<()> {
    let rows = rows()?;
    insert_all::<order::Entity, _>(&tx, rows.orders).await?;
    insert_all::<order_line::Entity, _>(&tx, rows.lines).await?;
    insert_all::<ledger_entry::Entity, _>(&tx, rows.ledger).await?;
    insert_all::<order_event::Entity, _>(&tx, rows.events).await
}

async fn insert_all<E, A>(tx: &DatabaseTransaction, rows: Vec<E::Model>) -> Result<()>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<A> + ModelTrait<Entity = E>,
    A: ActiveModelTrait<Entity = E> + ActiveModelBehavior,
{
    let mut rows = rows.into_iter().map(|row| row.into_active_model().reset_all());
    loop {
        let chunk: Vec<A> = rows.by_ref().take(ROWS_AT_ONCE).collect();
        if chunk.is_empty() {
            return Ok(());
        }
        E::insert_many(chunk).exec_without_returning(tx).await?;
    }
}

#[derive(Default)]
struct Rows {
    orders: Vec<order::Model>,
    lines: Vec<order_line::Model>,
    ledger: Vec<ledger_entry::Model>,
    events: Vec<order_event::Model>,
}

fn rows() -> Result<Rows> {
    let (users, products) = (service::sample::users(), service::sample::products());
    let mut dice = Dice::new("orders");
    let mut rows = Rows::default();
    for number in 1..=ORDERS {
        if let Some(user) = buyer(&users, &mut dice) {
            rows.add(number, user, &products, &mut dice)?;
        }
    }
    Ok(rows)
}

/// One order in ten belongs to the few users that the documentation names, so that their lists are not empty.
fn buyer<'a>(users: &'a [SampleUser], dice: &mut Dice) -> Option<&'a SampleUser> {
    let known = users.get(..6).unwrap_or(users);
    if dice.below(10) == 0 { dice.pick(known) } else { dice.pick(users) }
}

impl Rows {
    fn add(&mut self, number: usize, user: &SampleUser, products: &[SampleProduct], dice: &mut Dice) -> Result<()> {
        let id = service::sample::id("order", &number.to_string());
        let placed_at =
            dice.between(user.created_at.timestamp_millis(), service::sample::today().timestamp_millis() - 86_400_000);
        let (lines, total) = lines(id, products, dice)?;
        let status = match dice.below(100) {
            0..6 => Status::Cancelled,
            6..8 => Status::Rejected,
            _ => Status::Placed,
        };
        self.record(id, status, placed_at, total, dice);
        self.orders.push(order::Model {
            id: id.into(),
            buyer_id: user.id.into(),
            idempotency_key: format!("sample-{number}"),
            status,
            step: Step::Done,
            total_minor: total.minor(),
            currency: total.currency().code().to_owned(),
            rejection: (status == Status::Rejected).then(|| out_of_stock(&lines)),
            placed_at,
            due_at: placed_at,
            attempts: 0,
        });
        self.lines.extend(lines);
        Ok(())
    }

    /// What the ledger and the history would have after the saga.
    fn record(&mut self, id: Uuid, status: Status, placed_at: i64, total: Money, dice: &mut Dice) {
        let decided = placed_at + dice.between(40, 900);
        self.event(id, order_event::Kind::Received, placed_at, None, None);
        if status == Status::Rejected {
            let reason = "there was too little stock";
            self.event(id, order_event::Kind::Rejected, decided, None, Some(reason));
            return;
        }
        self.event(id, order_event::Kind::Placed, decided, Some(total), None);
        self.entry(id, ledger_entry::Kind::Charge, decided, total);
        if status == Status::Cancelled {
            let at = decided + dice.between(60_000, 80_000_000);
            self.event(id, order_event::Kind::Cancelled, at, Some(total), Some("cancelled on request"));
            self.entry(id, ledger_entry::Kind::Refund, at, total);
        }
    }

    fn event(&mut self, id: Uuid, kind: order_event::Kind, at: i64, amount: Option<Money>, reason: Option<&str>) {
        self.events.push(order_event::Model {
            order_id: id.into(),
            kind,
            at,
            amount_minor: amount.map(Money::minor),
            reason: reason.map(str::to_owned),
        });
    }

    fn entry(&mut self, id: Uuid, kind: ledger_entry::Kind, at: i64, amount: Money) {
        self.ledger.push(ledger_entry::Model {
            order_id: id.into(),
            kind,
            amount_minor: amount.minor(),
            currency: amount.currency().code().to_owned(),
            at,
        });
    }
}

/// One to four different products, mostly one of each.
fn lines(id: Uuid, products: &[SampleProduct], dice: &mut Dice) -> Result<(Vec<order_line::Model>, Money)> {
    let mut lines: Vec<order_line::Model> = Vec::new();
    let mut total: Option<Money> = None;
    for _ in 0..dice.between(1, 4) {
        let Some(product) = dice.pick(products) else { break };
        let quantity = if dice.below(3) == 0 { dice.between(2, 5) } else { 1 };
        if lines.iter().any(|line| line.product_id.0 == product.id) {
            continue;
        }
        let line_total = product.price.times(quantity).map_err(Error::internal)?;
        total = Some(match total {
            Some(total) => total.plus(line_total).map_err(Error::internal)?,
            None => line_total,
        });
        lines.push(order_line::Model {
            order_id: id.into(),
            product_id: product.id.into(),
            position: i32::try_from(lines.len()).unwrap_or(i32::MAX),
            sku: product.sku.clone(),
            quantity: i32::try_from(quantity).unwrap_or(1),
            unit_price_minor: product.price.minor(),
        });
    }
    let total = total.ok_or_else(|| Error::internal(anyhow::anyhow!("there are no sample products")))?;
    Ok((lines, total))
}

fn out_of_stock(lines: &[order_line::Model]) -> Rejection {
    let short = lines.first().map(|line| Shortage {
        product_id: line.product_id.0,
        requested: line.quantity,
        available: line.quantity - 1,
    });
    Rejection::OutOfStock { lines: short.into_iter().collect() }
}
