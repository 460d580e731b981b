//! A user in the graph, and who sees what. Reads no database.

use async_graphql::{Context, ID, Object};
use service::{DateTime, viewer};

use crate::entity::user::{Model, Role};

/// A user in the graph.
pub(crate) struct User {
    row: Model,
    /// Whether the response goes to the user themselves although the request has no token, as when signing in.
    to_themselves: bool,
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
        self.row.id.0.into()
    }

    /// The name for signing in, in lower case.
    async fn username(&self) -> &str {
        &self.row.username
    }

    /// The full name.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// The email address. For the person and administrators; null for everybody else.
    #[graphql(tag = "personal")]
    async fn email(&self, ctx: &Context<'_>) -> Option<&str> {
        self.shows_all(ctx).then_some(self.row.email.as_str())
    }

    /// What the person may do. For the person and administrators; null for everybody else.
    #[graphql(tag = "personal")]
    async fn roles(&self, ctx: &Context<'_>) -> Option<&[Role]> {
        self.shows_all(ctx).then_some(self.row.roles.0.as_slice())
    }

    /// When the account was created. For the person and administrators; null for everybody else.
    #[graphql(tag = "personal")]
    async fn created_at(&self, ctx: &Context<'_>) -> Option<DateTime> {
        let created_at = chrono::DateTime::from_timestamp_millis(self.row.created_at).unwrap_or_default();
        self.shows_all(ctx).then_some(created_at)
    }
}

impl User {
    /// Whether the caller sees all fields: the user and administrators do.
    pub(super) fn shows_all(&self, ctx: &Context<'_>) -> bool {
        let viewer = viewer(ctx);
        self.to_themselves || viewer.is_admin() || viewer.is_user(&self.row.id.to_string())
    }
}
