//! What a reservation took of a product from a warehouse. Knows nothing of the reservation's state.

use sea_orm::entity::prelude::*;

/// One row of `reservation_lines`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reservation_lines")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) reservation_key: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) product_id: TextUuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) warehouse_id: TextUuid,
    /// The place of the product in the request, from 0.
    pub(crate) position: i32,
    pub(crate) quantity: i32,
    /// The price of one unit when it was reserved.
    pub(crate) unit_price_minor: i64,
    pub(crate) currency: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
