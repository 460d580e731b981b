//! Loads many keys with one statement. Knows no permissions: resolvers check them first.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use sea_orm::prelude::TextUuid;
use sea_orm::sea_query::{Alias, Asterisk, Expr, ExprTrait, Func, Order, Query, WindowStatement};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder, QuerySelect, RelationTrait,
};
use service::graphql::grouped;
use service::graphql::page::Slice;
use service::{Database, Error, Page};
use uuid::Uuid;

use crate::entity::order::{self, Status};
use crate::entity::{order_event, order_line};

/// The cursor key of an order in a list, newest first: when it was placed, and its id.
pub(super) type OrderKey = (i64, String);

/// The order with this id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct OrderOf(pub(super) Uuid);

/// The lines of the order, in their order.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct LinesOf(pub(super) Uuid);

/// The history of the order, oldest first.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct EventsOf(pub(super) Uuid);

/// How many units of the product were sold.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct UnitsSold(pub(super) Uuid);

/// A page of the buyer's orders.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct OrdersOf {
    pub(super) buyer: Uuid,
    pub(super) list: OrderList,
}

/// Which orders a list has.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct OrderList {
    pub(super) page: Page<OrderKey>,
    pub(super) status: Option<Status>,
}

/// The cursor key of an order.
pub(super) fn order_key(order: &order::Model) -> OrderKey {
    (order.placed_at, order.id.to_string())
}

impl Loader<OrderOf> for Database {
    type Value = order::Model;
    type Error = Error;

    async fn load(&self, keys: &[OrderOf]) -> Result<HashMap<OrderOf, order::Model>, Error> {
        let ids = keys.iter().map(|key| TextUuid(key.0));
        let orders = order::Entity::find().filter(order::Column::Id.is_in(ids)).all(self.reader()).await?;
        Ok(orders.into_iter().map(|order| (OrderOf(order.id.0), order)).collect())
    }
}

impl Loader<LinesOf> for Database {
    type Value = Vec<order_line::Model>;
    type Error = Error;

    async fn load(&self, keys: &[LinesOf]) -> Result<HashMap<LinesOf, Self::Value>, Error> {
        let lines = order_line::Entity::find()
            .filter(order_line::Column::OrderId.is_in(keys.iter().map(|key| TextUuid(key.0))))
            .order_by_asc(order_line::Column::OrderId)
            .order_by_asc(order_line::Column::Position)
            .all(self.reader())
            .await?;
        Ok(grouped(lines, |line| LinesOf(line.order_id.0)))
    }
}

impl Loader<EventsOf> for Database {
    type Value = Vec<order_event::Model>;
    type Error = Error;

    async fn load(&self, keys: &[EventsOf]) -> Result<HashMap<EventsOf, Self::Value>, Error> {
        let events = order_event::Entity::find()
            .filter(order_event::Column::OrderId.is_in(keys.iter().map(|key| TextUuid(key.0))))
            .all(self.reader())
            .await?;
        let mut by_order = grouped(events, |event| EventsOf(event.order_id.0));
        for events in by_order.values_mut() {
            events.sort_by_key(|event| (event.at, event.kind));
        }
        Ok(by_order)
    }
}

#[derive(FromQueryResult)]
struct Sold {
    product_id: TextUuid,
    units: i64,
}

impl Loader<UnitsSold> for Database {
    type Value = i64;
    type Error = Error;

    async fn load(&self, keys: &[UnitsSold]) -> Result<HashMap<UnitsSold, i64>, Error> {
        // Without the cast, PostgreSQL returns a decimal.
        let units = Func::cast_as(Expr::col((order_line::Entity, order_line::Column::Quantity)).sum(), "bigint");
        let sold = order_line::Entity::find()
            .select_only()
            .column(order_line::Column::ProductId)
            .column_as(Expr::from(units), "units")
            .join(JoinType::InnerJoin, order_line::Relation::Order.def())
            .filter(order_line::Column::ProductId.is_in(keys.iter().map(|key| TextUuid(key.0))))
            .filter(order::Column::Status.eq(Status::Placed))
            .group_by(order_line::Column::ProductId)
            .into_model::<Sold>()
            .all(self.reader())
            .await?;
        Ok(sold.into_iter().map(|sold| (UnitsSold(sold.product_id.0), sold.units)).collect())
    }
}

impl Loader<OrdersOf> for Database {
    type Value = Slice<OrderKey, order::Model>;
    type Error = Error;

    async fn load(&self, keys: &[OrdersOf]) -> Result<HashMap<OrdersOf, Self::Value>, Error> {
        let mut by_list: HashMap<&OrderList, Vec<Uuid>> = HashMap::new();
        for key in keys {
            by_list.entry(&key.list).or_default().push(key.buyer);
        }
        let mut pages = HashMap::new();
        // One statement for each different page; a field of a query asks for one.
        for (list, buyers) in by_list {
            let mut orders = pages_of(self, &buyers, list).await?;
            for buyer in buyers {
                let own = orders.remove(&buyer).unwrap_or_default();
                let key = OrdersOf { buyer, list: list.clone() };
                pages.insert(key, list.page.slice(own, order_key));
            }
        }
        Ok(pages)
    }
}

/// The same page of every buyer's orders in one statement: numbers the rows of each buyer and selects the first ones.
async fn pages_of(
    database: &Database,
    buyers: &[Uuid],
    list: &OrderList,
) -> Result<HashMap<Uuid, Vec<order::Model>>, Error> {
    let (rows, number) = (Alias::new("rows"), Alias::new("number"));
    // The last part of a list is numbered from its end, and reversed below.
    let direction = if list.page.is_backward() { Order::Asc } else { Order::Desc };
    let numbered = Query::select()
        .column(Asterisk)
        .expr_window_as(
            Expr::cust("ROW_NUMBER()"),
            WindowStatement::partition_by(order::Column::BuyerId)
                .order_by(order::Column::PlacedAt, direction.clone())
                .order_by(order::Column::Id, direction)
                .take(),
            number.clone(),
        )
        .from(order::Entity)
        .cond_where(order::Column::BuyerId.is_in(buyers.iter().copied().map(TextUuid)))
        .cond_where(in_list(list))
        .take();
    // One more than the size shows whether there are more.
    let wanted = i64::try_from(list.page.size()).unwrap_or(i64::MAX - 1) + 1;
    let statement = Query::select()
        .column(Asterisk)
        .from_subquery(numbered, rows)
        .cond_where(Expr::col(number.clone()).lte(wanted))
        .order_by(number, Order::Asc)
        .take();
    let database = database.reader();
    let statement = database.get_database_backend().build(&statement);
    let orders = order::Model::find_by_statement(statement).all(database).await?;
    Ok(by_buyer(orders, list.page.is_backward()))
}

/// The condition for the orders of the list, between the cursors of its page.
pub(super) fn in_list(list: &OrderList) -> Condition {
    let mut condition = Condition::all();
    if let Some(status) = list.status {
        condition = condition.add(order::Column::Status.eq(status));
    }
    // Newest first: later in the list means older.
    if let Some((placed_at, id)) = list.page.after() {
        condition = condition.add(order_columns().lt(Expr::tuple([(*placed_at).into(), id.as_str().into()])));
    }
    if let Some((placed_at, id)) = list.page.before() {
        condition = condition.add(order_columns().gt(Expr::tuple([(*placed_at).into(), id.as_str().into()])));
    }
    condition
}

fn order_columns() -> Expr {
    Expr::tuple([Expr::col(order::Column::PlacedAt), Expr::col(order::Column::Id)])
}

fn by_buyer(orders: Vec<order::Model>, backward: bool) -> HashMap<Uuid, Vec<order::Model>> {
    let mut by_buyer = grouped(orders, |order| order.buyer_id.0);
    if backward {
        by_buyer.values_mut().for_each(|orders| orders.reverse());
    }
    by_buyer
}
