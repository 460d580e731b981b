//! Loads many keys with one statement. Knows no permissions: fields decide what a caller sees of a user.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use service::graphql::grouped;
use service::{Database, Error, Result};
use uuid::Uuid;

use crate::account::roles;
use crate::entity::totp_factor;
use crate::entity::user::{Column, Entity, Model};
use crate::entity::user_role::{self, Role};

/// The user with this id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ById(pub(super) Uuid);

/// The user with this username.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct ByUsername(pub(super) String);

/// The user with this email address.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct ByEmail(pub(super) String);

/// The roles of the user with this id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct RolesOf(pub(super) Uuid);

/// That the user with this id has a second factor; nothing if they have none.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct HasTotp(pub(super) Uuid);

impl Loader<ById> for Database {
    type Value = Model;
    type Error = Error;

    async fn load(&self, keys: &[ById]) -> Result<HashMap<ById, Model>> {
        let ids = keys.iter().map(|key| key.0);
        let users = Entity::find().filter(Column::Id.is_in(ids)).all(self.reader()).await?;
        Ok(users.into_iter().map(|user| (ById(user.id), user)).collect())
    }
}

impl Loader<ByUsername> for Database {
    type Value = Model;
    type Error = Error;

    async fn load(&self, keys: &[ByUsername]) -> Result<HashMap<ByUsername, Model>> {
        let names = keys.iter().map(|key| key.0.as_str());
        let users = Entity::find().filter(Column::Username.is_in(names)).all(self.reader()).await?;
        Ok(users.into_iter().map(|user| (ByUsername(user.username.clone()), user)).collect())
    }
}

impl Loader<ByEmail> for Database {
    type Value = Model;
    type Error = Error;

    async fn load(&self, keys: &[ByEmail]) -> Result<HashMap<ByEmail, Model>> {
        let addresses = keys.iter().map(|key| key.0.as_str());
        let users = Entity::find().filter(Column::Email.is_in(addresses)).all(self.reader()).await?;
        Ok(users.into_iter().map(|user| (ByEmail(user.email.clone()), user)).collect())
    }
}

impl Loader<RolesOf> for Database {
    type Value = Vec<Role>;
    type Error = Error;

    async fn load(&self, keys: &[RolesOf]) -> Result<HashMap<RolesOf, Vec<Role>>> {
        let ids = keys.iter().map(|key| key.0);
        let rows = user_role::Entity::find().filter(user_role::Column::UserId.is_in(ids)).all(self.reader()).await?;
        let by_user = grouped(rows, |row| RolesOf(row.user_id));
        Ok(by_user.into_iter().map(|(user, rows)| (user, roles::sorted(rows))).collect())
    }
}

impl Loader<HasTotp> for Database {
    type Value = ();
    type Error = Error;

    async fn load(&self, keys: &[HasTotp]) -> Result<HashMap<HasTotp, ()>> {
        let ids = keys.iter().map(|key| key.0);
        let with_factor: Vec<Uuid> = totp_factor::Entity::find()
            .select_only()
            .column(totp_factor::Column::UserId)
            .filter(totp_factor::Column::UserId.is_in(ids))
            .filter(totp_factor::Column::ConfirmedAt.is_not_null())
            .into_tuple()
            .all(self.reader())
            .await?;
        Ok(with_factor.into_iter().map(|user| (HasTotp(user), ())).collect())
    }
}
