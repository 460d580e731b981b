//! A line of an order in the database, with the product's data as it was sold.

use sea_orm::entity::prelude::*;

/// One row of `order_lines`. A product is in an order at most once.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_lines")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) order_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) product_id: Uuid,
    /// The position in the order, from 0.
    pub(crate) position: i32,
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) quantity: i32,
    /// The price of one unit, without tax. The currency is the order's.
    pub(crate) unit_price_minor: i64,
    /// What one unit weighs.
    pub(crate) weight_grams: i32,
    /// How many units were sent.
    pub(crate) fulfilled: i32,
    /// How many units will never be sent, since they were paid back before. With `fulfilled`, at most `quantity`.
    pub(crate) cancelled: i32,
    /// How many of the units that were sent came back.
    pub(crate) returned: i32,
}

impl Model {
    /// How many units are still to be sent.
    pub(crate) fn unfulfilled(&self) -> i32 {
        self.quantity - self.fulfilled - self.cancelled
    }

    /// How many units were sent and did not come back.
    pub(crate) fn with_buyer(&self) -> i32 {
        self.fulfilled - self.returned
    }

    /// How many units were not paid back.
    pub(crate) fn refundable(&self) -> i32 {
        self.quantity - self.cancelled - self.returned
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
