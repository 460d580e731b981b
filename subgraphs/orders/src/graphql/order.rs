//! An order and its lines in the graph. Knows who may see an order; reads only through the loaders.

use async_graphql::{ComplexObject, Context, ID, Object, SimpleObject};
use service::graphql::loader;
use service::{DateTime, Error, Money, Result, Viewer};

use super::events::OrderEvent;
use super::loaders::{EventsOf, LinesOf};
use super::product::Product;
use super::shipping::{Weights, shipping_cost};
use super::user::User;
use crate::clock::to_datetime;
use crate::entity::order::{self, Status};
use crate::entity::order_line;

/// An order in the graph.
pub(crate) struct Order {
    row: order::Model,
    /// Inventory's weights, which the router sends when it asks for a field that needs them.
    weights: Option<Weights>,
}

/// A product in an order.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct OrderLine {
    /// The number of units.
    quantity: i32,
    /// The price of one unit when the order was placed.
    unit_price: Money,
    #[graphql(skip)]
    row: order_line::Model,
}

impl Order {
    /// The order, if the caller may see it. To others it looks like one that does not exist.
    pub(super) fn visible(row: order::Model, viewer: &Viewer) -> Option<Self> {
        let visible = viewer.is_admin() || viewer.is_user(&row.buyer_id.to_string());
        visible.then(|| row.into())
    }

    /// The order, with the weights that the router sent.
    pub(super) fn with_weights(self, weights: Option<Weights>) -> Self {
        Self { weights, ..self }
    }

    async fn line_rows(&self, ctx: &Context<'_>) -> Result<Vec<order_line::Model>> {
        let lines = loader(ctx)?.load_one(LinesOf(self.row.id.0)).await?;
        Ok(lines.unwrap_or_default())
    }
}

impl From<order::Model> for Order {
    fn from(row: order::Model) -> Self {
        Self { row, weights: None }
    }
}

/// An order in any status.
#[Object(cache_control(private))]
impl Order {
    /// The id.
    async fn id(&self) -> ID {
        self.row.id.0.into()
    }

    /// The user who ordered.
    async fn buyer(&self) -> User {
        User::new(self.row.buyer_id.0)
    }

    /// The status.
    async fn status(&self) -> Status {
        self.row.status
    }

    /// The lines of the order.
    async fn lines(&self, ctx: &Context<'_>) -> Result<Vec<OrderLine>> {
        let rows = self.line_rows(ctx).await?;
        rows.into_iter().map(|row| OrderLine::new(row, &self.row.currency)).collect()
    }

    /// The sum of the lines, without shipping. While the order is pending, an estimate; once it is placed, the amount that was
    /// charged.
    async fn total(&self) -> Result<Money> {
        money(self.row.total_minor, &self.row.currency)
    }

    /// The cost of shipping, by weight. Null, with an error, when the weights are not available.
    #[graphql(requires = "lines { product { sku weightGrams } }")]
    async fn shipping_cost(&self, ctx: &Context<'_>) -> Option<Result<Money>> {
        let cost = async {
            let lines = self.line_rows(ctx).await?;
            shipping_cost(&lines, self.weights.as_ref(), &self.row.currency)
        };
        Some(cost.await)
    }

    /// When it was ordered.
    async fn placed_at(&self) -> DateTime {
        to_datetime(self.row.placed_at)
    }

    /// The events of the order, oldest first.
    async fn history(&self, ctx: &Context<'_>) -> Result<Vec<OrderEvent>> {
        let events = loader(ctx)?.load_one(EventsOf(self.row.id.0)).await?;
        events.unwrap_or_default().into_iter().map(|event| OrderEvent::new(event, &self.row.currency)).collect()
    }

    /// The buyer's key for the order. For support tools, not in the public schema.
    #[graphql(inaccessible, tag = "internal")]
    async fn idempotency_key(&self) -> &str {
        &self.row.idempotency_key
    }
}

#[ComplexObject]
impl OrderLine {
    /// The product.
    #[graphql(provides = "sku")]
    async fn product(&self) -> Product {
        Product::in_line(self.row.product_id.0, self.row.sku.clone())
    }

    /// The unit price times the quantity.
    async fn total(&self) -> Result<Money> {
        self.unit_price.times(i64::from(self.quantity)).map_err(Error::internal)
    }
}

impl OrderLine {
    fn new(row: order_line::Model, currency: &str) -> Result<Self> {
        Ok(Self { quantity: row.quantity, unit_price: money(row.unit_price_minor, currency)?, row })
    }
}

/// An amount from the database.
pub(super) fn money(minor: i64, currency: &str) -> Result<Money> {
    Money::from_columns(minor, currency).map_err(Error::internal)
}
