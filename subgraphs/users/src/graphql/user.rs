//! A user in the graph, and who sees what.

use async_graphql::{Context, ID, Interface, Object};
use service::graphql::{id, loader};
use service::{DateTime, Result, clock, viewer};

use super::loaders::{HasTotp, RolesOf};
use crate::entity::user::Model;
use crate::entity::user_role::Role;

/// The name of the type, as ids have it.
pub(super) const TYPE: &str = "User";

/// A user in the graph.
pub(crate) struct User {
    row: Model,
    /// Whether the response goes to the user themselves although the request has no token, as when signing in.
    to_themselves: bool,
}

/// Something with an id that no other thing has. `node` finds it.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The id: no other thing has the same."))]
pub(crate) enum Node {
    User(User),
}

impl User {
    /// The user, as they see themselves.
    pub(super) fn to_themselves(row: Model) -> Self {
        Self { row, to_themselves: true }
    }
}

impl From<Model> for User {
    fn from(row: Model) -> Self {
        Self { row, to_themselves: false }
    }
}

/// A person with an account. Everybody sees the id, username and name. The other fields are for the person and for
/// administrators; for everybody else they are null, without an error.
#[Object(cache_control(private))]
impl User {
    /// The id.
    async fn id(&self) -> ID {
        id::global(TYPE, self.row.id)
    }

    /// The name for signing in, in lower case.
    async fn username(&self) -> &str {
        &self.row.username
    }

    /// The full name, as the person has written it.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// The email address, in lower case. For the person and administrators; null for everybody else.
    #[graphql(tag = "personal")]
    async fn email(&self, ctx: &Context<'_>) -> Option<&str> {
        self.shows_all(ctx).then_some(self.row.email.as_str())
    }

    /// What the person may do. For the person and administrators; null for everybody else.
    #[graphql(tag = "personal")]
    async fn roles(&self, ctx: &Context<'_>) -> Option<Result<Vec<Role>>> {
        if !self.shows_all(ctx) {
            return None;
        }
        Some(self.load_roles(ctx).await)
    }

    /// Whether signing in takes a code of an authenticator app beside the password. For the person and administrators; null for everybody else.
    #[graphql(tag = "personal")]
    async fn totp_enabled(&self, ctx: &Context<'_>) -> Option<Result<bool>> {
        if !self.shows_all(ctx) {
            return None;
        }
        Some(self.has_totp(ctx).await)
    }

    /// When the account was created. For the person and administrators; null for everybody else.
    #[graphql(tag = "personal")]
    async fn created_at(&self, ctx: &Context<'_>) -> Option<DateTime> {
        self.shows_all(ctx).then_some(clock::to_datetime(self.row.created_at))
    }
}

impl User {
    /// Whether the caller sees all fields: the user and administrators do.
    pub(super) fn shows_all(&self, ctx: &Context<'_>) -> bool {
        let viewer = viewer(ctx);
        self.to_themselves || viewer.is_admin() || viewer.is_user(&self.row.id.to_string())
    }

    async fn has_totp(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(loader(ctx)?.load_one(HasTotp(self.row.id)).await?.is_some())
    }

    async fn load_roles(&self, ctx: &Context<'_>) -> Result<Vec<Role>> {
        Ok(loader(ctx)?.load_one(RolesOf(self.row.id)).await?.unwrap_or_default())
    }
}
