//! Goods that a buyer sends back, in the database.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::order_event::Actor;
use super::refund;

/// One row of `returns`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "returns")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) order_id: Uuid,
    pub(crate) status: Status,
    #[sea_orm(column_type = "Json")]
    pub(crate) lines: Lines,
    pub(crate) reason: Reason,
    /// What the buyer wrote about it.
    pub(crate) comment: Option<String>,
    /// Who asked for it.
    pub(crate) actor: Actor,
    pub(crate) actor_id: Option<Uuid>,
    pub(crate) created_at: i64,
    /// When it was received, declined or cancelled.
    pub(crate) closed_at: Option<i64>,
    /// Why it was declined.
    pub(crate) decline_reason: Option<String>,
    /// What is paid back for it, once it was received.
    pub(crate) refund_id: Option<Uuid>,
}

/// Where a return stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, async_graphql::Enum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "UPPERCASE")]
#[graphql(name = "ReturnStatus")]
pub(crate) enum Status {
    /// The buyer may send the goods back. The shop has not received them.
    Requested,
    /// The shop has the goods. `refund` is what it pays back for them.
    Received,
    /// The shop does not take the goods back.
    Declined,
    /// The buyer keeps the goods.
    Cancelled,
}

/// Why a buyer sends something back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, async_graphql::Enum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "ReturnReason")]
pub(crate) enum Reason {
    /// It arrived damaged.
    Damaged,
    /// It does not work.
    Defective,
    /// Something else was sent.
    WrongItem,
    /// It is not what the shop's page says.
    NotAsDescribed,
    /// It does not fit, or is too much or too little.
    WrongSize,
    /// The buyer does not want it any more.
    Unwanted,
    /// Another reason: `comment` says which.
    Other,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Damaged => "it arrived damaged",
            Self::Defective => "it does not work",
            Self::WrongItem => "something else was sent",
            Self::NotAsDescribed => "it is not as described",
            Self::WrongSize => "it does not fit",
            Self::Unwanted => "it is not wanted any more",
            Self::Other => "another reason",
        })
    }
}

/// What is sent back, by product.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub(crate) struct Lines(pub(crate) Vec<Line>);

impl Lines {
    /// What is paid back for what has arrived.
    pub(crate) fn refunded(&self) -> refund::Lines {
        let arrived = self.0.iter().filter(|line| line.received > 0);
        let line = |line: &Line| refund::Line {
            product_id: line.product_id,
            cancelled: 0,
            returned: line.received,
            restock: line.restocked,
        };
        refund::Lines(arrived.map(line).collect())
    }
}

/// Units of one product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) product_id: Uuid,
    /// How many units the buyer wants to send back.
    pub(crate) quantity: i32,
    /// How many units the shop has received.
    pub(crate) received: i32,
    /// How many of these go back on the shelf.
    pub(crate) restocked: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
