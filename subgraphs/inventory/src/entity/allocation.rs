//! Which warehouse provides what for a reservation, so that it can be returned there.

use sea_orm::entity::prelude::*;

/// One row of `allocations`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "allocations")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) idempotency_key: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) product_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) warehouse_id: Uuid,
    pub(crate) quantity: i64,
    /// How many of them came back after they were sold.
    pub(crate) returned: i64,
}

impl Model {
    /// How many units did not come back.
    pub(crate) fn remaining(&self) -> i64 {
        self.quantity - self.returned
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
