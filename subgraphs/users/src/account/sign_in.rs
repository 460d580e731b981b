//! Signing in with a password. Neither the answer nor the time it takes shows whether an account exists.
//!
//! Guesses are counted before they are checked, so that a thousand at once are not all the first one. They are counted by what was typed and
//! from where; a device that has signed in before is counted by itself. So whoever guesses at somebody's password from elsewhere can't lock
//! that person out: their own device, a session that is open, and a password reset by mail stay possible.

use std::time::Duration;

use sea_orm::{EntityTrait, IntoActiveModel, QuerySelect, Set};
use service::database::Transaction;
use service::{Database, Error, Result};

use super::{NEW_PASSWORD_REQUIRED, bad_credentials, check, find_by_email, find_by_username};
use crate::entity::user::{Entity, Model};
use crate::limits::{self, Limit};
use crate::session::{self, Ticket, Visit};
use crate::{clock, device, password};

/// Who wants to sign in.
#[derive(Clone)]
pub(crate) struct Credentials {
    /// The username or the address.
    pub(crate) login: String,
    pub(crate) password: String,
    /// Replaces a one-time password.
    pub(crate) new_password: Option<String>,
}

/// The user with these credentials, and their new session.
pub(crate) async fn sign_in(
    database: &Database,
    credentials: Credentials,
    visit: &Visit,
    life: Duration,
) -> Result<(Model, Ticket)> {
    let Credentials { login, password, new_password } = credentials;
    let login = login.trim().to_lowercase();
    if login.len() > LONGEST_LOGIN || password.len() > password::MAX_BYTES {
        return Err(bad_credentials());
    }
    let user = match login.contains('@') {
        true => find_by_email(database.reader(), &login).await?,
        false => find_by_username(database.reader(), &login).await?,
    };
    let attempts = attempts(database, &login, user.as_ref(), visit).await?;
    limits::take(database, &attempts).await?;
    let hash = user.as_ref().and_then(|user| user.password_hash.clone());
    let right = password::verify(password, hash).await?;
    let user = user.filter(|_| right).ok_or_else(bad_credentials)?;
    limits::give_back(database, &attempts).await?;
    let new_hash = replacement(&user, new_password).await?;
    database.write(|tx| open(tx, user.clone(), new_hash.clone(), life)).await
}

/// The limits that a guess counts towards.
async fn attempts(database: &Database, login: &str, user: Option<&Model>, visit: &Visit) -> Result<Vec<Limit>> {
    let device = match &visit.device {
        Some(token) => device::owner(database, token).await?,
        None => None,
    };
    let mut attempts = vec![limits::per_address(visit.address)];
    match (device, user) {
        (Some((device, owner)), Some(user)) if owner == user.id => attempts.push(Limit::guesses("device", &device)),
        _ => {
            let place = limits::place(visit.address);
            attempts.push(Limit::guesses("login", &format!("{login} {place}")));
            attempts.push(Limit::from_everywhere(login));
        }
    }
    Ok(attempts)
}

/// The hash of the password that replaces a one-time password.
async fn replacement(user: &Model, new_password: Option<String>) -> Result<Option<String>> {
    let Some(until) = user.one_time_until else {
        return Ok(None);
    };
    if until <= clock::now() {
        return Err(bad_credentials());
    }
    let required =
        || Error::new(NEW_PASSWORD_REQUIRED, "This password is for one use: choose a new one with `newPassword`.");
    let password = new_password.ok_or_else(|| required().at(["input", "newPassword"]))?;
    check::password(&password, &user.username, "newPassword")?;
    Ok(Some(password::hash(password).await?))
}

/// Starts the session, unless the password was changed in the meantime.
async fn open(tx: Transaction, user: Model, new_hash: Option<String>, life: Duration) -> Result<(Model, Ticket)> {
    let current = Entity::find_by_id(user.id).lock_exclusive().one(&*tx).await?;
    let mut user = current.filter(|now| now.password_hash == user.password_hash).ok_or_else(bad_credentials)?;
    if let Some(hash) = new_hash {
        user.password_hash = Some(hash);
        user.one_time_until = None;
        let mut change = user.clone().into_active_model();
        change.password_hash = Set(user.password_hash.clone());
        change.one_time_until = Set(None);
        Entity::update(change).exec(&*tx).await?;
    }
    let ticket = session::start(&tx, user.id, life).await?;
    Ok((user, ticket))
}

/// No username and no address is longer.
const LONGEST_LOGIN: usize = 254;
