//! A line of an order. Knows nothing of the product but what was so when it was ordered.

use sea_orm::entity::prelude::*;

/// One row of `order_lines`. A product stands in an order once.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_lines")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) order_id: TextUuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) product_id: TextUuid,
    /// The place in the order, from 0.
    pub(crate) position: i32,
    /// Inventory never changes a product's SKU, so this copy cannot go stale.
    pub(crate) sku: String,
    pub(crate) quantity: i32,
    /// A quote while the order is pending, the reservation's price from then on. The currency is the order's.
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
