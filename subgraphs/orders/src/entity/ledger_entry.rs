//! Charges and refunds in the database. Rows are never changed or deleted.

use sea_orm::entity::prelude::*;

/// One row of `ledger`. Its primary key guarantees that no order is charged or refunded twice.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) order_id: TextUuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) kind: Kind,
    pub(crate) amount_minor: i64,
    pub(crate) currency: String,
    pub(crate) at: i64,
}

/// The direction of the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "UPPERCASE")]
pub(crate) enum Kind {
    /// From the buyer to the shop.
    Charge,
    /// Back to the buyer.
    Refund,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
