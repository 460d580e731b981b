//! The queries and the entities.

use async_graphql::{Context, ID, Object};
use sea_orm::{EntityTrait, QueryOrder};
use service::graphql::page::{PageConnection, cost};
use service::graphql::{cache_tag, database, loader};
use service::{Error, Page, Result};

use super::caching;
use super::list::{ProductFilter, ProductKey, ProductSort};
use super::loaders::{ProductBySku, WarehouseOf};
use super::product::Product;
use super::uuid;
use super::warehouse::Warehouse;
use crate::entity::warehouse;

/// The query root.
pub struct Query;

#[Object]
impl Query {
    /// The product with this id or this SKU.
    async fn product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id. Give either this or the SKU.")] id: Option<ID>,
        #[graphql(desc = "The SKU. Give either this or the id.")] sku: Option<String>,
    ) -> Option<Result<Product>> {
        let found = match (id, sku) {
            (Some(id), None) => by_id(ctx, &id).await,
            (None, Some(sku)) => by_sku(ctx, sku).await,
            _ => Some(Err(Error::bad_input("Give `product` exactly one of `id` and `sku`."))),
        };
        match &found {
            Some(Ok(product)) => cache_tag(ctx, caching::of_product(&product.key().to_string())),
            // It may come to exist.
            _ => cache_tag(ctx, caching::ANY_PRODUCT),
        }
        found
    }

    /// The products of the shop.
    #[graphql(complexity = "cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "they are the four of a Relay connection, and what the list is of")]
    async fn products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which products to list.")] filter: Option<ProductFilter>,
        #[graphql(desc = "The order of the list.", default)] sort: ProductSort,
        #[graphql(desc = "How many from the start of the list; 20 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end of the list, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
    ) -> Option<Result<PageConnection<ProductKey, Product>>> {
        cache_tag(ctx, caching::ANY_PRODUCT);
        let products = async {
            let page = Page::new(first, after, last, before)?;
            sort.check(&page)?;
            let list = sort.list(&filter.unwrap_or_default());
            let found = page.fetch(list, database(ctx)?.reader(), |stocked| sort.key(stocked)).await?;
            Ok(found.into_connection(Product::from))
        };
        Some(products.await)
    }

    /// All warehouses, ordered by code.
    #[graphql(complexity = "10 * child_complexity + 1")]
    async fn warehouses(&self, ctx: &Context<'_>) -> Option<Result<Vec<Warehouse>>> {
        let warehouses = async {
            let all = warehouse::Entity::find().order_by_asc(warehouse::Column::Code);
            let all = all.all(database(ctx)?.reader()).await?;
            Ok(all.into_iter().map(Warehouse::from).collect())
        };
        Some(warehouses.await)
    }

    #[graphql(entity)]
    async fn find_product_by_id(&self, ctx: &Context<'_>, id: ID) -> Option<Result<Product>> {
        by_id(ctx, &id).await
    }

    #[graphql(entity)]
    async fn find_product_by_sku(&self, ctx: &Context<'_>, sku: String) -> Option<Result<Product>> {
        by_sku(ctx, sku).await
    }

    #[graphql(entity)]
    async fn find_warehouse_by_id(&self, ctx: &Context<'_>, id: ID) -> Option<Result<Warehouse>> {
        let id = uuid(&id)?;
        let found = async { Ok(loader(ctx)?.load_one(WarehouseOf(id)).await?.map(Warehouse::from)) };
        found.await.transpose()
    }
}

async fn by_id(ctx: &Context<'_>, id: &ID) -> Option<Result<Product>> {
    Product::load(ctx, uuid(id)?).await.transpose()
}

async fn by_sku(ctx: &Context<'_>, sku: String) -> Option<Result<Product>> {
    let found = async { Ok(loader(ctx)?.load_one(ProductBySku(sku)).await?.map(Product::from)) };
    found.await.transpose()
}
