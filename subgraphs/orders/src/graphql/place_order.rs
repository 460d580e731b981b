//! The arguments and the answer of `placeOrder`. Knows no database and no inventory.

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
    /// A key of the caller's own, new for each order, such as a UUID. The same request with the same key orders once
    /// and gets the same order again: repeat it whenever an answer was lost.
    idempotency_key: String,
    /// The products, each in one line.
    lines: Vec<OrderLineInput>,
}

/// A product to order.
#[derive(InputObject)]
pub(crate) struct OrderLineInput {
    /// The product's id.
    product_id: ID,
    /// How many units.
    quantity: i32,
}

/// What became of an order that was to be placed.
#[derive(Union)]
pub(crate) enum PlaceOrderResult {
    /// It is placed.
    Placed(PlacedOrder),
    /// It will be decided soon.
    Pending(PendingOrder),
    /// Stock did not suffice.
    OutOfStock(OutOfStock),
    /// A product does not exist.
    UnknownProducts(UnknownProducts),
    /// It could not be placed for another reason.
    Refused(RefusedOrder),
}

/// The stock is set aside and the buyer charged.
#[derive(SimpleObject)]
pub(crate) struct PlacedOrder {
    /// The order.
    order: Order,
}

/// The order is kept, but inventory has not confirmed it yet. It will be placed or rejected without further doing;
/// ask for it again by its id, or by the same request.
#[derive(SimpleObject)]
pub(crate) struct PendingOrder {
    /// The order.
    order: Order,
}

/// There is too little stock. Nothing was set aside and nothing charged.
#[derive(SimpleObject)]
pub(crate) struct OutOfStock {
    /// The order, which is rejected. Order again with a new key.
    order: Order,
    /// The lines that could not be served.
    lines: Vec<OutOfStockLine>,
}

/// A line that could not be served.
#[derive(SimpleObject)]
pub(crate) struct OutOfStockLine {
    /// The product.
    product: Product,
    /// How many units were asked for.
    requested: i32,
    /// How many there were.
    available: i32,
}

/// There are no such products. Nothing was charged.
#[derive(SimpleObject)]
pub(crate) struct UnknownProducts {
    /// The ids that belong to no product.
    product_ids: Vec<ID>,
}

/// The order could not be placed, or was cancelled since.
#[derive(SimpleObject)]
pub(crate) struct RefusedOrder {
    /// The order.
    order: Order,
    /// Why, for people. The order's history has the whole of it.
    reason: String,
}

impl PlaceOrderInput {
    /// The same in the saga's words.
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
