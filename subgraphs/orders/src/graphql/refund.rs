//! A refund in the graph. Knows no database.

use async_graphql::{ID, Object};
use service::clock::to_datetime;
use service::graphql::id;
use service::{DateTime, Money, Result};

use super::fulfillment::Units;
use super::order::money;
use crate::entity::refund::{self, Status};

/// Money that is paid back.
pub(crate) struct Refund {
    row: refund::Model,
    currency: String,
}

impl Refund {
    /// The refund, in its order's currency.
    pub(super) fn new(row: refund::Model, currency: &str) -> Self {
        Self { row, currency: currency.to_owned() }
    }
}

/// Money that is paid back to the buyer.
#[Object(cache_control(private))]
impl Refund {
    /// The id.
    pub(super) async fn id(&self) -> ID {
        id::global("Refund", self.row.id)
    }

    /// Whether it is paid.
    async fn status(&self) -> Status {
        self.row.status
    }

    /// How much.
    async fn amount(&self) -> Result<Money> {
        money(self.row.amount_minor, &self.currency)
    }

    /// The reason, as a text for people.
    async fn reason(&self) -> &str {
        &self.row.reason
    }

    /// The units that it is for; none if the order was cancelled as a whole.
    async fn lines(&self) -> Vec<Units> {
        self.row.lines.0.iter().map(|line| Units::new(line.product_id, line.cancelled + line.returned)).collect()
    }

    /// When the shop promised it.
    async fn created_at(&self) -> DateTime {
        to_datetime(self.row.created_at)
    }
}
