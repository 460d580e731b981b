//! What a user may change of their own account without a password.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use service::database::Transaction;
use service::{Database, Result};
use uuid::Uuid;

use super::{check, find, no_account};
use crate::changes::user_changed;
use crate::entity::user::{Column, Entity, Model};

/// The changes. Fields that are `None` keep their value.
pub(crate) struct Changes {
    pub(crate) name: Option<String>,
}

/// Changes the profile.
pub(crate) async fn update(database: &Database, id: Uuid, changes: Changes) -> Result<Model> {
    let name = changes.name.as_deref().map(check::name).transpose()?;
    database.write(|tx| change(tx, id, name.clone())).await
}

async fn change(tx: Transaction, id: Uuid, name: Option<String>) -> Result<Model> {
    if let Some(name) = name {
        let update = Entity::update_many().col_expr(Column::Name, Expr::value(name));
        if update.filter(Column::Id.eq(id)).exec(&*tx).await?.rows_affected > 0 {
            user_changed(&tx, id).await?;
        }
    }
    find(&*tx, id).await?.ok_or_else(no_account)
}
