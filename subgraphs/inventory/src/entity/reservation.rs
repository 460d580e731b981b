//! Stock that is set aside under a caller's key. Knows nothing of who the caller is.

use sea_orm::entity::prelude::*;

/// One row of `reservations`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reservations")]
pub(crate) struct Model {
    /// The caller's idempotency key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) key: String,
    pub(crate) status: Status,
    /// What was asked for, in a form that is equal for equal requests; empty for a key that was released before it was used.
    pub(crate) request: String,
    pub(crate) created_at: i64,
}

/// Where a reservation is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, async_graphql::Enum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "lowercase")]
#[graphql(name = "ReservationStatus", inaccessible)]
pub(crate) enum Status {
    /// The stock is set aside.
    Held,
    /// The stock is sold.
    Committed,
    /// The stock was given back, or the key was barred before it was used.
    Released,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
