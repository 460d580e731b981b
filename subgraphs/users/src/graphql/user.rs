//! A user as the graph shows them, and to whom. Reads nothing.

use async_graphql::{Context, ID, Object};
use service::{DateTime, viewer};

use crate::entity::user::{Model, Role};

/// A user as the graph shows them.
pub(crate) struct User(Model);

impl From<Model> for User {
    fn from(row: Model) -> Self {
        Self(row)
    }
}

/// A person with an account.
#[Object]
impl User {
    /// The id.
    async fn id(&self) -> ID {
        self.0.id.0.into()
    }

    /// The name to sign in with, lower case.
    async fn username(&self) -> &str {
        &self.0.username
    }

    /// The full name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The address. The user and administrators see it; for others it is null, which is no error.
    #[graphql(tag = "personal")]
    async fn email(&self, ctx: &Context<'_>) -> Option<&str> {
        let viewer = viewer(ctx);
        let visible = viewer.is_admin() || viewer.is_user(&self.0.id.to_string());
        visible.then_some(self.0.email.as_str())
    }

    /// What the user may do.
    async fn roles(&self) -> &[Role] {
        &self.0.roles.0
    }

    /// When the account was made.
    async fn created_at(&self) -> DateTime {
        chrono::DateTime::from_timestamp_millis(self.0.created_at).unwrap_or_default()
    }
}
