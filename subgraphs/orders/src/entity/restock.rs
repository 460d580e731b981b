//! Units that go back on the shelf, in the database: promised when the row is written, done when inventory has confirmed it.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// One row of `restocks`. The id is the idempotency key of the call to inventory.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "restocks")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) order_id: Uuid,
    pub(crate) status: Status,
    #[sea_orm(column_type = "Json")]
    pub(crate) lines: Lines,
    /// When the reconciler may call inventory; as in an order.
    pub(crate) due_at: i64,
    pub(crate) attempts: i32,
    /// Why it failed, the last time.
    pub(crate) failure: Option<String>,
}

/// Whether the units are back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "UPPERCASE")]
pub(crate) enum Status {
    /// Inventory has not confirmed it yet.
    Pending,
    /// Inventory has confirmed it, or had taken back the whole order before.
    Succeeded,
    /// Inventory did not sell these units for the order, so a person has to correct its stock.
    Failed,
}

/// The units, by product.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub(crate) struct Lines(pub(crate) Vec<Line>);

/// Units of one product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) product_id: Uuid,
    pub(crate) quantity: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
