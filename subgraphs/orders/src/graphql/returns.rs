//! A return in the graph, and the list of all. Reads only through the loaders.

use async_graphql::{Context, ID, Object, SimpleObject};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use service::clock::to_datetime;
use service::graphql::page::PageConnection;
use service::graphql::{Total, database, id, loader};
use service::{DateTime, Page, Result, viewer};
use uuid::Uuid;

use super::loaders::{OrderOf, RefundOf, ReturnOf};
use super::order::{Order, may_see};
use super::product::Product;
use super::refund::Refund;
use crate::entity::returns::{Column, Entity, Line, Model, Reason, Status};

/// The cursor key of a return in a list: when it was requested, and its id.
pub(super) type ReturnKey = (i64, Uuid);

/// Goods that a buyer sends back.
pub(crate) struct Return(Model);

impl From<Model> for Return {
    fn from(row: Model) -> Self {
        Self(row)
    }
}

impl Return {
    /// The return with this id, if the caller may see its order.
    pub(super) async fn find(ctx: &Context<'_>, id: &ID) -> Result<Option<Self>> {
        let Some(id) = id::parse("Return", id) else { return Ok(None) };
        let Some(row) = loader(ctx)?.load_one(ReturnOf(id)).await? else { return Ok(None) };
        let order = loader(ctx)?.load_one(OrderOf(row.order_id)).await?;
        Ok(order.filter(|order| may_see(order, viewer(ctx))).map(|_| row.into()))
    }

    /// A page of all returns, oldest first.
    pub(super) async fn list(
        ctx: &Context<'_>,
        status: Option<Status>,
        page: Page<ReturnKey>,
    ) -> Result<PageConnection<ReturnKey, Self>> {
        let mut returns = Entity::find();
        if let Some(status) = status {
            returns = returns.filter(Column::Status.eq(status));
        }
        let total = Total::of(returns.clone());
        let cursor = returns.cursor_by((Column::CreatedAt, Column::Id));
        let slice = page.fetch(cursor, database(ctx)?.reader(), |row: &Model| (row.created_at, row.id)).await?;
        Ok(slice.into_connection(Self, total))
    }

    pub(super) fn row(&self) -> &Model {
        &self.0
    }
}

/// Goods that a buyer sends back.
#[Object(cache_control(private))]
impl Return {
    /// The id.
    pub(super) async fn id(&self) -> ID {
        id::global("Return", self.0.id)
    }

    /// The order that the goods are of.
    async fn order(&self, ctx: &Context<'_>) -> Option<Result<Order>> {
        let order = async { Ok(loader(ctx)?.load_one(OrderOf(self.0.order_id)).await?.map(Order::from)) };
        order.await.transpose()
    }

    /// Where it stands.
    async fn status(&self) -> Status {
        self.0.status
    }

    /// Why the goods are sent back.
    async fn reason(&self) -> Reason {
        self.0.reason
    }

    /// What the buyer wrote about it.
    async fn comment(&self) -> Option<&str> {
        self.0.comment.as_deref()
    }

    /// What is sent back.
    async fn lines(&self) -> Vec<ReturnLine> {
        self.0.lines.0.iter().map(ReturnLine::from).collect()
    }

    /// What the shop pays back for it; null before the goods have arrived, and if there is nothing to pay.
    async fn refund(&self, ctx: &Context<'_>) -> Option<Result<Refund>> {
        let refund = async {
            let Some(id) = self.0.refund_id else { return Ok(None) };
            let loader = loader(ctx)?;
            let found =
                futures_util::try_join!(loader.load_one(RefundOf(id)), loader.load_one(OrderOf(self.0.order_id)))?;
            Ok(found.0.zip(found.1).map(|(refund, order)| Refund::new(refund, &order.currency)))
        };
        refund.await.transpose()
    }

    /// Why the shop does not take the goods back.
    async fn decline_reason(&self) -> Option<&str> {
        self.0.decline_reason.as_deref()
    }

    /// When the buyer asked for it.
    async fn created_at(&self) -> DateTime {
        to_datetime(self.0.created_at)
    }

    /// When it was received, declined or cancelled.
    async fn closed_at(&self) -> Option<DateTime> {
        self.0.closed_at.map(to_datetime)
    }
}

/// A product that is sent back.
#[derive(SimpleObject)]
pub(crate) struct ReturnLine {
    /// The product.
    product: Option<Product>,
    /// How many units the buyer wants to send back.
    quantity: i32,
    /// How many units the shop has received.
    received_quantity: i32,
    /// How many of these can be sold again.
    restocked_quantity: i32,
}

impl From<&Line> for ReturnLine {
    fn from(line: &Line) -> Self {
        Self {
            product: Some(Product::new(line.product_id)),
            quantity: line.quantity,
            received_quantity: line.received,
            restocked_quantity: line.restocked,
        }
    }
}
