//! A user in the database. Does not know who may see what.

use sea_orm::entity::prelude::*;

/// One row of `users`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    /// Always lower case (see `account::check`), so that names that look the same are the same.
    #[sea_orm(unique)]
    pub(crate) username: String,
    pub(crate) name: String,
    /// Always lower case, for the same reason. Whoever has the account has read mail at it, or an operator has vouched for it.
    #[sea_orm(unique)]
    pub(crate) email: String,
    /// An argon2 PHC string. `None`: this user can't sign in with a password.
    pub(crate) password_hash: Option<String>,
    /// Set: the password is a one-time password, which is valid until then and must be replaced when it is used.
    pub(crate) one_time_until: Option<i64>,
    /// Milliseconds since 1970: sorts the same on SQLite and PostgreSQL.
    pub(crate) created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
