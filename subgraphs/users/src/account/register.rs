//! Registration: asking for an account, and confirming by mail that the address is one's own.
//!
//! Asking takes the same work whether the address is known or not: nobody looks it up. The mail says what is the case, and goes to the owner of
//! the address. So nobody learns from us who has an account. That a username is taken is said at once: usernames are public in the graph,
//! and a person has to choose another one. Neither is reserved by asking, or strangers could keep names and addresses from their owners.

use std::time::Duration;

use sea_orm::{ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter};
use service::{Database, Result, clock};
use uuid::Uuid;

use super::{bad_credentials, bad_token, check, find_by_username, or_taken, username_taken};
use crate::changes::user_changed;
use crate::entity::registration::{Column, Entity, Model};
use crate::entity::user;
use crate::entity::user_role::Role;
use crate::limits::{self, Limit};
use crate::mail::{self, Job};
use crate::session::{Ticket, Visit};
use crate::{password, secret, session};

/// How long the mail can be used.
pub(crate) const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// A request for an account.
#[derive(Clone)]
pub(crate) struct Registration {
    pub(crate) username: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) password: String,
}

/// Takes the request, and sends a mail to the address. Returns the address.
pub(crate) async fn register(database: &Database, wanted: Registration, visit: &Visit) -> Result<String> {
    let username = check::username(&wanted.username)?;
    let name = check::name(&wanted.name)?;
    let email = check::email(&wanted.email)?;
    check::password(&wanted.password, &username, "password")?;
    limits::take(database, &[limits::per_address(visit.address), limits::mails(&email)]).await?;
    if find_by_username(database.reader(), &username).await?.is_some() {
        return Err(username_taken(&username));
    }
    let row = Model {
        id: Uuid::now_v7(),
        token_hash: None,
        username,
        name,
        email: email.clone(),
        password_hash: password::hash(wanted.password).await?,
        expires_at: clock::after(LIFE),
    };
    database
        .write(|tx| {
            let row = row.clone();
            async move {
                let job = Job::Registration { id: row.id };
                Entity::insert(row.into_active_model()).exec_without_returning(&*tx).await?;
                mail::add(&tx, &job).await
            }
        })
        .await?;
    Ok(email)
}

/// Creates the account whose mail the token was in, and signs in. The password shows that whoever read the mail is the one who registered:
/// otherwise a stranger could open an account for somebody who clicks on anything.
pub(crate) async fn confirm(
    database: &Database,
    token: &str,
    password: String,
    visit: &Visit,
    life: Duration,
) -> Result<(user::Model, Ticket)> {
    let hash = secret::token_hash(token).ok_or_else(bad_token)?;
    let found = Entity::find().filter(is_valid(&hash)).one(database.reader()).await?.ok_or_else(bad_token)?;
    let attempts = [limits::per_address(visit.address), Limit::guesses("registration", &found.id.to_string())];
    limits::take(database, &attempts).await?;
    if !password::verify(password, Some(found.password_hash.clone())).await? {
        return Err(bad_credentials().at(["input", "password"]));
    }
    limits::give_back(database, &attempts).await?;
    let written = database
        .write(|tx| {
            let (found, hash) = (found.clone(), hash.clone());
            async move {
                let user = user::Model {
                    id: Uuid::now_v7(),
                    username: found.username,
                    name: found.name,
                    email: found.email,
                    password_hash: Some(found.password_hash),
                    one_time_until: None,
                    created_at: clock::now_millis(),
                };
                if Entity::delete_many().filter(is_valid(&hash)).exec(&*tx).await?.rows_affected == 0 {
                    return Err(bad_token());
                }
                Entity::delete_many().filter(Column::Email.eq(&user.email)).exec(&*tx).await?;
                super::insert(&*tx, &user, &[Role::Customer]).await?;
                user_changed(&tx, user.id).await?;
                let ticket = session::start(&tx, user.id, life).await?;
                Ok((user, ticket))
            }
        })
        .await;
    or_taken(database.reader(), written, &found.username).await
}

fn is_valid(hash: &[u8]) -> Condition {
    Condition::all().add(Column::TokenHash.eq(hash)).add(Column::ExpiresAt.gt(clock::now_millis()))
}
