//! Work that only one of several instances may do at a time: a row of the database says who, and until when. Knows no work.

use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

use crate::error::Result;

use super::Database;

/// The right to do a piece of work. It ends by itself, so that an instance that dies holds nothing up.
///
/// An instance that stands still for longer than the lease may still be at work when the next one begins: what it does must not be wrong then,
/// only superfluous.
#[derive(Debug)]
pub struct Lease {
    database: Database,
    name: String,
    holder: String,
    length: Duration,
    renewed_at: Instant,
}

impl Lease {
    /// Takes the lease of this name for so long; none if another instance has it.
    pub async fn take(database: &Database, name: &str, length: Duration) -> Result<Option<Self>> {
        let mut lease = Self {
            database: database.clone(),
            name: name.to_owned(),
            holder: Uuid::new_v4().to_string(),
            length,
            renewed_at: Instant::now(),
        };
        Ok(lease.renew().await?.then_some(lease))
    }

    /// Takes the lease again if less than half of it is left. False if it ended and another instance has it.
    pub async fn keep(&mut self) -> Result<bool> {
        if self.renewed_at.elapsed() < self.length / 2 {
            return Ok(true);
        }
        self.renew().await
    }

    /// Takes the lease for its whole length again. False if it ended and another instance has it.
    pub async fn renew(&mut self) -> Result<bool> {
        // Before the database is asked: the lease must not end there sooner than it seems to here.
        let asked_at = Instant::now();
        let milliseconds = i64::try_from(self.length.as_millis()).unwrap_or(i64::MAX);
        let backend = self.database.reader().get_database_backend();
        let now = now(backend);
        // The time is the database's: instances need not agree on theirs.
        let sql = format!(
            "INSERT INTO leases (name, holder, ends_at) VALUES ($1, $2, {now} + $3) \
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, ends_at = excluded.ends_at \
             WHERE leases.holder = excluded.holder OR leases.ends_at < {now}"
        );
        let values = [self.name.as_str().into(), self.holder.as_str().into(), milliseconds.into()];
        let statement = Statement::from_sql_and_values(backend, sql, values);
        let is_held = self
            .database
            .write(|tx| {
                let statement = statement.clone();
                async move { Ok(tx.execute_raw(statement).await?.rows_affected() == 1) }
            })
            .await?;
        if is_held {
            self.renewed_at = asked_at;
        }
        Ok(is_held)
    }

    /// Gives the lease back, so that another instance need not wait for its end.
    pub async fn release(self) -> Result<()> {
        let backend = self.database.reader().get_database_backend();
        let sql = "DELETE FROM leases WHERE name = $1 AND holder = $2";
        let values = [self.name.as_str().into(), self.holder.as_str().into()];
        let statement = Statement::from_sql_and_values(backend, sql, values);
        self.database
            .write(|tx| {
                let statement = statement.clone();
                async move {
                    tx.execute_raw(statement).await?;
                    Ok(())
                }
            })
            .await
    }
}

/// The database's time in milliseconds since 1970.
fn now(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
        _ => "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
    }
}

/// The table of the leases; every service has it.
pub(super) const CREATE: &str = "CREATE TABLE IF NOT EXISTS leases (name VARCHAR(100) PRIMARY KEY, holder VARCHAR(36) NOT NULL, ends_at BIGINT NOT NULL)";
