//! A line of an order in the database, with the product's data at the time of the order.

use sea_orm::entity::prelude::*;

/// One row of `order_lines`. A product is in an order at most once.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_lines")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) order_id: TextUuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) product_id: TextUuid,
    /// The position in the order, from 0.
    pub(crate) position: i32,
    /// Inventory never changes a product's SKU, so this copy can't become stale.
    pub(crate) sku: String,
    pub(crate) quantity: i32,
    /// While the order is pending, an estimate; after that, the price in the reservation. The currency is the order's.
    pub(crate) unit_price_minor: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {
    #[sea_orm(belongs_to = "super::order::Entity", from = "Column::OrderId", to = "super::order::Column::Id")]
    Order,
}

impl Related<super::order::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Order.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
