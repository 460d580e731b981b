//! How many units of a product are in a warehouse, in the database: the sum of its movements, kept beside them.

use sea_orm::entity::prelude::*;

/// One row of `stock`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stock")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) product_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) warehouse_id: Uuid,
    /// What its last movement left; a foreign key guarantees it.
    pub(crate) on_hand: i64,
    /// How many of them are held by reservations; a CHECK constraint keeps it between zero and `on_hand`.
    pub(crate) reserved: i64,
    /// The number of its last movement.
    pub(crate) position: Option<i64>,
}

impl Model {
    /// How many units can be ordered.
    pub(crate) const fn available(&self) -> i64 {
        self.on_hand.saturating_sub(self.reserved)
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
