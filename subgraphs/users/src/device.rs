//! Devices on which a user has signed in before: known by a token of which the hash is stored. It opens nothing; guesses from a known device are
//! counted by themselves.

use std::time::Duration;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use service::database::Transaction;
use service::{Database, Result, clock};
use uuid::Uuid;

use crate::entity::device::{Column, Entity, Model};
use crate::secret;

/// By what a device is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// A session of the user.
    BySession,
    /// A mail to the user that was read on it.
    ByMail,
}

/// Remembers a device, and returns its token. Those that were remembered longest ago are forgotten.
pub(crate) async fn remember(tx: &Transaction, user: Uuid, known: Known) -> Result<String> {
    let (token, token_hash) = secret::token()?;
    let by_mail = known == Known::ByMail;
    let device = Model { token_hash, user_id: user, by_mail, expires_at: clock::after(LIFE) };
    Entity::insert(device.into_active_model()).exec_without_returning(&**tx).await?;
    let forgotten: Vec<Vec<u8>> = Entity::find()
        .select_only()
        .column(Column::TokenHash)
        .filter(Column::UserId.eq(user))
        .order_by_desc(Column::ExpiresAt)
        .limit(MOST)
        .offset(MOST)
        .into_tuple()
        .all(&**tx)
        .await?;
    if !forgotten.is_empty() {
        Entity::delete_many().filter(Column::TokenHash.is_in(forgotten)).exec(&**tx).await?;
    }
    Ok(token)
}

/// The device that has the token.
pub(crate) async fn find(database: &Database, token: &str) -> Result<Option<Model>> {
    let Some(hash) = secret::token_hash(token) else {
        return Ok(None);
    };
    Ok(Entity::find_by_id(hash).filter(Column::ExpiresAt.gt(clock::now_millis())).one(database.reader()).await?)
}

/// Forgets all devices of a user.
pub(crate) async fn forget_all(database: &impl ConnectionTrait, user: Uuid) -> Result<()> {
    Entity::delete_many().filter(Column::UserId.eq(user)).exec(database).await?;
    Ok(())
}

/// Forgets the devices that expired. Returns how many.
pub(crate) async fn forget_expired(database: &impl ConnectionTrait, now: i64) -> Result<u64> {
    Ok(Entity::delete_many().filter(Column::ExpiresAt.lte(now)).exec(database).await?.rows_affected)
}

const LIFE: Duration = Duration::from_secs(180 * 24 * 60 * 60);
const MOST: u64 = 50;
