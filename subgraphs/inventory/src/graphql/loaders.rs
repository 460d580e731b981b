//! One statement for many keys. Knows no permissions: who may ask is decided before.

use std::collections::HashMap;

use async_graphql::Context;
use async_graphql::dataloader::{DataLoader, Loader};
use sea_orm::prelude::TextUuid;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, DbErr, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QueryResult, QuerySelect,
    Select,
};
use service::graphql::batch;
use service::{Database, Error, Result};
use uuid::Uuid;

use crate::entity::{product, stock, warehouse};

/// Reads what many resolvers ask for at the same time.
#[derive(Clone)]
pub(super) struct Loaders {
    database: Database,
}

/// The product of this id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ProductOf(pub(super) Uuid);

/// The product of this SKU.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct ProductBySku(pub(super) String);

/// The stock of the product of this id, by warehouse.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct StockOf(pub(super) Uuid);

/// The warehouse of this id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct WarehouseOf(pub(super) Uuid);

/// A product with how many there are: read together, since nearly every query asks for both.
#[derive(Clone, Debug)]
pub(super) struct Stocked {
    pub(super) product: product::Model,
    pub(super) available: i64,
}

impl FromQueryResult for Stocked {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        Ok(Self {
            product: product::Model::from_query_result(row, prefix)?,
            available: row.try_get(prefix, AVAILABLE)?,
        })
    }
}

/// Products with how many there are.
pub(super) fn stocked() -> Select<product::Entity> {
    // The cast keeps PostgreSQL from answering with a decimal.
    product::Entity::find().expr_as(
        Expr::cust(
            "(SELECT CAST(COALESCE(SUM(quantity), 0) AS BIGINT) FROM stock WHERE stock.product_id = products.id)",
        ),
        AVAILABLE,
    )
}

const AVAILABLE: &str = "available";

/// The loaders of a request.
pub(super) fn loaders<'a>(ctx: &Context<'a>) -> Result<&'a DataLoader<Loaders>> {
    batch::loader(ctx)
}

impl Loaders {
    /// The loaders over a database.
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    async fn products(&self, condition: Condition) -> Result<Vec<Stocked>> {
        Ok(stocked().filter(condition).into_model().all(self.database.reader()).await?)
    }
}

impl Loader<ProductOf> for Loaders {
    type Value = Stocked;
    type Error = Error;

    async fn load(&self, keys: &[ProductOf]) -> Result<HashMap<ProductOf, Stocked>> {
        let ids = keys.iter().map(|key| TextUuid(key.0));
        let found = self.products(Condition::all().add(product::Column::Id.is_in(ids))).await?;
        Ok(found.into_iter().map(|stocked| (ProductOf(stocked.product.id.0), stocked)).collect())
    }
}

impl Loader<ProductBySku> for Loaders {
    type Value = Stocked;
    type Error = Error;

    async fn load(&self, keys: &[ProductBySku]) -> Result<HashMap<ProductBySku, Stocked>> {
        let skus = keys.iter().map(|key| key.0.as_str());
        let found = self.products(Condition::all().add(product::Column::Sku.is_in(skus))).await?;
        Ok(found.into_iter().map(|stocked| (ProductBySku(stocked.product.sku.clone()), stocked)).collect())
    }
}

impl Loader<StockOf> for Loaders {
    type Value = Vec<stock::Model>;
    type Error = Error;

    async fn load(&self, keys: &[StockOf]) -> Result<HashMap<StockOf, Self::Value>> {
        let rows = stock::Entity::find()
            .filter(stock::Column::ProductId.is_in(keys.iter().map(|key| TextUuid(key.0))))
            .order_by_asc(stock::Column::ProductId)
            .order_by_asc(stock::Column::WarehouseId)
            .all(self.database.reader())
            .await?;
        let mut by_product: HashMap<StockOf, Self::Value> = HashMap::new();
        for row in rows {
            by_product.entry(StockOf(row.product_id.0)).or_default().push(row);
        }
        Ok(by_product)
    }
}

impl Loader<WarehouseOf> for Loaders {
    type Value = warehouse::Model;
    type Error = Error;

    async fn load(&self, keys: &[WarehouseOf]) -> Result<HashMap<WarehouseOf, warehouse::Model>> {
        let ids = keys.iter().map(|key| TextUuid(key.0));
        let found = warehouse::Entity::find().filter(warehouse::Column::Id.is_in(ids)).all(self.database.reader());
        Ok(found.await?.into_iter().map(|warehouse| (WarehouseOf(warehouse.id.0), warehouse)).collect())
    }
}
