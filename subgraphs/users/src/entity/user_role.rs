//! A role of a user. Does not know what it allows.

use sea_orm::entity::prelude::*;

/// One row of `user_roles`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_roles")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) user_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) role: Role,
}

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, async_graphql::Enum, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(32))")]
pub(crate) enum Role {
    /// Buys things, and sees their own data.
    #[sea_orm(string_value = "customer")]
    Customer,
    /// Works in the shop: sees and sends everyone's orders, and changes stock. Sees no accounts, and gives no roles.
    #[sea_orm(string_value = "staff")]
    Staff,
    /// Runs the shop, and sees everyone's data. There is always at least one.
    #[sea_orm(string_value = "admin")]
    Admin,
}

impl Role {
    /// The role's name in a token.
    pub(crate) fn claim(self) -> &'static str {
        match self {
            Role::Customer => "customer",
            Role::Staff => service::auth::STAFF,
            Role::Admin => service::auth::ADMIN,
        }
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
