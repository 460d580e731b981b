//! Another email address: the password shows who asks, a mail to the new address that it is their own. The old address is told.

use std::time::Duration;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};
use service::{Database, Result, clock};
use uuid::Uuid;

use super::password_change::prove;
use super::{bad_token, check, email_taken, find};
use crate::changes::user_changed;
use crate::entity::{mail_token, user};
use crate::mail::{self, Job};
use crate::{limits, secret};

/// How long the mail can be used.
pub(crate) const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// Sends a mail to the new address. Returns the address. Whether somebody has an account with it is not said.
pub(crate) async fn change(database: &Database, id: Uuid, new: &str, password: String) -> Result<String> {
    let email = check::email(new)?;
    limits::take(database, &[limits::mails(&email)]).await?;
    let user = prove(database, id, password, "password").await?;
    database
        .write(|tx| {
            let (user, email) = (user.clone(), email.clone());
            async move {
                mail::add(&tx, &Job::EmailChangeAsked { user: user.id }).await?;
                mail::add(&tx, &Job::EmailChange { user: user.id, email }).await
            }
        })
        .await?;
    Ok(email)
}

/// Makes the address the account's whose mail the token was in.
pub(crate) async fn confirm(database: &Database, token: &str) -> Result<user::Model> {
    let hash = secret::token_hash(token).ok_or_else(bad_token)?;
    let written = database
        .write(|tx| {
            let hash = hash.clone();
            async move {
                let found = mail_token::Entity::find().filter(is_valid(&hash)).one(&*tx).await?;
                let (id, email) = found.and_then(|found| Some((found.user_id, found.email?))).ok_or_else(bad_token)?;
                let user = find(&*tx, id).await?.ok_or_else(bad_token)?;
                if mail_token::Entity::delete_many().filter(is_valid(&hash)).exec(&*tx).await?.rows_affected == 0 {
                    return Err(bad_token());
                }
                // Mails to the old address no longer open the account.
                mail_token::Entity::delete_many().filter(mail_token::Column::UserId.eq(id)).exec(&*tx).await?;
                mail::add(&tx, &Job::EmailChanged { old: user.email.clone(), name: user.name.clone() }).await?;
                user::Entity::update_many()
                    .col_expr(user::Column::Email, Expr::value(email.clone()))
                    .filter(user::Column::Id.eq(id))
                    .exec(&*tx)
                    .await?;
                user_changed(&tx, id).await?;
                Ok(user::Model { email, ..user })
            }
        })
        .await;
    written.map_err(|error| if error.is_duplicate() { email_taken() } else { error })
}

/// That the token is one for an address and has not expired.
fn is_valid(hash: &[u8]) -> Condition {
    Condition::all()
        .add(mail_token::Column::TokenHash.eq(hash))
        .add(mail_token::Column::Email.is_not_null())
        .add(mail_token::Column::ExpiresAt.gt(clock::now_millis()))
}
