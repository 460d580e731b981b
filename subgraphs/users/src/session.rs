//! Sessions: from signing in to signing out, kept open by refresh tokens. Knows no password.
//!
//! A refresh token is used once: refreshing gives the next one. Of each, only the hash is stored. It has three parts: the id of the session, a
//! part that all tokens of the session have in common (the family), and a part that changes. Whoever shows the family with an old third part has
//! an old token; two people have tokens of this session then, one of whom has stolen it, so the session ends.
//!
//! A client may honestly use one token twice: two tabs at the same time, or again because the answer was lost. So for some seconds the token
//! before the valid one is accepted, and gives the same next one: that is computed from the old token and a stored salt, neither of which is
//! enough alone. A thief who is that fast has what the owner has, and the first of them to refresh later ends the session of both.

use std::net::IpAddr;
use std::time::Duration;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, Set};
use service::database::Transaction;
use service::{Code, Database, DateTime, Error, Result, clock};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::device::{self, Known};
use crate::entity::session::{Column, Entity, Model};
use crate::entity::user;
use crate::{mail, secret};

/// The refresh token is not valid, or no longer.
pub(crate) const SESSION_ENDED: Code = Code::Own("SESSION_ENDED");

/// From where a request comes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Visit {
    /// The address, where it is known.
    pub(crate) address: Option<IpAddr>,
    /// The token of a device that has signed in before.
    pub(crate) device: Option<String>,
}

/// What opens a session again.
#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    /// The refresh token.
    pub(crate) refresh: String,
    /// When it expires.
    pub(crate) expires_at: DateTime,
    /// The token by which the device is known; none if only the session went on.
    pub(crate) device: Option<String>,
}

/// Starts a session on a device that is known from now on.
pub(crate) async fn start(tx: &Transaction, user: Uuid, life: Duration) -> Result<Ticket> {
    let part = secret::random::<32>()?.to_vec();
    let key = Key { session: Uuid::new_v4(), family: secret::random()?, part };
    let session = Model {
        id: key.session,
        user_id: user,
        family_hash: secret::hash(&key.family),
        current_hash: secret::hash(&key.part),
        previous_hash: None,
        salt: secret::random::<32>()?.to_vec(),
        rotated_at: clock::now_millis(),
        expires_at: clock::after(life),
    };
    let ticket = Ticket {
        refresh: key.text(),
        expires_at: clock::to_datetime(session.expires_at),
        device: Some(device::remember(tx, user, Known::BySession).await?),
    };
    Entity::insert(session.into_active_model()).exec_without_returning(&**tx).await?;
    end_oldest(tx, user).await?;
    Ok(ticket)
}

/// Keeps a session open.
pub(crate) async fn refresh(database: &Database, token: &str, life: Duration) -> Result<(user::Model, Ticket)> {
    let key = Key::read(token).ok_or_else(ended)?;
    let refreshed = database.write(|tx| refresh_in(tx, key.clone(), life)).await?;
    refreshed.ok_or_else(ended)
}

/// Ends the session of a refresh token. An old token of the session ends it, too.
pub(crate) async fn end(database: &Database, token: &str) -> Result<()> {
    let Some(key) = Key::read(token) else {
        return Ok(());
    };
    let ending = Entity::delete_many()
        .filter(Column::Id.eq(key.session))
        .filter(Column::FamilyHash.eq(secret::hash(&key.family)));
    ending.exec(database.reader()).await?;
    Ok(())
}

/// Ends all sessions of a user, and returns how many there were.
pub(crate) async fn end_all(database: &impl ConnectionTrait, user: Uuid) -> Result<u64> {
    Ok(Entity::delete_many().filter(Column::UserId.eq(user)).exec(database).await?.rows_affected)
}

/// The end of a session by reuse is a result and not an error: an error would roll it back.
async fn refresh_in(tx: Transaction, key: Key, life: Duration) -> Result<Option<(user::Model, Ticket)>> {
    let Some(mut session) = Entity::find_by_id(key.session).lock_exclusive().one(&*tx).await? else {
        return Ok(None);
    };
    if session.expires_at <= clock::now_millis() || !is_of(&key.family, &session.family_hash) {
        return Ok(None);
    }
    if is_of(&key.part, &session.current_hash) {
        session.salt = secret::random::<32>()?.to_vec();
        session.previous_hash = Some(session.current_hash);
        session.current_hash = secret::hash(&secret::derive(&session.salt, &key.part));
        session.rotated_at = clock::now_millis();
        session.expires_at = clock::after(life);
        let mut change = session.clone().into_active_model();
        change.salt = Set(session.salt.clone());
        change.previous_hash = Set(session.previous_hash.clone());
        change.current_hash = Set(session.current_hash.clone());
        change.rotated_at = Set(session.rotated_at);
        change.expires_at = Set(session.expires_at);
        Entity::update(change).exec(&*tx).await?;
    } else if !is_honest_race(&key, &session) {
        tracing::warn!(user = %session.user_id, "An old refresh token was used again, so its session has ended");
        Entity::delete_by_id(session.id).exec(&*tx).await?;
        mail::add(&tx, &mail::Job::SessionStolen { user: session.user_id }).await?;
        return Ok(None);
    }
    let next = Key { part: secret::derive(&session.salt, &key.part), ..key };
    let ticket = Ticket { refresh: next.text(), expires_at: clock::to_datetime(session.expires_at), device: None };
    let user = user::Entity::find_by_id(session.user_id).one(&*tx).await?;
    Ok(user.map(|user| (user, ticket)))
}

/// Whether the token was replaced only just now.
fn is_honest_race(key: &Key, session: &Model) -> bool {
    session.previous_hash.as_ref().is_some_and(|previous| is_of(&key.part, previous))
        && clock::now_millis() - session.rotated_at <= clock::millis(RACE)
}

/// A user has so many sessions; the one that was idle longest ends.
async fn end_oldest(tx: &Transaction, user: Uuid) -> Result<()> {
    let ids: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::UserId.eq(user))
        .order_by_desc(Column::RotatedAt)
        .order_by_desc(Column::Id)
        .limit(MOST_SESSIONS * 2)
        .offset(MOST_SESSIONS)
        .into_tuple()
        .all(&**tx)
        .await?;
    if !ids.is_empty() {
        Entity::delete_many().filter(Column::Id.is_in(ids)).exec(&**tx).await?;
    }
    Ok(())
}

fn is_of(secret: &[u8], hash: &[u8]) -> bool {
    secret::hash(secret).ct_eq(hash).into()
}

fn ended() -> Error {
    Error::new(SESSION_ENDED, "This session has ended. Sign in again.").at(["input", "refreshToken"])
}

/// The three parts of a refresh token.
#[derive(Clone)]
struct Key {
    session: Uuid,
    family: [u8; 16],
    part: Vec<u8>,
}

impl Key {
    fn read(text: &str) -> Option<Self> {
        let bytes: [u8; 64] = secret::decode(text.trim())?;
        let (session, rest) = bytes.split_first_chunk::<16>()?;
        let (family, part) = rest.split_first_chunk::<16>()?;
        Some(Self { session: Uuid::from_bytes(*session), family: *family, part: part.to_vec() })
    }

    fn text(&self) -> String {
        secret::encode(&[self.session.as_bytes(), self.family.as_slice(), &self.part].concat())
    }
}

/// How long the token before the valid one is accepted.
pub(crate) const RACE: Duration = Duration::from_secs(10);
const MOST_SESSIONS: u64 = 50;
