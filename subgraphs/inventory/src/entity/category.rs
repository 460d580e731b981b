//! A category of products in the database: a node of a tree.

use sea_orm::entity::prelude::*;

/// One row of `categories`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "categories")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    /// What it is called in addresses.
    #[sea_orm(unique)]
    pub(crate) slug: String,
    pub(crate) name: String,
    /// None at the top of the tree.
    pub(crate) parent_id: Option<Uuid>,
    pub(crate) created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
