//! The mutations of categories.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use service::graphql::{database, id};
use service::{Result, clock, viewer};
use uuid::Uuid;

use super::caching;
use super::category::Category;
use super::errors::{CatalogUserError, Done, done, nothing};
use crate::catalog::categories::{self, Changes};
use crate::entity::category;

/// The mutations of categories.
#[derive(Default)]
pub(crate) struct CategoryMutation;

#[Object]
impl CategoryMutation {
    /// Adds a category.
    #[graphql(requires_scopes = "catalog:write")]
    async fn create_category(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The category.")] input: CreateCategoryInput,
    ) -> Option<Result<CategoryPayload>> {
        Some(done(create(ctx, input).await).map(CategoryPayload::from))
    }

    /// Changes a category, or moves it with all below it. Omitted fields keep their value.
    #[graphql(requires_scopes = "catalog:write")]
    async fn update_category(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The category and its changes.")] input: UpdateCategoryInput,
    ) -> Option<Result<CategoryPayload>> {
        Some(done(update(ctx, input).await).map(CategoryPayload::from))
    }
}

async fn create(ctx: &Context<'_>, input: CreateCategoryInput) -> Result<Category> {
    viewer(ctx).require_admin()?;
    let new = category::Model {
        id: Uuid::new_v4(),
        slug: input.slug,
        name: input.name,
        parent_id: input.parent_id.map(parent).transpose()?,
        created_at: clock::now_millis(),
    };
    let row = database(ctx)?.write(|tx| categories::create(tx, &new)).await?;
    caching::structure_changed(ctx);
    Ok(row.into())
}

async fn update(ctx: &Context<'_>, input: UpdateCategoryInput) -> Result<Category> {
    viewer(ctx).require_admin()?;
    let id = id::parse("Category", &input.id).ok_or_else(|| nothing("category", "id"))?;
    let changes = Changes {
        name: input.name,
        slug: input.slug,
        parent: match input.parent_id {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(None),
            MaybeUndefined::Value(id) => Some(Some(parent(id)?)),
        },
    };
    let row = database(ctx)?.write(|tx| categories::update(tx, id, &changes)).await?;
    caching::structure_changed(ctx);
    Ok(row.into())
}

fn parent(id: ID) -> Result<Uuid> {
    id::parse("Category", &id).ok_or_else(|| nothing("category", "parentId"))
}

/// A category that was created or changed, or why it was not.
#[derive(SimpleObject)]
pub(crate) struct CategoryPayload {
    /// The category as it is now; null if nothing was changed.
    category: Option<Category>,
    /// Why nothing was changed; empty if something was.
    user_errors: Vec<CatalogUserError>,
}

impl From<Done<Category>> for CategoryPayload {
    fn from((category, user_errors): Done<Category>) -> Self {
        Self { category, user_errors }
    }
}

/// A new category.
#[derive(InputObject)]
pub(crate) struct CreateCategoryInput {
    /// The name, at most 60 characters.
    name: String,
    /// What it is called in addresses: 1 to 60 lower-case letters, digits and hyphens. It must be new.
    slug: String,
    /// The id of the category that it is part of; null for the top of the tree.
    parent_id: Option<ID>,
}

/// The changes of a category. Omitted fields keep their value.
#[derive(InputObject)]
pub(crate) struct UpdateCategoryInput {
    /// The id of the category.
    id: ID,
    /// The name, at most 60 characters.
    name: Option<String>,
    /// What it is called in addresses: 1 to 60 lower-case letters, digits and hyphens.
    slug: Option<String>,
    /// The id of the category that it is part of; null for the top of the tree.
    parent_id: MaybeUndefined<ID>,
}
