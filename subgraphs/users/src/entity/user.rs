//! A user as the database holds them. Knows nothing of who may see what.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// One row of `users`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: TextUuid,
    /// Lower case always (see `account::check_username`), so that unique means unique to a reader too.
    #[sea_orm(unique)]
    pub(crate) username: String,
    pub(crate) name: String,
    /// Lower case always, for the same reason.
    #[sea_orm(unique)]
    pub(crate) email: String,
    #[sea_orm(column_type = "Json")]
    pub(crate) roles: Roles,
    /// An argon2 PHC string. None: this user cannot log in with a password.
    pub(crate) password_hash: Option<String>,
    /// Milliseconds since the epoch: one representation that sorts alike on SQLite and PostgreSQL.
    pub(crate) created_at: i64,
}

/// The roles of a user, as they stand in a token's `roles` claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub(crate) struct Roles(pub(crate) Vec<Role>);

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Buys things, and sees their own data.
    Customer,
    /// Runs the shop, and sees everyone's data.
    Admin,
}

impl Role {
    /// The role's name in a token.
    pub(crate) fn claim(self) -> &'static str {
        match self {
            Role::Customer => "customer",
            Role::Admin => "admin",
        }
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
