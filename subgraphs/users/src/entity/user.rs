//! A user in the database. Does not know who may see what.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// One row of `users`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: TextUuid,
    /// Always lower case (see `account::check_username`), so that names that look the same are the same.
    #[sea_orm(unique)]
    pub(crate) username: String,
    pub(crate) name: String,
    /// Always lower case, for the same reason.
    #[sea_orm(unique)]
    pub(crate) email: String,
    #[sea_orm(column_type = "Json")]
    pub(crate) roles: Roles,
    /// An argon2 PHC string. `None`: this user can't sign in with a password.
    pub(crate) password_hash: Option<String>,
    /// Milliseconds since 1970: sorts the same on SQLite and PostgreSQL.
    pub(crate) created_at: i64,
}

/// The roles of a user, as in the `roles` claim of a token.
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
