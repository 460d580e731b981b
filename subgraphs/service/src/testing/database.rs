//! New databases for tests: SQLite always, PostgreSQL if a server is configured. Knows no table.
//!
//! `TEST_DATABASE_URL` is the URL of a PostgreSQL server on which tests may create databases, such as
//! `postgres://postgres@127.0.0.1:5432/postgres`. Every test creates its own and drops it at the end. The connections to
//! it are without TLS, unless the URL has an `sslmode`. Without the variable, tests on PostgreSQL print that they were skipped; with `CI=true` they fail, so that a misconfigured run is
//! never green.

use std::io::Write;

use anyhow::{Context, bail};
use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection};
use tempfile::TempDir;
use uuid::Uuid;

use crate::config::DatabaseConfig;

/// The database of one test. [`TestDatabase::drop_it`] removes it; an SQLite file is also removed on drop.
#[derive(Debug)]
pub struct TestDatabase {
    /// How to connect to it.
    pub config: DatabaseConfig,
    storage: Storage,
}

#[derive(Debug)]
enum Storage {
    Folder(TempDir),
    Server { url: String, name: String },
}

impl TestDatabase {
    /// A database on SQLite.
    pub fn sqlite() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let url = format!("sqlite://{}/test.db?mode=rwc", folder.path().display());
        Ok(Self { config: DatabaseConfig { url, connections: 10 }, storage: Storage::Folder(folder) })
    }

    /// A database on PostgreSQL; none if no server is configured.
    pub async fn postgres() -> anyhow::Result<Option<Self>> {
        let Ok(url) = std::env::var(TEST_DATABASE_URL) else {
            if std::env::var("CI").is_ok_and(|ci| ci == "true") {
                bail!("{TEST_DATABASE_URL} is not set: in CI the tests on PostgreSQL must run");
            }
            writeln!(std::io::stderr(), "skipped: {TEST_DATABASE_URL} is not set")?;
            return Ok(None);
        };
        let name = format!("braid_test_{}", Uuid::new_v4().simple());
        let server = admin(&url).await?;
        server.execute_unprepared(&format!("CREATE DATABASE {name}")).await?;
        server.close().await?;
        let mut own = reqwest::Url::parse(&url).with_context(|| format!("{TEST_DATABASE_URL} is not a URL"))?;
        own.set_path(&name);
        // A handshake for each new connection is most of what a short test waits for.
        if !own.query_pairs().any(|(name, _)| matches!(&*name, "sslmode" | "ssl-mode")) {
            own.query_pairs_mut().append_pair("sslmode", "disable");
        }
        let config = DatabaseConfig { url: own.into(), connections: 10 };
        Ok(Some(Self { config, storage: Storage::Server { url, name } }))
    }

    /// The databases to run a test on: one of each available kind.
    pub async fn each() -> anyhow::Result<Vec<Self>> {
        let mut databases = vec![Self::sqlite()?];
        databases.extend(Self::postgres().await?);
        Ok(databases)
    }

    /// Whether it is on PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        matches!(self.storage, Storage::Server { .. })
    }

    /// Removes the database and ends the connections to it.
    pub async fn drop_it(self) -> anyhow::Result<()> {
        match self.storage {
            Storage::Folder(folder) => Ok(folder.close()?),
            Storage::Server { url, name } => {
                let server = admin(&url).await?;
                server.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
                Ok(server.close().await?)
            }
        }
    }
}

/// The variable that names the PostgreSQL server for tests.
pub const TEST_DATABASE_URL: &str = "TEST_DATABASE_URL";

async fn admin(url: &str) -> anyhow::Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    sea_orm::Database::connect(options)
        .await
        .with_context(|| format!("could not reach the server of {TEST_DATABASE_URL}"))
}
