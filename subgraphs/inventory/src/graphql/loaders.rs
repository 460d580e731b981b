//! Loads many keys with one statement. Knows no permissions: resolvers check them first.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, DbErr, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QueryResult, QuerySelect,
    Select,
};
use service::graphql::grouped;
use service::{Database, Error, Result};
use uuid::Uuid;

use crate::entity::{category, product, product_image, product_option, stock, warehouse};

/// The product with this id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ProductOf(pub(super) Uuid);

/// The product with this SKU.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct ProductBySku(pub(super) String);

/// The stock of the product with this id, by warehouse.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct StockOf(pub(super) Uuid);

/// The warehouse with this id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct WarehouseOf(pub(super) Uuid);

/// The category with this id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct CategoryOf(pub(super) Uuid);

/// The categories right below the one with this id, by name.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ChildrenOf(pub(super) Uuid);

/// The options of the product with this id, in their order.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct OptionsOf(pub(super) Uuid);

/// The images of the product with this id, in their order.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ImagesOf(pub(super) Uuid);

/// A product and its stock. They are read together because nearly every query needs both.
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

/// Products with their stock.
pub(super) fn stocked() -> Select<product::Entity> {
    // Without the cast, PostgreSQL returns a decimal.
    product::Entity::find().expr_as(
        Expr::cust(
            "(SELECT CAST(COALESCE(SUM(on_hand - reserved), 0) AS BIGINT) FROM stock WHERE stock.product_id = products.id)",
        ),
        AVAILABLE,
    )
}

const AVAILABLE: &str = "available";

/// The product with this id as it is now, for one who has no request to load it in.
pub(super) async fn product_now(database: &Database, id: Uuid) -> Result<Option<Stocked>> {
    Ok(products(database, Condition::all().add(product::Column::Id.eq(id))).await?.pop())
}

async fn products(database: &Database, condition: Condition) -> Result<Vec<Stocked>> {
    Ok(stocked().filter(condition).into_model().all(database.reader()).await?)
}

impl Loader<ProductOf> for Database {
    type Value = Stocked;
    type Error = Error;

    async fn load(&self, keys: &[ProductOf]) -> Result<HashMap<ProductOf, Stocked>> {
        let ids = keys.iter().map(|key| key.0);
        let found = products(self, Condition::all().add(product::Column::Id.is_in(ids))).await?;
        Ok(found.into_iter().map(|stocked| (ProductOf(stocked.product.id), stocked)).collect())
    }
}

impl Loader<ProductBySku> for Database {
    type Value = Stocked;
    type Error = Error;

    async fn load(&self, keys: &[ProductBySku]) -> Result<HashMap<ProductBySku, Stocked>> {
        let skus = keys.iter().map(|key| key.0.as_str());
        let found = products(self, Condition::all().add(product::Column::Sku.is_in(skus))).await?;
        Ok(found.into_iter().map(|stocked| (ProductBySku(stocked.product.sku.clone()), stocked)).collect())
    }
}

impl Loader<StockOf> for Database {
    type Value = Vec<stock::Model>;
    type Error = Error;

    async fn load(&self, keys: &[StockOf]) -> Result<HashMap<StockOf, Self::Value>> {
        let rows = stock::Entity::find()
            .filter(stock::Column::ProductId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(stock::Column::ProductId)
            .order_by_asc(stock::Column::WarehouseId)
            .all(self.reader())
            .await?;
        Ok(grouped(rows, |row| StockOf(row.product_id)))
    }
}

impl Loader<WarehouseOf> for Database {
    type Value = warehouse::Model;
    type Error = Error;

    async fn load(&self, keys: &[WarehouseOf]) -> Result<HashMap<WarehouseOf, warehouse::Model>> {
        let ids = keys.iter().map(|key| key.0);
        let found = warehouse::Entity::find().filter(warehouse::Column::Id.is_in(ids)).all(self.reader());
        Ok(found.await?.into_iter().map(|warehouse| (WarehouseOf(warehouse.id), warehouse)).collect())
    }
}

impl Loader<CategoryOf> for Database {
    type Value = category::Model;
    type Error = Error;

    async fn load(&self, keys: &[CategoryOf]) -> Result<HashMap<CategoryOf, category::Model>> {
        let ids = keys.iter().map(|key| key.0);
        let found = category::Entity::find().filter(category::Column::Id.is_in(ids)).all(self.reader());
        Ok(found.await?.into_iter().map(|category| (CategoryOf(category.id), category)).collect())
    }
}

impl Loader<ChildrenOf> for Database {
    type Value = Vec<category::Model>;
    type Error = Error;

    async fn load(&self, keys: &[ChildrenOf]) -> Result<HashMap<ChildrenOf, Self::Value>> {
        let parents = keys.iter().map(|key| key.0);
        let found = category::Entity::find().filter(category::Column::ParentId.is_in(parents)).all(self.reader());
        // One without a parent is below none of these.
        Ok(grouped(by_name(found.await?), |row| ChildrenOf(row.parent_id.unwrap_or_default())))
    }
}

/// Categories in the order in which people read them, the same on both databases.
pub(super) fn by_name(mut categories: Vec<category::Model>) -> Vec<category::Model> {
    categories.sort_by_cached_key(|category| (category.name.to_lowercase(), category.id));
    categories
}

impl Loader<OptionsOf> for Database {
    type Value = Vec<product_option::Model>;
    type Error = Error;

    async fn load(&self, keys: &[OptionsOf]) -> Result<HashMap<OptionsOf, Self::Value>> {
        let rows = product_option::Entity::find()
            .filter(product_option::Column::ProductId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(product_option::Column::Position)
            .all(self.reader())
            .await?;
        Ok(grouped(rows, |row| OptionsOf(row.product_id)))
    }
}

impl Loader<ImagesOf> for Database {
    type Value = Vec<product_image::Model>;
    type Error = Error;

    async fn load(&self, keys: &[ImagesOf]) -> Result<HashMap<ImagesOf, Self::Value>> {
        let rows = product_image::Entity::find()
            .filter(product_image::Column::ProductId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(product_image::Column::Position)
            .all(self.reader())
            .await?;
        Ok(grouped(rows, |row| ImagesOf(row.product_id)))
    }
}
