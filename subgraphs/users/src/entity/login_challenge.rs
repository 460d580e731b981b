//! That somebody has shown the password of an account with a second factor, and has yet to show that. Knows no code.

use sea_orm::entity::prelude::*;

/// One row of `login_challenges`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "login_challenges")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) token_hash: Vec<u8>,
    pub(crate) user_id: Uuid,
    /// The user's device from which the password came, if it has signed in with the second factor before.
    pub(crate) device: Option<String>,
    /// The limits that the password was counted towards, until the challenge is completed.
    pub(crate) counted: String,
    /// How many wrong codes were given.
    pub(crate) wrong_codes: i32,
    pub(crate) expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
