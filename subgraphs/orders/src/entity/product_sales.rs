//! How many units of a product are sold, in the database. Changed in the transactions that sell and take back.

use sea_orm::entity::prelude::*;

/// One row of `product_sales`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "product_sales")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) product_id: Uuid,
    /// The units of placed orders that were not paid back.
    pub(crate) units: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
