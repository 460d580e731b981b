//! What has an id of its own, in this subgraph or in another one: `node` finds it by the id alone. Of what other subgraphs have, only the id is known here; the
//! router asks them for the rest.

use async_graphql::{Context, ID, Interface, Object};
use sea_orm::EntityTrait;
use service::graphql::{database, id, loader};
use service::{Result, viewer};

use super::category::Category;
use super::loaders::{CategoryOf, WarehouseOf};
use super::movement::StockMovement;
use super::product::Product;
use super::warehouse::Warehouse;
use crate::entity::stock_movement;

/// Something with an id that no other thing has. `node` finds it.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The id: no other thing has the same."))]
pub(crate) enum Node {
    /// A product.
    Product(Product),
    /// A category.
    Category(Category),
    /// A warehouse.
    Warehouse(Warehouse),
    /// A movement of stock.
    StockMovement(StockMovement),
    /// A person with an account.
    User(User),
    /// An order.
    Order(Order),
    /// A parcel of an order.
    Fulfillment(Fulfillment),
    /// A refund of an order.
    Refund(Refund),
    /// Goods of an order that are sent back.
    Return(Return),
    /// A quote for an order.
    Quote(Quote),
}

/// Types of other subgraphs, which are looked up there by their ids.
macro_rules! elsewhere {
    ($($name:ident),*) => {$(
        pub(crate) struct $name(ID);

        #[Object(unresolvable = "id")]
        impl $name {
            async fn id(&self) -> ID {
                self.0.clone()
            }
        }
    )*};
}

elsewhere!(User, Order, Fulfillment, Refund, Return, Quote);

/// What has this id. The id of another subgraph's thing is not looked up here, so there may be no such thing.
pub(super) async fn find(ctx: &Context<'_>, given: ID) -> Result<Option<Node>> {
    let Some((type_name, id)) = id::split(&given) else { return Ok(None) };
    Ok(match type_name {
        "Product" => Product::load(ctx, id).await?.map(Node::Product),
        "Category" => loader(ctx)?.load_one(CategoryOf(id)).await?.map(Category::from).map(Node::Category),
        "Warehouse" => loader(ctx)?.load_one(WarehouseOf(id)).await?.map(Warehouse::from).map(Node::Warehouse),
        "StockMovement" if viewer(ctx).is_staff() => {
            let found = stock_movement::Entity::find_by_id(id).one(database(ctx)?.reader()).await?;
            found.map(StockMovement::from).map(Node::StockMovement)
        }
        "User" => Some(Node::User(User(given))),
        "Order" => Some(Node::Order(Order(given))),
        "Fulfillment" => Some(Node::Fulfillment(Fulfillment(given))),
        "Refund" => Some(Node::Refund(Refund(given))),
        "Return" => Some(Node::Return(Return(given))),
        "Quote" => Some(Node::Quote(Quote(given))),
        _ => None,
    })
}
