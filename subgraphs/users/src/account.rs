//! Accounts: registration, signing in, changes. Knows no GraphQL and no tokens.

use sea_orm::prelude::TextUuid;
use sea_orm::{ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter, Set, SqlErr};
use service::database::Transaction;
use service::{Code, Database, Error, Result};
use uuid::Uuid;

use crate::entity::user::{Column, Entity, Model, Role, Roles};
use crate::password;

/// The password is wrong, or there is no such user.
pub(crate) const BAD_CREDENTIALS: Code = Code::Own("BAD_CREDENTIALS");
/// The username is already taken.
pub(crate) const USERNAME_TAKEN: Code = Code::Own("USERNAME_TAKEN");
/// The email address is already taken.
pub(crate) const EMAIL_TAKEN: Code = Code::Own("EMAIL_TAKEN");
/// The password is too easy to guess.
pub(crate) const WEAK_PASSWORD: Code = Code::Own("WEAK_PASSWORD");

/// A request for an account.
pub(crate) struct Registration {
    pub(crate) username: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) password: String,
}

/// The changes of an account. Fields that are `None` keep their value.
pub(crate) struct Changes {
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
}

/// Creates a customer's account.
pub(crate) async fn register(database: &Database, wanted: Registration) -> Result<Model> {
    let username = check_username(&wanted.username)?;
    let name = check_name(&wanted.name)?;
    let email = check_email(&wanted.email)?;
    if let Some(weakness) = password::weakness(&wanted.password, &username) {
        return Err(Error::new(WEAK_PASSWORD, format!("Choose another password: {weakness}.")));
    }
    check_free(database, Some(&username), Some(&email), None).await?;
    let hash = password::hash(wanted.password).await?;
    let user = Model {
        id: Uuid::now_v7().into(),
        username,
        name,
        email,
        roles: Roles(vec![Role::Customer]),
        password_hash: Some(hash),
        created_at: service::now().timestamp_millis(),
    };
    let written = database.write(|tx| insert(tx, user.clone())).await;
    or_taken(database, written, Some(&user.username), Some(&user.email), None).await
}

/// The user with these credentials. Neither the error nor the time it takes shows what is wrong with bad ones.
pub(crate) async fn sign_in(database: &Database, username: &str, password: String) -> Result<Model> {
    let user =
        Entity::find().filter(Column::Username.eq(username.trim().to_lowercase())).one(database.reader()).await?;
    let hash = user.as_ref().and_then(|user| user.password_hash.clone());
    if password.len() > password::MAX_BYTES {
        return Err(bad_credentials());
    }
    let right = password::verify(password, hash).await?;
    user.filter(|_| right).ok_or_else(bad_credentials)
}

/// Changes an account.
pub(crate) async fn update(database: &Database, id: Uuid, changes: Changes) -> Result<Model> {
    let name = changes.name.as_deref().map(check_name).transpose()?;
    let email = changes.email.as_deref().map(check_email).transpose()?;
    check_free(database, None, email.as_deref(), Some(id)).await?;
    let written = database.write(|tx| change(tx, id, name.clone(), email.clone())).await;
    or_taken(database, written, None, email.as_deref(), Some(id)).await
}

async fn insert(tx: Transaction, user: Model) -> Result<Model> {
    Entity::insert(user.clone().into_active_model()).exec_without_returning(&*tx).await?;
    Ok(user)
}

async fn change(tx: Transaction, id: Uuid, name: Option<String>, email: Option<String>) -> Result<Model> {
    let user = Entity::find_by_id(id).one(&*tx).await?;
    let mut user = user.ok_or_else(|| Error::not_found("Your account no longer exists."))?.into_active_model();
    if let Some(name) = name {
        user.name = Set(name);
    }
    if let Some(email) = email {
        user.email = Set(email);
    }
    Ok(user.update(&*tx).await?)
}

/// An error if someone else has the username or the email address.
async fn check_free(database: &Database, username: Option<&str>, email: Option<&str>, own: Option<Uuid>) -> Result<()> {
    if let Some(username) = username {
        let taken = Entity::find().filter(Column::Username.eq(username)).one(database.reader()).await?;
        if taken.is_some_and(|user| Some(user.id.0) != own) {
            return Err(Error::new(USERNAME_TAKEN, format!("The username `{username}` is taken; choose another.")));
        }
    }
    if let Some(email) = email {
        let taken = Entity::find().filter(Column::Email.eq(email)).one(database.reader()).await?;
        if taken.is_some_and(|user| Some(user.id.0) != own) {
            return Err(Error::new(EMAIL_TAKEN, "There is already an account with this email address; sign in to it."));
        }
    }
    Ok(())
}

/// Someone may have taken the name between our check and our write. Then the database reports it, and we find out what was
/// taken.
async fn or_taken(
    database: &Database,
    written: Result<Model>,
    username: Option<&str>,
    email: Option<&str>,
    own: Option<Uuid>,
) -> Result<Model> {
    match written {
        Err(error) if is_taken(&error) => {
            check_free(database, username, email, own).await?;
            Err(error)
        }
        written => written,
    }
}

fn is_taken(error: &Error) -> bool {
    let error = error.database().and_then(DbErr::sql_err);
    matches!(error, Some(SqlErr::UniqueConstraintViolation(_)))
}

fn bad_credentials() -> Error {
    Error::new(BAD_CREDENTIALS, "The username or the password is wrong.")
}

/// A username as it is stored: in lower case, of characters that can't be mistaken for others.
fn check_username(text: &str) -> Result<String> {
    let username = text.trim().to_lowercase();
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    let fits = (3..=32).contains(&username.len())
        && username.chars().all(allowed)
        && username.starts_with(|c: char| c.is_ascii_lowercase());
    if fits {
        Ok(username)
    } else {
        Err(Error::bad_input(
            "`username` must have 3 to 32 of the characters a-z, 0-9, `.`, `_` and `-`, and start with a letter.",
        ))
    }
}

fn check_name(text: &str) -> Result<String> {
    let name = text.trim();
    if (1..=100).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        Ok(name.to_owned())
    } else {
        Err(Error::bad_input("`name` must have 1 to 100 characters."))
    }
}

/// An email address as it is stored. Without sending mail to it, only its form can be checked.
fn check_email(text: &str) -> Result<String> {
    let email = text.trim().to_lowercase();
    let well_formed = email.len() <= 254
        && !email.chars().any(|c| c.is_whitespace() || c.is_control())
        && email.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && !domain.contains('@')
                && domain.split('.').all(|label| !label.is_empty())
                && domain.contains('.')
        });
    if well_formed {
        Ok(email)
    } else {
        Err(Error::bad_input("`email` must be an address such as `name@example.com`."))
    }
}

/// A user's id, if the text can be one.
pub(crate) fn parse_id(id: &str) -> Option<TextUuid> {
    Uuid::parse_str(id).ok().map(TextUuid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_are_stored_in_one_form() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(check_username(text).ok().as_deref(), expected, "{text}");
        };
        check(" Ada ", Some("ada"));
        check("ada.b-c_9", Some("ada.b-c_9"));
        check("ad", None);
        check("9ada", None);
        check("ädä", None);
        check("ada b", None);
        check(&"a".repeat(33), None);
    }

    #[test]
    fn email_addresses_are_stored_in_one_form() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(check_email(text).ok().as_deref(), expected, "{text}");
        };
        check("Ada@Example.com", Some("ada@example.com"));
        check("a@b.c", Some("a@b.c"));
        check("ada", None);
        check("ada@", None);
        check("@example.com", None);
        check("ada@example", None);
        check("ada@example..com", None);
        check("a@b@example.com", None);
        check("a b@example.com", None);
    }
}
