//! The events that wait to be published: a table of each service's database. Knows no broker.

use sea_orm::entity::prelude::*;
use sea_orm::prelude::TextUuid;
use sea_orm::{ActiveValue::Set, DatabaseTransaction, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::error::Result;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
#[allow(unreachable_pub, reason = "the derive needs it public")]
pub struct Model {
    /// Version 7, so that ids are in the order in which they were made.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TextUuid,
    pub subject: String,
    /// JSON.
    pub payload: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
#[allow(unreachable_pub, reason = "the derive needs it public")]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Adds an event in the transaction of what it is about. It is published once that has been committed.
pub async fn add(tx: &DatabaseTransaction, subject: String, payload: &serde_json::Value) -> Result<()> {
    let event =
        ActiveModel { id: Set(TextUuid(Uuid::now_v7())), subject: Set(subject), payload: Set(payload.to_string()) };
    Entity::insert(event).exec_without_returning(tx).await?;
    Ok(())
}

/// The oldest events, whoever publishes them.
pub(super) async fn oldest(database: &impl ConnectionTrait, most: u64) -> Result<Vec<Model>> {
    Ok(Entity::find().order_by_asc(Column::Id).limit(most).all(database).await?)
}

/// The oldest events, for this transaction alone: another instance gets the ones after them.
pub(super) async fn take(tx: &DatabaseTransaction, most: u64) -> Result<Vec<Model>> {
    let events = Entity::find()
        .order_by_asc(Column::Id)
        .limit(most)
        .lock_with_behavior(sea_orm::sea_query::LockType::Update, sea_orm::sea_query::LockBehavior::SkipLocked)
        .all(tx)
        .await?;
    Ok(events)
}

/// Removes events that were published.
pub(super) async fn remove(tx: &DatabaseTransaction, events: &[Model]) -> Result<()> {
    Entity::delete_many().filter(Column::Id.is_in(events.iter().map(|event| event.id))).exec(tx).await?;
    Ok(())
}
