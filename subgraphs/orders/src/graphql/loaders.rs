//! One statement for many keys. Knows no permissions: who may ask is decided before.

use std::collections::HashMap;

use async_graphql::Context;
use async_graphql::dataloader::{DataLoader, Loader};
use sea_orm::prelude::TextUuid;
use sea_orm::sea_query::{Alias, Asterisk, Expr, ExprTrait, Func, Order, Query, WindowStatement};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder, QuerySelect, RelationTrait,
};
use service::graphql::page::Slice;
use service::{Database, Error, Page};
use uuid::Uuid;

use crate::entity::order::{self, Status};
use crate::entity::{order_event, order_line};

/// The place of an order in a list, newest first: when it was placed, and its id.
pub(super) type OrderKey = (i64, String);

/// Reads what many resolvers ask for at the same time.
#[derive(Clone)]
pub(super) struct Loaders {
    database: Database,
}

impl Loaders {
    /// Loaders over a database.
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }
}

/// The order of this id.
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

/// What a list of orders shows.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct OrderList {
    pub(super) page: Page<OrderKey>,
    pub(super) status: Option<Status>,
}

/// The loaders of a request.
pub(super) fn loaders<'a>(ctx: &Context<'a>) -> Result<&'a DataLoader<Loaders>, Error> {
    service::graphql::batch::loader(ctx)
}

/// The schema was built without something that a resolver needs.
pub(super) fn no_resource(error: async_graphql::Error) -> Error {
    Error::internal(anyhow::anyhow!(error.message))
}

/// The key of an order in a list.
pub(super) fn order_key(order: &order::Model) -> OrderKey {
    (order.placed_at, order.id.to_string())
}

impl Loader<OrderOf> for Loaders {
    type Value = order::Model;
    type Error = Error;

    async fn load(&self, keys: &[OrderOf]) -> Result<HashMap<OrderOf, order::Model>, Error> {
        let ids = keys.iter().map(|key| TextUuid(key.0));
        let orders = order::Entity::find().filter(order::Column::Id.is_in(ids)).all(self.database.reader()).await?;
        Ok(orders.into_iter().map(|order| (OrderOf(order.id.0), order)).collect())
    }
}

impl Loader<LinesOf> for Loaders {
    type Value = Vec<order_line::Model>;
    type Error = Error;

    async fn load(&self, keys: &[LinesOf]) -> Result<HashMap<LinesOf, Self::Value>, Error> {
        let lines = order_line::Entity::find()
            .filter(order_line::Column::OrderId.is_in(keys.iter().map(|key| TextUuid(key.0))))
            .order_by_asc(order_line::Column::OrderId)
            .order_by_asc(order_line::Column::Position)
            .all(self.database.reader())
            .await?;
        let mut by_order: HashMap<LinesOf, Self::Value> = HashMap::new();
        for line in lines {
            by_order.entry(LinesOf(line.order_id.0)).or_default().push(line);
        }
        Ok(by_order)
    }
}

impl Loader<EventsOf> for Loaders {
    type Value = Vec<order_event::Model>;
    type Error = Error;

    async fn load(&self, keys: &[EventsOf]) -> Result<HashMap<EventsOf, Self::Value>, Error> {
        let events = order_event::Entity::find()
            .filter(order_event::Column::OrderId.is_in(keys.iter().map(|key| TextUuid(key.0))))
            .all(self.database.reader())
            .await?;
        let mut by_order: HashMap<EventsOf, Self::Value> = HashMap::new();
        for event in events {
            by_order.entry(EventsOf(event.order_id.0)).or_default().push(event);
        }
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

impl Loader<UnitsSold> for Loaders {
    type Value = i64;
    type Error = Error;

    async fn load(&self, keys: &[UnitsSold]) -> Result<HashMap<UnitsSold, i64>, Error> {
        // The cast keeps PostgreSQL from answering with a decimal.
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
            .all(self.database.reader())
            .await?;
        Ok(sold.into_iter().map(|sold| (UnitsSold(sold.product_id.0), sold.units)).collect())
    }
}

impl Loader<OrdersOf> for Loaders {
    type Value = Slice<OrderKey, order::Model>;
    type Error = Error;

    async fn load(&self, keys: &[OrdersOf]) -> Result<HashMap<OrdersOf, Self::Value>, Error> {
        let mut by_list: HashMap<&OrderList, Vec<Uuid>> = HashMap::new();
        for key in keys {
            by_list.entry(&key.list).or_default().push(key.buyer);
        }
        let mut pages = HashMap::new();
        // One statement for each different page asked for: a field of a query asks for one.
        for (list, buyers) in by_list {
            let mut orders = self.pages_of(&buyers, list).await?;
            for buyer in buyers {
                let own = orders.remove(&buyer).unwrap_or_default();
                let key = OrdersOf { buyer, list: list.clone() };
                pages.insert(key, list.page.slice(own, order_key));
            }
        }
        Ok(pages)
    }
}

impl Loaders {
    /// The same page of every buyer's orders in one statement: the rows of each buyer are numbered, and the first ones kept.
    async fn pages_of(&self, buyers: &[Uuid], list: &OrderList) -> Result<HashMap<Uuid, Vec<order::Model>>, Error> {
        let (rows, number) = (Alias::new("rows"), Alias::new("number"));
        // A page that is counted from the end is numbered from the end, and turned round below.
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
        // One more than asked for tells whether the list goes on.
        let wanted = i64::try_from(list.page.size()).unwrap_or(i64::MAX - 1) + 1;
        let statement = Query::select()
            .column(Asterisk)
            .from_subquery(numbered, rows)
            .cond_where(Expr::col(number.clone()).lte(wanted))
            .order_by(number, Order::Asc)
            .take();
        let database = self.database.reader();
        let statement = database.get_database_backend().build(&statement);
        let orders = order::Model::find_by_statement(statement).all(database).await?;
        Ok(by_buyer(orders, list.page.is_backward()))
    }
}

/// The orders that are in the list, between its page's cursors.
pub(super) fn in_list(list: &OrderList) -> Condition {
    let mut condition = Condition::all();
    if let Some(status) = list.status {
        condition = condition.add(order::Column::Status.eq(status));
    }
    // Newest first: what comes after an order is older.
    if let Some((placed_at, id)) = list.page.after() {
        condition = condition.add(place().lt(Expr::tuple([(*placed_at).into(), id.as_str().into()])));
    }
    if let Some((placed_at, id)) = list.page.before() {
        condition = condition.add(place().gt(Expr::tuple([(*placed_at).into(), id.as_str().into()])));
    }
    condition
}

fn place() -> Expr {
    Expr::tuple([Expr::col(order::Column::PlacedAt), Expr::col(order::Column::Id)])
}

fn by_buyer(orders: Vec<order::Model>, backward: bool) -> HashMap<Uuid, Vec<order::Model>> {
    let mut by_buyer: HashMap<Uuid, Vec<order::Model>> = HashMap::new();
    for order in orders {
        by_buyer.entry(order.buyer_id.0).or_default().push(order);
    }
    if backward {
        by_buyer.values_mut().for_each(|orders| orders.reverse());
    }
    by_buyer
}
