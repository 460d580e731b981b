//! Loads many keys with one statement. Knows no permissions: resolvers check them first.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use sea_orm::sea_query::{Alias, Asterisk, Query, UnionType};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect};
use service::graphql::grouped;
use service::graphql::page::Slice;
use service::{Database, Error};
use uuid::Uuid;

use super::list::{OrderKey, OrderList, order_key};
use crate::entity::order::{self, Status};
use crate::entity::{fulfillment, fulfillment_line, order_event, order_line, product_sales, refund, returns};

/// The order with this id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct OrderOf(pub(super) Uuid);

/// The order with this number.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Numbered(pub(super) i64);

/// The lines of the order, in their order.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct LinesOf(pub(super) Uuid);

/// The history of the order, oldest first.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct EventsOf(pub(super) Uuid);

/// The parcels of the order, oldest first.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FulfillmentsOf(pub(super) Uuid);

/// The parcel with this id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FulfillmentOf(pub(super) Uuid);

/// What is in the parcel.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ContentsOf(pub(super) Uuid);

/// The refunds of the order, oldest first.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct RefundsOf(pub(super) Uuid);

/// The refund with this id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct RefundOf(pub(super) Uuid);

/// The returns of the order, oldest first.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ReturnsOf(pub(super) Uuid);

/// The return with this id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ReturnOf(pub(super) Uuid);

/// How many units of the product were sold.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct UnitsSold(pub(super) Uuid);

/// A page of the buyer's orders.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct OrdersOf {
    pub(super) buyer: Uuid,
    pub(super) list: OrderList,
}

/// How many orders the buyer has.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct CountOf {
    pub(super) buyer: Uuid,
    pub(super) status: Option<Status>,
}

/// SQLite joins at most 500 statements.
const MOST_PAGES: usize = 400;

impl Loader<OrderOf> for Database {
    type Value = order::Model;
    type Error = Error;

    async fn load(&self, keys: &[OrderOf]) -> Result<HashMap<OrderOf, order::Model>, Error> {
        let ids = keys.iter().map(|key| key.0);
        let orders = order::Entity::find().filter(order::Column::Id.is_in(ids)).all(self.reader()).await?;
        Ok(orders.into_iter().map(|order| (OrderOf(order.id), order)).collect())
    }
}

impl Loader<Numbered> for Database {
    type Value = order::Model;
    type Error = Error;

    async fn load(&self, keys: &[Numbered]) -> Result<HashMap<Numbered, order::Model>, Error> {
        let numbers = keys.iter().map(|key| key.0);
        let orders = order::Entity::find().filter(order::Column::Number.is_in(numbers)).all(self.reader()).await?;
        Ok(orders.into_iter().map(|order| (Numbered(order.number), order)).collect())
    }
}

impl Loader<LinesOf> for Database {
    type Value = Vec<order_line::Model>;
    type Error = Error;

    async fn load(&self, keys: &[LinesOf]) -> Result<HashMap<LinesOf, Self::Value>, Error> {
        let lines = order_line::Entity::find()
            .filter(order_line::Column::OrderId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(order_line::Column::OrderId)
            .order_by_asc(order_line::Column::Position)
            .all(self.reader())
            .await?;
        Ok(grouped(lines, |line| LinesOf(line.order_id)))
    }
}

impl Loader<EventsOf> for Database {
    type Value = Vec<order_event::Model>;
    type Error = Error;

    async fn load(&self, keys: &[EventsOf]) -> Result<HashMap<EventsOf, Self::Value>, Error> {
        let events = order_event::Entity::find()
            .filter(order_event::Column::OrderId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(order_event::Column::OrderId)
            .order_by_asc(order_event::Column::At)
            .order_by_asc(order_event::Column::Id)
            .all(self.reader())
            .await?;
        Ok(grouped(events, |event| EventsOf(event.order_id)))
    }
}

impl Loader<FulfillmentsOf> for Database {
    type Value = Vec<fulfillment::Model>;
    type Error = Error;

    async fn load(&self, keys: &[FulfillmentsOf]) -> Result<HashMap<FulfillmentsOf, Self::Value>, Error> {
        let parcels = fulfillment::Entity::find()
            .filter(fulfillment::Column::OrderId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(fulfillment::Column::ShippedAt)
            .order_by_asc(fulfillment::Column::Id)
            .all(self.reader())
            .await?;
        Ok(grouped(parcels, |parcel| FulfillmentsOf(parcel.order_id)))
    }
}

impl Loader<FulfillmentOf> for Database {
    type Value = fulfillment::Model;
    type Error = Error;

    async fn load(&self, keys: &[FulfillmentOf]) -> Result<HashMap<FulfillmentOf, Self::Value>, Error> {
        let ids = keys.iter().map(|key| key.0);
        let parcels = fulfillment::Entity::find().filter(fulfillment::Column::Id.is_in(ids)).all(self.reader()).await?;
        Ok(parcels.into_iter().map(|parcel| (FulfillmentOf(parcel.id), parcel)).collect())
    }
}

impl Loader<ContentsOf> for Database {
    type Value = Vec<fulfillment_line::Model>;
    type Error = Error;

    async fn load(&self, keys: &[ContentsOf]) -> Result<HashMap<ContentsOf, Self::Value>, Error> {
        let lines = fulfillment_line::Entity::find()
            .filter(fulfillment_line::Column::FulfillmentId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(fulfillment_line::Column::FulfillmentId)
            .order_by_asc(fulfillment_line::Column::ProductId)
            .all(self.reader())
            .await?;
        Ok(grouped(lines, |line| ContentsOf(line.fulfillment_id)))
    }
}

impl Loader<RefundsOf> for Database {
    type Value = Vec<refund::Model>;
    type Error = Error;

    async fn load(&self, keys: &[RefundsOf]) -> Result<HashMap<RefundsOf, Self::Value>, Error> {
        let refunds = refund::Entity::find()
            .filter(refund::Column::OrderId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(refund::Column::CreatedAt)
            .order_by_asc(refund::Column::Id)
            .all(self.reader())
            .await?;
        Ok(grouped(refunds, |refund| RefundsOf(refund.order_id)))
    }
}

impl Loader<RefundOf> for Database {
    type Value = refund::Model;
    type Error = Error;

    async fn load(&self, keys: &[RefundOf]) -> Result<HashMap<RefundOf, Self::Value>, Error> {
        let ids = keys.iter().map(|key| key.0);
        let refunds = refund::Entity::find().filter(refund::Column::Id.is_in(ids)).all(self.reader()).await?;
        Ok(refunds.into_iter().map(|refund| (RefundOf(refund.id), refund)).collect())
    }
}

impl Loader<ReturnsOf> for Database {
    type Value = Vec<returns::Model>;
    type Error = Error;

    async fn load(&self, keys: &[ReturnsOf]) -> Result<HashMap<ReturnsOf, Self::Value>, Error> {
        let returns = returns::Entity::find()
            .filter(returns::Column::OrderId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(returns::Column::CreatedAt)
            .order_by_asc(returns::Column::Id)
            .all(self.reader())
            .await?;
        Ok(grouped(returns, |row| ReturnsOf(row.order_id)))
    }
}

impl Loader<ReturnOf> for Database {
    type Value = returns::Model;
    type Error = Error;

    async fn load(&self, keys: &[ReturnOf]) -> Result<HashMap<ReturnOf, Self::Value>, Error> {
        let ids = keys.iter().map(|key| key.0);
        let returns = returns::Entity::find().filter(returns::Column::Id.is_in(ids)).all(self.reader()).await?;
        Ok(returns.into_iter().map(|row| (ReturnOf(row.id), row)).collect())
    }
}

impl Loader<UnitsSold> for Database {
    type Value = i64;
    type Error = Error;

    async fn load(&self, keys: &[UnitsSold]) -> Result<HashMap<UnitsSold, i64>, Error> {
        let ids = keys.iter().map(|key| key.0);
        let sales = product_sales::Entity::find()
            .filter(product_sales::Column::ProductId.is_in(ids))
            .all(self.reader())
            .await?;
        Ok(sales.into_iter().map(|sales| (UnitsSold(sales.product_id), sales.units)).collect())
    }
}

#[derive(FromQueryResult)]
struct Count {
    buyer_id: Uuid,
    orders: i64,
}

impl Loader<CountOf> for Database {
    type Value = u64;
    type Error = Error;

    async fn load(&self, keys: &[CountOf]) -> Result<HashMap<CountOf, u64>, Error> {
        let mut by_status: HashMap<Option<Status>, Vec<Uuid>> = HashMap::new();
        for key in keys {
            by_status.entry(key.status).or_default().push(key.buyer);
        }
        let mut counts = HashMap::new();
        for (status, buyers) in by_status {
            let mut orders = order::Entity::find().filter(order::Column::BuyerId.is_in(buyers));
            if let Some(status) = status {
                orders = orders.filter(order::Column::Status.eq(status));
            }
            let orders = orders
                .select_only()
                .column(order::Column::BuyerId)
                .column_as(order::Column::Id.count(), "orders")
                .group_by(order::Column::BuyerId)
                .into_model::<Count>()
                .all(self.reader())
                .await?;
            let count = |count: Count| {
                (CountOf { buyer: count.buyer_id, status }, u64::try_from(count.orders).unwrap_or_default())
            };
            counts.extend(orders.into_iter().map(count));
        }
        Ok(counts)
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
            for buyers in buyers.chunks(MOST_PAGES) {
                let mut orders = pages_of(self, buyers, list).await?;
                for buyer in buyers {
                    let own = orders.remove(buyer).unwrap_or_default();
                    let key = OrdersOf { buyer: *buyer, list: list.clone() };
                    pages.insert(key, list.page.slice(own, order_key));
                }
            }
        }
        Ok(pages)
    }
}

/// The same page of every buyer's orders in one statement. Each part ends with the page, however many orders the buyer has.
async fn pages_of(
    database: &Database,
    buyers: &[Uuid],
    list: &OrderList,
) -> Result<HashMap<Uuid, Vec<order::Model>>, Error> {
    // In a query of its own: SQLite allows no LIMIT in a part of a union.
    let page = |buyer: &Uuid| {
        Query::select().column(Asterisk).from_subquery(list.select(Some(*buyer)), Alias::new("page")).take()
    };
    let Some((first, others)) = buyers.split_first() else { return Ok(HashMap::new()) };
    let mut statement = page(first);
    for buyer in others {
        statement.union(UnionType::All, page(buyer));
    }
    let database = database.reader();
    let statement = database.get_database_backend().build(&statement);
    let orders = order::Model::find_by_statement(statement).all(database).await?;
    let mut by_buyer = grouped(orders, |order| order.buyer_id);
    by_buyer.values_mut().for_each(|orders| OrderList::sort(orders));
    Ok(by_buyer)
}
