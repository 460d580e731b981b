//! What the payment provider did, in the database. Rows are never changed or deleted.

use sea_orm::entity::prelude::*;

/// One row of `ledger`. Its key is the idempotency key of the call to the provider, so nothing is written twice.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) key: String,
    pub(crate) order_id: Uuid,
    pub(crate) kind: Kind,
    pub(crate) amount_minor: i64,
    pub(crate) currency: String,
    pub(crate) at: i64,
}

/// What was done with the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "UPPERCASE")]
pub(crate) enum Kind {
    /// Set aside at the buyer's bank.
    Authorize,
    /// From the buyer to the shop.
    Capture,
    /// What was set aside is the buyer's again.
    Void,
    /// Back to the buyer.
    Refund,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
