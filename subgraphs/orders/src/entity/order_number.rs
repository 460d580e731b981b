//! Numbers of orders in the database. The database counts them, so two instances never give the same one, and none waits for another.

use sea_orm::entity::prelude::*;

/// One row of `order_numbers`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_numbers")]
pub(crate) struct Model {
    #[sea_orm(primary_key)]
    pub(crate) counter: i64,
    pub(crate) order_id: Uuid,
}

/// The number of the first order is one more: people take short numbers for a young shop.
pub(crate) const BEFORE_FIRST: i64 = 1_000_000;

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
