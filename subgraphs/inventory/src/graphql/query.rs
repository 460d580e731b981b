//! The queries and the entities.

use async_graphql::{Context, ID, Object, OneofObject};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use service::graphql::page::{PageConnection, cost};
use service::graphql::{cache_tag, database, id, loader};
use service::{Error, Page, Result};

use super::caching;
use super::category::Category;
use super::list::{List, ProductFilter, ProductKey, ProductSort};
use super::loaders::{CategoryOf, ProductBySku, WarehouseOf, by_name};
use super::node::{self, Node};
use super::product::Product;
use super::warehouse::Warehouse;
use crate::entity::{category, warehouse};

/// The query root.
pub struct Query;

#[Object]
impl Query {
    /// The product with this id or this SKU; null if there is none.
    async fn product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which product.")] by: Option<ProductBy>,
        #[graphql(desc = "The id.", deprecation = "Use `by: { id }`.")] id: Option<ID>,
        #[graphql(desc = "The SKU.", deprecation = "Use `by: { sku }`.")] sku: Option<String>,
    ) -> Option<Result<Product>> {
        let found = match (by, id, sku) {
            (Some(ProductBy::Id(id)), None, None) | (None, Some(id), None) => by_id(ctx, &id).await,
            (Some(ProductBy::Sku(sku)), None, None) | (None, None, Some(sku)) => by_sku(ctx, sku).await,
            _ => Some(Err(Error::bad_input("Give `product` the argument `by`, and no other."))),
        };
        match &found {
            Some(Ok(product)) => cache_tag(ctx, caching::of_product(product.key())),
            // It may come to exist.
            _ => cache_tag(ctx, caching::ANY_PRODUCT),
        }
        cache_tag(ctx, caching::STRUCTURE);
        found
    }

    /// Anything by its id; null if there is no such thing, or none that the caller may see.
    // What may be kept depends on what is found and by whom, and the schema can't say that.
    #[graphql(cache_control(no_cache))]
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id, such as that of a product or an order.")] id: ID,
    ) -> Option<Result<Node>> {
        node::find(ctx, id).await.transpose()
    }

    /// The products of the shop.
    #[graphql(complexity = "cost(first, last, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "they are the four of a Relay connection, and what the list is of")]
    async fn products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which products to list.")] filter: Option<ProductFilter>,
        #[graphql(desc = "The order of the list; by relevance when searching, and else by name, unless it is given.")]
        sort: Option<ProductSort>,
        #[graphql(desc = "How many from the start of the list; 20 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end of the list, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
    ) -> Option<Result<PageConnection<ProductKey, Product>>> {
        cache_tag(ctx, caching::ANY_PRODUCT);
        cache_tag(ctx, caching::STRUCTURE);
        let products = async {
            let page = Page::new(first, after, last, before)?;
            List::new(ctx, filter.unwrap_or_default(), sort).await?.page(ctx, &page).await
        };
        Some(products.await)
    }

    /// The category with this slug; null if there is none.
    async fn category(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The slug, such as `garden-tools`.")] slug: String,
    ) -> Option<Result<Category>> {
        cache_tag(ctx, caching::STRUCTURE);
        let found = async {
            let found = category::Entity::find().filter(category::Column::Slug.eq(slug));
            Ok(found.one(database(ctx)?.reader()).await?.map(Category::from))
        };
        found.await.transpose()
    }

    /// The categories at the top of the tree, by name.
    #[graphql(complexity = "10 * child_complexity + 1")]
    async fn categories(&self, ctx: &Context<'_>) -> Option<Result<Vec<Category>>> {
        cache_tag(ctx, caching::STRUCTURE);
        let categories = async {
            let top = category::Entity::find().filter(category::Column::ParentId.is_null());
            let top = top.all(database(ctx)?.reader()).await?;
            Ok(by_name(top).into_iter().map(Category::from).collect())
        };
        Some(categories.await)
    }

    /// All warehouses, ordered by code.
    #[graphql(complexity = "10 * child_complexity + 1")]
    async fn warehouses(&self, ctx: &Context<'_>) -> Option<Result<Vec<Warehouse>>> {
        cache_tag(ctx, caching::STRUCTURE);
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
    async fn find_category_by_id(&self, ctx: &Context<'_>, id: ID) -> Option<Result<Category>> {
        let id = id::parse("Category", &id)?;
        let found = async { Ok(loader(ctx)?.load_one(CategoryOf(id)).await?.map(Category::from)) };
        found.await.transpose()
    }

    #[graphql(entity)]
    async fn find_warehouse_by_id(&self, ctx: &Context<'_>, id: ID) -> Option<Result<Warehouse>> {
        let id = id::parse("Warehouse", &id)?;
        let found = async { Ok(loader(ctx)?.load_one(WarehouseOf(id)).await?.map(Warehouse::from)) };
        found.await.transpose()
    }
}

/// Which product: exactly one of these.
#[derive(OneofObject)]
pub(crate) enum ProductBy {
    /// The one with this id.
    Id(ID),
    /// The one with this SKU, such as `KIT-0101`.
    Sku(String),
}

async fn by_id(ctx: &Context<'_>, id: &ID) -> Option<Result<Product>> {
    Product::load(ctx, id::parse("Product", id)?).await.transpose()
}

async fn by_sku(ctx: &Context<'_>, sku: String) -> Option<Result<Product>> {
    let found = async { Ok(loader(ctx)?.load_one(ProductBySku(sku)).await?.map(Product::from)) };
    found.await.transpose()
}
