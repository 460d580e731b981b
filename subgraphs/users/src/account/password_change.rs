//! A new password: by one who knows the old one, or by one who can read the account's mail. Both end all sessions.

use std::time::Duration;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};
use service::database::Transaction;
use service::{Database, Result, clock};
use uuid::Uuid;

use super::{bad_credentials, bad_token, challenge, check, find, no_account, second_factor};
use crate::device::{self, Known};
use crate::entity::{mail_token, user};
use crate::limits::{self, Limit};
use crate::mail::{self, Job};
use crate::session::{self, Ticket, Visit};
use crate::{password, secret};

/// How long the mail can be used.
pub(crate) const LIFE: Duration = Duration::from_secs(60 * 60);

/// Changes the password of a user who knows the old one. All sessions end; the caller gets a new one.
pub(crate) async fn change(
    database: &Database,
    id: Uuid,
    old: String,
    new: String,
    life: Duration,
) -> Result<(user::Model, Ticket)> {
    let user = prove(database, id, old, "oldPassword").await?;
    check::password(&new, &user.username, "newPassword")?;
    let hash = password::hash(new).await?;
    database
        .write(|tx| {
            let (user, hash) = (user.clone(), hash.clone());
            async move {
                let known = Condition::all().add(user::Column::PasswordHash.eq(user.password_hash.clone()));
                if !set(&tx, user.id, hash, Some(known)).await? {
                    return Err(bad_credentials().at(["input", "oldPassword"]));
                }
                mail::add(&tx, &Job::PasswordChanged { user: user.id }).await?;
                let ticket = session::start(&tx, user.id, life).await?;
                Ok((user, ticket))
            }
        })
        .await
}

/// Sends a mail with which its reader can choose a new password, if there is such an account. Nobody looks that up here.
pub(crate) async fn request_reset(database: &Database, email: &str, visit: &Visit) -> Result<()> {
    let email = check::email(email)?;
    limits::take(database, &[limits::per_address(visit.address), limits::mails(&email)]).await?;
    database.write(|tx| add_reset(tx, email.clone())).await
}

async fn add_reset(tx: Transaction, email: String) -> Result<()> {
    mail::add(&tx, &Job::PasswordReset { email }).await
}

/// Sets the password of the account whose mail the token was in. Returns the user, and a token by which this device is known at once: whoever
/// guesses at the password meanwhile does not keep its owner out. The second factor stays: reading a mail does not show it.
pub(crate) async fn reset(database: &Database, token: &str, new: String) -> Result<(user::Model, String)> {
    let hash = secret::token_hash(token).ok_or_else(bad_token)?;
    let found = mail_token::Entity::find().filter(is_valid(&hash)).one(database.reader()).await?;
    let id = found.ok_or_else(bad_token)?.user_id;
    let user = find(database.reader(), id).await?.ok_or_else(bad_token)?;
    check::password(&new, &user.username, "newPassword")?;
    let password = password::hash(new).await?;
    database
        .write(|tx| {
            let (user, hash, password) = (user.clone(), hash.clone(), password.clone());
            async move {
                let used = mail_token::Entity::delete_many().filter(is_valid(&hash)).exec(&*tx).await?;
                if used.rows_affected == 0 || !set(&tx, user.id, password, None).await? {
                    return Err(bad_token());
                }
                mail::add(&tx, &Job::PasswordChanged { user: user.id }).await?;
                let device = device::remember(&tx, user.id, Known::ByMail).await?;
                Ok((user, device))
            }
        })
        .await
}

/// The user, if the password is theirs. The guesses of each user are limited.
pub(super) async fn prove(database: &Database, id: Uuid, password: String, field: &str) -> Result<user::Model> {
    let user = find(database.reader(), id).await?.ok_or_else(no_account)?;
    if password.len() > password::MAX_BYTES {
        return Err(bad_credentials().at(["input", field]));
    }
    let attempts = [Limit::guesses("password", &id.to_string())];
    limits::take(database, &attempts).await?;
    if !password::verify(password, user.password_hash.clone()).await? {
        return Err(bad_credentials().at(["input", field]));
    }
    limits::give_back(database, &attempts).await?;
    Ok(user)
}

/// Sets the password, and ends what the old one opened: sessions, sign-ins and mails that are under way. False if the condition is not met.
async fn set(tx: &Transaction, id: Uuid, hash: String, only_if: Option<Condition>) -> Result<bool> {
    let mut update = user::Entity::update_many()
        .col_expr(user::Column::PasswordHash, Expr::value(hash))
        .col_expr(user::Column::OneTimeUntil, Expr::value(None::<i64>))
        .filter(user::Column::Id.eq(id));
    if let Some(condition) = only_if {
        update = update.filter(condition);
    }
    if update.exec(&**tx).await?.rows_affected == 0 {
        return Ok(false);
    }
    session::end_all(&**tx, id).await?;
    challenge::end_all(tx, id).await?;
    second_factor::forget_enrolment(tx, id).await?;
    mail_token::Entity::delete_many().filter(mail_token::Column::UserId.eq(id)).exec(&**tx).await?;
    Ok(true)
}

/// That the token is one for a new password and has not expired.
fn is_valid(hash: &[u8]) -> Condition {
    Condition::all()
        .add(mail_token::Column::TokenHash.eq(hash))
        .add(mail_token::Column::Email.is_null())
        .add(mail_token::Column::ExpiresAt.gt(clock::now_millis()))
}
