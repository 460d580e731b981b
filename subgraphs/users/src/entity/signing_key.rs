//! A key that signs this service's tokens, in the database. Knows no token.

use sea_orm::entity::prelude::*;

/// One row of `signing_keys`.
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "signing_keys")]
pub(crate) struct Model {
    /// Counts up: of two instances that add the same number, one wins.
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) number: i32,
    /// The private key as PKCS #8 DER.
    pub(crate) pkcs8: Vec<u8>,
    /// It is published before: by then everyone who verifies tokens knows it.
    pub(crate) signs_from: i64,
}

/// Written by hand so that the private key never appears in a log.
impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("number", &self.number).finish_non_exhaustive()
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
