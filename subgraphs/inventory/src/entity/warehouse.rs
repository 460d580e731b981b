//! A warehouse in the database.

use sea_orm::entity::prelude::*;

/// One row of `warehouses`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "warehouses")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    #[sea_orm(unique)]
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) city: String,
    /// Two-letter code (ISO 3166).
    pub(crate) country: String,
    /// Whether it takes goods.
    pub(crate) active: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
