//! Lists of orders: which statement reads a page, such that an index gives it in order. Knows no permissions.

use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Order, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition};
use service::Page;
use uuid::Uuid;

use crate::entity::order::{self, Column, Status};

/// The cursor key of an order in a list, newest first: when it was placed, and its id.
pub(super) type OrderKey = (i64, Uuid);

/// Which orders a list has.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct OrderList {
    pub(super) page: Page<OrderKey>,
    pub(super) status: Option<Status>,
}

/// The cursor key of an order.
pub(super) fn order_key(order: &order::Model) -> OrderKey {
    (order.placed_at, order.id)
}

impl OrderList {
    /// Reads a page of all orders or of a buyer's. The last part of a list comes from its end on: [`OrderList::sort`].
    pub(super) fn select(&self, buyer: Option<Uuid>) -> SelectStatement {
        let direction = if self.page.is_backward() { Order::Asc } else { Order::Desc };
        // One more than the size shows whether there are more.
        let wanted = self.page.size() as u64 + 1;
        Query::select()
            .column(Asterisk)
            .from(order::Entity)
            .cond_where(self.condition(buyer))
            .order_by(Column::PlacedAt, direction.clone())
            .order_by(Column::Id, direction)
            .limit(wanted)
            .take()
    }

    /// Counts all orders of the list.
    pub(super) fn everything(&self) -> SelectStatement {
        Query::select().from(order::Entity).cond_where(of(None, self.status)).take()
    }

    /// Newest first, as the list is.
    pub(super) fn sort(orders: &mut [order::Model]) {
        orders.sort_unstable_by_key(|order| std::cmp::Reverse(order_key(order)));
    }

    fn condition(&self, buyer: Option<Uuid>) -> Condition {
        let columns = || Expr::tuple([Expr::col(Column::PlacedAt), Expr::col(Column::Id)]);
        let key = |(placed_at, id): &OrderKey| Expr::tuple([Expr::val(*placed_at), Expr::val(*id)]);
        let mut condition = of(buyer, self.status);
        // Newest first: later in the list means older. Compared as rows, which an index can do.
        if let Some(after) = self.page.after() {
            condition = condition.add(columns().lt(key(after)));
        }
        if let Some(before) = self.page.before() {
            condition = condition.add(columns().gt(key(before)));
        }
        condition
    }
}

fn of(buyer: Option<Uuid>, status: Option<Status>) -> Condition {
    Condition::all()
        .add_option(buyer.map(|buyer| Column::BuyerId.eq(buyer)))
        .add_option(status.map(|status| Column::Status.eq(status)))
}
