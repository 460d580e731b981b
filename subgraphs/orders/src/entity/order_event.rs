//! The events of an order in the database. Rows are never changed or deleted.

use sea_orm::entity::prelude::*;

/// One row of `order_events`. An order has at most one event of each kind.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_events")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) order_id: TextUuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) kind: Kind,
    pub(crate) at: i64,
    /// What was charged or refunded.
    pub(crate) amount_minor: Option<i64>,
    /// The reason, as a text for people.
    pub(crate) reason: Option<String>,
}

/// What happened, in the order in which it can happen.
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
