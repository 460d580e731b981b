//! An order and its lines in the graph. Knows who may see an order; reads only through the loaders.

use async_graphql::{ComplexObject, Context, Enum, ID, Object, SimpleObject};
use service::clock::to_datetime;
use service::graphql::{id, loader};
use service::{DateTime, Error, Money, Result, Viewer, viewer};

use super::events::OrderEvent;
use super::fulfillment::Fulfillment;
use super::loaders::{EventsOf, FulfillmentsOf, LinesOf, RefundsOf, ReturnsOf};
use super::product::Product;
use super::refund::Refund;
use super::returns::Return;
use super::user::User;
use crate::address::Address;
use crate::entity::order::{self, Status};
use crate::entity::{fulfillment, order_line};
use crate::saga::returns;

/// An order in the graph.
pub(crate) struct Order(order::Model);

/// A product in an order, as it was sold.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct OrderLine {
    /// The product's name when it was sold.
    name: String,
    /// The product's SKU when it was sold.
    sku: String,
    /// The number of units.
    quantity: i32,
    /// The price of one unit, without tax.
    unit_price: Money,
    /// The weight of one unit.
    weight_grams: i32,
    /// How many units were sent.
    fulfilled_quantity: i32,
    /// How many units were paid back.
    refunded_quantity: i32,
    #[graphql(skip)]
    row: order_line::Model,
}

/// Where the money of an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum PaymentStatus {
    /// The payment provider was not asked yet, or has not answered.
    Pending,
    /// The total is set aside at the buyer's bank, and will be taken in a moment.
    Authorized,
    /// The total was taken.
    Paid,
    /// A part of it is paid back, or will be in a moment.
    PartiallyRefunded,
    /// All of it is paid back, or will be in a moment.
    Refunded,
    /// The order was rejected or cancelled, and nothing was taken.
    NotCharged,
}

/// Where the goods of an order are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum FulfillmentStatus {
    /// Nothing was sent.
    Unfulfilled,
    /// A part was sent.
    PartiallyFulfilled,
    /// All that the buyer will get was sent.
    Fulfilled,
    /// All that the buyer will get has arrived.
    Delivered,
}

impl Order {
    /// The order, if the caller may see it. To others it looks like one that does not exist.
    pub(super) fn visible(row: order::Model, viewer: &Viewer) -> Option<Self> {
        may_see(&row, viewer).then(|| row.into())
    }

    /// The order's row.
    pub(super) fn row(&self) -> &order::Model {
        &self.0
    }

    fn money(&self, minor: i64) -> Result<Money> {
        money(minor, &self.0.currency)
    }

    async fn line_rows(&self, ctx: &Context<'_>) -> Result<Vec<order_line::Model>> {
        Ok(loader(ctx)?.load_one(LinesOf(self.0.id)).await?.unwrap_or_default())
    }

    async fn parcels(&self, ctx: &Context<'_>) -> Result<Vec<fulfillment::Model>> {
        Ok(loader(ctx)?.load_one(FulfillmentsOf(self.0.id)).await?.unwrap_or_default())
    }
}

/// Whether the viewer may see the order: its buyer and the shop's staff.
pub(super) fn may_see(row: &order::Model, viewer: &Viewer) -> bool {
    viewer.is_staff() || viewer.is_user(&row.buyer_id.to_string())
}

impl From<order::Model> for Order {
    fn from(row: order::Model) -> Self {
        Self(row)
    }
}

/// An order in any status.
#[Object(cache_control(private))]
impl Order {
    /// The id.
    pub(super) async fn id(&self) -> ID {
        id::global("Order", self.0.id)
    }

    /// The number that people use, such as `1000123`.
    async fn number(&self) -> String {
        self.0.number.to_string()
    }

    /// The user who ordered.
    async fn buyer(&self) -> Option<User> {
        Some(User::new(self.0.buyer_id))
    }

    /// Where the order stands.
    async fn status(&self) -> Status {
        self.0.status
    }

    /// Where its money is.
    async fn payment_status(&self) -> PaymentStatus {
        payment_status(&self.0)
    }

    /// Where its goods are.
    async fn fulfillment_status(&self, ctx: &Context<'_>) -> Result<FulfillmentStatus> {
        // At the same time, so that they share batches with the fields of the same names.
        let (lines, parcels) = futures_util::try_join!(self.line_rows(ctx), self.parcels(ctx))?;
        if lines.iter().all(|line| line.fulfilled == 0) {
            return Ok(FulfillmentStatus::Unfulfilled);
        }
        if lines.iter().any(|line| line.unfulfilled() > 0) {
            return Ok(FulfillmentStatus::PartiallyFulfilled);
        }
        let delivered = parcels.iter().all(|parcel| parcel.delivered_at.is_some());
        Ok(if delivered { FulfillmentStatus::Delivered } else { FulfillmentStatus::Fulfilled })
    }

    /// The lines of the order.
    async fn lines(&self, ctx: &Context<'_>) -> Result<Vec<OrderLine>> {
        let rows = self.line_rows(ctx).await?;
        rows.into_iter().map(|row| OrderLine::new(row, &self.0.currency)).collect()
    }

    /// The sum of the lines, without tax.
    async fn subtotal(&self) -> Result<Money> {
        self.money(self.0.subtotal_minor)
    }

    /// The cost of shipping, by weight and country, without tax.
    async fn shipping(&self) -> Result<Money> {
        self.money(self.0.shipping_minor)
    }

    /// The tax on the lines and on shipping.
    async fn tax(&self) -> Result<Money> {
        self.money(self.0.tax_minor)
    }

    /// What the buyer agreed to pay: `subtotal`, `shipping` and `tax`.
    async fn total(&self) -> Result<Money> {
        self.money(self.0.total_minor)
    }

    /// How much is paid back, or will be in a moment.
    async fn total_refunded(&self) -> Result<Money> {
        self.money(self.0.refunded_minor)
    }

    /// Where it is sent, as the buyer wrote it.
    async fn shipping_address(&self) -> &Address {
        &self.0.address
    }

    /// When it was ordered.
    async fn placed_at(&self) -> DateTime {
        to_datetime(self.0.placed_at)
    }

    /// The parcels of the order, oldest first.
    async fn fulfillments(&self, ctx: &Context<'_>) -> Result<Vec<Fulfillment>> {
        Ok(self.parcels(ctx).await?.into_iter().map(Fulfillment::from).collect())
    }

    /// The refunds of the order, oldest first.
    async fn refunds(&self, ctx: &Context<'_>) -> Result<Vec<Refund>> {
        let refunds = loader(ctx)?.load_one(RefundsOf(self.0.id)).await?.unwrap_or_default();
        Ok(refunds.into_iter().map(|row| Refund::new(row, &self.0.currency)).collect())
    }

    /// What the buyer sends back or has sent back, oldest first.
    async fn returns(&self, ctx: &Context<'_>) -> Result<Vec<Return>> {
        let returns = loader(ctx)?.load_one(ReturnsOf(self.0.id)).await?.unwrap_or_default();
        Ok(returns.into_iter().map(Return::from).collect())
    }

    /// What happened to the order, oldest first.
    async fn history(&self, ctx: &Context<'_>) -> Result<Vec<OrderEvent>> {
        let events = loader(ctx)?.load_one(EventsOf(self.0.id)).await?.unwrap_or_default();
        events.into_iter().map(|event| OrderEvent::new(event, &self.0.currency, viewer(ctx))).collect()
    }

    /// The buyer's key for the order. For support tools, not in the public schema.
    #[graphql(inaccessible, tag = "internal")]
    async fn idempotency_key(&self) -> &str {
        &self.0.idempotency_key
    }
}

fn payment_status(order: &order::Model) -> PaymentStatus {
    match (order.captured_minor, order.refunded_minor) {
        (0, _) => match order.status {
            Status::Rejected | Status::Cancelled => PaymentStatus::NotCharged,
            Status::Pending | Status::Placed if order.payment_id.is_some() => PaymentStatus::Authorized,
            Status::Pending | Status::Placed => PaymentStatus::Pending,
        },
        (_, 0) => PaymentStatus::Paid,
        (captured, refunded) if refunded < captured => PaymentStatus::PartiallyRefunded,
        _ => PaymentStatus::Refunded,
    }
}

#[ComplexObject]
impl OrderLine {
    /// The product, as it is now; null if the catalog can't be reached.
    #[graphql(provides = "sku")]
    async fn product(&self) -> Option<Product> {
        Some(Product::in_line(self.row.product_id, self.row.sku.clone()))
    }

    /// How many units the buyer has and could still send back.
    async fn returnable_quantity(&self, ctx: &Context<'_>) -> Result<i32> {
        let returns = loader(ctx)?.load_one(ReturnsOf(self.row.order_id)).await?.unwrap_or_default();
        let announced = returns::announced(&returns).remove(&self.row.product_id).unwrap_or(0);
        Ok((self.row.with_buyer() - announced).max(0))
    }

    /// The unit price times the quantity.
    async fn total(&self) -> Result<Money> {
        self.unit_price.times(i64::from(self.quantity)).map_err(Error::internal)
    }
}

impl OrderLine {
    fn new(row: order_line::Model, currency: &str) -> Result<Self> {
        Ok(Self {
            name: row.name.clone(),
            sku: row.sku.clone(),
            quantity: row.quantity,
            unit_price: money(row.unit_price_minor, currency)?,
            weight_grams: row.weight_grams,
            fulfilled_quantity: row.fulfilled,
            refunded_quantity: row.cancelled + row.returned,
            row,
        })
    }
}

/// An amount from the database.
pub(super) fn money(minor: i64, currency: &str) -> Result<Money> {
    Money::from_columns(minor, currency).map_err(Error::internal)
}
