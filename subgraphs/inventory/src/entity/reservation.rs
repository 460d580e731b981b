//! A reservation in the database: its key and status.

use sea_orm::entity::prelude::*;

/// One row of `reservations`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reservations")]
pub(crate) struct Model {
    /// The caller's key. There is only ever one reservation per key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) idempotency_key: String,
    #[sea_orm(unique)]
    pub(crate) id: Uuid,
    pub(crate) status: Status,
    /// From then on it may be released while it is held; never, if there is none.
    pub(crate) expires_at: Option<i64>,
    /// Milliseconds since 1970.
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

/// The status of a reservation. It goes from HELD to COMMITTED to RELEASED, or from HELD to RELEASED, and never back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, async_graphql::Enum)]
#[graphql(name = "ReservationStatus", inaccessible)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))")]
pub(crate) enum Status {
    /// The stock is reserved until it is committed or released.
    #[sea_orm(string_value = "HELD")]
    Held,
    /// The stock is sold.
    #[sea_orm(string_value = "COMMITTED")]
    Committed,
    /// The stock was returned or never taken; the key can't be used again.
    #[sea_orm(string_value = "RELEASED")]
    Released,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
