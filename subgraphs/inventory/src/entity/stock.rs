//! How much of a product is free to be reserved in a warehouse. Knows nothing of reservations.

use sea_orm::entity::prelude::*;

/// One row of `stock`. The database refuses a quantity below zero.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stock")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) product_id: TextUuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) warehouse_id: TextUuid,
    pub(crate) quantity: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
