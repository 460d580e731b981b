//! Money that is paid back, in the database: promised when the row is written, paid when the provider has confirmed it.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::order_event::Actor;

/// One row of `refunds`. The id is the idempotency key of the call to the provider.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refunds")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) order_id: Uuid,
    pub(crate) status: Status,
    pub(crate) amount_minor: i64,
    /// The units that it is for.
    #[sea_orm(column_type = "Json")]
    pub(crate) lines: Lines,
    pub(crate) reason: String,
    /// Who promised it.
    pub(crate) actor: Actor,
    pub(crate) actor_id: Option<Uuid>,
    pub(crate) created_at: i64,
    /// When the reconciler may call the provider; as in an order.
    pub(crate) due_at: i64,
    pub(crate) attempts: i32,
    /// Why it failed, the last time.
    pub(crate) failure: Option<String>,
}

/// Whether the money is paid back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, async_graphql::Enum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "UPPERCASE")]
#[graphql(name = "RefundStatus")]
pub(crate) enum Status {
    /// The shop will pay it back; the payment provider has not confirmed it yet.
    Pending,
    /// The payment provider has confirmed it. Banks take some days to show it.
    Succeeded,
    /// The payment provider refuses it. The shop has to find another way.
    Failed,
}

/// The units that a refund is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub(crate) struct Lines(pub(crate) Vec<Line>);

impl Lines {
    /// The units that go back on the shelf, by product.
    pub(crate) fn restocked(&self) -> impl Iterator<Item = (Uuid, i32)> + '_ {
        self.0.iter().map(|line| (line.product_id, line.restock))
    }
}

/// Units of one product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) product_id: Uuid,
    /// Units that were not sent yet and will not be.
    pub(crate) cancelled: i32,
    /// Units that were sent and came back.
    pub(crate) returned: i32,
    /// How many of both go back on the shelf.
    #[serde(default)]
    pub(crate) restock: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
