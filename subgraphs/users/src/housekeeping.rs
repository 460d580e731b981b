//! Removes what is over: sessions, registrations, tokens, counters, keys. All of it is ignored as soon as it is over; this only frees the space.

use std::time::Duration;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use service::{Database, clock, trace};
use tokio_util::sync::CancellationToken;

use crate::entity::{login_challenge, mail_job, mail_token, registration, session};
use crate::{device, keys, limits};

/// Removes it every minute until it is stopped.
pub(crate) async fn run(database: Database, token_life: Duration, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_some() {
        if let Err(error) = trace::background("tidy", tidy(&database, token_life)).await {
            tracing::warn!(error = format!("{error:#}"), "What has expired could not be removed");
        }
    }
}

/// Removes it once. Returns how many rows.
pub(crate) async fn tidy(database: &Database, token_life: Duration) -> anyhow::Result<u64> {
    let (reader, now) = (database.reader(), clock::now_millis());
    let sessions = session::Entity::delete_many().filter(session::Column::ExpiresAt.lte(now)).exec(reader).await?;
    let registrations =
        registration::Entity::delete_many().filter(registration::Column::ExpiresAt.lte(now)).exec(reader).await?;
    let tokens = mail_token::Entity::delete_many().filter(mail_token::Column::ExpiresAt.lte(now)).exec(reader).await?;
    let over = login_challenge::Column::ExpiresAt.lte(now);
    let challenges = login_challenge::Entity::delete_many().filter(over).exec(reader).await?;
    // Nobody sends mail here: what was due days ago is not to be sent when somebody does.
    let stale = mail_job::Column::DueAt.lte(now - clock::millis(STALE));
    let jobs = mail_job::Entity::delete_many().filter(stale).exec(reader).await?;
    let rows = [sessions, registrations, tokens, challenges, jobs].iter().map(|done| done.rows_affected).sum::<u64>();
    keys::forget_expired(database, token_life).await?;
    Ok(rows + device::forget_expired(reader, now).await? + limits::forget_expired(reader, now).await?)
}

const INTERVAL: Duration = Duration::from_secs(60);
const STALE: Duration = Duration::from_secs(2 * 24 * 60 * 60);
