//! One statement for many keys. Knows no permissions: fields decide what a caller sees of a user.

use std::collections::HashMap;

use async_graphql::Context;
use async_graphql::dataloader::{DataLoader, Loader};
use sea_orm::prelude::TextUuid;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use service::{Database, Error, Result};
use uuid::Uuid;

use crate::entity::user::{Column, Entity, Model};

/// Reads what many resolvers ask for at the same time.
#[derive(Clone)]
pub(super) struct Loaders {
    database: Database,
}

impl Loaders {
    /// Loaders over a database.
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }
}

/// The user of this id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ById(pub(super) Uuid);

/// The user of this username.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct ByUsername(pub(super) String);

/// The loaders of a request.
pub(super) fn loaders<'a>(ctx: &Context<'a>) -> Result<&'a DataLoader<Loaders>, Error> {
    service::graphql::batch::loader(ctx)
}

/// The schema was built without something that a resolver needs.
pub(super) fn no_resource(error: async_graphql::Error) -> Error {
    Error::internal(anyhow::anyhow!(error.message))
}

impl Loader<ById> for Loaders {
    type Value = Model;
    type Error = Error;

    async fn load(&self, keys: &[ById]) -> Result<HashMap<ById, Model>> {
        let ids = keys.iter().map(|key| TextUuid(key.0));
        let users = Entity::find().filter(Column::Id.is_in(ids)).all(self.database.reader()).await?;
        Ok(users.into_iter().map(|user| (ById(user.id.0), user)).collect())
    }
}

impl Loader<ByUsername> for Loaders {
    type Value = Model;
    type Error = Error;

    async fn load(&self, keys: &[ByUsername]) -> Result<HashMap<ByUsername, Model>> {
        let names = keys.iter().map(|key| key.0.as_str());
        let users = Entity::find().filter(Column::Username.is_in(names)).all(self.database.reader()).await?;
        Ok(users.into_iter().map(|user| (ByUsername(user.username.clone()), user)).collect())
    }
}
