//! The second factor of a user: what the codes of their app follow from. Knows no code.

use sea_orm::entity::prelude::*;

/// One row of `totp_factors`.
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "totp_factors")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) user_id: Uuid,
    pub(crate) secret: Vec<u8>,
    /// The step of the last code that was accepted. Codes of it and of earlier ones are refused.
    pub(crate) last_step: i64,
    /// `None`: the user has not shown yet that their app has the secret, so signing in takes no code.
    pub(crate) confirmed_at: Option<i64>,
    pub(crate) created_at: i64,
}

/// Written by hand so that the secret never appears in a log.
impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TotpFactor").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
