//! How a service opens its database: connected, migrated, with sample data. Knows no table.

use std::sync::Arc;

use anyhow::Context;
use futures_util::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Statement};

use crate::config::Config;
use crate::error::Result;

use super::migrate::{HISTORY, Migrations};
use super::{Database, Transaction, Work, only};

/// Writes a service's sample data.
pub type SampleData = fn(Transaction) -> Work;

/// Opens the database of a service: migrated, and with sample data if that is configured and the database is empty.
pub fn open(
    config: &Config,
    program: &'static str,
    migrations: Migrations,
    sample: SampleData,
) -> BoxFuture<'static, anyhow::Result<Database>> {
    Box::pin(open_with(config.clone(), program, migrations, sample))
}

async fn open_with(
    config: Config,
    program: &'static str,
    migrations: Migrations,
    sample: SampleData,
) -> anyhow::Result<Database> {
    let database = Database::connect(&config.database).await?;
    if config.migrate {
        database.migrate(migrations).await?;
    } else {
        database.expect_migrated(program, migrations).await?;
    }
    if config.wants_sample_data()
        && let Filled::HasData { table } = database.fill(sample).await?
    {
        tracing::info!(table, "No sample data is written: the database has other data");
    }
    Ok(database)
}

/// What happened when sample data was to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filled {
    /// It was written.
    Now,
    /// It had been written before; whether it is still there does not matter.
    Before,
    /// The database has other data, so nothing was written.
    HasData {
        /// A table that is not empty.
        table: String,
    },
}

impl Database {
    /// Writes sample data: only once per database, and only if every table is empty, because the password of sample accounts
    /// is public.
    pub async fn fill(&self, sample: SampleData) -> anyhow::Result<Filled> {
        let (_permit, transaction) = self.begin_locked().await?;
        let backend = transaction.get_database_backend();
        let values = [TASK.into(), crate::clock::now().to_rfc3339().into()];
        transaction.execute_unprepared(CREATE_TASKS).await?;
        let marked = transaction.execute_raw(Statement::from_sql_and_values(backend, MARK_TASK, values)).await?;
        if marked.rows_affected() == 0 {
            transaction.rollback().await?;
            return Ok(Filled::Before);
        }
        if let Some(table) = table_with_data(&transaction).await? {
            transaction.rollback().await?;
            return Ok(Filled::HasData { table });
        }
        let transaction = Arc::new(transaction);
        sample(Arc::clone(&transaction)).await.context("could not write the sample data")?;
        only(transaction)?.commit().await?;
        Ok(Filled::Now)
    }
}

/// A table that has a row, apart from our own bookkeeping.
async fn table_with_data(transaction: &DatabaseTransaction) -> Result<Option<String>, DbErr> {
    let backend = transaction.get_database_backend();
    let list = if backend == DbBackend::Postgres { POSTGRES_TABLES } else { SQLITE_TABLES };
    for row in transaction.query_all_raw(Statement::from_string(backend, list)).await? {
        let table: String = row.try_get("", "name")?;
        if BOOKKEEPING.contains(&table.as_str()) {
            continue;
        }
        let first = format!("SELECT 1 FROM \"{}\" LIMIT 1", table.replace('"', "\"\""));
        if transaction.query_one_raw(Statement::from_string(backend, first)).await?.is_some() {
            return Ok(Some(table));
        }
    }
    Ok(None)
}

pub(super) const POSTGRES_TABLES: &str =
    "SELECT CAST(tablename AS TEXT) AS name FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1";
/// Without what a search index keeps for itself.
pub(super) const SQLITE_TABLES: &str = "SELECT name FROM pragma_table_list \
     WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 1";
const BOOKKEEPING: [&str; 3] = ["completed_tasks", "leases", HISTORY];

const TASK: &str = "sample-data";
const CREATE_TASKS: &str =
    "CREATE TABLE IF NOT EXISTS completed_tasks (name TEXT PRIMARY KEY, completed_at TEXT NOT NULL)";
const MARK_TASK: &str =
    "INSERT INTO completed_tasks (name, completed_at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
