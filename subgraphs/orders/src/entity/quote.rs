//! A quote in the database: an offer that somebody was shown.

use sea_orm::entity::prelude::*;

use crate::offer::Offer;

/// One row of `quotes`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "quotes")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) buyer_id: Uuid,
    pub(crate) expires_at: i64,
    #[sea_orm(column_type = "Json")]
    pub(crate) offer: Offer,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
