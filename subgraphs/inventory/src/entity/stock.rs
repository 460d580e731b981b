//! The available units of a product in a warehouse, in the database. Reserved units are not included.

use sea_orm::entity::prelude::*;

/// One row of `stock`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stock")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) product_id: TextUuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) warehouse_id: TextUuid,
    /// Never negative; a CHECK constraint guarantees it.
    pub(crate) quantity: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
