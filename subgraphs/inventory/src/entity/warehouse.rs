//! A warehouse. Knows nothing of what is in it.

use sea_orm::entity::prelude::*;

/// One row of `warehouses`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "warehouses")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: TextUuid,
    #[sea_orm(unique)]
    pub(crate) name: String,
    pub(crate) city: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
