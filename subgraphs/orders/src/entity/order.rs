//! An order in the database: what the buyer sees (`status`) and what is still to do (`step`).

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
    /// The buyer's key for the order; unique per buyer.
    pub(crate) idempotency_key: String,
    pub(crate) status: Status,
    pub(crate) step: Step,
    /// The sum of the lines. While the order is pending, an estimate; after that, what was charged.
    pub(crate) total_minor: i64,
    pub(crate) currency: String,
    /// Why a rejected order was rejected.
    #[sea_orm(column_type = "Json", nullable)]
    pub(crate) rejection: Option<Rejection>,
    /// Milliseconds since 1970, like all times here: they sort the same on SQLite and PostgreSQL.
    pub(crate) placed_at: i64,
    /// When the reconciler may take the next step. A worker claims the order by setting this to a later time.
    pub(crate) due_at: i64,
    /// How often the reconciler has tried the current step.
    pub(crate) attempts: i32,
}

/// The status of an order, as the buyer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, async_graphql::Enum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "UPPERCASE")]
#[graphql(name = "OrderStatus")]
pub(crate) enum Status {
    /// Received: the stock is not reserved yet, and nothing was charged.
    Pending,
    /// The stock is reserved and the buyer was charged.
    Placed,
    /// Cancelled by the buyer or the shop; the charge is refunded.
    Cancelled,
    /// Could not be placed; nothing was charged.
    Rejected,
}

/// The next call to inventory. If a crash leaves a row with a step other than `Done`, the reconciler takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "UPPERCASE")]
pub(crate) enum Step {
    /// Reserve the stock, then record the prices and the charge.
    Reserve,
    /// The buyer is charged: commit the reservation.
    Commit,
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
    /// The products are priced in different currencies.
    MixedCurrencies,
    /// The reservation was closed before it could be used.
    ReservationClosed,
    /// Inventory could not be reached in time.
    InventoryUnavailable,
    /// Inventory refuses the order, or its response can't be used: a fault between the two services.
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
