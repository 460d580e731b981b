//! The history of an order in the graph. Knows no database.

use async_graphql::{Interface, SimpleObject};
use service::{DateTime, Money, Result};

use super::order::money;
use crate::clock::to_datetime;
use crate::entity::order_event::{self, Kind};

/// Something that happened to an order.
#[derive(Interface)]
#[graphql(field(name = "at", ty = "&DateTime", desc = "When it happened."))]
pub(crate) enum OrderEvent {
    /// The order was received.
    Received(OrderReceived),
    /// The order was placed.
    Placed(OrderPlaced),
    /// The order could not be placed.
    Rejected(OrderRejected),
    /// The order was cancelled.
    Cancelled(OrderCancelled),
}

/// The order was received; stock is not reserved yet.
#[derive(SimpleObject)]
pub(crate) struct OrderReceived {
    /// When it happened.
    at: DateTime,
}

/// Stock was reserved and the buyer was charged.
#[derive(SimpleObject)]
pub(crate) struct OrderPlaced {
    /// When it happened.
    at: DateTime,
    /// The amount that was charged.
    charged: Money,
}

/// The order could not be placed; nothing was charged.
#[derive(SimpleObject)]
pub(crate) struct OrderRejected {
    /// When it happened.
    at: DateTime,
    /// The reason, as a text for people.
    reason: String,
}

/// The order was cancelled.
#[derive(SimpleObject)]
pub(crate) struct OrderCancelled {
    /// When it happened.
    at: DateTime,
    /// The reason, as a text for people.
    reason: String,
    /// The amount that was refunded; null if nothing had been charged.
    refunded: Option<Money>,
}

impl OrderEvent {
    /// An event from the database, with its order's currency.
    pub(super) fn new(row: order_event::Model, currency: &str) -> Result<Self> {
        let at = to_datetime(row.at);
        let amount = row.amount_minor.map(|minor| money(minor, currency)).transpose()?;
        let reason = row.reason.unwrap_or_default();
        Ok(match row.kind {
            Kind::Received => Self::Received(OrderReceived { at }),
            Kind::Placed => {
                let charged = match amount {
                    Some(amount) => amount,
                    None => money(0, currency)?,
                };
                Self::Placed(OrderPlaced { at, charged })
            }
            Kind::Rejected => Self::Rejected(OrderRejected { at, reason }),
            Kind::Cancelled => Self::Cancelled(OrderCancelled { at, reason, refunded: amount }),
        })
    }
}
