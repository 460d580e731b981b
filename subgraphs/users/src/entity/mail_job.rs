//! A mail that is to be written and sent. Has no secret: tokens are made when the mail is written.

use sea_orm::entity::prelude::*;

/// One row of `mail_jobs`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "mail_jobs")]
pub(crate) struct Model {
    /// Version 7, so that older jobs come first.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Uuid,
    /// A `mail::Job` as JSON.
    pub(crate) job: String,
    /// How often it was tried.
    pub(crate) attempts: i32,
    /// When it is tried next.
    pub(crate) due_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
