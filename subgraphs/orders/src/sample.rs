//! The orders of a new database: the same on every machine, by the sample users and of the sample products.

use std::collections::BTreeMap;

use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, ModelTrait, Set,
};
use service::Result;
use service::database::{Transaction, Work};
use service::sample::{Dice, SampleProduct, SampleUser};
use uuid::Uuid;

use crate::address::Address;
use crate::entity::order::{Rejection, Shortage, Status, Step};
use crate::entity::order_event::{Actor, Kind};
use crate::entity::{
    fulfillment, fulfillment_line, ledger_entry, order, order_event, order_line, order_number, product_sales, refund,
};
use crate::offer::{Offer, WantedLine};
use crate::saga::inventory::Product;

/// How many orders there are.
const ORDERS: usize = 4_000;
/// Rows per INSERT: SQLite binds at most 32,766 values, and the widest table has 23 columns.
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
    insert_all::<order_event::Entity, _>(&tx, rows.events).await?;
    insert_all::<refund::Entity, _>(&tx, rows.refunds).await?;
    insert_all::<fulfillment::Entity, _>(&tx, rows.parcels).await?;
    insert_all::<fulfillment_line::Entity, _>(&tx, rows.contents).await?;
    let sales = rows.sales.into_iter().map(|(product_id, units)| product_sales::Model { product_id, units });
    insert_all::<product_sales::Entity, _>(&tx, sales.collect()).await?;
    // The database counts them, so that the next order has the next number.
    let numbers = rows.numbers.into_iter().map(|order_id| order_number::ActiveModel {
        order_id: Set(order_id),
        ..<order_number::ActiveModel as Default>::default()
    });
    let numbers: Vec<_> = numbers.collect();
    for numbers in numbers.chunks(ROWS_AT_ONCE) {
        order_number::Entity::insert_many(numbers.to_vec()).exec_without_returning(&*tx).await?;
    }
    Ok(())
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
    refunds: Vec<refund::Model>,
    parcels: Vec<fulfillment::Model>,
    contents: Vec<fulfillment_line::Model>,
    sales: BTreeMap<Uuid, i64>,
    numbers: Vec<Uuid>,
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
        let today = service::sample::today().timestamp_millis();
        let placed_at = dice.between(user.created_at.timestamp_millis(), today - DAY);
        let offer = Offer::new(&wanted(products, dice), address(&user.name, dice))?;
        let status = match dice.below(100) {
            0..6 => Status::Cancelled,
            6..8 => Status::Rejected,
            _ => Status::Placed,
        };
        self.numbers.push(id);
        let order = order::Model {
            id,
            number: order_number::BEFORE_FIRST + i64::try_from(self.numbers.len()).unwrap_or(i64::MAX),
            buyer_id: user.id,
            idempotency_key: format!("sample-{number}"),
            fingerprint: service::sample::id("request", &number.to_string()),
            status,
            step: Step::Done,
            currency: offer.currency.clone(),
            subtotal_minor: offer.subtotal_minor,
            shipping_minor: offer.shipping_minor,
            tax_minor: offer.tax_minor,
            total_minor: offer.total_minor,
            captured_minor: if status == Status::Rejected { 0 } else { offer.total_minor },
            refunded_minor: if status == Status::Cancelled { offer.total_minor } else { 0 },
            address: offer.address.clone(),
            payment_method: "pm_card".to_owned(),
            payment_id: (status != Status::Rejected).then(|| format!("sandbox-{}-authorize", id.simple())),
            rejection: (status == Status::Rejected).then(|| out_of_stock(&offer)),
            placed_at,
            due_at: placed_at,
            attempts: 0,
            failure: None,
            stuck_since: None,
        };
        // What is older than three days was sent.
        let sent = status == Status::Placed && placed_at < today - 3 * DAY;
        self.add_lines(&order, offer, sent);
        self.record(&order, sent, dice);
        self.orders.push(order);
        Ok(())
    }

    fn add_lines(&mut self, order: &order::Model, offer: Offer, sent: bool) {
        for (position, line) in (0..).zip(offer.lines) {
            if order.status == Status::Placed {
                *self.sales.entry(line.product_id).or_default() += i64::from(line.quantity);
            }
            self.lines.push(order_line::Model {
                order_id: order.id,
                product_id: line.product_id,
                position,
                sku: line.sku,
                name: line.name,
                quantity: line.quantity,
                unit_price_minor: line.unit_price_minor,
                weight_grams: line.weight_grams,
                fulfilled: if sent { line.quantity } else { 0 },
                cancelled: 0,
                returned: 0,
            });
            if sent {
                let (fulfillment_id, product_id) = (parcel_of(order), line.product_id);
                self.contents.push(fulfillment_line::Model { fulfillment_id, product_id, quantity: line.quantity });
            }
        }
    }

    /// What the saga would have written.
    fn record(&mut self, order: &order::Model, sent: bool, dice: &mut Dice) {
        let decided = order.placed_at + dice.between(40, 900);
        let system = (Actor::System, None);
        let buyer = (Actor::Buyer, Some(order.buyer_id));
        let total = Some(order.total_minor);
        self.event(order, Kind::Received, order.placed_at, buyer, None, None);
        if let Some(rejection) = &order.rejection {
            self.event(order, Kind::Rejected, decided, system, None, Some(&rejection.to_string()));
            return;
        }
        self.entry(order, ledger_entry::Kind::Authorize, "authorize", decided);
        self.event(order, Kind::Placed, decided, system, total, None);
        self.entry(order, ledger_entry::Kind::Capture, "capture", decided + 1);
        self.event(order, Kind::Paid, decided + 1, system, total, None);
        if order.status == Status::Cancelled {
            let at = decided + dice.between(60_000, 80_000_000);
            let reason = "cancelled on request";
            self.event(order, Kind::Cancelled, at, buyer, None, Some(reason));
            self.event(order, Kind::Refunded, at + 1, buyer, total, Some(reason));
            self.refund(order, reason, at);
        }
        if sent {
            self.parcel(order, dice);
        }
    }

    fn refund(&mut self, order: &order::Model, reason: &str, at: i64) {
        let id = Uuid::new_v5(&order.id, b"refund");
        self.refunds.push(refund::Model {
            id,
            order_id: order.id,
            status: refund::Status::Succeeded,
            amount_minor: order.total_minor,
            lines: refund::Lines::default(),
            reason: reason.to_owned(),
            actor: Actor::Buyer,
            actor_id: Some(order.buyer_id),
            created_at: at,
            due_at: at,
            attempts: 0,
            failure: None,
        });
        self.ledger.push(ledger_entry::Model {
            key: format!("{}-refund", id.simple()),
            ..entry(order, ledger_entry::Kind::Refund, "refund", at + 1)
        });
    }

    fn parcel(&mut self, order: &order::Model, dice: &mut Dice) {
        let shipped_at = order.placed_at + dice.between(DAY / 4, DAY);
        let delivered_at = shipped_at + dice.between(DAY / 2, 2 * DAY);
        self.parcels.push(fulfillment::Model {
            id: parcel_of(order),
            order_id: order.id,
            carrier: Some("DHL".to_owned()),
            tracking_number: Some(format!("JD{:010}", order.number)),
            shipped_at,
            delivered_at: Some(delivered_at),
        });
        let shop = (Actor::Staff, Some(service::sample::id("user", "ada")));
        for (kind, at) in [(Kind::Shipped, shipped_at), (Kind::Delivered, delivered_at)] {
            self.event(order, kind, at, shop, None, None);
        }
    }

    fn event(
        &mut self,
        order: &order::Model,
        kind: Kind,
        at: i64,
        (actor, actor_id): (Actor, Option<Uuid>),
        amount_minor: Option<i64>,
        reason: Option<&str>,
    ) {
        self.events.push(order_event::Model {
            id: Uuid::new_v5(&order.id, format!("{kind:?}").as_bytes()),
            order_id: order.id,
            kind,
            at,
            actor,
            actor_id,
            amount_minor,
            reason: reason.map(str::to_owned),
            fulfillment_id: matches!(kind, Kind::Shipped | Kind::Delivered).then(|| parcel_of(order)),
            return_id: None,
        });
    }

    fn entry(&mut self, order: &order::Model, kind: ledger_entry::Kind, call: &str, at: i64) {
        self.ledger.push(entry(order, kind, call, at));
    }
}

const DAY: i64 = 86_400_000;

fn entry(order: &order::Model, kind: ledger_entry::Kind, call: &str, at: i64) -> ledger_entry::Model {
    ledger_entry::Model {
        key: format!("{}-{call}", order.id.simple()),
        order_id: order.id,
        kind,
        amount_minor: order.total_minor,
        currency: order.currency.clone(),
        at,
    }
}

fn parcel_of(order: &order::Model) -> Uuid {
    Uuid::new_v5(&order.id, b"parcel")
}

/// One to four different products, mostly one of each.
fn wanted(products: &[SampleProduct], dice: &mut Dice) -> Vec<(WantedLine, Product)> {
    let mut lines: Vec<(WantedLine, Product)> = Vec::new();
    for _ in 0..dice.between(1, 4) {
        let Some(product) = dice.pick(products) else { break };
        let quantity = if dice.below(3) == 0 { dice.between(2, 5) } else { 1 };
        if lines.iter().any(|(line, _)| line.product == product.id) {
            continue;
        }
        let line = WantedLine { product: product.id, quantity: i32::try_from(quantity).unwrap_or(1) };
        let product = Product {
            sku: product.sku.clone(),
            name: product.name.clone(),
            price: product.price,
            weight_grams: product.weight_grams,
            discontinued: false,
        };
        lines.push((line, product));
    }
    lines
}

fn address(name: &str, dice: &mut Dice) -> Address {
    let (street, code, city, country) = match dice.below(4) {
        0 => ("Rue des Lilas 12", "75011", "Paris", "FR"),
        1 => ("Hoofdstraat 8", "1012 AB", "Amsterdam", "NL"),
        _ => ("Lange Str. 7", "10115", "Berlin", "DE"),
    };
    Address {
        name: name.to_owned(),
        line1: street.to_owned(),
        line2: None,
        postal_code: Some(code.to_owned()),
        city: city.to_owned(),
        region: None,
        country_code: country.to_owned(),
        phone: None,
    }
}

fn out_of_stock(offer: &Offer) -> Rejection {
    let short = offer.lines.first().map(|line| Shortage {
        product_id: line.product_id,
        requested: line.quantity,
        available: line.quantity - 1,
    });
    Rejection::OutOfStock { lines: short.into_iter().collect() }
}
