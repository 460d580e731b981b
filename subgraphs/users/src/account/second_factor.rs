//! The second factor of an account: the codes of an app, and recovery codes for one who has lost it. Knows no sign-in.
//!
//! A secret counts once its owner has shown a code of it. Each code is accepted once: the step of the last one is compared and written by the same
//! statement, so of two requests with one code, to whichever instance, one succeeds. Recovery codes are random and long, so nobody guesses
//! them; of the others there are only a million, so guesses are limited far below that.

use std::time::Duration;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter};
use service::database::Transaction;
use service::{Database, Error, Result, clock};
use uuid::Uuid;

use super::password_change::prove;
use super::{bad_code, challenge, lock, lock_proven, no_account};
use crate::changes::user_changed;
use crate::entity::totp_factor::{Column, Entity, Model};
use crate::entity::{recovery_code, user};
use crate::limits::{self, Limit};
use crate::mail::{self, FactorChange, Job};
use crate::session::{self, Ticket};
use crate::{device, secret, totp};

/// How long a new secret can be confirmed.
pub(crate) const ENROLMENT_LIFE: Duration = Duration::from_secs(15 * 60);
/// How many recovery codes there are.
pub(crate) const RECOVERY_CODES: usize = 10;

/// What somebody gives as their second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Given {
    /// The digits that an app shows.
    Totp(String),
    /// The hash of a recovery code.
    Recovery(Vec<u8>),
}

impl Given {
    /// Reads what a person has typed.
    pub(crate) fn read(user: Uuid, text: &str) -> Self {
        let digits: String = text.chars().filter(|c| !c.is_whitespace()).take(totp::DIGITS + 1).collect();
        if digits.len() == totp::DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Self::Totp(digits);
        }
        Self::Recovery(hash(user, text))
    }
}

/// A new secret, for an app.
pub(crate) struct Enrolment {
    pub(crate) secret: String,
    pub(crate) uri: String,
}

/// Makes a secret for a user who knows the password. It replaces one that was not confirmed.
pub(crate) async fn enroll(database: &Database, id: Uuid, password: String, issuer: &str) -> Result<Enrolment> {
    let user = prove(database, id, password, "password").await?;
    let secret = secret::random::<{ totp::SECRET_BYTES }>()?;
    database
        .write(|tx| {
            let user = user.clone();
            async move {
                lock_proven(&tx, &user).await?;
                if is_on(&*tx, id).await? {
                    return Err(already_on());
                }
                Entity::delete_by_id(id).exec(&*tx).await?;
                let secret = secret.to_vec();
                let row =
                    Model { user_id: id, secret, last_step: 0, confirmed_at: None, created_at: clock::now_millis() };
                Entity::insert(row.into_active_model()).exec_without_returning(&*tx).await?;
                Ok(())
            }
        })
        .await?;
    Ok(Enrolment { secret: totp::shown(&secret), uri: totp::uri(&secret, issuer, &user.username) })
}

/// Turns the second factor on for a user whose app shows its codes. All sessions end, and devices are not known any more: whoever else has
/// signed in with the password alone has shown no second factor. Returns a new session, and the recovery codes.
pub(crate) async fn confirm(
    database: &Database,
    id: Uuid,
    code: &str,
    life: Duration,
) -> Result<(user::Model, Ticket, Vec<String>)> {
    let attempts = [Limit::guesses("enrolment", &id.to_string())];
    limits::take(database, &attempts).await?;
    let (given, codes) = (Given::read(id, code), recovery_codes()?);
    let confirmed = database
        .write(|tx| {
            let (given, codes) = (given.clone(), codes.clone());
            async move {
                let user = lock(&tx, id).await?.ok_or_else(no_account)?;
                turn_on(&tx, id, &given).await?;
                replace_recovery_codes(&tx, id, &codes).await?;
                session::end_all(&*tx, id).await?;
                device::forget_all(&*tx, id).await?;
                tell(&tx, id, FactorChange::TurnedOn).await?;
                user_changed(&tx, id).await?;
                let ticket = session::start(&tx, id, life).await?;
                Ok((user, ticket, codes))
            }
        })
        .await?;
    limits::give_back(database, &attempts).await?;
    Ok(confirmed)
}

/// Turns the second factor off for a user who has it, and knows the password. All sessions end; the caller gets a new one.
pub(crate) async fn disable(
    database: &Database,
    id: Uuid,
    password: String,
    code: &str,
    life: Duration,
) -> Result<(user::Model, Ticket)> {
    let shown = Shown::read(database, id, password, code).await?;
    let done = database
        .write(|tx| {
            let shown = shown.clone();
            async move {
                let user = shown.use_up(&tx).await?;
                remove(&tx, id).await?;
                let ticket = session::start(&tx, id, life).await?;
                Ok((user, ticket))
            }
        })
        .await?;
    shown.give_back(database).await?;
    Ok(done)
}

/// Replaces all recovery codes of a user who has the second factor, and knows the password.
pub(crate) async fn regenerate(database: &Database, id: Uuid, password: String, code: &str) -> Result<Vec<String>> {
    let (shown, codes) = (Shown::read(database, id, password, code).await?, recovery_codes()?);
    database
        .write(|tx| {
            let (shown, codes) = (shown.clone(), codes.clone());
            async move {
                shown.use_up(&tx).await?;
                replace_recovery_codes(&tx, id, &codes).await?;
                tell(&tx, id, FactorChange::NewRecoveryCodes).await
            }
        })
        .await?;
    shown.give_back(database).await?;
    Ok(codes)
}

/// Takes the second factor from a user who has lost it. `None`: there is no such user.
pub(crate) async fn clear(database: &Database, id: Uuid) -> Result<Option<user::Model>> {
    database
        .write(|tx| async move {
            let user = lock(&tx, id).await?;
            if is_on(&*tx, id).await? {
                remove(&tx, id).await?;
            }
            Ok(user)
        })
        .await
}

/// Whether signing in takes a code. Decides only with the user locked: otherwise it may be true a moment later.
pub(crate) async fn is_on(database: &impl ConnectionTrait, user: Uuid) -> Result<bool> {
    Ok(Entity::find_by_id(user).filter(Column::ConfirmedAt.is_not_null()).one(database).await?.is_some())
}

/// Whether the code is the user's, who is locked. It is used up by that.
pub(crate) async fn use_up(tx: &Transaction, user: Uuid, given: &Given) -> Result<bool> {
    let used = match given {
        Given::Totp(code) => {
            let confirmed = Column::ConfirmedAt.is_not_null();
            let Some(factor) = Entity::find_by_id(user).filter(confirmed).one(&**tx).await? else {
                return Ok(false);
            };
            let Some(step) = totp::matching_step(&factor.secret, code, clock::now_millis()) else {
                return Ok(false);
            };
            let newer = Entity::update_many()
                .col_expr(Column::LastStep, Expr::value(step))
                .filter(Column::UserId.eq(user))
                .filter(Column::LastStep.lt(step));
            newer.exec(&**tx).await?.rows_affected
        }
        Given::Recovery(hash) => {
            let used = recovery_code::Entity::delete_by_id((user, hash.clone())).exec(&**tx).await?.rows_affected;
            if used > 0 {
                let of_user = recovery_code::Entity::find().filter(recovery_code::Column::UserId.eq(user));
                tell(tx, user, FactorChange::RecoveryCodeUsed { left: of_user.count(&**tx).await? }).await?;
            }
            used
        }
    };
    Ok(used > 0)
}

/// Forgets a secret that was not confirmed.
pub(super) async fn forget_enrolment(tx: &Transaction, user: Uuid) -> Result<()> {
    Entity::delete_by_id(user).filter(Column::ConfirmedAt.is_null()).exec(&**tx).await?;
    Ok(())
}

/// Tells the owner.
pub(super) async fn tell(tx: &Transaction, user: Uuid, change: FactorChange) -> Result<()> {
    mail::add(tx, &Job::SecondFactor { user, change }).await
}

/// The password and the second factor of a user who is signed in.
#[derive(Clone)]
struct Shown {
    user: user::Model,
    given: Given,
    attempts: [Limit; 1],
}

impl Shown {
    async fn read(database: &Database, id: Uuid, password: String, code: &str) -> Result<Self> {
        let user = prove(database, id, password, "password").await?;
        if !is_on(database.reader(), id).await? {
            return Err(not_on());
        }
        let given = Given::read(id, code);
        let attempts = match given {
            Given::Totp(_) => [Limit::codes("signed in", id)],
            Given::Recovery(_) => [Limit::guesses("recovery", &id.to_string())],
        };
        limits::take(database, &attempts).await?;
        Ok(Self { user, given, attempts })
    }

    /// Locks the user, and uses the code up.
    async fn use_up(&self, tx: &Transaction) -> Result<user::Model> {
        let user = lock_proven(tx, &self.user).await?;
        if use_up(tx, user.id, &self.given).await? { Ok(user) } else { Err(bad_code()) }
    }

    async fn give_back(&self, database: &Database) -> Result<()> {
        limits::give_back(database, &self.attempts).await
    }
}

async fn turn_on(tx: &Transaction, id: Uuid, given: &Given) -> Result<()> {
    let factor = Entity::find_by_id(id).one(&**tx).await?.ok_or_else(no_enrolment)?;
    if factor.confirmed_at.is_some() {
        return Err(already_on());
    }
    if factor.created_at <= clock::now_millis() - clock::millis(ENROLMENT_LIFE) {
        return Err(no_enrolment());
    }
    let step = match given {
        Given::Totp(code) => totp::matching_step(&factor.secret, code, clock::now_millis()),
        Given::Recovery(_) => None,
    };
    Entity::update_many()
        .col_expr(Column::ConfirmedAt, Expr::value(clock::now_millis()))
        .col_expr(Column::LastStep, Expr::value(step.ok_or_else(bad_code)?))
        .filter(Column::UserId.eq(id))
        .exec(&**tx)
        .await?;
    Ok(())
}

/// Removes the second factor and all that belongs to it, and ends what was opened with it.
async fn remove(tx: &Transaction, id: Uuid) -> Result<()> {
    Entity::delete_by_id(id).exec(&**tx).await?;
    recovery_code::Entity::delete_many().filter(recovery_code::Column::UserId.eq(id)).exec(&**tx).await?;
    challenge::end_all(tx, id).await?;
    session::end_all(&**tx, id).await?;
    tell(tx, id, FactorChange::TurnedOff).await?;
    user_changed(tx, id).await
}

async fn replace_recovery_codes(tx: &Transaction, id: Uuid, codes: &[String]) -> Result<()> {
    recovery_code::Entity::delete_many().filter(recovery_code::Column::UserId.eq(id)).exec(&**tx).await?;
    let rows =
        codes.iter().map(|code| recovery_code::Model { user_id: id, code_hash: hash(id, code) }.into_active_model());
    recovery_code::Entity::insert_many(rows).exec_without_returning(&**tx).await?;
    Ok(())
}

fn recovery_codes() -> Result<Vec<String>> {
    (0..RECOVERY_CODES).map(|_| secret::recovery_code()).collect()
}

/// What is stored of a recovery code, however it was typed. The user is part of it, so that one guess is not one for all users.
fn hash(user: Uuid, code: &str) -> Vec<u8> {
    secret::derive(user.as_bytes(), secret::as_written(code).as_bytes())
}

fn already_on() -> Error {
    Error::conflict("The account has a second factor already. To use another app, disable it first.")
}

fn not_on() -> Error {
    Error::conflict("The account has no second factor.")
}

fn no_enrolment() -> Error {
    Error::conflict("There is no new secret to confirm, or it has expired. Ask for one with `enrollTotp`.")
}
