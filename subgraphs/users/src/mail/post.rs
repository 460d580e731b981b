//! The worker that writes and sends the mails. Of several instances, each takes other jobs. A mail is sent at least once.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::sea_query::{Expr, LockBehavior, LockType};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use service::database::Transaction;
use service::{Database, Error, Result, clock, trace};
use tokio_util::sync::CancellationToken;

use super::letters::Links;
use super::{Job, Mail, Mailer, PATIENCE};
use crate::account::{email, find, find_by_email, password_change};
use crate::entity::{mail_job, mail_token, registration, user};
use crate::{account, password, secret};

/// What the worker needs.
#[derive(Clone)]
pub(crate) struct Post {
    database: Database,
    mailer: Arc<dyn Mailer>,
    links: Links,
}

impl Post {
    /// Sends with this mailer. `account_url` is the page that links lead to.
    pub(crate) fn new(database: Database, mailer: Arc<dyn Mailer>, account_url: Option<String>) -> Self {
        Self { database, mailer, links: Links { base: account_url } }
    }
}

/// Sends mails until it is stopped.
pub(crate) async fn run(post: Post, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let sent = match send_next(&post).await {
            Ok(sent) => sent,
            Err(error) => {
                tracing::warn!(error = cause(&error), "Mails can't be read from the database");
                false
            }
        };
        if !sent && stop.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_none() {
            return;
        }
    }
}

/// Sends the mail that is due first; false if none is.
pub(crate) async fn send_next(post: &Post) -> Result<bool> {
    let Some(row) = post.database.write(claim).await? else {
        return Ok(false);
    };
    trace::background("send mail", handle(post, &row)).await?;
    Ok(true)
}

async fn handle(post: &Post, row: &mail_job::Model) -> Result<()> {
    let handled = match serde_json::from_str(&row.job) {
        Ok(job) => deliver(post, job).await,
        Err(error) => Err(Error::internal(error)),
    };
    match handled {
        Ok(()) => forget(post, row).await?,
        Err(error) if row.attempts >= MOST_ATTEMPTS => {
            tracing::error!(job = %row.id, error = cause(&error), "A mail can't be sent and is given up");
            forget(post, row).await?;
        }
        Err(error) => tracing::warn!(job = %row.id, error = cause(&error), "A mail can't be sent; it is tried again"),
    }
    Ok(())
}

async fn forget(post: &Post, row: &mail_job::Model) -> Result<()> {
    mail_job::Entity::delete_by_id(row.id).exec(post.database.reader()).await?;
    Ok(())
}

/// Takes a job: others see it again when the time for a try is over, which also is the wait after a failure.
async fn claim(tx: Transaction) -> Result<Option<mail_job::Model>> {
    let due = mail_job::Entity::find()
        .filter(mail_job::Column::DueAt.lte(clock::now_millis()))
        .order_by_asc(mail_job::Column::DueAt)
        .order_by_asc(mail_job::Column::Id)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .limit(1)
        .one(&*tx)
        .await?;
    let Some(mut row) = due else {
        return Ok(None);
    };
    row.attempts += 1;
    let factor = 1 << row.attempts.clamp(1, 10);
    mail_job::Entity::update_many()
        .col_expr(mail_job::Column::Attempts, Expr::value(row.attempts))
        .col_expr(mail_job::Column::DueAt, Expr::value(clock::after(PATIENCE * factor / 2)))
        .filter(mail_job::Column::Id.eq(row.id))
        .exec(&*tx)
        .await?;
    Ok(Some(row))
}

async fn deliver(post: &Post, job: Job) -> Result<()> {
    let Some(mail) = write(post, job).await? else {
        return Ok(());
    };
    let sent = tokio::time::timeout(PATIENCE / 2, post.mailer.send(&mail)).await;
    sent.map_err(Error::internal)?.map_err(Error::internal)
}

/// The mail of a job; none if there is nothing to say any more, or nobody to say it to.
async fn write(post: &Post, job: Job) -> Result<Option<Mail>> {
    let (database, links) = (post.database.reader(), &post.links);
    Ok(match job {
        Job::Registration { id } => registration_mail(post, id).await?,
        Job::PasswordReset { email } => match find_by_email(database, &email).await? {
            Some(user) => {
                let token = add_token(post, &user, None, password_change::LIFE).await?;
                Some(links.reset_password(&user.email, &user.name, &user.username, &token))
            }
            None => None,
        },
        Job::EmailChange { user, email } => match (find(database, user).await?, find_by_email(database, &email).await?)
        {
            (Some(_), Some(owner)) => Some(links.address_has_account(&owner.email, &owner.name)),
            (Some(user), None) => {
                let token = add_token(post, &user, Some(email.clone()), email::LIFE).await?;
                Some(links.confirm_email(&email, &user.name, &token))
            }
            (None, _) => None,
        },
        Job::PasswordChanged { user } => {
            find(database, user).await?.map(|user| links.password_changed(&user.email, &user.name))
        }
        Job::EmailChangeAsked { user } => {
            find(database, user).await?.map(|user| links.email_change_asked(&user.email, &user.name))
        }
        Job::EmailChanged { old, name } => Some(links.email_changed(&old, &name)),
        Job::SessionStolen { user } => {
            find(database, user).await?.map(|user| links.session_stolen(&user.email, &user.name))
        }
        Job::SecondFactor { user, change } => {
            find(database, user).await?.map(|user| links.second_factor(&user.email, &user.name, change))
        }
        Job::FirstAdmin { user } => first_admin_mail(post, user).await?,
    })
}

async fn registration_mail(post: &Post, id: uuid::Uuid) -> Result<Option<Mail>> {
    let database = post.database.reader();
    let Some(asked) = registration::Entity::find_by_id(id).one(database).await? else {
        return Ok(None);
    };
    if let Some(owner) = find_by_email(database, &asked.email).await? {
        registration::Entity::delete_by_id(id).exec(database).await?;
        return Ok(Some(post.links.already_registered(&owner.email, &owner.name, &owner.username)));
    }
    let (token, hash) = secret::token()?;
    registration::Entity::update_many()
        .col_expr(registration::Column::TokenHash, Expr::value(hash))
        .filter(registration::Column::Id.eq(id))
        .exec(database)
        .await?;
    Ok(Some(post.links.confirm_registration(&asked.email, &asked.name, &token)))
}

/// Gives the first administrator a password, unless they have one of their own by now.
async fn first_admin_mail(post: &Post, id: uuid::Uuid) -> Result<Option<Mail>> {
    let user = find(post.database.reader(), id).await?;
    let Some(user) = user.filter(|user| user.password_hash.is_none() || user.one_time_until.is_some()) else {
        return Ok(None);
    };
    let password = secret::one_time_password()?;
    let hash = password::hash(password.clone()).await?;
    let unchanged = match &user.password_hash {
        Some(hash) => user::Column::PasswordHash.eq(hash),
        None => user::Column::PasswordHash.is_null(),
    };
    let set = user::Entity::update_many()
        .col_expr(user::Column::PasswordHash, Expr::value(hash))
        .col_expr(user::Column::OneTimeUntil, Expr::value(clock::after(account::ONE_TIME_LIFE)))
        .filter(user::Column::Id.eq(id))
        .filter(unchanged)
        .exec(post.database.reader())
        .await?;
    Ok((set.rows_affected > 0).then(|| post.links.first_admin(&user.email, &user.username, &password)))
}

/// A token for the user, whose hash is stored.
async fn add_token(post: &Post, user: &user::Model, email: Option<String>, life: Duration) -> Result<String> {
    let (token, token_hash) = secret::token()?;
    let row = mail_token::Model { token_hash, user_id: user.id, email, expires_at: clock::after(life) };
    mail_token::Entity::insert(row.into_active_model()).exec_without_returning(post.database.reader()).await?;
    Ok(token)
}

/// The cause of an error, for the log: where the mail went is no secret there, what was in it is.
fn cause(error: &Error) -> String {
    match error {
        Error::Internal(cause) => format!("{cause:#}"),
        error => error.to_string(),
    }
}

/// How often the worker looks for jobs.
const INTERVAL: Duration = Duration::from_millis(500);
/// The last try is some eight hours after the first.
const MOST_ATTEMPTS: i32 = 10;
