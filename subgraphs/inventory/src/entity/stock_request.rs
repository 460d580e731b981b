//! A change of stock that somebody has asked for under a key, in the database, so that it is made once.

use sea_orm::entity::prelude::*;

/// One row of `stock_requests`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stock_requests")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) idempotency_key: String,
    /// What was asked for, as JSON.
    pub(crate) request: String,
    pub(crate) created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
