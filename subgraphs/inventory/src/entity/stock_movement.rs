//! A movement of stock in the database: a line of the ledger. It is never changed.

use sea_orm::entity::prelude::*;

/// One row of `stock_movements`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stock_movements")]
pub(crate) struct Model {
    /// Version 7, so that ids are in the order in which they were made.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) product_id: Uuid,
    pub(crate) warehouse_id: Uuid,
    /// 1, 2, 3 … for each product in each warehouse.
    pub(crate) position: i64,
    /// The position before; none for the first.
    pub(crate) previous: Option<i64>,
    pub(crate) quantity_before: i64,
    pub(crate) delta: i64,
    pub(crate) quantity_after: i64,
    pub(crate) kind: Kind,
    pub(crate) reason: Option<String>,
    /// The id of the user, or what else made it.
    pub(crate) actor: String,
    /// The key of the request that it belongs to, if somebody asked for it.
    pub(crate) request_key: Option<String>,
    /// The key of the reservation that it belongs to, if it is a sale or a return.
    pub(crate) reservation_key: Option<String>,
    /// Milliseconds since 1970.
    pub(crate) created_at: i64,
}

/// Why the stock of a product in a warehouse changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, async_graphql::Enum)]
#[graphql(name = "StockMovementKind")]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))")]
pub(crate) enum Kind {
    /// Goods arrived from a supplier.
    #[sea_orm(string_value = "RECEIPT")]
    Receipt,
    /// Goods were sold: a reservation was committed.
    #[sea_orm(string_value = "SALE")]
    Sale,
    /// Sold goods came back: an order was cancelled, or a part of it was returned.
    #[sea_orm(string_value = "RETURN")]
    Return,
    /// Goods were lost, damaged or found.
    #[sea_orm(string_value = "ADJUSTMENT")]
    Adjustment,
    /// Goods left for another warehouse.
    #[sea_orm(string_value = "TRANSFER_OUT")]
    TransferOut,
    /// Goods came from another warehouse.
    #[sea_orm(string_value = "TRANSFER_IN")]
    TransferIn,
    /// Somebody counted: the change is the difference to what was on record, and may be zero.
    #[sea_orm(string_value = "COUNT")]
    Count,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
