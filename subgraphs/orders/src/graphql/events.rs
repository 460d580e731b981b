//! The history of an order in the graph. Knows no database.

use async_graphql::{ID, Interface, SimpleObject};
use service::clock::to_datetime;
use service::graphql::id;
use service::{DateTime, Money, Result, Viewer};

use super::order::money;
use super::user::User;
use crate::entity::order_event::{self, Actor, Kind};

/// Something that happened to an order.
#[derive(Interface)]
#[graphql(
    field(name = "at", ty = "&DateTime", desc = "When it happened."),
    field(name = "actor", ty = "&Actor", desc = "Whose doing it was."),
    field(name = "user", ty = "&Option<User>", desc = "The person whose doing it was. Only administrators see it.")
)]
pub(crate) enum OrderEvent {
    /// The order was received.
    Received(OrderReceived),
    /// The order was placed.
    Placed(OrderPlaced),
    /// The order could not be placed.
    Rejected(OrderRejected),
    /// The order was cancelled.
    Cancelled(OrderCancelled),
    /// The money was taken.
    Paid(OrderPaid),
    /// A parcel was sent.
    Shipped(OrderShipped),
    /// A parcel has arrived.
    Delivered(OrderDelivered),
    /// Money was paid back.
    Refunded(OrderRefunded),
    /// Money could not be paid back.
    RefundFailed(OrderRefundFailed),
    /// The buyer sends something back.
    ReturnRequested(OrderReturnRequested),
    /// What was sent back has arrived.
    ReturnReceived(OrderReturnReceived),
    /// The shop does not take something back.
    ReturnDeclined(OrderReturnDeclined),
    /// The buyer keeps what they wanted to send back.
    ReturnCancelled(OrderReturnCancelled),
}

/// The order was received; stock is not reserved yet.
#[derive(SimpleObject)]
pub(crate) struct OrderReceived {
    /// When it happened.
    at: DateTime,
    /// Whose doing it was.
    actor: Actor,
    /// The person whose doing it was. Only administrators see it.
    user: Option<User>,
}

/// The stock was sold to the buyer, and the payment is authorized.
#[derive(SimpleObject)]
pub(crate) struct OrderPlaced {
    /// When it happened.
    at: DateTime,
    /// Whose doing it was.
    actor: Actor,
    /// The person whose doing it was. Only administrators see it.
    user: Option<User>,
    /// The total that the buyer agreed to.
    total: Money,
}

/// The order could not be placed; nothing was taken from the buyer.
#[derive(SimpleObject)]
pub(crate) struct OrderRejected {
    /// When it happened.
    at: DateTime,
    /// Whose doing it was.
    actor: Actor,
    /// The person whose doing it was. Only administrators see it.
    user: Option<User>,
    /// The reason, as a text for people.
    reason: String,
}

/// The order was cancelled. What was paid is paid back.
#[derive(SimpleObject)]
pub(crate) struct OrderCancelled {
    /// When it happened.
    at: DateTime,
    /// Whose doing it was.
    actor: Actor,
    /// The person whose doing it was. Only administrators see it.
    user: Option<User>,
    /// The reason, as a text for people.
    reason: String,
}

/// The money was taken from the buyer.
#[derive(SimpleObject)]
pub(crate) struct OrderPaid {
    /// When it happened.
    at: DateTime,
    /// Whose doing it was.
    actor: Actor,
    /// The person whose doing it was. Only administrators see it.
    user: Option<User>,
    /// How much.
    amount: Money,
}

/// A parcel was sent.
#[derive(SimpleObject)]
pub(crate) struct OrderShipped {
    /// When it happened.
    at: DateTime,
    /// Whose doing it was.
    actor: Actor,
    /// The person whose doing it was. Only administrators see it.
    user: Option<User>,
    /// Which one: an id in the order's `fulfillments`.
    fulfillment_id: ID,
}

/// A parcel has arrived.
#[derive(SimpleObject)]
pub(crate) struct OrderDelivered {
    /// When it happened.
    at: DateTime,
    /// Whose doing it was.
    actor: Actor,
    /// The person whose doing it was. Only administrators see it.
    user: Option<User>,
    /// Which one: an id in the order's `fulfillments`.
    fulfillment_id: ID,
}

/// Money was paid back to the buyer.
#[derive(SimpleObject)]
pub(crate) struct OrderRefunded {
    /// When it happened.
    at: DateTime,
    /// Whose doing it was.
    actor: Actor,
    /// The person whose doing it was. Only administrators see it.
    user: Option<User>,
    /// How much.
    amount: Money,
    /// The reason, as a text for people.
    reason: String,
}

/// The payment provider refused to pay money back. The shop looks for another way.
#[derive(SimpleObject)]
pub(crate) struct OrderRefundFailed {
    /// When it happened.
    at: DateTime,
    /// Whose doing it was.
    actor: Actor,
    /// The person whose doing it was. Only administrators see it.
    user: Option<User>,
    /// How much.
    amount: Money,
    /// The reason, as a text for people.
    reason: String,
}

/// The buyer announced that they send something back.
#[derive(SimpleObject)]
pub(crate) struct OrderReturnRequested {
    /// When it happened.
    at: DateTime,
    /// Whose doing it was.
    actor: Actor,
    /// The person whose doing it was. Only administrators see it.
    user: Option<User>,
    /// Which one: an id in the order's `returns`.
    return_id: ID,
}

/// What was sent back has arrived.
#[derive(SimpleObject)]
pub(crate) struct OrderReturnReceived {
    /// When it happened.
    at: DateTime,
    /// Whose doing it was.
    actor: Actor,
    /// The person whose doing it was. Only administrators see it.
    user: Option<User>,
    /// Which one: an id in the order's `returns`.
    return_id: ID,
}

/// The shop does not take back what was announced.
#[derive(SimpleObject)]
pub(crate) struct OrderReturnDeclined {
    /// When it happened.
    at: DateTime,
    /// Whose doing it was.
    actor: Actor,
    /// The person whose doing it was. Only administrators see it.
    user: Option<User>,
    /// Which one: an id in the order's `returns`.
    return_id: ID,
    /// The reason, as a text for people.
    reason: String,
}

/// The buyer keeps what they wanted to send back.
#[derive(SimpleObject)]
pub(crate) struct OrderReturnCancelled {
    /// When it happened.
    at: DateTime,
    /// Whose doing it was.
    actor: Actor,
    /// The person whose doing it was. Only administrators see it.
    user: Option<User>,
    /// Which one: an id in the order's `returns`.
    return_id: ID,
}

impl OrderEvent {
    /// An event from the database, with its order's currency, as the viewer may see it.
    pub(super) fn new(row: order_event::Model, currency: &str, viewer: &Viewer) -> Result<Self> {
        let (at, actor) = (to_datetime(row.at), row.actor);
        let user = row.actor_id.filter(|_| viewer.is_admin()).map(User::new);
        let amount = money(row.amount_minor.unwrap_or(0), currency)?;
        let reason = row.reason.unwrap_or_default();
        let fulfillment_id = id::global("Fulfillment", row.fulfillment_id.unwrap_or_default());
        let return_id = id::global("Return", row.return_id.unwrap_or_default());
        Ok(match row.kind {
            Kind::Received => Self::Received(OrderReceived { at, actor, user }),
            Kind::Placed => Self::Placed(OrderPlaced { at, actor, user, total: amount }),
            Kind::Rejected => Self::Rejected(OrderRejected { at, actor, user, reason }),
            Kind::Cancelled => Self::Cancelled(OrderCancelled { at, actor, user, reason }),
            Kind::Paid => Self::Paid(OrderPaid { at, actor, user, amount }),
            Kind::Shipped => Self::Shipped(OrderShipped { at, actor, user, fulfillment_id }),
            Kind::Delivered => Self::Delivered(OrderDelivered { at, actor, user, fulfillment_id }),
            Kind::Refunded => Self::Refunded(OrderRefunded { at, actor, user, amount, reason }),
            Kind::RefundFailed => Self::RefundFailed(OrderRefundFailed { at, actor, user, amount, reason }),
            Kind::ReturnRequested => Self::ReturnRequested(OrderReturnRequested { at, actor, user, return_id }),
            Kind::ReturnReceived => Self::ReturnReceived(OrderReturnReceived { at, actor, user, return_id }),
            Kind::ReturnDeclined => Self::ReturnDeclined(OrderReturnDeclined { at, actor, user, return_id, reason }),
            Kind::ReturnCancelled => Self::ReturnCancelled(OrderReturnCancelled { at, actor, user, return_id }),
        })
    }
}
