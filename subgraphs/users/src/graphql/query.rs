//! The queries, and the entity by its two keys. Knows who may ask for what.

use async_graphql::{Context, ID, Object};
use sea_orm::EntityTrait;
use service::graphql::page::PageConnection;
use service::graphql::{Total, database, id, loader};
use service::{Error, Page, Result, viewer};
use uuid::Uuid;

use super::inputs::UserBy;
use super::loaders::{ByEmail, ById, ByUsername};
use super::user::{TYPE, User};
use crate::entity::user::{Column, Entity, Model};

/// The query root.
pub(crate) struct Query;

/// The cursor key of a user in a list, oldest account first.
pub(super) type UserKey = (i64, Uuid);

#[Object]
impl Query {
    /// The signed-in user; null for anonymous requests.
    async fn me(&self, ctx: &Context<'_>) -> Option<Result<User>> {
        let user = viewer(ctx).user()?;
        by_id(ctx, &user.id).await.transpose()
    }

    /// One user. For the user and administrators; null for everybody else, and if there is none.
    async fn user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which user.")] by: Option<UserBy>,
        #[graphql(desc = "The user's id.", deprecation = "Use `by: { id: … }`.")] id: Option<ID>,
    ) -> Option<Result<User>> {
        let found = match (by, id) {
            (Some(UserBy::Id(id)), None) | (None, Some(id)) => by_id(ctx, &id).await,
            (Some(UserBy::Username(username)), None) => by_username(ctx, username.trim().to_lowercase()).await,
            (Some(UserBy::Email(email)), None) => by_email(ctx, email.trim().to_lowercase()).await,
            (None, None) | (Some(_), Some(_)) => Err(Error::bad_input("Say which user with `by`.")),
        };
        visible(ctx, found)
    }

    /// The user with this username; upper and lower case are the same. For the user and administrators; null for everybody else.
    #[graphql(deprecation = "Use `user(by: { username: … })`.")]
    async fn user_by_username(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The username.")] username: String,
    ) -> Option<Result<User>> {
        let found = by_username(ctx, username.trim().to_lowercase()).await;
        visible(ctx, found)
    }

    /// All users, oldest account first. For administrators only, because it has everybody's address; null, with an error, for everybody else.
    #[graphql(
        complexity = "service::graphql::page::cost(first, last, child_complexity)",
        requires_scopes = "accounts:read"
    )]
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start of the list; 20 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only items after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end of the list, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
    ) -> Option<Result<PageConnection<UserKey, User>>> {
        let users = async {
            viewer(ctx).require_admin()?;
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

/// A user whom the caller may not see looks like one that does not exist.
fn visible(ctx: &Context<'_>, found: Result<Option<User>>) -> Option<Result<User>> {
    found.map(|user| user.filter(|user| user.shows_all(ctx))).transpose()
}

async fn by_id(ctx: &Context<'_>, id: &str) -> Result<Option<User>> {
    let Some(id) = id::parse(TYPE, id) else {
        return Ok(None);
    };
    Ok(loader(ctx)?.load_one(ById(id)).await?.map(User::from))
}

async fn by_email(ctx: &Context<'_>, email: String) -> Result<Option<User>> {
    Ok(loader(ctx)?.load_one(ByEmail(email)).await?.map(User::from))
}

async fn by_username(ctx: &Context<'_>, username: String) -> Result<Option<User>> {
    Ok(loader(ctx)?.load_one(ByUsername(username)).await?.map(User::from))
}

async fn list(ctx: &Context<'_>, page: &Page<UserKey>) -> Result<PageConnection<UserKey, User>> {
    let database = database(ctx)?;
    let cursor = Entity::find().cursor_by((Column::CreatedAt, Column::Id));
    let key = |user: &Model| (user.created_at, user.id);
    let total = Total::of(Entity::find());
    Ok(page.fetch(cursor, database.reader(), key).await?.into_connection(User::from, total))
}
