//! A product in the database. Knows no stock.

use sea_orm::entity::prelude::*;

/// One row of `products`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "products")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    /// Never changes: orders have copies of it.
    #[sea_orm(unique)]
    pub(crate) sku: String,
    pub(crate) name: String,
    /// The name in lower case, so that lists are sorted the same on both databases.
    pub(crate) name_key: String,
    pub(crate) description: String,
    pub(crate) category_id: Uuid,
    pub(crate) price_minor: i64,
    pub(crate) price_currency: String,
    pub(crate) cost_minor: i64,
    pub(crate) cost_currency: String,
    pub(crate) weight_grams: i32,
    /// Whether it is no longer sold.
    pub(crate) discontinued: bool,
    /// Milliseconds since 1970: sorts the same on both databases.
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
