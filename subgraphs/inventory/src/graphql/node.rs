//! What has an id of its own.

use async_graphql::{ID, Interface};

use super::category::Category;
use super::movement::StockMovement;
use super::product::Product;
use super::warehouse::Warehouse;

/// Something with an id that no other thing has.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The id."))]
pub(crate) enum Node {
    /// A product.
    Product(Product),
    /// A category.
    Category(Category),
    /// A warehouse.
    Warehouse(Warehouse),
    /// A movement of stock.
    StockMovement(StockMovement),
}
