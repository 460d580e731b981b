//! An order as the database holds it: what the buyer sees (`status`) and what is still owed (`step`).

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// One row of `orders`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "orders")]
pub(crate) struct Model {
    /// Also the idempotency key of this order's stock reservation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: TextUuid,
    pub(crate) buyer_id: TextUuid,
    /// The buyer's own key; unique with the buyer.
    pub(crate) idempotency_key: String,
    pub(crate) status: Status,
    pub(crate) step: Step,
    /// Sum of the lines. A quote while the order is pending, what was charged from then on.
    pub(crate) total_minor: i64,
    pub(crate) currency: String,
    /// Why a rejected order was rejected.
    #[sea_orm(column_type = "Json", nullable)]
    pub(crate) rejection: Option<Rejection>,
    /// Milliseconds since the epoch, as all times here: they sort alike on SQLite and PostgreSQL.
    pub(crate) placed_at: i64,
    /// When the reconciler may take the next step. Moving it forward is how a worker claims the order.
    pub(crate) due_at: i64,
    /// How often the reconciler has tried the present step.
    pub(crate) attempts: i32,
}

/// What the buyer sees of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, async_graphql::Enum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "UPPERCASE")]
#[graphql(name = "OrderStatus")]
pub(crate) enum Status {
    /// Received: the stock is not reserved yet, and nothing was charged.
    Pending,
    /// The stock is reserved and the buyer was charged.
    Placed,
    /// Cancelled by the buyer or the shop; what was charged is refunded.
    Cancelled,
    /// Could not be placed; nothing was charged.
    Rejected,
}

/// What inventory must still be told. A crash leaves a row with a step other than `Done`; the reconciler takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "UPPERCASE")]
pub(crate) enum Step {
    /// Reserve the stock, then record price and charge.
    Reserve,
    /// The buyer is charged: make the reservation final.
    Commit,
    /// Give back whatever inventory holds for this order, and bar late reservations.
    Release,
    /// Nothing is owed.
    Done,
}

/// Why an order was rejected, kept so that a repeated request gets the same answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub(crate) enum Rejection {
    /// Inventory had too little of these.
    OutOfStock { lines: Vec<Shortage> },
    /// Inventory does not know these products (any more).
    UnknownProducts { product_ids: Vec<Uuid> },
    /// The products are priced in different currencies.
    MixedCurrencies,
    /// The reservation was closed before it could be used.
    ReservationClosed,
    /// Inventory could not be reached for too long.
    InventoryUnavailable,
    /// Inventory will not take the order, or its answer can't be used: a fault between the two services.
    Unfulfillable,
}

/// A line that inventory could not serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shortage {
    pub(crate) product_id: Uuid,
    pub(crate) requested: i32,
    pub(crate) available: i32,
}

impl std::fmt::Display for Rejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::OutOfStock { .. } => "there was too little stock",
            Self::UnknownProducts { .. } => "a product is no longer sold",
            Self::MixedCurrencies => "the products are priced in different currencies",
            Self::ReservationClosed => "the stock reservation was closed",
            Self::InventoryUnavailable => "the stock could not be confirmed in time",
            Self::Unfulfillable => "the shop can't fulfil it at the moment",
        })
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {
    #[sea_orm(has_many = "super::order_line::Entity")]
    Lines,
}

impl Related<super::order_line::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Lines.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
