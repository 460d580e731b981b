//! Signing in with a password. Neither the answer nor the time it takes shows whether an account exists.
//!
//! Guesses are counted before they are checked, so that a thousand at once are not all the first one. They are counted by what was typed and
//! from where; a device that has signed in before is counted by itself. So whoever guesses at somebody's password from elsewhere can't lock
//! that person out: their own device, a session that is open, and a password reset by mail stay possible.
//!
//! Whether an account has a second factor is seen by those only who know its password: with it, the password opens no session but a challenge.

use std::time::Duration;

use sea_orm::{EntityTrait, IntoActiveModel, Set};
use service::database::Transaction;
use service::{Database, Error, Result, clock};

use super::challenge::{self, Challenge, Origin};
use super::{
    NEW_PASSWORD_REQUIRED, bad_credentials, check, find_by_email, find_by_username, lock_proven, second_factor,
};
use crate::entity::user::{Entity, Model};
use crate::limits::{self, Limit};
use crate::session::{self, Ticket, Visit};
use crate::{device, password, secret};

/// Who wants to sign in.
#[derive(Clone)]
pub(crate) struct Credentials {
    /// The username or the address.
    pub(crate) login: String,
    pub(crate) password: String,
    /// Replaces a one-time password.
    pub(crate) new_password: Option<String>,
}

/// What the right password opens.
pub(crate) enum SignedIn {
    /// A session.
    Session(Model, Ticket),
    /// The way to one: the account has a second factor.
    Challenge(Challenge),
}

/// What the credentials open.
pub(crate) async fn sign_in(
    database: &Database,
    credentials: Credentials,
    visit: &Visit,
    life: Duration,
) -> Result<SignedIn> {
    let Credentials { login, password, new_password } = credentials;
    let login = login.trim().to_lowercase();
    if login.len() > LONGEST_LOGIN || password.len() > password::MAX_BYTES {
        return Err(bad_credentials());
    }
    let user = match login.contains('@') {
        true => find_by_email(database.reader(), &login).await?,
        false => find_by_username(database.reader(), &login).await?,
    };
    let (attempts, device) = attempts(database, &login, user.as_ref(), visit).await?;
    limits::take(database, &attempts).await?;
    let hash = user.as_ref().and_then(|user| user.password_hash.clone());
    let right = password::verify(password, hash).await?;
    let user = user.filter(|_| right).ok_or_else(bad_credentials)?;
    let origin = Origin { device, counted: limits::names(&attempts) };
    let opened = open(database, &user, new_password, &origin, life).await;
    // What a challenge has cost is given back when it is completed: otherwise the password would be worth any number of them.
    if !matches!(opened, Ok(SignedIn::Challenge(_))) {
        limits::give_back(database, &attempts).await?;
    }
    opened
}

async fn open(
    database: &Database,
    user: &Model,
    new_password: Option<String>,
    origin: &Origin,
    life: Duration,
) -> Result<SignedIn> {
    let new_hash = replacement(user, new_password).await?;
    database.write(|tx| open_in(tx, user.clone(), new_hash.clone(), origin.clone(), life)).await
}

/// The limits that a guess counts towards, and the user's device from which it comes, if that has shown a second factor.
async fn attempts(
    database: &Database,
    login: &str,
    user: Option<&Model>,
    visit: &Visit,
) -> Result<(Vec<Limit>, Option<String>)> {
    let device = match &visit.device {
        Some(token) => device::find(database, token).await?,
        None => None,
    };
    let mut attempts = vec![limits::per_address(visit.address)];
    if let Some(device) = device.filter(|device| user.is_some_and(|user| user.id == device.user_id)) {
        let name = secret::encode(&device.token_hash);
        attempts.push(Limit::guesses("device", &name));
        return Ok((attempts, (!device.by_mail).then_some(name)));
    }
    let place = limits::place(visit.address);
    attempts.push(Limit::guesses("login", &format!("{login} {place}")));
    attempts.push(Limit::from_everywhere(login));
    Ok((attempts, None))
}

/// The hash of the password that replaces a one-time password.
async fn replacement(user: &Model, new_password: Option<String>) -> Result<Option<String>> {
    let Some(until) = user.one_time_until else {
        return Ok(None);
    };
    if until <= clock::now_millis() {
        return Err(bad_credentials());
    }
    let required =
        || Error::new(NEW_PASSWORD_REQUIRED, "This password is for one use: choose a new one with `newPassword`.");
    let password = new_password.ok_or_else(|| required().at(["input", "newPassword"]))?;
    check::password(&password, &user.username, "newPassword")?;
    Ok(Some(password::hash(password).await?))
}

/// Starts the session, or issues the challenge, unless the password was changed in the meantime.
async fn open_in(
    tx: Transaction,
    user: Model,
    new_hash: Option<String>,
    origin: Origin,
    life: Duration,
) -> Result<SignedIn> {
    let mut user = lock_proven(&tx, &user).await?;
    if let Some(hash) = new_hash {
        user.password_hash = Some(hash);
        user.one_time_until = None;
        let mut change = user.clone().into_active_model();
        change.password_hash = Set(user.password_hash.clone());
        change.one_time_until = Set(None);
        Entity::update(change).exec(&*tx).await?;
    }
    if second_factor::is_on(&*tx, user.id).await? {
        return Ok(SignedIn::Challenge(challenge::issue(&tx, user.id, &origin).await?));
    }
    let ticket = session::start(&tx, user.id, life).await?;
    Ok(SignedIn::Session(user, ticket))
}

/// No username and no address is longer.
const LONGEST_LOGIN: usize = 254;
