//! What happened to an order. Rows are only ever added.

use sea_orm::entity::prelude::*;

/// One row of `order_events`. Each kind happens to an order at most once.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_events")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) order_id: TextUuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) kind: Kind,
    pub(crate) at: i64,
    /// What was charged or refunded with it.
    pub(crate) amount_minor: Option<i64>,
    /// Said to people.
    pub(crate) reason: Option<String>,
}

/// What happened. The order of these is the order in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "UPPERCASE")]
pub(crate) enum Kind {
    Received,
    Placed,
    Rejected,
    Cancelled,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
