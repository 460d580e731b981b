//! The queries and the entities. Knows who may ask for what.

use async_graphql::{Context, ID, Json, Object};
use sea_orm::{EntityTrait, QueryFilter};
use service::graphql::page::PageConnection;
use service::graphql::{database, loader};
use service::{Page, Result, viewer};
use uuid::Uuid;

use super::loaders::{OrderKey, OrderList, OrderOf, OrdersOf, order_key};
use super::order::Order;
use super::product::Product;
use super::shipping::Weights;
use super::user::User;
use crate::entity::order::{self, Status};

/// The query root.
pub(crate) struct Query;

#[Object]
impl Query {
    /// The order with this id. For its buyer and administrators; null for everybody else.
    async fn order(&self, ctx: &Context<'_>, #[graphql(desc = "The order's id.")] id: ID) -> Option<Result<Order>> {
        find_order(ctx, &id).await.transpose()
    }

    /// The orders of the signed-in user, newest first. Administrators get the orders of all users.
    #[graphql(
        complexity = "service::graphql::page::cost(first, last, child_complexity)",
        requires_scopes = "orders:read"
    )]
    #[allow(clippy::too_many_arguments, reason = "each is an argument of the field")]
    async fn orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only orders with this status.")] status: Option<Status>,
        #[graphql(desc = "How many from the start of the list; 20 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end of the list, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
    ) -> Option<Result<PageConnection<OrderKey, Order>>> {
        let orders = async {
            let page = Page::new(first, after, last, before)?;
            list_orders(ctx, OrderList { page, status }).await
        };
        Some(orders.await)
    }

    #[graphql(entity)]
    async fn find_order_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
        lines: Option<Json<serde_json::Value>>,
    ) -> Option<Result<Order>> {
        let weights = lines.map(|lines| Weights::read(lines.0));
        let order = find_order(ctx, &id).await.transpose()?;
        Some(order.map(|order| order.with_weights(weights)))
    }

    #[graphql(entity)]
    async fn find_user_by_id(&self, id: ID) -> Option<User> {
        Uuid::parse_str(&id).ok().map(User::new)
    }

    #[graphql(entity)]
    async fn find_product_by_id(&self, id: ID) -> Option<Product> {
        Uuid::parse_str(&id).ok().map(Product::new)
    }
}

async fn find_order(ctx: &Context<'_>, id: &ID) -> Result<Option<Order>> {
    // Every id of an order is a UUID.
    let Ok(id) = Uuid::parse_str(id) else {
        return Ok(None);
    };
    let order = loader(ctx)?.load_one(OrderOf(id)).await?;
    Ok(order.and_then(|order| Order::visible(order, viewer(ctx))))
}

async fn list_orders(ctx: &Context<'_>, list: OrderList) -> Result<PageConnection<OrderKey, Order>> {
    let user = viewer(ctx).require_user()?;
    let slice = if viewer(ctx).is_admin() {
        let database = database(ctx)?;
        let mut orders = order::Entity::find();
        if let Some(status) = list.status {
            orders = orders.filter(sea_orm::ColumnTrait::eq(&order::Column::Status, status));
        }
        let mut cursor = orders.cursor_by((order::Column::PlacedAt, order::Column::Id));
        cursor.desc();
        list.page.fetch(cursor, database.reader(), order_key).await?
    } else {
        // In the token of another issuer, the user may be something other than a UUID; such a user has no orders here.
        match Uuid::parse_str(&user.id) {
            Ok(buyer) => loader(ctx)?.load_one(OrdersOf { buyer, list: list.clone() }).await?,
            Err(_) => None,
        }
        .unwrap_or_else(|| list.page.slice(Vec::new(), order_key))
    };
    Ok(slice.into_connection(Order::from))
}
