//! Accounts: who has one, how one comes to have it, and what changes it. Knows no GraphQL and no tokens of the router.

pub(crate) mod challenge;
pub(crate) mod check;
pub(crate) mod email;
pub(crate) mod password_change;
pub(crate) mod profile;
pub(crate) mod register;
pub(crate) mod roles;
pub(crate) mod second_factor;
pub(crate) mod sign_in;

use std::time::Duration;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect};
use service::database::Transaction;
use service::{Code, Error, Result};
use uuid::Uuid;

use crate::entity::user::{Column, Entity, Model};
use crate::entity::user_role::{self, Role};

/// The password is wrong, or there is no such user.
pub(crate) const BAD_CREDENTIALS: Code = Code::Own("BAD_CREDENTIALS");
/// The username is already taken.
pub(crate) const USERNAME_TAKEN: Code = Code::Own("USERNAME_TAKEN");
/// The email address is already taken.
pub(crate) const EMAIL_TAKEN: Code = Code::Own("EMAIL_TAKEN");
/// The password is too easy to guess.
pub(crate) const WEAK_PASSWORD: Code = Code::Own("WEAK_PASSWORD");
/// The password is right, but for one use only.
pub(crate) const NEW_PASSWORD_REQUIRED: Code = Code::Own("NEW_PASSWORD_REQUIRED");
/// A token is not valid, or no longer.
pub(crate) const BAD_TOKEN: Code = Code::Own("BAD_TOKEN");
/// A code of an app, or a recovery code, is not valid, or no longer.
pub(crate) const BAD_CODE: Code = Code::Own("BAD_CODE");
/// The only administrator must stay one.
pub(crate) const LAST_ADMIN: Code = Code::Own("LAST_ADMIN");

/// How long a one-time password can be used.
pub(crate) const ONE_TIME_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// The user with this id.
pub(crate) async fn find(database: &impl ConnectionTrait, id: Uuid) -> Result<Option<Model>> {
    Ok(Entity::find_by_id(id).one(database).await?)
}

/// The user with this address.
pub(crate) async fn find_by_email(database: &impl ConnectionTrait, email: &str) -> Result<Option<Model>> {
    Ok(Entity::find().filter(Column::Email.eq(email)).one(database).await?)
}

/// The user with this username.
pub(crate) async fn find_by_username(database: &impl ConnectionTrait, username: &str) -> Result<Option<Model>> {
    Ok(Entity::find().filter(Column::Username.eq(username)).one(database).await?)
}

/// The user with this id, whose row nobody else changes until the end of the transaction.
pub(crate) async fn lock(tx: &Transaction, id: Uuid) -> Result<Option<Model>> {
    Ok(Entity::find_by_id(id).lock_exclusive().one(&**tx).await?)
}

/// A user who has shown their password, locked; an error if it was changed in the meantime.
async fn lock_proven(tx: &Transaction, user: &Model) -> Result<Model> {
    let current = lock(tx, user.id).await?;
    current.filter(|now| now.password_hash == user.password_hash).ok_or_else(bad_credentials)
}

/// Adds an account and its roles.
pub(crate) async fn insert(tx: &impl ConnectionTrait, user: &Model, roles: &[Role]) -> Result<()> {
    Entity::insert(user.clone().into_active_model()).exec_without_returning(tx).await?;
    let roles = roles.iter().map(|role| user_role::Model { user_id: user.id, role: *role }.into_active_model());
    user_role::Entity::insert_many(roles).exec_without_returning(tx).await?;
    Ok(())
}

/// The database's complaint that somebody else has the username or the address, in our words; other errors as they are.
pub(crate) async fn or_taken<T>(database: &impl ConnectionTrait, written: Result<T>, username: &str) -> Result<T> {
    match written {
        Err(error) if error.is_duplicate() => match find_by_username(database, username).await? {
            Some(_) => Err(username_taken(username)),
            None => Err(email_taken()),
        },
        written => written,
    }
}

fn username_taken(username: &str) -> Error {
    Error::new(USERNAME_TAKEN, format!("The username `{username}` is taken; choose another.")).at(["input", "username"])
}

fn email_taken() -> Error {
    Error::new(EMAIL_TAKEN, "There is already an account with this email address; sign in to it.")
}

fn bad_credentials() -> Error {
    Error::new(BAD_CREDENTIALS, "The username or the password is wrong.")
}

fn bad_token() -> Error {
    Error::new(BAD_TOKEN, "This token is not valid: it was used, has expired, or was mistyped. Ask for a new mail.")
        .at(["input", "token"])
}

fn bad_code() -> Error {
    let message = "The code is wrong, was used already, or is of another time. Take the one that the app shows next, or a recovery code.";
    Error::new(BAD_CODE, message).at(["input", "code"])
}

pub(crate) fn no_user() -> Error {
    Error::not_found("There is no user with this id.").at(["input", "userId"])
}

fn no_account() -> Error {
    Error::new(Code::Unauthenticated, "The account that the token is for no longer exists.")
}
