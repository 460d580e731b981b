//! How a shop gets an administrator: by command, or at the start by mail. And what a real shop must not have: accounts whose password everybody knows.

use std::collections::BTreeSet;

use anyhow::{Context, bail};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use service::database::Transaction;
use service::{Database, clock};
use uuid::Uuid;

use crate::account::{self, check, find_by_email, find_by_username, roles};
use crate::entity::user::{Column, Entity, Model};
use crate::entity::user_role::Role;
use crate::mail::{self, Job};
use crate::{password, secret};

/// Creates an administrator with a one-time password, and returns the password.
pub(crate) async fn create(
    database: &Database,
    username: &str,
    email: &str,
    name: Option<&str>,
) -> anyhow::Result<String> {
    let username = check::username(username)?;
    let email = check::email(email)?;
    let name = check::name(name.unwrap_or(&username))?;
    let password = secret::one_time_password()?;
    let user = Model {
        id: Uuid::now_v7(),
        username: username.clone(),
        name,
        email,
        password_hash: Some(password::hash(password.clone()).await?),
        one_time_until: Some(clock::after(account::ONE_TIME_LIFE)),
        created_at: clock::now_millis(),
    };
    let written = database.write(|tx| insert(tx, user.clone(), None)).await;
    account::or_taken(database.reader(), written, &username).await?;
    Ok(password)
}

/// Makes the person with this address the administrator, if there is none. A new account gets its password by mail.
pub(crate) async fn bootstrap(database: &Database, email: &str) -> anyhow::Result<()> {
    let email = check::email(email).context("BOOTSTRAP_ADMIN_EMAIL can't be used")?;
    if roles::has_admin(database.reader()).await? {
        return Ok(());
    }
    if let Some(user) = find_by_email(database.reader(), &email).await? {
        roles::grant(database, user.id, Role::Admin).await?;
        tracing::warn!(username = user.username, "The account of BOOTSTRAP_ADMIN_EMAIL is the administrator now");
        return Ok(());
    }
    let id = Uuid::now_v7();
    let username = match find_by_username(database.reader(), USERNAME).await? {
        None => USERNAME.to_owned(),
        Some(_) => format!("{USERNAME}-{}", &id.simple().to_string()[24..]),
    };
    let user = Model {
        id,
        username: username.clone(),
        name: NAME.to_owned(),
        email,
        password_hash: None,
        one_time_until: None,
        created_at: clock::now_millis(),
    };
    match database.write(|tx| insert(tx, user.clone(), Some(Job::FirstAdmin { user: user.id }))).await {
        // Another instance was faster.
        Err(error) if error.is_duplicate() => Ok(()),
        Err(error) => Err(error).context("could not create the first administrator"),
        Ok(()) => {
            tracing::info!(
                username,
                "The first administrator was created; a mail with a one-time password is on its way"
            );
            Ok(())
        }
    }
}

/// An error if an account of the sample data has the password that is in the documentation.
pub(crate) async fn refuse_sample_accounts(database: &Database) -> anyhow::Result<()> {
    let ids = service::sample::users().into_iter().map(|user| user.id);
    let users = Entity::find().filter(Column::Id.is_in(ids)).all(database.reader()).await?;
    // They have one hash, unless somebody has changed their password.
    let hashes: BTreeSet<String> = users.iter().filter_map(|user| user.password_hash.clone()).collect();
    for hash in hashes {
        if password::verify(service::sample::PASSWORD.to_owned(), Some(hash.clone())).await? {
            let of_hash = users.iter().filter(|user| user.password_hash.as_ref() == Some(&hash));
            let (count, first) = (of_hash.clone().count(), of_hash.map(|user| user.username.as_str()).next());
            bail!(
                "the database has {count} sample accounts whose password is public, such as `{}`, but SAMPLE_DATA is false; use another \
                 database, or set SAMPLE_DATA=true if this is not a real shop",
                first.unwrap_or_default()
            );
        }
    }
    Ok(())
}

async fn insert(tx: Transaction, user: Model, job: Option<Job>) -> service::Result<()> {
    account::insert(&*tx, &user, &[Role::Customer, Role::Admin]).await?;
    match job {
        Some(job) => mail::add(&tx, &job).await,
        None => Ok(()),
    }
}

const USERNAME: &str = "admin";
const NAME: &str = "Administrator";
