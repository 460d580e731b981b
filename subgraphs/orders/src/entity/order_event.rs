//! The history of an order in the database. Rows are never changed or deleted.

use sea_orm::entity::prelude::*;

/// One row of `order_events`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_events")]
pub(crate) struct Model {
    /// Version 7, so that events of the same millisecond keep their order.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) order_id: Uuid,
    pub(crate) kind: Kind,
    pub(crate) at: i64,
    pub(crate) actor: Actor,
    /// The user, unless the shop's own software acted.
    pub(crate) actor_id: Option<Uuid>,
    /// How much was placed, captured or refunded.
    pub(crate) amount_minor: Option<i64>,
    /// The reason, as a text for people.
    pub(crate) reason: Option<String>,
    /// The fulfilment that was sent or delivered.
    pub(crate) fulfillment_id: Option<Uuid>,
    /// The return that was requested or decided.
    pub(crate) return_id: Option<Uuid>,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Kind {
    Received,
    Placed,
    Rejected,
    Cancelled,
    Paid,
    Shipped,
    Delivered,
    Refunded,
    RefundFailed,
    ReturnRequested,
    ReturnReceived,
    ReturnDeclined,
    ReturnCancelled,
}

/// Who did something to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, async_graphql::Enum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "UPPERCASE")]
#[graphql(name = "OrderActor")]
pub(crate) enum Actor {
    /// The person who ordered.
    Buyer,
    /// Somebody who works for the shop.
    Staff,
    /// The shop's software.
    System,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
