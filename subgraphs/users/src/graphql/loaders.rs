//! Loads many keys with one statement. Knows no permissions: fields decide what a caller sees of a user.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use sea_orm::prelude::TextUuid;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use service::{Database, Error, Result};
use uuid::Uuid;

use crate::entity::user::{Column, Entity, Model};

/// The user with this id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ById(pub(super) Uuid);

/// The user with this username.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct ByUsername(pub(super) String);

impl Loader<ById> for Database {
    type Value = Model;
    type Error = Error;

    async fn load(&self, keys: &[ById]) -> Result<HashMap<ById, Model>> {
        let ids = keys.iter().map(|key| TextUuid(key.0));
        let users = Entity::find().filter(Column::Id.is_in(ids)).all(self.reader()).await?;
        Ok(users.into_iter().map(|user| (ById(user.id.0), user)).collect())
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
