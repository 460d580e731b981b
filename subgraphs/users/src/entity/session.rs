//! A session in the database: from signing in to signing out. Knows no token, only hashes.

use sea_orm::entity::prelude::*;

/// One row of `sessions`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    pub(crate) user_id: Uuid,
    /// Of the part that all refresh tokens of the session have in common.
    pub(crate) family_hash: Vec<u8>,
    /// Of the refresh token that is valid.
    pub(crate) current_hash: Vec<u8>,
    /// Of the refresh token before it.
    pub(crate) previous_hash: Option<Vec<u8>>,
    /// What the valid token was made with, out of the one before it.
    pub(crate) salt: Vec<u8>,
    pub(crate) rotated_at: i64,
    pub(crate) expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
