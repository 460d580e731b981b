//! What this service adds to a user. Knows only the id.

use async_graphql::{Context, ID, Object};
use service::graphql::loader;
use service::graphql::page::PageConnection;
use service::{Code, Error, Page, Result, viewer};
use uuid::Uuid;

use super::loaders::{OrderKey, OrderList, OrdersOf};
use super::order::Order;
use crate::entity::order::Status;

/// A user, of whom this service knows only the id.
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
    async fn id(&self) -> ID {
        self.id.into()
    }

    /// The user's orders, newest first. For the user and administrators; null, with an error, for everybody else.
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
            let list = OrderList { page, status };
            let slice = loader(ctx)?.load_one(OrdersOf { buyer: self.id, list }).await?;
            let slice = slice.ok_or_else(|| Error::internal(anyhow::anyhow!("a page was not loaded")))?;
            Ok(slice.into_connection(Order::from))
        };
        Some(orders.await)
    }
}

impl User {
    fn check_visible(&self, ctx: &Context<'_>) -> Result<()> {
        let viewer = viewer(ctx);
        if viewer.is_admin() || viewer.is_user(&self.id.to_string()) {
            return Ok(());
        }
        let _ = viewer.require_user()?;
        Err(Error::new(Code::Forbidden, "Only the user and administrators may see the orders of a user."))
    }
}
