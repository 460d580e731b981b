//! What the mutations return. Knows no input.

use async_graphql::SimpleObject;

use super::errors::{Done, OrderErrorCode, OrderUserError};
use super::fulfillment::Fulfillment;
use super::order::Order;
use super::product::Product;
use super::quote::Quote;
use super::refund::Refund;
use crate::entity;
use crate::entity::order::{Rejection, Shortage, Status};
use crate::saga::place::Outcome;

/// The result of `quoteOrder`.
#[derive(SimpleObject)]
pub(crate) struct QuoteOrderPayload {
    /// What the order would cost; null if there are `userErrors`.
    pub(super) quote: Option<Quote>,
    /// What the user has to correct.
    pub(super) user_errors: Vec<OrderUserError>,
}

/// The result of `placeOrder`.
#[derive(Default, SimpleObject)]
pub(crate) struct PlaceOrderPayload {
    /// The order, if one was written. PENDING means that the shop is still working on it: query it by its id, subscribe to
    /// `orderChanged`, or send the same request again. REJECTED means that nothing was taken; `userErrors` say why.
    pub(super) order: Option<Order>,
    /// What the order costs now, if that is not what the buyer has agreed to.
    pub(super) quote: Option<Quote>,
    /// The lines with too little stock, if that is the reason.
    pub(super) shortages: Vec<StockShortage>,
    /// What the user has to correct.
    pub(super) user_errors: Vec<OrderUserError>,
}

/// A line with too little stock.
#[derive(SimpleObject)]
pub(crate) struct StockShortage {
    /// The product.
    product: Option<Product>,
    /// How many units were requested.
    requested: i32,
    /// How many units were available.
    available: i32,
}

/// The result of `cancelOrder`.
#[derive(SimpleObject)]
pub(crate) struct CancelOrderPayload {
    /// The cancelled order; null if there are `userErrors`.
    pub(super) order: Option<Order>,
    /// What the user has to correct.
    pub(super) user_errors: Vec<OrderUserError>,
}

/// The result of `fulfillOrder` and `markDelivered`.
#[derive(SimpleObject)]
pub(crate) struct FulfillmentPayload {
    /// The parcel; null if there are `userErrors`.
    pub(super) fulfillment: Option<Fulfillment>,
    /// The order that it is of; null if there are `userErrors`.
    pub(super) order: Option<Order>,
    /// What the user has to correct.
    pub(super) user_errors: Vec<OrderUserError>,
}

/// The result of `refundOrder`.
#[derive(SimpleObject)]
pub(crate) struct RefundOrderPayload {
    /// The refund; null if there are `userErrors`. PENDING means that the payment provider has not confirmed it yet.
    pub(super) refund: Option<Refund>,
    /// The order that it is of; null if there are `userErrors`.
    pub(super) order: Option<Order>,
    /// What the user has to correct.
    pub(super) user_errors: Vec<OrderUserError>,
}

/// The result of `retryOrder`.
#[derive(SimpleObject)]
pub(crate) struct RetryOrderPayload {
    /// The order after the try; null if there are `userErrors`.
    pub(super) order: Option<Order>,
    /// What the user has to correct.
    pub(super) user_errors: Vec<OrderUserError>,
}

impl From<Done<entity::quote::Model>> for QuoteOrderPayload {
    fn from((quote, user_errors): Done<entity::quote::Model>) -> Self {
        Self { quote: quote.map(Into::into), user_errors }
    }
}

impl From<Done<entity::order::Model>> for CancelOrderPayload {
    fn from((order, user_errors): Done<entity::order::Model>) -> Self {
        Self { order: order.map(Into::into), user_errors }
    }
}

impl From<Done<entity::order::Model>> for RetryOrderPayload {
    fn from((order, user_errors): Done<entity::order::Model>) -> Self {
        Self { order: order.map(Into::into), user_errors }
    }
}

impl From<Done<(entity::fulfillment::Model, entity::order::Model)>> for FulfillmentPayload {
    fn from((done, user_errors): Done<(entity::fulfillment::Model, entity::order::Model)>) -> Self {
        let (parcel, order) = done.unzip();
        Self { fulfillment: parcel.map(Into::into), order: order.map(Into::into), user_errors }
    }
}

impl From<Done<(entity::refund::Model, entity::order::Model)>> for RefundOrderPayload {
    fn from((done, user_errors): Done<(entity::refund::Model, entity::order::Model)>) -> Self {
        let (refund, order) = match done {
            Some((refund, order)) => (Some(Refund::new(refund, &order.currency)), Some(order.into())),
            None => (None, None),
        };
        Self { refund, order, user_errors }
    }
}

impl From<Done<Outcome>> for PlaceOrderPayload {
    fn from((placed, user_errors): Done<Outcome>) -> Self {
        placed.map_or_else(|| Self { user_errors, ..Self::default() }, Self::from)
    }
}

impl From<Outcome> for PlaceOrderPayload {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Order(order) => of_order(order),
            Outcome::PriceChanged(quote, order) => {
                let message =
                    "The price has changed. If the buyer agrees to the new quote, place the order with its id.";
                Self {
                    order: order.map(Order::from),
                    quote: Some(quote.into()),
                    user_errors: vec![OrderUserError::new(OrderErrorCode::PriceChanged, message)],
                    ..Self::default()
                }
            }
            Outcome::QuoteExpired(quote) => {
                let message = "The quote has expired. If the buyer agrees to the new one, place the order with its id.";
                Self {
                    quote: Some(quote.into()),
                    user_errors: vec![OrderUserError::new(OrderErrorCode::QuoteExpired, message)],
                    ..Self::default()
                }
            }
        }
    }
}

fn of_order(order: entity::order::Model) -> PlaceOrderPayload {
    let mut payload = PlaceOrderPayload::default();
    if let Some(rejection) = &order.rejection {
        let message = format!("The order could not be placed: {rejection}.");
        payload.user_errors.push(OrderUserError::new(code(rejection), message));
        if let Rejection::OutOfStock { lines } = rejection {
            payload.shortages = lines.iter().map(StockShortage::from).collect();
        }
    } else if order.status == Status::Cancelled {
        let message = "The order was placed by this key and has been cancelled since. To order again, use a new key.";
        payload.user_errors.push(OrderUserError::new(OrderErrorCode::OrderRejected, message));
    }
    payload.order = Some(order.into());
    payload
}

const fn code(rejection: &Rejection) -> OrderErrorCode {
    match rejection {
        Rejection::OutOfStock { .. } => OrderErrorCode::OutOfStock,
        Rejection::UnknownProducts { .. } => OrderErrorCode::UnknownProduct,
        Rejection::Discontinued { .. } => OrderErrorCode::ProductDiscontinued,
        Rejection::PriceChanged => OrderErrorCode::PriceChanged,
        Rejection::PaymentDeclined { .. } => OrderErrorCode::PaymentDeclined,
        Rejection::PaymentUnavailable
        | Rejection::ReservationClosed
        | Rejection::InventoryUnavailable
        | Rejection::Unfulfillable => OrderErrorCode::OrderRejected,
    }
}

impl From<&Shortage> for StockShortage {
    fn from(line: &Shortage) -> Self {
        Self { product: Some(Product::new(line.product_id)), requested: line.requested, available: line.available }
    }
}
