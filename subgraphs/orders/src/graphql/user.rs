//! What this service adds to a user. Knows only the id.

use async_graphql::{Context, ID, Object};
use service::graphql::page::PageConnection;
use service::graphql::{Total, id, loader};
use service::{Code, Error, Page, Result, viewer};
use uuid::Uuid;

use super::list::{OrderKey, OrderList};
use super::loaders::{CountOf, OrdersOf};
use super::order::Order;
use crate::entity::order::Status;

/// A user, of whom this service knows only the id.
#[derive(Clone)]
pub(crate) struct User {
    id: Uuid,
}

impl User {
    /// The user with this id. Only the users service knows whether they exist.
    pub(super) fn new(id: Uuid) -> Self {
        Self { id }
    }
}

#[Object(cache_control(private))]
impl User {
    /// The id.
    pub(super) async fn id(&self) -> ID {
        id::global("User", self.id)
    }

    /// The user's orders, newest first. For the user and the shop's staff; null, with an error, for everybody else.
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
            self.check_visible(ctx)?;
            let page = Page::new(first, after, last, before)?;
            orders_of(ctx, self.id, OrderList { page, status }).await
        };
        Some(orders.await)
    }
}

impl User {
    fn check_visible(&self, ctx: &Context<'_>) -> Result<()> {
        let viewer = viewer(ctx);
        if viewer.is_staff() || viewer.is_user(&self.id.to_string()) {
            return Ok(());
        }
        let _ = viewer.require_user()?;
        Err(Error::new(Code::Forbidden, "Only the user and the shop's staff may see the orders of a user."))
    }
}

/// A page of a buyer's orders.
pub(super) async fn orders_of(
    ctx: &Context<'_>,
    buyer: Uuid,
    list: OrderList,
) -> Result<PageConnection<OrderKey, Order>> {
    let status = list.status;
    let slice = loader(ctx)?.load_one(OrdersOf { buyer, list }).await?;
    let slice = slice.ok_or_else(|| Error::internal(anyhow::anyhow!("a page was not loaded")))?;
    let total = Total::with(move |ctx| {
        Box::pin(async move { Ok(loader(ctx)?.load_one(CountOf { buyer, status }).await?.unwrap_or(0)) })
    });
    Ok(slice.into_connection(Order::from, total))
}
