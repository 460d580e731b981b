//! The words with which a product can be found, by where they stand. Both databases build their own index of these.

use sea_orm::entity::prelude::*;

/// One row of `product_terms`: words in lower case, separated by spaces.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "product_terms")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) product_id: Uuid,
    /// The words of the name and of the SKU.
    pub(crate) name: String,
    pub(crate) category: String,
    pub(crate) description: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
