//! Opens a connection pool on either database. Does not know what runs on it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::future::BoxFuture;
use sea_orm::{ConnectOptions, DatabaseConnection, DbErr};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use crate::config::DatabaseConfig;

use super::fault::is_transient;
use super::retry::Retries;

/// Opens the pool. The future is boxed so that the drivers are compiled here and not in each service.
pub(super) fn connect(config: &DatabaseConfig) -> BoxFuture<'_, anyhow::Result<DatabaseConnection>> {
    Box::pin(pool(config))
}

async fn pool(config: &DatabaseConfig) -> anyhow::Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(&config.url);
    options
        .max_connections(config.connections)
        .acquire_timeout(Duration::from_secs(15))
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    match scheme(&config.url) {
        "sqlite" => {
            make_folder(&config.url)?;
            options.map_sqlx_sqlite_opts(sqlite_options);
        }
        "postgres" | "postgresql" => {
            // Long enough for a PostgreSQL that starts together with us, short enough to report a wrong address soon.
            options.connect_timeout(Duration::from_secs(10));
        }
        _ => bail!("DATABASE_URL must begin with `sqlite://` or `postgres://`"),
    }
    open(options).await.with_context(|| format!("could not open the database {}", without_password(&config.url)))
}

/// Two processes that open a new file at the same time compete to set its journal mode, and SQLite's busy timeout does not
/// apply to that.
async fn open(options: ConnectOptions) -> Result<DatabaseConnection, DbErr> {
    let mut retries = Retries::default();
    loop {
        match sea_orm::Database::connect(options.clone()).await {
            Err(error) if is_transient(&error) && retries.again().await => {}
            done => return done,
        }
    }
}

/// With WAL, readers and the one writer do not block each other. NORMAL syncs at checkpoints only: the file can't be damaged,
/// but power loss may lose the last transactions. FULL keeps every committed transaction.
fn sqlite_options(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options
        .busy_timeout(Duration::from_secs(30))
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
}

fn make_folder(url: &str) -> anyhow::Result<()> {
    let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
    let path = path.split('?').next().unwrap_or_default();
    if path.is_empty() || path.contains(":memory:") {
        bail!(
            "the database must be a file, such as `sqlite://data/name.db?mode=rwc`: a pool can't share an in-memory database"
        );
    }
    match Path::new(path).parent() {
        Some(folder) if !folder.as_os_str().is_empty() => std::fs::create_dir_all(folder)
            .with_context(|| format!("could not create the folder {} for the database", folder.display())),
        _ => Ok(()),
    }
}

fn scheme(url: &str) -> &str {
    url.split(':').next().unwrap_or_default()
}

/// The URL without what a log must not show.
fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(start), Some(at)) if start + 3 <= at => format!("{}://…@{}", &url[..start], &url[at + 1..]),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(without_password("postgres://me:p@ss@host/db"), "postgres://…@host/db");
        assert_eq!(without_password("sqlite://data/a.db?mode=rwc"), "sqlite://data/a.db?mode=rwc");
    }
}
