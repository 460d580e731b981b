//! A category in the graph.

use async_graphql::{Context, ID, Object};
use service::graphql::page::{PageConnection, cost};
use service::graphql::{cache_tag, database, id, loader};
use service::{Page, Result};

use super::caching;
use super::list::{List, ProductFilter, ProductKey, ProductSort};
use super::loaders::{CategoryOf, ChildrenOf};
use super::product::Product;
use crate::catalog::categories::{self, Root};
use crate::entity::category;

/// A category of products. Categories are a tree: a product of a category belongs to all above it too.
pub(crate) struct Category(category::Model);

impl From<category::Model> for Category {
    fn from(row: category::Model) -> Self {
        Self(row)
    }
}

/// A category of products. Categories are a tree: a product of a category belongs to all above it too.
#[Object(cache_control(max_age = 60))]
impl Category {
    /// The id.
    pub(super) async fn id(&self) -> ID {
        id::global("Category", self.0.id)
    }

    /// The name, such as `Garden tools`.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it is called in addresses, such as `garden-tools`. No other category has the same.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// The category that it is part of; null at the top of the tree.
    async fn parent(&self, ctx: &Context<'_>) -> Option<Result<Category>> {
        let parent = self.0.parent_id?;
        let found = async { Ok(loader(ctx)?.load_one(CategoryOf(parent)).await?.map(Category)) };
        found.await.transpose()
    }

    /// Its parts, by name.
    #[graphql(complexity = "10 * child_complexity + 1")]
    async fn children(&self, ctx: &Context<'_>) -> Option<Result<Vec<Category>>> {
        let children = async {
            let found = loader(ctx)?.load_one(ChildrenOf(self.0.id)).await?;
            Ok(found.unwrap_or_default().into_iter().map(Category).collect())
        };
        Some(children.await)
    }

    /// The products of this category and of all below it.
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
        let products = async {
            let page = Page::new(first, after, last, before)?;
            let of_this = categories::with_descendants(database(ctx)?.reader(), Root::Id(self.0.id)).await?;
            List::new(ctx, filter.unwrap_or_default(), sort).await?.within(&of_this).page(ctx, &page).await
        };
        Some(products.await)
    }
}
