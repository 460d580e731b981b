//! A user as the graph shows them, and to whom. Reads nothing.

use async_graphql::{Context, ID, Object};
use service::{DateTime, viewer};

use crate::entity::user::{Model, Role};

/// A user as the graph shows them.
pub(crate) struct User {
    row: Model,
    /// Whether this goes to the user, though the request came without a token: signing in is such a request.
    to_themselves: bool,
}

impl User {
    /// The user, shown to the user.
    pub(super) fn to_themselves(row: Model) -> Self {
        Self { row, to_themselves: true }
    }
}

impl From<Model> for User {
    fn from(row: Model) -> Self {
        Self { row, to_themselves: false }
    }
}

/// A person with an account.
#[Object]
impl User {
    /// The id.
    async fn id(&self) -> ID {
        self.row.id.0.into()
    }

    /// The name to sign in with, lower case.
    async fn username(&self) -> &str {
        &self.row.username
    }

    /// The full name.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// The address. The user and administrators see it; for others it is null, which is no error.
    #[graphql(tag = "personal")]
    async fn email(&self, ctx: &Context<'_>) -> Option<&str> {
        let viewer = viewer(ctx);
        let visible = self.to_themselves || viewer.is_admin() || viewer.is_user(&self.row.id.to_string());
        visible.then_some(self.row.email.as_str())
    }

    /// What the user may do.
    async fn roles(&self) -> &[Role] {
        &self.row.roles.0
    }

    /// When the account was made.
    async fn created_at(&self) -> DateTime {
        chrono::DateTime::from_timestamp_millis(self.row.created_at).unwrap_or_default()
    }
}
