//! The arguments and the result of `placeOrder`. Knows no database and no inventory.

use async_graphql::{ID, InputObject, SimpleObject, Union};
use service::{Error, Result};
use uuid::Uuid;

use super::order::Order;
use super::product::Product;
use crate::entity::order::{self, Shortage};
use crate::saga::place::{Outcome, Wanted, WantedLine};

/// What to order.
#[derive(InputObject)]
pub(crate) struct PlaceOrderInput {
    /// A key that the caller generates for each order, such as a UUID. Requests with the same key place only one order, and all of
    /// them return it. So it is safe to repeat a request whose response was lost.
    idempotency_key: String,
    /// The products. Each product may be in one line only.
    lines: Vec<OrderLineInput>,
}

/// A product to order.
#[derive(InputObject)]
pub(crate) struct OrderLineInput {
    /// The product's id.
    product_id: ID,
    /// The number of units.
    quantity: i32,
}

/// The result of `placeOrder`.
#[derive(Union)]
pub(crate) enum PlaceOrderResult {
    /// The order is placed.
    Placed(PlacedOrder),
    /// The order will be placed or rejected soon.
    Pending(PendingOrder),
    /// There is too little stock.
    OutOfStock(OutOfStock),
    /// A product does not exist.
    UnknownProducts(UnknownProducts),
    /// The order could not be placed for another reason.
    Refused(RefusedOrder),
}

/// The stock is reserved and the buyer was charged.
#[derive(SimpleObject)]
pub(crate) struct PlacedOrder {
    /// The order.
    order: Order,
}

/// The order is received, but its stock is not reserved yet. The shop will place or reject it without another request. To see
/// which, query the order by its id or send the same request again.
#[derive(SimpleObject)]
pub(crate) struct PendingOrder {
    /// The order.
    order: Order,
}

/// There is too little stock. Nothing was reserved and nothing was charged.
#[derive(SimpleObject)]
pub(crate) struct OutOfStock {
    /// The rejected order. To order again, use a new key.
    order: Order,
    /// The lines with too little stock.
    lines: Vec<OutOfStockLine>,
}

/// A line with too little stock.
#[derive(SimpleObject)]
pub(crate) struct OutOfStockLine {
    /// The product.
    product: Product,
    /// How many units were requested.
    requested: i32,
    /// How many units were available.
    available: i32,
}

/// There are no such products. Nothing was charged.
#[derive(SimpleObject)]
pub(crate) struct UnknownProducts {
    /// The ids for which there is no product.
    product_ids: Vec<ID>,
}

/// The order could not be placed, or has been cancelled since.
#[derive(SimpleObject)]
pub(crate) struct RefusedOrder {
    /// The order.
    order: Order,
    /// The reason, as a text for people. More details are in the order's history.
    reason: String,
}

impl PlaceOrderInput {
    /// The input in the saga's types.
    pub(super) fn wanted(self, buyer: Uuid) -> Result<Wanted> {
        let lines = self.lines.into_iter().map(|line| {
            let product = Uuid::parse_str(&line.product_id)
                .map_err(|_| Error::bad_input(format!("`{}` is not the id of a product.", line.product_id.as_str())))?;
            Ok(WantedLine { product, quantity: line.quantity })
        });
        Ok(Wanted { buyer, idempotency_key: self.idempotency_key, lines: lines.collect::<Result<_>>()? })
    }
}

impl From<Outcome> for PlaceOrderResult {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Placed(order) => Self::Placed(PlacedOrder { order: order.into() }),
            Outcome::Pending(order) => Self::Pending(PendingOrder { order: order.into() }),
            Outcome::OutOfStock(order, lines) => Self::OutOfStock(OutOfStock {
                order: order.into(),
                lines: lines.into_iter().map(OutOfStockLine::from).collect(),
            }),
            Outcome::UnknownProducts(products) => {
                Self::UnknownProducts(UnknownProducts { product_ids: products.into_iter().map(ID::from).collect() })
            }
            Outcome::Refused(order) => Self::Refused(RefusedOrder { reason: reason(&order), order: order.into() }),
        }
    }
}

impl From<Shortage> for OutOfStockLine {
    fn from(line: Shortage) -> Self {
        Self { product: Product::new(line.product_id), requested: line.requested, available: line.available }
    }
}

fn reason(order: &order::Model) -> String {
    match &order.rejection {
        Some(rejection) => rejection.to_string(),
        None => "the order was cancelled".to_owned(),
    }
}
