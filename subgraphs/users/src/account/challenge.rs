//! The second step of signing in, where the account has a second factor: the password was right, and the code is still to come.
//!
//! Codes are guessed against limits, as passwords are, so that whoever has the password can neither find a code nor keep the owner out: a
//! device that has shown the second factor before is counted by itself, and recovery codes are never used up by the guesses of others.

use std::time::Duration;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use service::database::Transaction;
use service::{Code, Database, DateTime, Error, Result, clock};
use uuid::Uuid;

use super::second_factor::{Given, tell, use_up};
use super::{bad_code, lock};
use crate::entity::login_challenge::{Column, Entity, Model};
use crate::entity::user;
use crate::limits::{self, Limit};
use crate::mail::FactorChange;
use crate::secret;
use crate::session::{self, Ticket, Visit};

/// The challenge is not valid, or no longer.
pub(crate) const CHALLENGE_ENDED: Code = Code::Own("CHALLENGE_ENDED");

/// How long a code can be given.
pub(crate) const LIFE: Duration = Duration::from_secs(5 * 60);
/// So many wrong codes end a challenge.
pub(crate) const MOST_WRONG_CODES: i32 = 5;

/// What completes a sign-in, together with a code.
#[derive(Debug, Clone)]
pub(crate) struct Challenge {
    pub(crate) token: String,
    pub(crate) expires_at: DateTime,
}

/// What is known of one who has shown the password.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// The device, if it has shown the second factor before.
    pub(crate) device: Option<String>,
    /// The limits that the password was counted towards.
    pub(crate) counted: String,
}

/// A challenge for the user, who is locked.
pub(super) async fn issue(tx: &Transaction, user: Uuid, origin: &Origin) -> Result<Challenge> {
    let (token, token_hash) = secret::token()?;
    let Origin { device, counted } = origin.clone();
    let expires_at = clock::after(LIFE);
    let row = Model { token_hash, user_id: user, device, counted, wrong_codes: 0, expires_at };
    Entity::insert(row.into_active_model()).exec_without_returning(&**tx).await?;
    Ok(Challenge { token, expires_at: clock::to_datetime(expires_at) })
}

/// Starts a session for one who has the challenge, and the second factor of its account.
pub(crate) async fn complete(
    database: &Database,
    token: &str,
    code: &str,
    visit: &Visit,
    life: Duration,
) -> Result<(user::Model, Ticket)> {
    let hash = secret::token_hash(token).ok_or_else(ended)?;
    let open = Entity::find_by_id(hash).filter(Column::ExpiresAt.gt(clock::now_millis()));
    let challenge = open.one(database.reader()).await?.ok_or_else(ended)?;
    let given = Given::read(challenge.user_id, code);
    let attempts = attempts(&challenge, &given, visit);
    limits::take(database, &attempts).await?;
    match database.write(|tx| answer(tx, challenge.clone(), given.clone(), life)).await? {
        Answer::Right(user, ticket) => {
            limits::give_back(database, &attempts).await?;
            limits::give_back_named(database, &challenge.counted).await?;
            Ok((user, ticket))
        }
        Answer::Wrong => Err(bad_code()),
        Answer::TooLate => Err(ended()),
    }
}

/// Ends all challenges of a user.
pub(super) async fn end_all(tx: &Transaction, user: Uuid) -> Result<()> {
    Entity::delete_many().filter(Column::UserId.eq(user)).exec(&**tx).await?;
    Ok(())
}

/// The limits that a guess counts towards.
fn attempts(challenge: &Model, given: &Given, visit: &Visit) -> Vec<Limit> {
    let user = challenge.user_id;
    let from_here = format!("{user} {}", limits::place(visit.address));
    let mut attempts = vec![limits::per_address(visit.address)];
    match (&challenge.device, given) {
        (Some(device), _) => attempts.push(Limit::guesses("code on a device", device)),
        (None, Given::Recovery(_)) => attempts.push(Limit::guesses("recovery", &from_here)),
        (None, Given::Totp(_)) => {
            attempts.push(Limit::guesses("code", &from_here));
            attempts.push(Limit::codes("signing in", user));
        }
    }
    attempts
}

/// What a code was.
enum Answer {
    Right(user::Model, Ticket),
    /// A result and not an error: an error would roll back that it was counted.
    Wrong,
    TooLate,
}

async fn answer(tx: Transaction, challenge: Model, given: Given, life: Duration) -> Result<Answer> {
    // Whoever changes the password or the second factor locks the user, too: either this is before, or the challenge has ended.
    let Some(user) = lock(&tx, challenge.user_id).await? else {
        return Ok(Answer::TooLate);
    };
    let open = Entity::find_by_id(challenge.token_hash).filter(Column::ExpiresAt.gt(clock::now_millis()));
    let Some(challenge) = open.one(&*tx).await? else {
        return Ok(Answer::TooLate);
    };
    if use_up(&tx, user.id, &given).await? {
        Entity::delete_by_id(challenge.token_hash).exec(&*tx).await?;
        let ticket = session::start(&tx, user.id, life).await?;
        return Ok(Answer::Right(user, ticket));
    }
    let wrong_codes = challenge.wrong_codes + 1;
    if wrong_codes >= MOST_WRONG_CODES {
        Entity::delete_by_id(challenge.token_hash).exec(&*tx).await?;
        if limits::allows(&tx, Limit::warnings(user.id)).await? {
            tell(&tx, user.id, FactorChange::WrongCodes).await?;
        }
    } else {
        Entity::update_many()
            .col_expr(Column::WrongCodes, Expr::value(wrong_codes))
            .filter(Column::TokenHash.eq(challenge.token_hash))
            .exec(&*tx)
            .await?;
    }
    Ok(Answer::Wrong)
}

fn ended() -> Error {
    let message = "This sign-in was completed, has expired, or had too many wrong codes. Start again with `login`.";
    Error::new(CHALLENGE_ENDED, message).at(["input", "challenge"])
}
