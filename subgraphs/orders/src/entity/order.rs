//! An order in the database: what the buyer sees (`status`) and what is still to do (`step`).

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::address::Address;

/// One row of `orders`. Amounts are minor units of `currency`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "orders")]
pub(crate) struct Model {
    /// Also the idempotency key of this order's stock reservation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    /// The number that people use.
    pub(crate) number: i64,
    pub(crate) buyer_id: Uuid,
    /// The buyer's key for the order; unique per buyer.
    pub(crate) idempotency_key: String,
    /// Stands for the whole request: the same key with another one is a mistake.
    pub(crate) fingerprint: Uuid,
    pub(crate) status: Status,
    pub(crate) step: Step,
    pub(crate) currency: String,
    /// The sum of the lines.
    pub(crate) subtotal_minor: i64,
    pub(crate) shipping_minor: i64,
    pub(crate) tax_minor: i64,
    /// What the buyer agreed to pay: the sum of the three.
    pub(crate) total_minor: i64,
    /// What was taken from the buyer: nothing or the total.
    pub(crate) captured_minor: i64,
    /// What was paid back, or will be: the refunds that have not failed.
    pub(crate) refunded_minor: i64,
    #[sea_orm(column_type = "Json")]
    pub(crate) address: Address,
    /// The provider's token of how the buyer pays.
    pub(crate) payment_method: String,
    /// The provider's id of the authorized payment.
    pub(crate) payment_id: Option<String>,
    /// Why a rejected order was rejected.
    #[sea_orm(column_type = "Json", nullable)]
    pub(crate) rejection: Option<Rejection>,
    /// Milliseconds since 1970, like all times here: they sort the same on SQLite and PostgreSQL.
    pub(crate) placed_at: i64,
    /// When the reconciler may take the next step. A worker claims the order by setting this to a later time.
    pub(crate) due_at: i64,
    /// How often the reconciler has tried the current step.
    pub(crate) attempts: i32,
    /// Why the current step failed the last time.
    pub(crate) failure: Option<String>,
    /// Since when a person should look at it.
    pub(crate) stuck_since: Option<i64>,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, async_graphql::Enum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "UPPERCASE")]
#[graphql(name = "OrderStatus")]
pub(crate) enum Status {
    /// Received, and not decided yet: it becomes PLACED or REJECTED without another request. Show it as "we are working on it".
    Pending,
    /// The stock is sold to the buyer and the payment is authorized. `paymentStatus` and `fulfillmentStatus` say how far it is.
    Placed,
    /// Cancelled by the buyer or the shop. What was paid is paid back.
    Cancelled,
    /// Could not be placed. Nothing was taken from the buyer.
    Rejected,
}

/// The next call to another party. If a crash leaves a row with a step other than `Done`, the reconciler takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, async_graphql::Enum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "UPPERCASE")]
#[graphql(name = "OrderStep")]
pub(crate) enum Step {
    /// Reserve the stock.
    Reserve,
    /// Let the payment provider set the money aside.
    Authorize,
    /// Tell inventory that the reserved stock is sold.
    Commit,
    /// Take the money that is set aside.
    Capture,
    /// Let go the money that may be set aside, or pay back what was taken meanwhile.
    Void,
    /// Return the stock that inventory may hold for this order, and close the key to late reservations.
    Release,
    /// There is nothing left to do.
    Done,
}

/// Why an order was rejected, kept so that a repeated request gets the same answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub(crate) enum Rejection {
    /// There was too little stock of these.
    OutOfStock { lines: Vec<Shortage> },
    /// These products do not exist (any more).
    UnknownProducts { product_ids: Vec<Uuid> },
    /// These products are no longer sold.
    Discontinued { product_ids: Vec<Uuid> },
    /// A price changed between the buyer's agreement and the reservation.
    PriceChanged,
    /// The payment provider or the buyer's bank declined.
    PaymentDeclined { reason: String },
    /// The payment could not be authorized in time.
    PaymentUnavailable,
    /// The reservation was closed before it could be used.
    ReservationClosed,
    /// Inventory could not be reached in time.
    InventoryUnavailable,
    /// Another service refuses the order, or its response can't be used: a fault between the services.
    Unfulfillable,
}

/// A line with too little stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shortage {
    pub(crate) product_id: Uuid,
    pub(crate) requested: i32,
    pub(crate) available: i32,
}

impl std::fmt::Display for Rejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::OutOfStock { .. } => "there is too little stock",
            Self::UnknownProducts { .. } => "a product does not exist",
            Self::Discontinued { .. } => "a product is no longer sold",
            Self::PriceChanged => "a price has changed",
            Self::PaymentDeclined { reason } => return write!(f, "the payment was declined: {reason}"),
            Self::PaymentUnavailable => "the payment could not be confirmed in time",
            Self::ReservationClosed => "the stock reservation was closed",
            Self::InventoryUnavailable => "the stock could not be confirmed in time",
            Self::Unfulfillable => "the shop can't fulfil it at the moment",
        })
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
