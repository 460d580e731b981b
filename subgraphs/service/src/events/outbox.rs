//! The events that wait to be published: a table of each service's database. Knows no broker.

use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue, ActiveValue::Set, DatabaseTransaction, QueryOrder, QuerySelect};

use super::bus::Event;
use crate::clock;
use crate::error::Result;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
#[allow(unreachable_pub, reason = "the derive needs it public")]
pub struct Model {
    /// The database gives it when the row is written. Whoever writes an event of an entity holds the lock of the entity's row, so the events of one
    /// entity are in the order of their commits.
    #[sea_orm(primary_key)]
    pub position: i64,
    pub id: Uuid,
    /// What the event is about: the order of its events is kept.
    pub entity: Uuid,
    pub subject: String,
    /// JSON.
    pub payload: String,
    /// Milliseconds since 1970.
    pub written_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
#[allow(unreachable_pub, reason = "the derive needs it public")]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The event as it is published.
    pub(super) fn event(&self) -> Event {
        Event { id: self.id.to_string(), subject: self.subject.clone(), payload: self.payload.clone() }
    }
}

/// Adds an event about an entity, in the transaction that changes the entity and after the change: the change locks the entity, so that its events are
/// published in the order of its changes. It is published once that has been committed.
pub async fn add(tx: &DatabaseTransaction, entity: Uuid, subject: String, payload: &serde_json::Value) -> Result<()> {
    let event = ActiveModel {
        position: ActiveValue::NotSet,
        id: Set(Uuid::now_v7()),
        entity: Set(entity),
        subject: Set(subject),
        payload: Set(payload.to_string()),
        written_at: Set(clock::now_millis()),
    };
    Entity::insert(event).exec_without_returning(tx).await?;
    Ok(())
}

/// The oldest events.
pub(super) async fn oldest(database: &impl ConnectionTrait, most: u64) -> Result<Vec<Model>> {
    Ok(Entity::find().order_by_asc(Column::Position).limit(most).all(database).await?)
}

/// Removes events that were published.
pub(super) async fn remove(tx: &DatabaseTransaction, positions: &[i64]) -> Result<()> {
    Entity::delete_many().filter(Column::Position.is_in(positions.iter().copied())).exec(tx).await?;
    Ok(())
}

/// How many events wait, and when the oldest was written.
pub(super) async fn waiting(database: &impl ConnectionTrait) -> Result<(i64, Option<i64>)> {
    let waiting = Entity::find()
        .select_only()
        .column_as(Column::Position.count(), "waiting")
        .column_as(Column::WrittenAt.min(), "oldest")
        .into_tuple()
        .one(database)
        .await?;
    Ok(waiting.unwrap_or((0, None)))
}
