//! The entry points for reading, and the entity by its two keys. Knows who may ask for what.

use async_graphql::{Context, ID, Object};
use sea_orm::EntityTrait;
use service::graphql::page::PageConnection;
use service::{Database, Page, Result, viewer};

use super::loaders::{ById, ByUsername, loaders, no_resource};
use super::user::User;
use crate::account::parse_id;
use crate::entity::user::{Column, Entity, Model};

/// The query root.
pub(crate) struct Query;

/// The place of a user in a list, oldest account first.
pub(super) type UserKey = (i64, String);

#[Object]
impl Query {
    /// The signed-in user; null when nobody is.
    async fn me(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        let user = viewer(ctx).user()?;
        by_id(ctx, &user.id).await.transpose()
    }

    /// The user of this id.
    async fn user(&self, ctx: &Context<'_>, #[graphql(desc = "The user's id.")] id: ID) -> Option<Result<User>> {
        by_id(ctx, &id).await.transpose()
    }

    /// The user of this username, in any case of letters.
    async fn user_by_username(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The username.")] username: String,
    ) -> Option<Result<User>> {
        by_username(ctx, username.trim().to_lowercase()).await.transpose()
    }

    /// All users, oldest account first.
    #[graphql(complexity = "service::graphql::page::cost(first, last, child_complexity)")]
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start of the list.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end of the list.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Option<Result<PageConnection<UserKey, User>>> {
        let users = async {
            let page = Page::new(first, after, last, before)?;
            list(ctx, &page).await
        };
        Some(users.await)
    }

    #[graphql(entity)]
    async fn find_user_by_id(&self, ctx: &Context<'_>, id: ID) -> Option<Result<User>> {
        by_id(ctx, &id).await.transpose()
    }

    #[graphql(entity)]
    async fn find_user_by_username(&self, ctx: &Context<'_>, username: String) -> Option<Result<User>> {
        by_username(ctx, username).await.transpose()
    }
}

async fn by_id(ctx: &Context<'_>, id: &str) -> Result<Option<User>> {
    // What is no UUID is the id of no user.
    let Some(id) = parse_id(id) else {
        return Ok(None);
    };
    Ok(loaders(ctx)?.load_one(ById(id.0)).await?.map(User::from))
}

async fn by_username(ctx: &Context<'_>, username: String) -> Result<Option<User>> {
    Ok(loaders(ctx)?.load_one(ByUsername(username)).await?.map(User::from))
}

async fn list(ctx: &Context<'_>, page: &Page<UserKey>) -> Result<PageConnection<UserKey, User>> {
    let database = ctx.data::<Database>().map_err(no_resource)?;
    let cursor = Entity::find().cursor_by((Column::CreatedAt, Column::Id));
    let key = |user: &Model| (user.created_at, user.id.to_string());
    Ok(page.fetch(cursor, database.reader(), key).await?.into_connection(User::from))
}
