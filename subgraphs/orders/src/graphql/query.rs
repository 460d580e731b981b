//! The queries and the entities. Knows who may ask for what.

use async_graphql::{Context, ID, Json, Object, OneofObject, SimpleObject};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter};
use service::clock::to_datetime;
use service::graphql::page::PageConnection;
use service::graphql::{Total, database, id, loader, resource};
use service::{DateTime, Error, Page, Result, viewer};
use uuid::Uuid;

use super::fulfillment::Fulfillment;
use super::list::{OrderKey, OrderList, order_key};
use super::loaders::{FulfillmentOf, Numbered, OrderOf, RefundOf};
use super::order::{Order, may_see};
use super::product::Product;
use super::quote::Quote;
use super::refund::Refund;
use super::returns::{Return, ReturnKey};
use super::user::{User, orders_of};
use crate::entity::order::{self, Column, Status, Step};
use crate::entity::returns;
use crate::saga::{Saga, quote};

/// The query root.
pub(crate) struct Query;

/// Which order: by one of these.
#[derive(OneofObject)]
pub(crate) enum OrderBy {
    /// By its id.
    Id(ID),
    /// By the number that people use, such as `1000123`.
    Number(String),
}

/// An order whose steps fail again and again, or in a way that only a person can mend.
#[derive(SimpleObject)]
pub(crate) struct StuckOrder {
    /// The order.
    order: Order,
    /// What can't be done.
    step: Step,
    /// Since when.
    since: DateTime,
    /// How often it was tried.
    attempts: i32,
    /// What went wrong the last time, for whoever runs the shop.
    failure: String,
}

#[Object]
impl Query {
    /// An order, for its buyer and the shop's staff; null for everybody else, and if there is none.
    async fn order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which order.")] by: Option<OrderBy>,
        #[graphql(desc = "The order's id.", deprecation = "Use `by: { id: … }`.")] id: Option<ID>,
    ) -> Option<Result<Order>> {
        let found = match (by, id) {
            (Some(OrderBy::Id(id)), None) | (None, Some(id)) => find_order(ctx, &id).await,
            (Some(OrderBy::Number(number)), None) => find_numbered(ctx, &number).await,
            _ => Err(Error::bad_input("Say which order: `by: { id: … }` or `by: { number: … }`.").at(["by"])),
        };
        found.transpose()
    }

    /// The orders of the signed-in user, newest first. The shop's staff get the orders of all users.
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

    /// The orders that need a person, longest first. For the shop's staff. `retryOrder` tries one again.
    #[graphql(
        complexity = "service::graphql::page::cost(first, last, child_complexity)",
        requires_scopes = "orders:read"
    )]
    async fn stuck_orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start of the list; 20 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end of the list, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
    ) -> Option<Result<PageConnection<OrderKey, StuckOrder>>> {
        let orders = async {
            viewer(ctx).require_staff()?;
            let page = Page::<OrderKey>::new(first, after, last, before)?;
            let stuck = order::Entity::find().filter(Column::StuckSince.is_not_null());
            let total = Total::of(stuck.clone());
            let cursor = stuck.cursor_by((Column::StuckSince, Column::Id));
            let key = |order: &order::Model| (order.stuck_since.unwrap_or_default(), order.id);
            let slice = page.fetch(cursor, database(ctx)?.reader(), key).await?;
            Ok(slice.into_connection(StuckOrder::from, total))
        };
        Some(orders.await)
    }

    /// What buyers send back, oldest first. For the shop's staff.
    #[graphql(
        complexity = "service::graphql::page::cost(first, last, child_complexity)",
        requires_scopes = "orders:read"
    )]
    #[allow(clippy::too_many_arguments, reason = "each is an argument of the field")]
    async fn returns(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only returns with this status.")] status: Option<returns::Status>,
        #[graphql(desc = "How many from the start of the list; 20 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end of the list, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
    ) -> Option<Result<PageConnection<ReturnKey, Return>>> {
        let returns = async {
            viewer(ctx).require_staff()?;
            Return::list(ctx, status, Page::new(first, after, last, before)?).await
        };
        Some(returns.await)
    }

    #[graphql(entity)]
    async fn find_order_by_id(&self, ctx: &Context<'_>, id: ID) -> Option<Result<Order>> {
        find_order(ctx, &id).await.transpose()
    }

    #[graphql(entity)]
    async fn find_fulfillment_by_id(&self, ctx: &Context<'_>, id: ID) -> Option<Result<Fulfillment>> {
        find_fulfillment(ctx, &id).await.transpose()
    }

    #[graphql(entity)]
    async fn find_refund_by_id(&self, ctx: &Context<'_>, id: ID) -> Option<Result<Refund>> {
        find_refund(ctx, &id).await.transpose()
    }

    #[graphql(entity)]
    async fn find_return_by_id(&self, ctx: &Context<'_>, id: ID) -> Option<Result<Return>> {
        Return::find(ctx, &id).await.transpose()
    }

    #[graphql(entity)]
    async fn find_quote_by_id(&self, ctx: &Context<'_>, id: ID) -> Option<Result<Quote>> {
        find_quote(ctx, &id).await.transpose()
    }

    #[graphql(entity)]
    async fn find_user_by_id(&self, id: ID) -> Option<User> {
        id::parse("User", &id).map(User::new)
    }

    #[graphql(entity)]
    async fn find_product_by_id(
        &self,
        #[graphql(key)] id: ID,
        weight_grams: Option<Json<serde_json::Value>>,
    ) -> Option<Product> {
        let weight = weight_grams.and_then(|weight| weight.0.as_i64());
        id::parse("Product", &id).map(|id| Product::new(id).with_weight(weight))
    }
}

impl From<order::Model> for StuckOrder {
    fn from(row: order::Model) -> Self {
        Self {
            step: row.step,
            since: to_datetime(row.stuck_since.unwrap_or_default()),
            attempts: row.attempts,
            failure: row.failure.clone().unwrap_or_default(),
            order: row.into(),
        }
    }
}

/// The order with this id, if the caller may see it.
pub(super) async fn find_order(ctx: &Context<'_>, id: &ID) -> Result<Option<Order>> {
    // Every id of an order has a UUID.
    let Some(id) = id::parse("Order", id) else { return Ok(None) };
    let order = loader(ctx)?.load_one(OrderOf(id)).await?;
    Ok(order.and_then(|order| Order::visible(order, viewer(ctx))))
}

/// The parcel with this id, if the caller may see its order.
pub(super) async fn find_fulfillment(ctx: &Context<'_>, id: &ID) -> Result<Option<Fulfillment>> {
    let Some(id) = id::parse("Fulfillment", id) else { return Ok(None) };
    let Some(parcel) = loader(ctx)?.load_one(FulfillmentOf(id)).await? else { return Ok(None) };
    let order = loader(ctx)?.load_one(OrderOf(parcel.order_id)).await?;
    Ok(order.filter(|order| may_see(order, viewer(ctx))).map(|_| parcel.into()))
}

async fn find_refund(ctx: &Context<'_>, id: &ID) -> Result<Option<Refund>> {
    let Some(id) = id::parse("Refund", id) else { return Ok(None) };
    let Some(refund) = loader(ctx)?.load_one(RefundOf(id)).await? else { return Ok(None) };
    let order = loader(ctx)?.load_one(OrderOf(refund.order_id)).await?;
    Ok(order.filter(|order| may_see(order, viewer(ctx))).map(|order| Refund::new(refund, &order.currency)))
}

async fn find_quote(ctx: &Context<'_>, id: &ID) -> Result<Option<Quote>> {
    let buyer = viewer(ctx).user().and_then(|user| Uuid::parse_str(&user.id).ok());
    let (Some(id), Some(buyer)) = (id::parse("Quote", id), buyer) else { return Ok(None) };
    Ok(quote::find(resource::<Saga>(ctx)?, buyer, id).await?.map(Quote::from))
}

async fn find_numbered(ctx: &Context<'_>, number: &str) -> Result<Option<Order>> {
    let Ok(number) = number.parse() else { return Ok(None) };
    let order = loader(ctx)?.load_one(Numbered(number)).await?;
    Ok(order.and_then(|order| Order::visible(order, viewer(ctx))))
}

async fn list_orders(ctx: &Context<'_>, list: OrderList) -> Result<PageConnection<OrderKey, Order>> {
    let user = viewer(ctx).require_user()?;
    if !viewer(ctx).is_staff() {
        // In the token of another issuer, the user may be something other than a UUID; such a user has no orders here.
        let buyer = Uuid::parse_str(&user.id).unwrap_or_default();
        return orders_of(ctx, buyer, list).await;
    }
    let database = database(ctx)?.reader();
    let statement = database.get_database_backend().build(&list.select(None));
    let mut orders = order::Model::find_by_statement(statement).all(database).await?;
    OrderList::sort(&mut orders);
    let total = Total::rows(list.everything());
    Ok(list.page.slice(orders, order_key).into_connection(Order::from, total))
}
